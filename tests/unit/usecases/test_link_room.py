"""The hard stop: who keeps a link where not all fit, and what is said of it."""

from dataclasses import dataclass, field

import pytest

from service.domain.ids import SessionId
from service.domain.session import Session
from service.usecases.link_room import LinkRoom
from tests.support.visit_stage import Stage, on_virtual_time, staged


@dataclass
class Rooms:
    """A room for two, and who was sent away."""

    stage: Stage
    gone: list[SessionId] = field(default_factory=list)
    room: LinkRoom = field(init=False)

    def __post_init__(self) -> None:
        self.room = LinkRoom(sessions=self.stage.ports.sessions, most=2, evict=self.gone.append)

    async def spoken(self) -> Session:
        """A session in which something was said now; a second passes."""
        session = await self.stage.made()
        await self.stage.foreign(session, "Hello")
        await self.stage.clock.sleep(1)
        return session


@on_virtual_time
async def test_who_fits_has_a_place_and_nobody_is_asked_about() -> None:
    async with staged() as stage:
        rooms = Rooms(stage)
        one, two = await rooms.spoken(), await rooms.spoken()

        assert [await rooms.room.take(each) for each in (one, two, one)] == [True] * 3
        assert not rooms.room.fits(SessionId("ses_other"))
        assert rooms.room.fits(one.id)
        assert stage.sessions.calls["tail"] == 0


@on_virtual_time
async def test_who_was_active_least_recently_makes_way() -> None:
    async with staged() as stage:
        rooms = Rooms(stage)
        one, two, three = [await rooms.spoken() for _ in range(3)]
        await stage.foreign(one, "Again")
        for each in (one, two):
            await rooms.room.take(each)

        assert await rooms.room.take(three)
        assert rooms.gone == [two.id]
        assert set(rooms.room.placed) == {one.id, three.id}
        assert rooms.room.beyond == {two.id}


@on_virtual_time
async def test_who_was_active_less_recently_than_all_the_others_has_no_place_until_one_leaves() -> (
    None
):
    async with staged() as stage:
        rooms = Rooms(stage)
        quiet, one, two = [await rooms.spoken() for _ in range(3)]
        for each in (one, two):
            await rooms.room.take(each)
        early = await rooms.room.take(quiet)
        beyond = set(rooms.room.beyond)
        rooms.room.leave(one.id)

        assert (early, beyond) == (False, {quiet.id})
        assert await rooms.room.take(quiet)
        assert (rooms.gone, rooms.room.beyond) == ([], set())


@on_virtual_time
async def test_a_session_in_which_nothing_was_said_is_as_old_as_it_is() -> None:
    async with staged() as stage:
        rooms = Rooms(stage)
        old = await stage.made()
        await stage.clock.sleep(1)
        one, two = await rooms.spoken(), await rooms.spoken()
        for each in (one, two):
            await rooms.room.take(each)

        assert not await rooms.room.take(old)


@on_virtual_time
async def test_who_leaves_while_it_is_asked_about_makes_room_for_who_asks() -> None:
    async with staged() as stage:
        rooms = Rooms(stage)
        quiet, one, two = [await rooms.spoken() for _ in range(3)]
        for each in (one, two):
            await rooms.room.take(each)

        async def leaves() -> None:
            rooms.room.leave(one.id)

        stage.sessions.before("tail", leaves, nth=2)

        assert await rooms.room.take(quiet)
        assert rooms.gone == []
        assert set(rooms.room.placed) == {quiet.id, two.id}


@on_virtual_time
async def test_that_not_all_fit_is_said_once_a_change_and_not_once_a_session(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with staged() as stage:
        caplog.set_level("INFO")
        rooms = Rooms(stage)
        many = [await rooms.spoken() for _ in range(4)]
        live = {each.id for each in many}
        rooms.room.tell({0}, live)
        for each in many:
            await rooms.room.take(each)
        for shards in ({0}, {0}, {1, 0}):
            rooms.room.tell(shards, live)
        for _ in range(2):
            rooms.room.tell({0, 1}, {many[2].id, many[3].id})

        told = [r for r in caplog.records if r.name.endswith("link_room")]
        assert [(r.levelname, r.msg) for r in told] == [
            ("ERROR", "listener.overfull"),
            ("ERROR", "listener.overfull"),
            ("INFO", "listener.fits_again"),
        ]
        assert [vars(r)["shards"] for r in told[:2]] == [[0], [0, 1]]
        numbers = [vars(told[0])[name] for name in ("links", "most", "beyond")]
        assert numbers == [2, 2, 2]
