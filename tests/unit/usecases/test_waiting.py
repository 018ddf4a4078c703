"""How long a request may wait, and a log followed meanwhile."""

import pytest

from service.usecases.waiting import LogFollower, Patience
from tests.support.api_bench import JumpingClock, open_bench
from tests.support.losing import losing


@pytest.mark.parametrize(("late", "seconds", "until"), [(0, 5, 5), (3, 5, 8), (22, 5, 25)])
def test_a_wait_ends_with_the_budget_of_its_request(
    late: float, seconds: float, until: float
) -> None:
    clock = JumpingClock()
    patience = Patience(arrived=clock.monotonic(), seconds=seconds)
    clock.at += late

    assert patience.until(clock) == until


async def test_a_follower_reads_on_where_it_stopped() -> None:
    async with open_bench(serving=False) as bench:
        session_id = await bench.made()
        session = await bench.table.sessions.load(session_id)
        log = LogFollower(bench.table.sessions, session_id, after=0)
        first = [event.sequence for event in await log.catch_up()]
        for number in range(250):
            await bench.reply(session, str(number))

        second = [event.sequence for event in await log.catch_up()]

    assert first == [1]
    assert second == list(range(1, 252))


async def test_a_follower_passes_errors_on() -> None:
    async with open_bench(serving=False) as bench:
        session_id = await bench.made()
        down = losing(bench.table.sessions, read_log=[ConnectionError()])

        with pytest.raises(ConnectionError):
            await LogFollower(down, session_id, after=0).catch_up()
