"""A name server that is silent delays only the names that it serves."""

import asyncio
import socket
import threading
from collections.abc import AsyncIterator, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import pytest
import uvloop

from service.adapters.system import SystemClock
from service.adapters.webhook_http import WebhookSender
from service.adapters.webhook_names import SystemResolver
from tests.contract.webhook_http.posting import patient_sender
from tests.support.patience import PATIENCE, eventually
from tests.support.webhook_sink import WebhookSink, answer, webhook_sink


@dataclass(slots=True)
class Silent:
    """Blocks its thread for names that begin with `dead`, until it is told to answer."""

    asked: list[str] = field(default_factory=list)
    speak: threading.Event = field(default_factory=threading.Event)
    trouble: OSError | None = None

    def __call__(self, host: str, _: int) -> Sequence[str]:
        self.asked.append(host)
        if host.startswith("dead"):
            self.speak.wait(2 * PATIENCE)
        if self.trouble is not None:
            raise self.trouble
        return ["127.0.0.1"]


@pytest.fixture(name="silent")
async def _silent() -> AsyncIterator[Silent]:
    silent = Silent()
    yield silent
    silent.speak.set()


class Ahead(SystemClock):
    """A clock that can be put forward."""

    ahead = 0.0

    def monotonic(self) -> float:
        return super().monotonic() + self.ahead


def resolver_over(
    silent: Silent, *, threads: int = 64, clock: SystemClock | None = None
) -> SystemResolver:
    return SystemResolver(
        clock=clock or SystemClock(), look_up=silent, threads=threads, stuck_seconds=PATIENCE
    )


async def posts_beside_the_dead(silent: Silent, sink: WebhookSink) -> None:
    resolver = resolver_over(silent)

    async def post(host: str, *, patience: float) -> tuple[int | None, str | None]:
        sender = patient_sender(resolver=resolver, connect_seconds=patience)
        url = f"http://{host}.example:{sink.port}/"
        got = await sender.post(url, headers={}, body=b"{}", timeout_seconds=PATIENCE)
        await sender.close()
        return got.status, got.error

    numbers = range(20)
    dead = await asyncio.gather(*[post(f"dead{n}", patience=0.3) for n in numbers])
    living = await asyncio.gather(*[post(f"living{n}", patience=PATIENCE) for n in numbers])
    assert not silent.speak.is_set()
    silent.speak.set()
    resolver.close()

    assert dead == [(None, "dns")] * 20
    assert living == [(200, None)] * 20


@pytest.mark.parametrize(
    "make_loop", [asyncio.new_event_loop, uvloop.new_event_loop], ids=["asyncio", "uvloop"]
)
def test_dead_name_servers_hold_up_no_other_endpoint(
    make_loop: Callable[[], asyncio.AbstractEventLoop],
) -> None:
    """Their threads are still at work when the others are asked for, and stay so."""

    async def story() -> None:
        async with webhook_sink() as sink:
            sink.reply = answer(200)
            await posts_beside_the_dead(Silent(), sink)

    with asyncio.Runner(loop_factory=make_loop) as runner:
        runner.run(story())


async def test_a_senders_own_resolver_takes_no_thread_of_the_loop_and_ends_with_it() -> None:
    """The loop's own threads refuse everything here."""
    refusing = ThreadPoolExecutor(1)
    refusing.shutdown()
    asyncio.get_running_loop().set_default_executor(refusing)
    sender = WebhookSender(clock=SystemClock(), allow_http=True)

    before = await sender.post("http://nowhere.invalid/", headers={}, body=b"", timeout_seconds=3.0)
    await sender.close()
    after = await sender.post("http://nowhere.invalid/", headers={}, body=b"", timeout_seconds=3.0)

    assert (before.error, after.error) == ("dns", "dns")
    assert after.detail.endswith("no more names are resolved")
    assert after.detail != before.detail


async def test_who_wants_a_name_that_is_being_looked_up_waits_for_the_same_answer(
    silent: Silent,
) -> None:
    resolver = resolver_over(silent)

    waiting = [asyncio.create_task(resolver("dead.example", 443)) for _ in range(5)]
    await asyncio.sleep(0.05)
    waiting[0].cancel()
    await asyncio.sleep(0.05)
    silent.speak.set()
    got = await asyncio.gather(*waiting, return_exceptions=True)
    again = await resolver("dead.example", 443)
    resolver.close()

    assert isinstance(got[0], asyncio.CancelledError)
    assert got[1:] == [["127.0.0.1"]] * 4
    assert again == ["127.0.0.1"]
    assert len(silent.asked) == 2


async def test_a_name_whose_lookup_is_stuck_fails_at_once_until_that_has_ended(
    silent: Silent,
) -> None:
    clock = Ahead()
    resolver = resolver_over(silent, clock=clock)
    waiting = asyncio.create_task(resolver("dead.example", 443))
    await eventually(lambda: silent.asked == ["dead.example"])
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)
    clock.ahead = PATIENCE

    for _ in range(100):
        with pytest.raises(socket.gaierror, match="no answer yet"):
            await resolver("dead.example", 443)
    living = await resolver("living.example", 443)
    silent.trouble = socket.gaierror(socket.EAI_AGAIN, "gave up")
    silent.speak.set()

    async def asked_anew() -> bool:
        with pytest.raises(socket.gaierror, match=r"gave up|no answer yet") as told:
            await resolver("dead.example", 443)
        return "gave up" in str(told.value)

    await eventually(asked_anew)
    resolver.close()

    assert living == ["127.0.0.1"]
    assert silent.asked == ["dead.example", "living.example", "dead.example"]


async def test_a_lookup_that_nobody_waits_for_any_more_is_not_begun(silent: Silent) -> None:
    resolver = resolver_over(silent, threads=1)
    stuck = asyncio.create_task(resolver("dead.example", 443))
    await eventually(lambda: silent.asked == ["dead.example"])
    for name in ("left.example", "wanted.example"):
        queued = asyncio.create_task(resolver(name, 443))
        await asyncio.sleep(0.05)
        queued.cancel()
        with pytest.raises(asyncio.CancelledError):
            await queued
    asyncio.get_running_loop().call_later(0.1, silent.speak.set)
    # In the same turn of the loop: the one that was given up is not taken for this one.
    anew = await resolver("wanted.example", 443)
    resolver.close()

    assert await stuck == anew == ["127.0.0.1"]
    assert silent.asked == ["dead.example", "wanted.example"]


async def test_who_waits_when_it_is_closed_is_told(silent: Silent) -> None:
    resolver = resolver_over(silent, threads=1)
    waiting = [asyncio.create_task(resolver(f"dead{n}.example", 443)) for n in range(2)]
    await asyncio.sleep(0.05)

    resolver.close()
    got = await asyncio.gather(*waiting, return_exceptions=True)

    assert [type(each) for each in got] == [socket.gaierror] * 2
    with pytest.raises(socket.gaierror):
        await resolver("living.example", 443)


async def test_the_system_knows_localhost() -> None:
    resolver = SystemResolver(clock=SystemClock())

    assert "127.0.0.1" in await resolver("localhost", 80)
    resolver.close()
