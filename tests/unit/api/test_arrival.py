"""The outermost layer."""

from collections.abc import Iterable

import pytest
from starlette.types import Message, Receive, Scope, Send

from service.api.arrival import ARRIVED, BODY_MAX, DRAIN_MAX, Arrival
from service.api.problems import RefusedError
from tests.support.api_bench import JumpingClock

REQUEST: dict[str, object] = {"type": "http", "method": "POST", "headers": []}


class _App:
    """Reads what comes."""

    def __init__(self) -> None:
        self.scope: Scope = {}
        self.size = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.scope = scope
        more = scope["type"] == "http"
        while more:
            message = await receive()
            self.size += len(message["body"])
            more = message.get("more_body", False)


class _Client:
    """Sends pieces and counts what was read of them."""

    def __init__(self, pieces: Iterable[int]) -> None:
        self.sizes = list(pieces)
        self.read = 0

    async def receive(self) -> Message:
        size = self.sizes.pop(0)
        self.read += size
        return {"type": "http.request", "body": b"x" * size, "more_body": bool(self.sizes)}

    async def send(self, message: Message) -> None:
        """Nobody answers here."""


async def test_a_request_is_stamped_when_it_arrives() -> None:
    clock, app, client = JumpingClock(), _App(), _Client([3])
    clock.at += 7

    await Arrival(app, clock=clock)(dict(REQUEST), client.receive, client.send)

    assert app.scope[ARRIVED] == 7
    assert app.size == 3


async def test_who_knows_better_when_it_arrived_is_believed() -> None:
    app, client = _App(), _Client([3])

    await Arrival(app, clock=JumpingClock())({**REQUEST, ARRIVED: 2.0}, client.receive, client.send)

    assert app.scope[ARRIVED] == 2.0


async def test_other_connections_pass_through() -> None:
    app, client = _App(), _Client([])

    await Arrival(app, clock=JumpingClock())({"type": "lifespan"}, client.receive, client.send)

    assert app.scope == {"type": "lifespan"}


async def test_a_body_of_exactly_the_limit_is_read() -> None:
    app, client = _App(), _Client([BODY_MAX // 2, BODY_MAX // 2])

    await Arrival(app, clock=JumpingClock())(dict(REQUEST), client.receive, client.send)

    assert app.size == BODY_MAX


@pytest.mark.parametrize("pieces", [[BODY_MAX + 1], [BODY_MAX, 1], [BODY_MAX, 1, 1]])
async def test_one_byte_more_is_refused_after_the_rest_was_thrown_away(pieces: list[int]) -> None:
    client = _Client(pieces)

    with pytest.raises(RefusedError) as refused:
        await Arrival(_App(), clock=JumpingClock())(dict(REQUEST), client.receive, client.send)

    assert refused.value.problem.status == 413
    assert client.read == sum(pieces)


async def test_a_body_without_end_is_not_read_to_its_end() -> None:
    client = _Client([BODY_MAX] * 100)

    with pytest.raises(RefusedError):
        await Arrival(_App(), clock=JumpingClock())(dict(REQUEST), client.receive, client.send)

    assert client.read <= DRAIN_MAX + BODY_MAX
