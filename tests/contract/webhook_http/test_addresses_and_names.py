"""Every attempt resolves anew, judges all addresses, and connects to one that was judged."""

import asyncio
import socket
from collections.abc import Sequence

import pytest

from service.adapters.judged_names import ADDRESSES_MAX
from service.adapters.system import SystemClock
from service.adapters.webhook_http import DETAIL_MAX, WebhookSender
from service.domain.errors import BlockedTargetError
from service.ports import WebhookAnswer
from service.webhook.target import check_url, networks
from tests.contract.webhook_http.posting import patient_sender
from tests.support.patience import PATIENCE, eventually
from tests.support.webhook_sink import WebhookSink, answer

LOOPBACK = networks("127.0.0.1/32")


class Names:
    """A name server that answers from a list, the last answer for ever."""

    def __init__(self, *answers: Sequence[str] | Exception) -> None:
        self.answers = list(answers)
        self.asked: list[str] = []

    async def __call__(self, host: str, port: int) -> Sequence[str]:
        self.asked.append(host)
        found = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(found, Exception):
            raise found
        return found


async def post(names: Names, *urls: str) -> list[WebhookAnswer]:
    sender = patient_sender(allowed=LOOPBACK, resolver=names)
    answers = [
        await sender.post(url, headers={}, body=b"{}", timeout_seconds=PATIENCE) for url in urls
    ]
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
        "https://metadata.google.internal/",
        "https://example.com:22/",
    ],
)
async def test_a_stored_url_is_judged_by_the_check_that_judges_a_new_one(url: str) -> None:
    names = Names(["127.0.0.1"])

    (got,) = await post(names, url)

    with pytest.raises(BlockedTargetError) as refused:
        check_url(url, allow_http=True, allowed_networks=LOOPBACK)
    assert (got.error, got.detail) == ("blocked_target", str(refused.value))
    assert names.asked == []


@pytest.mark.parametrize(
    "url",
    ["https://user:hush@example.com/", "file:///etc/passwd", "nonsense", "https://[fe80::1%25lo]/"],
)
async def test_a_stored_url_that_is_none_is_no_target_either(url: str) -> None:
    names = Names(["127.0.0.1"])

    (got,) = await post(names, url)

    assert got.error == "blocked_target"
    assert "hush" not in got.detail
    assert names.asked == []


@pytest.mark.parametrize(
    "trouble",
    [
        socket.gaierror(socket.EAI_NONAME, "NXDOMAIN"),
        socket.gaierror(socket.EAI_AGAIN, "SERVFAIL"),
        OSError("a truncated answer"),
        UnicodeError("label too long"),
        [],
    ],
)
async def test_a_name_that_cannot_be_resolved_is_a_dns_error(
    trouble: Exception | list[str],
) -> None:
    (got,) = await post(Names(trouble), "https://hooks.example/")

    assert (got.status, got.error) == (None, "dns")


@pytest.mark.parametrize(
    ("limit", "deadline", "error"), [(0.1, PATIENCE, "dns"), (PATIENCE, 0.3, "timeout")]
)
async def test_a_name_server_that_does_not_answer_has_a_limit_within_the_deadline(
    limit: float, deadline: float, error: str
) -> None:
    async def silent(host: str, port: int) -> Sequence[str]:
        await asyncio.Event().wait()
        return []

    sender = WebhookSender(clock=SystemClock(), resolver=silent, connect_seconds=limit)

    got = await sender.post(
        "https://hooks.example/", headers={}, body=b"{}", timeout_seconds=deadline
    )
    await sender.close()

    assert (got.status, got.error) == (None, error)
    assert got.phases.dns is not None
    # The deadline holds for what comes before, too: reading whom to trust takes its time.
    assert got.phases.dns > (0.05 if error == "dns" else 0.0)
    assert got.phases.dns <= got.seconds < PATIENCE


async def test_the_last_of_two_hundred_addresses_is_judged_too(sink: WebhookSink) -> None:
    many = ["127.0.0.1"] * 199 + ["10.0.0.1"]

    (got,) = await post(Names(many), f"http://hooks.example:{sink.port}/x")

    assert got.error == "blocked_target"
    assert sink.connections == 0


