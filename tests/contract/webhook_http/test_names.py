"""A name server that is silent delays only the names that it serves."""

import asyncio
import socket
import threading
from collections.abc import AsyncIterator, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field

import pytest
import uvloop

from service.adapters.system import SystemClock
from service.adapters.webhook_http import WebhookSender
from service.adapters.webhook_names import SystemResolver
from service.webhook.target import networks
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
            self.speak.wait(20)
        if self.trouble is not None:
            raise self.trouble
        return ["127.0.0.1"]


@pytest.fixture(name="silent")
async def _silent() -> AsyncIterator[Silent]:
    silent = Silent()
    yield silent
    silent.speak.set()


def resolver_over(silent: Silent, *, threads: int = 64, stuck: float = 5.0) -> SystemResolver:
    return SystemResolver(clock=SystemClock(), look_up=silent, threads=threads, stuck_seconds=stuck)


async def posts_beside_the_dead(silent: Silent, sink: WebhookSink) -> list[float]:
    resolver = resolver_over(silent)
    sender = WebhookSender(
        clock=SystemClock(),
        allowed_networks=networks("127.0.0.0/8"),
        allow_http=True,
        resolver=resolver,
        connect_seconds=0.3,
    )

    async def post(host: str) -> tuple[int | None, str | None, float]:
        got = await sender.post(
            f"http://{host}.example:{sink.port}/", headers={}, body=b"{}", timeout_seconds=3.0
        )
        return got.status, got.error, got.seconds

    dead = [f"dead{number}" for number in range(20)]
    first = await asyncio.gather(*[post(host) for host in dead])
    living = await asyncio.gather(*[post(f"living{number}") for number in range(20)])
    await sender.close()
    resolver.close()
    silent.speak.set()

    assert {(status, error) for status, error, _ in first} == {(None, "dns")}
    assert [status for status, _, _ in living] == [200] * 20
    return [seconds for _, _, seconds in living]


@pytest.mark.parametrize(
    "make_loop", [asyncio.new_event_loop, uvloop.new_event_loop], ids=["asyncio", "uvloop"]
)
def test_dead_name_servers_hold_up_no_other_endpoint(
    make_loop: Callable[[], asyncio.AbstractEventLoop],
) -> None:
    """Their threads are still at work when the others are asked for."""

    async def story() -> list[float]:
        async with webhook_sink() as sink:
            sink.reply = answer(200)
            return await posts_beside_the_dead(Silent(), sink)

    with asyncio.Runner(loop_factory=make_loop) as runner:
        assert max(runner.run(story())) < 2.0


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
    resolver = resolver_over(silent, stuck=0.1)
    with suppress(TimeoutError):
        async with asyncio.timeout(0.2):
            await resolver("dead.example", 443)

    for _ in range(100):
        with pytest.raises(socket.gaierror, match="no answer yet"):
            await resolver("dead.example", 443)
    living = await resolver("living.example", 443)
    silent.trouble = socket.gaierror(socket.EAI_AGAIN, "gave up")
    silent.speak.set()
    await asyncio.sleep(0.05)
    with pytest.raises(socket.gaierror, match="gave up"):
        await resolver("dead.example", 443)
    resolver.close()

    assert living == ["127.0.0.1"]
    assert silent.asked == ["dead.example", "living.example", "dead.example"]


async def test_a_lookup_that_nobody_waits_for_any_more_is_not_begun(silent: Silent) -> None:
    resolver = resolver_over(silent, threads=1)
    stuck = asyncio.create_task(resolver("dead.example", 443))
    await asyncio.sleep(0.05)
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
