"""Connections: who may connect, who is turned out, how a line is lost."""

from dataclasses import replace

import pytest

from service.simulator.deployments import Bot, Deployment
from service.simulator.events import (
    Accept,
    CloseConnection,
    ConnId,
    Deny,
    GoSilent,
    ResetConnection,
)
from tests.unit.simulator.stage import START, D, T, classes, stage, upgrade

CLOSED = Deployment(
    bot=Bot.SILENT, allow_all_domains=False, allowed_domains=("shop.test", "help.test")
)


def test_a_known_deployment_is_accepted() -> None:
    here = stage()

    assert here.feed(upgrade(ConnId(1))) == [Accept(conn=ConnId(1))]
    assert here.control.handshakes() == [{"deployment": D, "at": START, "status": 101}]


@pytest.mark.parametrize("deployment", ["", "InvalidDeploymentId"])
def test_an_unknown_deployment_is_denied_with_403(deployment: str) -> None:
    here = stage()

    assert here.feed(upgrade(ConnId(1), deployment)) == [Deny(conn=ConnId(1), status=403)]


def test_an_inactive_deployment_is_denied_with_403() -> None:
    here = stage(Deployment(active=False))

    assert here.feed(upgrade(ConnId(1))) == [Deny(conn=ConnId(1), status=403)]


@pytest.mark.parametrize(
    ("origin", "missing_allowed", "status"),
    [
        ("https://shop.test", False, 101),
        ("https://www.shop.test:8443", False, 101),
        ("help.test", False, 101),
        ("https://notshop.test", False, 403),
        ("http://[", False, 403),
        ("https://shop.test.evil.test", False, 403),
        (None, False, 403),
        (None, True, 101),
    ],
)
def test_a_restricted_deployment_looks_at_the_host_of_the_origin(
    origin: str | None, *, missing_allowed: bool, status: int
) -> None:
    here = stage(CLOSED, missing_origin_allowed=missing_allowed)

    here.feed(upgrade(ConnId(1), headers={"origin": origin} if origin else {}))

    assert here.control.handshakes()[0]["status"] == status


def test_too_many_handshakes_a_minute_are_denied() -> None:
    here = stage(handshakes_per_minute=2)
    here.open()
    here.open()

    denied = here.feed(upgrade(ConnId(9)))

    assert denied == [Deny(conn=ConnId(9), status=429, headers={"retry-after": "60"})]
    here.advance(60)
    here.open()


def test_the_fourth_connection_turns_out_the_oldest_and_is_then_answered() -> None:
    here = stage()
    first, *_ = [here.joined() for _ in range(3)]
    fourth = here.open()

    answer = fourth.configure(tracingId="t4")

    assert classes(first.inbox()) == ["ConnectionClosedEvent"]
    assert answer["body"]["newSession"] is False
    assert first.say("still me?")[0]["code"] == 4007
    closes = here.advance(5)
    assert closes == [CloseConnection(conn=first.conn, code=1000)]
    assert here.control.counts()["tokens"][T]["max_attached"] == 3  # type: ignore[index]


def test_an_evicted_connection_that_configures_again_is_not_closed() -> None:
    here = stage()
    client = here.joined()
    here.control.evict(T)
    client.configure()

    assert here.advance(6) == []


def test_configuring_twice_on_one_socket_counts_once() -> None:
    here = stage()
    client = here.joined()
    for _ in range(5):
        client.configure()

    assert [each["connections"] for each in here.control.sessions()] == [[client.conn]]


def test_a_socket_without_frames_is_closed_after_the_idle_time() -> None:
    here = stage(idle_close_seconds=10)
    client = here.joined()
    here.advance(6)
    client.say("busy")

    assert here.advance(9) == []
    closes = here.advance(2)
    assert closes == [CloseConnection(conn=client.conn, code=1001, reason="Going away")]


def test_a_socket_is_closed_at_its_greatest_age() -> None:
    here = stage(max_age_seconds=20)
    client = here.joined()

    closes = here.advance(20)

    assert closes == [CloseConnection(conn=client.conn, code=1001, reason="Going away")]
    assert here.control.connections() == []


def test_a_reset_ends_the_connection_at_once() -> None:
    here = stage()
    client = here.joined()

    assert here.control.drop(T) == 1
    assert here.outputs[-1] == ResetConnection(conn=client.conn)
    assert client.say("anyone?") == []


def test_a_half_open_connection_still_occupies_its_place() -> None:
    here = stage()
    client = here.joined()

    here.control.drop(T, how="half_open")

    assert here.outputs[-1] == GoSilent(conn=client.conn)
    assert client.say("anyone?") == []
    assert here.control.say(T, "hello")["delivered"] == 1
    assert client.inbox() == []
    assert here.control.sessions()[0]["connections"] == [client.conn]


def test_a_half_open_connection_is_never_closed_with_a_frame() -> None:
    here = stage(max_age_seconds=5)
    here.joined()
    here.control.drop(T, how="half_open")

    assert here.advance(10) == []
    assert here.control.connections() == []


def test_a_lost_connection_leaves_its_session_alive() -> None:
    here = stage()
    for _ in range(10):
        here.joined().lose()

    again = here.open().configure()

    assert again["body"]["newSession"] is False
    assert here.control.counts()["tokens"][T]["sockets"] == 1  # type: ignore[index]


def test_a_lost_connection_leaves_no_timer_behind() -> None:
    here = stage(idle_close_seconds=10, max_age_seconds=100)
    for _ in range(5):
        here.joined().lose()

    assert here.world.state.timers == {}


def test_a_socket_on_another_path_is_denied() -> None:
    here = stage()
    event = replace(upgrade(ConnId(1)), path="/v2")

    assert here.feed(event) == [Deny(conn=ConnId(1), status=404)]


def test_one_socket_may_change_from_token_to_token() -> None:
    here = stage()
    client = here.joined("first")

    client.configure("second")

    counts = here.control.counts()["tokens"]
    assert counts["first"]["sockets"] == 0  # type: ignore[index]
    assert counts["second"]["sockets"] == 1  # type: ignore[index]
    assert here.control.say("first", "hello?")["delivered"] == 0
