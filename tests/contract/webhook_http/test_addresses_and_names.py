"""Every attempt resolves anew, judges all addresses, and connects to one that was judged."""

import socket
from collections.abc import AsyncIterator, Sequence

import pytest

from service.adapters.system import SystemClock
from service.adapters.webhook_http import HOSTS_MAX, WebhookSender, system_resolver
from service.ports import WebhookAnswer
from service.webhook.target import networks
from tests.support.webhook_sink import WebhookSink, answer, webhook_sink

LOOPBACK = networks("127.0.0.1/32")


class Names:
    """A name server that answers from a list, the last answer for ever."""

    def __init__(self, *answers: Sequence[str] | OSError) -> None:
        self.answers = list(answers)
        self.asked: list[str] = []

    async def __call__(self, host: str, port: int) -> Sequence[str]:
        self.asked.append(host)
        found = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(found, OSError):
            raise found
        return found


@pytest.fixture(name="sink")
async def _sink() -> AsyncIterator[WebhookSink]:
    async with webhook_sink() as sink:
        yield sink


async def post(names: Names, *urls: str) -> list[WebhookAnswer]:
    sender = WebhookSender(
        clock=SystemClock(), allowed_networks=LOOPBACK, allow_http=True, resolver=names
    )
    answers = [await sender.post(url, headers={}, body=b"{}", timeout_seconds=3.0) for url in urls]
    await sender.close()
    return answers


async def test_the_connection_goes_to_the_judged_address_with_the_name_in_host(
    sink: WebhookSink,
) -> None:
    names = Names(["127.0.0.1"])

    (got,) = await post(names, f"http://hooks.example:{sink.port}/x")

    assert got.status == 200
    assert sink.requests[0].headers["host"] == f"hooks.example:{sink.port}"
    assert names.asked == ["hooks.example"]


@pytest.mark.parametrize(
    "addresses",
    [
        ["10.0.0.1"],
        ["127.0.0.1", "10.0.0.1"],
        ["10.0.0.1", "127.0.0.1"],
        ["127.0.0.1", "fd00::1"],
        ["169.254.169.254"],
        ["127.0.0.2"],
        ["::ffff:10.0.0.1"],
        ["fe80::1%lo"],
        ["not an address"],
    ],
)
async def test_one_bad_address_among_good_ones_blocks_the_attempt(
    sink: WebhookSink, addresses: list[str]
) -> None:
    (got,) = await post(Names(addresses), f"http://hooks.example:{sink.port}/x")

    assert (got.status, got.error) == (None, "blocked_target")
    assert sink.connections == 0


async def test_a_name_that_turns_bad_is_refused_although_a_connection_is_kept(
    sink: WebhookSink,
) -> None:
    names = Names(["127.0.0.1"], ["169.254.169.254"])
    url = f"http://hooks.example:{sink.port}/x"

    first, second = await post(names, url, url)

    assert (first.status, second.error) == (200, "blocked_target")
    assert len(sink.requests) == 1


async def test_a_name_is_asked_for_once_an_attempt_so_it_cannot_change_in_between(
    sink: WebhookSink,
) -> None:
    names = Names(["127.0.0.1"], ["10.0.0.1"])

    (got,) = await post(names, f"http://hooks.example:{sink.port}/x")

    assert got.status == 200
    assert len(names.asked) == 1


@pytest.mark.parametrize(
    "url",
    [
        "https://127.0.0.2/",
        "https://[::1]/",
        "https://2130706433/",
        "https://localhost./",
        "https://user@example.com/",
        "https://example.com:22/",
        "file:///etc/passwd",
        "nonsense",
    ],
)
async def test_a_stored_url_is_judged_again_without_a_lookup(url: str) -> None:
    names = Names(["127.0.0.1"])

    (got,) = await post(names, url)

    assert got.error == "blocked_target"
    assert names.asked == []


@pytest.mark.parametrize(
    "trouble",
    [
        socket.gaierror(socket.EAI_NONAME, "NXDOMAIN"),
        socket.gaierror(socket.EAI_AGAIN, "SERVFAIL"),
        [],
    ],
)
async def test_a_name_that_cannot_be_resolved_is_a_dns_error(
    trouble: OSError | list[str],
) -> None:
    (got,) = await post(Names(trouble), "https://hooks.example/")

    assert (got.status, got.error) == (None, "dns")


async def test_a_dead_address_is_passed_over_for_the_next(sink: WebhookSink) -> None:
    """Both are loopback; nobody listens on the first."""
    sender = WebhookSender(
        clock=SystemClock(),
        allowed_networks=networks("127.0.0.0/8"),
        allow_http=True,
        resolver=Names(["127.0.0.9", "127.0.0.1"]),
    )

    got = await sender.post(
        f"http://hooks.example:{sink.port}/x", headers={}, body=b"{}", timeout_seconds=3.0
    )
    await sender.close()

    assert got.status == 200
    assert len(sink.requests) == 1


async def test_a_redirect_to_metadata_is_only_an_answer(sink: WebhookSink) -> None:
    sink.reply = answer(307, headers={"location": "http://169.254.169.254/latest/"})

    (got,) = await post(Names(["127.0.0.1"]), f"http://hooks.example:{sink.port}/x")

    assert got.status == 307


async def test_connections_to_many_hosts_do_not_pile_up(sink: WebhookSink) -> None:
    urls = [f"http://h{number}.example:{sink.port}/x" for number in range(HOSTS_MAX + 20)]

    answers = await post(Names(["127.0.0.1"]), *urls)

    assert {got.status for got in answers} == {200}
    assert sink.connections == HOSTS_MAX + 20


async def test_the_systems_resolver_knows_localhost() -> None:
    assert "127.0.0.1" in await system_resolver("localhost", 80)
