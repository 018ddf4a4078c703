"""The one line of a link's life."""

import logging
from asyncio import sleep

import pytest

from service.domain.errors import LinkLostError
from service.usecases.visit.guest_link import GuestLink
from service.usecases.visit.link_line import end_link
from tests.support.visit_stage import on_virtual_time, staged


class _Wire:
    """Brings one frame, and then breaks with a code, or stays."""

    def __init__(self, code: int | None) -> None:
        self.code = code
        self.frames = ["{}"]

    async def send(self, text: str) -> None:
        """Nobody is there."""

    async def receive(self) -> str:
        if self.frames:
            return self.frames.pop()
        if self.code is None:
            await sleep(3600)
            return ""
        raise LinkLostError(code=self.code, reason="canary of the peer")

    async def close(self) -> None:
        """It is gone."""


@pytest.mark.parametrize(
    ("code", "outcome"), [(None, "closed"), (1000, "closed"), (1006, "lost"), (1011, "lost")]
)
@on_virtual_time
async def test_a_link_that_ends_is_told_of_once(
    caplog: pytest.LogCaptureFixture, code: int | None, outcome: str
) -> None:
    caplog.set_level(logging.INFO)
    async with staged() as stage:
        desk = await stage.desk(await stage.made())
        link = GuestLink("lnk_1", _Wire(code), desk.inbox, stage.now)
        link.start()
        await stage.clock.sleep(7.5)
        await end_link(desk, link)

    [told] = [vars(each) for each in caplog.records if each.msg == "link.ended"]
    assert (told["outcome"], told["code"]) == (outcome, code)
    assert told["seconds"] == pytest.approx(7.5, abs=0.01)
    assert (told["link"], told["sent"], told["received"]) == ("lnk_1", 0, 1)
    assert (told["listener"], told["tenant"]) == (True, "acme")
    assert "canary" not in str(told)