async def test_what_went_wrong_is_told_in_one_printable_line() -> None:
    trouble = OSError("bad\r\nname: \x1b[31m" + "y" * 1000)

    (got,) = await post(Names(trouble), "https://hooks.example/")

    assert got.detail.startswith("bad??name: ?[31my")
    assert len(got.detail) == DETAIL_MAX


async def test_only_the_first_of_many_addresses_are_tried(sink: WebhookSink) -> None:
    """Nobody listens on any but the last."""
    got = []
    for dead in (ADDRESSES_MAX - 1, ADDRESSES_MAX):
        names = Names([f"127.0.1.{number}" for number in range(dead)] + ["127.0.0.1"])
        sender = patient_sender(resolver=names)
        got.append(
            await sender.post(
                f"http://hooks.example:{sink.port}/x",
                headers={},
                body=b"{}",
                timeout_seconds=PATIENCE,
            )
        )
        await sender.close()

    assert [(each.status, each.error) for each in got] == [(200, None), (None, "refused")]


async def test_a_name_that_moves_takes_its_connection_along(sink: WebhookSink) -> None:
    """A kept connection to an address that the name no longer has is not used."""
    url = f"http://hooks.example:{sink.port}/x"
    names = Names(["127.0.0.1"], ["127.0.0.9"], ["127.0.0.1"])
    sender = patient_sender(resolver=names)

    got = [
        await sender.post(url, headers={}, body=b"{}", timeout_seconds=PATIENCE) for _ in range(3)
    ]
    await sender.close()

    assert [(each.status, each.error) for each in got] == [
        (200, None),
        (None, "refused"),
        (200, None),
    ]


async def test_a_name_beyond_ascii_has_one_spelling_for_name_server_and_host(
    sink: WebhookSink,
) -> None:
    names = Names(["127.0.0.1"])

    (got,) = await post(names, f"http://B\u00fccher.Example:{sink.port}/x")

    assert got.status == 200
    assert names.asked == ["xn--bcher-kva.example"]
    assert sink.requests[0].headers["host"] == f"xn--bcher-kva.example:{sink.port}"


async def test_a_dead_address_is_passed_over_for_the_next(sink: WebhookSink) -> None:
    """Both are loopback; nobody listens on the first."""
    sender = patient_sender(resolver=Names(["127.0.0.9", "127.0.0.1"]))

    got = await sender.post(
        f"http://hooks.example:{sink.port}/x", headers={}, body=b"{}", timeout_seconds=PATIENCE
    )
    await sender.close()

    assert got.status == 200
    assert len(sink.requests) == 1


async def test_a_redirect_to_metadata_is_only_an_answer(sink: WebhookSink) -> None:
    sink.reply = answer(307, headers={"location": "http://169.254.169.254/latest/"})

    (got,) = await post(Names(["127.0.0.1"]), f"http://hooks.example:{sink.port}/x")

    assert got.status == 307


async def test_connections_to_many_hosts_do_not_pile_up(sink: WebhookSink) -> None:
    """The host that was used longest ago loses its connection first."""
    sender = patient_sender(resolver=Names(["127.0.0.1"]), kept_most=3)
    for host in ("a", "b", "c", "a", "d", "a", "b"):
        url = f"http://{host}.example:{sink.port}/x"
        await sender.post(url, headers={}, body=b"{}", timeout_seconds=PATIENCE)
    await sender.close()

    assert [request.connection for request in sink.requests] == [1, 2, 3, 1, 4, 1, 5]


async def test_hosts_that_go_at_the_same_time_take_no_answer_back(sink: WebhookSink) -> None:
    sender = patient_sender(resolver=Names(["127.0.0.1"]), kept_most=2)
    urls = [f"http://h{number}.example:{sink.port}/x" for number in range(12)]
    sink.reply = answer(200)
    got = await asyncio.gather(
        *[sender.post(url, headers={}, body=b"{}", timeout_seconds=PATIENCE) for url in urls],
        return_exceptions=True,
    )
    await eventually(lambda: sink.open_connections <= 2)
    await sender.close()

    assert [getattr(each, "status", each) for each in got] == [200] * 12
