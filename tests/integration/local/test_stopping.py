"""A local broker that is told to stop says what became of its listener."""

import json
from pathlib import Path

from tests.support.real_process import broker_process


async def test_the_term_of_its_listener_has_a_line(tmp_path: Path) -> None:
    async with broker_process(tmp_path) as broker:
        status = await broker.stop()

    lines = [json.loads(each) for each in broker.log().splitlines() if each.startswith("{")]
    [told] = [each for each in lines if each["event"] == "listener.ended"]
    assert status == 0
    assert (told["reason"], told["links_left"]) == ("stopped", 0)
    assert told["listener"]
    assert told["seconds"] >= 0
