"""One link: what is asked on it, and who waits for the answer."""

import json
from asyncio import CancelledError, create_task, sleep

import pytest

from service.domain.errors import LinkLostError
from service.guest.codec import decode
from service.guest.messages import JwtResponse, ServerFrame
from service.guest.requests import GetJwt
from service.usecases.visit.guest_link import GuestLink
from service.usecases.visit.inbox import Inbox, LinkDown
from tests.support.visit_stage import on_virtual_time


class Wire:
    """A socket that says nothing until it is told to break."""

    def __init__(self) -> None:
        self.closed = 0
        self.error: LinkLostError | None = None

    async def send(self, text: str) -> None:
        raise LinkLostError(code=1006, reason="")

    async def receive(self) -> str:
        if self.error is not None:
            raise self.error
        await sleep(3600)
        return ""

    async def close(self) -> None:
        self.closed += 1


def _link() -> tuple[GuestLink, Wire]:
    wire = Wire()
    return GuestLink("lnk_1", wire, Inbox(), 0.0), wire


class _Ear(Wire):
    """A socket that takes what is written."""

    def __init__(self) -> None:
        super().__init__()
        self.heard: list[str] = []

    async def send(self, text: str) -> None:
        self.heard.append(text)


def _jwt(tracing_id: str) -> ServerFrame:
    body = {"jwt": "a.b.c", "exp": 1}
    answer = {"type": "response", "class": "JwtResponse", "code": 200, "tracingId": tracing_id}
    frame = decode(json.dumps(answer | {"body": body}))
    assert isinstance(frame, JwtResponse)
    return frame


@on_virtual_time
async def test_an_answer_goes_to_who_waits_for_it_and_only_once() -> None:
    link, _ = _link()
    waiting = link.expect("t1")
    frame = _jwt("t1")
    told = (link.answer(_jwt("t2")), link.answer(frame), link.answer(frame))

    assert told == (False, True, False)
    assert waiting.result() is frame


@on_virtual_time
async def test_an_answer_that_nobody_waits_for_any_more_is_nobodys() -> None:
    link, _ = _link()
    link.expect("t1").cancel()
    gone = link.expect("t2")
    link.forget("t2")

    assert not link.answer(_jwt("t1"))
    assert not link.answer(_jwt("t2"))
    assert link.waiting == {}
    assert not gone.done()


@on_virtual_time
async def test_closing_ends_whoever_waits_also_before_anything_was_read() -> None:
    link, wire = _link()
    waiting = link.expect("t1")
    await link.close()

    assert waiting.cancelled()
    assert wire.closed == 1


@on_virtual_time
async def test_a_close_of_the_peer_arrives_in_the_inbox() -> None:
    link, wire = _link()
    wire.error = LinkLostError(code=1001, reason="Going away")
    link.start()
    await sleep(0.1)

    assert link.inbox.things.pop() == LinkDown("lnk_1", 1001, "Going away")


@on_virtual_time
async def test_a_visit_that_is_cancelled_while_it_closes_its_link_stays_cancelled() -> None:
    link, _ = _link()
    link.start()
    await sleep(0)
    went_on: list[bool] = []

    async def visit() -> None:
        await link.close()
        went_on.append(True)

    task = create_task(visit())
    await sleep(0)
    task.cancel()

    with pytest.raises(CancelledError):
        await task
    assert went_on == []


@on_virtual_time
async def test_what_was_sent_is_counted_and_told_to_who_wants_to_know() -> None:
    wire, told = _Ear(), list[tuple[str, int]]()
    link = GuestLink("lnk_1", wire, Inbox(), 0.0)
    ask = GetJwt(token="t", tracing_id="t1")

    await link.send(ask)
    link.on_sent = lambda request, size: told.append((type(request).__name__, size))
    await link.send(ask)

    assert link.sent == len(wire.heard) == 2
    assert told == [("GetJwt", len(wire.heard[1]))]
