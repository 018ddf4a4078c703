"""Everything the API can do, and how it comes to an end."""

from service.domain.message import SendBody
from service.usecases.send_message import SendRequest
from tests.support.api_bench import open_bench


async def test_a_process_that_stops_lets_nobody_wait() -> None:
    async with open_bench(serving=False) as bench:
        bench.visitor.opens = False
        bench.visitor.settles = False
        bench.broker.begin_closing()
        began = bench.clock.monotonic()

        session_id = await bench.made(patience=bench.patience(25))
        key = await bench.caller()
        events = await bench.broker.read_events(
            key, session_id, after=0, limit=10, patience=bench.patience(25)
        )
        sent = await bench.broker.send_message(
            SendRequest(
                key=key,
                session_id=session_id,
                body=SendBody(text="hello"),
                patience=bench.patience(25),
            )
        )

    assert bench.clock.monotonic() == began
    assert events.events == []
    assert sent.status == 202


async def test_a_reader_who_waits_already_is_let_go() -> None:
    async with open_bench(serving=False) as bench:
        session_id = await bench.made()

        async def close() -> None:
            bench.broker.begin_closing()

        bench.bell.during_wait = close
        began = bench.clock.monotonic()
        events = await bench.broker.read_events(
            await bench.caller(), session_id, after=1, limit=10, patience=bench.patience(25)
        )

    assert events.events == []
    assert bench.clock.monotonic() - began < 1
