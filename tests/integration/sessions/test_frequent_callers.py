"""Who speaks often without a listener has each message proven at once."""

from pathlib import Path

from tests.support.machine import WAIT, running

MESSAGES = 16
"""More than Genesys's ten reads of history in a minute."""


async def test_sixteen_messages_in_a_row_need_no_sixteen_reads(
    tmp_path: Path, *, store: str | None
) -> None:
    """A wait for a read of history would be most of a minute: longer than a request may wait."""
    async with running(tmp_path, listener=False, sweeper=False, aws_endpoint=store) as machine:
        chat = await machine.open(message={"text": "0"})
        for n in range(1, MESSAGES + 1):
            answer = await chat.send(f"{n}", wait=WAIT)
            assert answer["status"] == "confirmed"

        assert machine.arrived() == [f"{n}" for n in range(MESSAGES + 1)]
