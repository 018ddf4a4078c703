"""One event once more: outside of the lane, recorded, and told."""

from collections.abc import Awaitable, Callable
from dataclasses import replace

import pytest

from service.domain.attempt import Trigger
from service.domain.errors import EndpointUnverifiedError, EventNotWantedError, NotFoundError
from service.domain.ids import EndpointId, SessionId
from service.ports import WebhookAnswer
from service.usecases.resend_event import ResendEvent
from tests.support.api_bench import Bench, open_bench


async def _ready(bench: Bench, *event_types: str) -> tuple[EndpointId, SessionId]:
    wanted = {"url": "https://example.com/hook", "event_types": event_types or ("*",)}
    answer = await bench.broker.webhooks.create(await bench.caller(), wanted, ticket=None)
    assert answer.body is not None
    return EndpointId(answer.body["id"]), await bench.made()


async def test_it_is_the_same_event_and_leaves_the_lane_alone() -> None:
    async with open_bench(serving=False) as bench:
        endpoint_id, session_id = await _ready(bench)
        (event,) = (await bench.table.sessions.read_log(session_id, after=0, limit=1)).events

        answer = await bench.broker.resend_event(
            await bench.caller(), endpoint_id, session_id=session_id, sequence=1
        )

        ((_, headers, _),) = bench.posts.posted
        assert headers["webhook-id"] == event.id
        assert "broker-lane-sequence" not in headers
        assert await bench.table.lanes.lane(endpoint_id, session_id) is None
        page = await bench.table.attempts.attempts_of(endpoint_id, session_id, cursor=None, limit=9)
        assert answer.body is not None
        assert [each.id for each in page.items] == [answer.body["id"]]
        assert page.items[0].trigger is Trigger.RESEND
        assert page.items[0].number is None


async def test_what_failed_is_told_and_nothing_follows() -> None:
    async with open_bench(serving=False) as bench:
        endpoint_id, session_id = await _ready(bench)
        bench.posts.answer = WebhookAnswer(status=410, body=b"gone")

        answer = await bench.broker.resend_event(
            await bench.caller(), endpoint_id, session_id=session_id, sequence=1
        )

        assert answer.body is not None
        told = {name: answer.body[name] for name in ("status", "answer", "decision")}
        assert told == {"status": 410, "answer": "gone", "decision": "none"}
        assert (await bench.table.tenants.endpoint(endpoint_id)).disabled_reason is None


async def test_a_place_without_an_event_is_not_found() -> None:
    async with open_bench(serving=False) as bench:
        endpoint_id, session_id = await _ready(bench)
        key, resend = await bench.caller(), bench.broker.resend_event

        for place in (99, 10**12 - 1):
            with pytest.raises(NotFoundError) as missing:
                await resend(key, endpoint_id, session_id=session_id, sequence=place)
            assert missing.value.kind == "event"
        with pytest.raises(NotFoundError):
            await resend(key, endpoint_id, session_id=SessionId("ses_x"), sequence=1)
        assert bench.posts.posted == []


async def test_a_type_that_the_filter_leaves_out_is_refused() -> None:
    async with open_bench(serving=False) as bench:
        endpoint_id, session_id = await _ready(bench, "message.received")

        with pytest.raises(EventNotWantedError):
            await bench.broker.resend_event(
                await bench.caller(), endpoint_id, session_id=session_id, sequence=1
            )
        assert bench.posts.posted == []


async def test_a_session_that_is_erased_meanwhile_keeps_nothing() -> None:
    async with open_bench(serving=False) as bench:
        endpoint_id, session_id = await _ready(bench)
        key = await bench.caller()

        async def erase() -> None:
            await bench.broker.erase_session(key, session_id)

        answer = await _meanwhile(bench, erase)(key, endpoint_id, session_id=session_id, sequence=1)

        assert answer.status == 200
        page = await bench.table.attempts.attempts_of(endpoint_id, session_id, cursor=None, limit=9)
        assert page.items == []


def _meanwhile(bench: Bench, action: Callable[[], Awaitable[None]]) -> ResendEvent:
    """The use case whose POST takes as long as the action."""
    resend = bench.broker.resend_event

    async def posting(*arguments: object, **named: object) -> WebhookAnswer:
        await action()
        return await resend.post_event(*arguments, **named)  # type: ignore[arg-type]  # passed on

    return replace(resend, post_event=posting)  # type: ignore[arg-type]  # stands for it


async def test_one_that_must_prove_itself_first_gets_nothing() -> None:
    async with open_bench(serving=False) as bench:
        endpoint_id, session_id = await _ready(bench)
        before = await bench.table.tenants.endpoint(endpoint_id)
        await bench.table.tenants.put_endpoint(
            replace(before, verify=True), expected_version=before.version, idempotency=None
        )

        with pytest.raises(EndpointUnverifiedError):
            await bench.broker.resend_event(
                await bench.caller(), endpoint_id, session_id=session_id, sequence=1
            )

        assert bench.posts.posted == []
