"""Who speaks often without a listener has each message proven at once."""

from pathlib import Path
from time import monotonic

from tests.support.machine import running

MESSAGES = 16
"""More than Genesys's ten reads of history in a minute."""
LONGEST_SECONDS = 6.0
"""On a busy machine; a wait for a read of history would be most of a minute."""


async def test_sixteen_messages_in_a_row_need_no_sixteen_reads(
    tmp_path: Path, *, store: str | None
) -> None:
    async with running(tmp_path, listener=False, sweeper=False, aws_endpoint=store) as machine:
        chat = await machine.open(message={"text": "0"})
        took = []
        for n in range(1, MESSAGES + 1):
            begun = monotonic()
            answer = await chat.send(f"{n}", wait=25)
            took.append(monotonic() - begun)
            assert answer["status"] == "confirmed"

        assert max(took) < LONGEST_SECONDS
        assert machine.arrived() == [f"{n}" for n in range(MESSAGES + 1)]
