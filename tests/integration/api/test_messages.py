"""Messages, turns, the transcript, the log and typing over HTTP."""

import asyncio
import json
from dataclasses import replace

import pytest

from service.domain.deployment import OnReadOnly
from service.domain.ids import DeploymentName, SessionId, TenantName
from service.domain.log import EventType
from service.domain.message import AuthorKind, Failure
from service.domain.send import SendStatus
from service.domain.session import State
from service.simulator.canned import CANNED
from service.usecases.send_room import WAITING_MOST
from service.webhook.envelope import event_bytes
from tests.support.api_bench import DEPLOYMENT, Bench


async def _path(bench: Bench) -> str:
    return f"/v1/sessions/{(await bench.session())['id']}"


def _id(path: str) -> SessionId:
    return SessionId(path.rsplit("/", 1)[-1])


async def test_a_proven_message_is_answered_201(bench: Bench) -> None:
    path = await _path(bench)

    sent = await bench.http.post(
        f"{path}/messages",
        json={"text": "hello", "customAttributes": {"a": "b"}, "metadata": {"n": 1}},
    )

    message = sent.json()
    assert sent.status_code == 201
    assert message["status"] == "confirmed"
    assert message["sequence"] == 2
    assert message["author"]["kind"] == "guest"
    assert bench.bell.rung[-1] == _id(path)


async def test_a_message_that_is_not_proven_in_time_is_answered_202(bench: Bench) -> None:
    path = await _path(bench)
    bench.visitor.settles = False
    began = bench.clock.monotonic()

    sent = await bench.http.post(f"{path}/messages?wait=3", json={"text": "hello"})

    assert sent.status_code == 202
    assert sent.json()["status"] == "accepted"
    assert sent.json()["customAttributes"] is None
    assert 3 <= bench.clock.monotonic() - began < 4


@pytest.mark.parametrize("query", ["wait=0", "turn=0"])
async def test_what_is_only_accepted_says_where_its_outcome_will_be(
    bench: Bench, query: str
) -> None:
    path = await _path(bench)
    bench.visitor.settles = False
    sent = await bench.http.post(
        f"{path}/messages?{query}", json={"text": "hello"}, headers={"Idempotency-Key": "k"}
    )
    bench.visitor.settles = True
    await bench.http.post(f"{path}/messages", json={"text": "and more"})

    assert (sent.status_code, sent.headers["retry-after"]) == (202, "1")
    assert sent.headers["location"] == f"{path}/events?after=2&wait=25"
    told = (await bench.http.get(sent.headers["location"])).json()["items"]
    assert "message.confirmed" in [event["type"] for event in told]
    again = await bench.http.post(
        f"{path}/messages?{query}", json={"text": "hello"}, headers={"Idempotency-Key": "k"}
    )
    assert again.headers.get("location") == (
        sent.headers["location"] if again.status_code == 202 else None
    )


async def test_the_default_wait_is_five_seconds(bench: Bench) -> None:
    path = await _path(bench)
    bench.visitor.settles = False
    began = bench.clock.monotonic()

    await bench.http.post(f"{path}/messages", json={"text": "hello"})

    assert 5 <= bench.clock.monotonic() - began < 6


async def test_one_budget_from_arrival_caps_every_wait(bench: Bench) -> None:
    path = await _path(bench)
    bench.visitor.settles = False
    arrived = bench.clock.monotonic()

    async def slow(_: SessionId) -> None:
        bench.clock.at += 10

    bench.visitor.before = slow
    await bench.http.post(f"{path}/messages?turn=25", json={"text": "hello"})

    _, until = bench.visitor.visits[-1]
    assert until == arrived + 25


async def test_a_message_on_its_way_shows_how_far_it_is(bench: Bench) -> None:
    path = await _path(bench)
    bench.visitor.settles = False

    async def write(session_id: SessionId) -> None:

        [send] = await bench.table.sessions.open_sends(session_id)
        await bench.table.sessions.change_send(send, replace(send, status=SendStatus.WRITTEN))

    bench.visitor.before = write
    sent = await bench.http.post(f"{path}/messages?wait=0", json={"text": "hello"})
    listed = await bench.http.get(f"{path}/messages")

    assert sent.status_code == 202
    assert sent.json()["status"] == "written"
    assert listed.json()["items"][-1]["status"] == "written"


@pytest.mark.parametrize(
    ("failure", "status"),
    [
        (Failure(code="outcome_unknown", detail="who knows"), 502),
        (Failure(code="rejected_by_genesys", detail="no", provider_code="4012"), 502),
        (Failure(code="text_too_long", detail="too long", provider_code="4011"), 422),
        (Failure(code="session_ended", detail="over"), 409),
        (Failure(code="something_new", detail=""), 502),
    ],
)
async def test_a_message_that_fails_for_good_is_a_problem_that_names_it(
    bench: Bench, failure: Failure, status: int
) -> None:
    path = await _path(bench)
    bench.visitor.failure = failure

    sent = await bench.http.post(f"{path}/messages", json={"text": "hello"})

    problem = sent.json()
    listed = (await bench.http.get(f"{path}/messages")).json()["items"]
    assert sent.status_code == status
    assert sent.headers["content-type"] == "application/problem+json"
    assert problem["code"] == failure.code
    assert problem["messageId"] == listed[-1]["id"]
    assert problem["sequence"] == 2
    assert problem["providerCode"] == failure.provider_code
    assert listed[-1]["status"] == "failed"
    assert listed[-1]["failure"]["code"] == failure.code


async def test_a_failed_first_message_does_not_fail_the_creation(bench: Bench) -> None:
    bench.visitor.failure = Failure(code="outcome_unknown", detail="who knows")

    made = await bench.session(message={"text": "hello"})

    assert made["message"]["status"] == "failed"


async def test_a_turn_answers_with_the_replies_once_it_is_quiet(bench: Bench) -> None:
    path = await _path(bench)
    bench.visitor.replies = ["Hi.", "How can I help?"]
    began = bench.clock.monotonic()

    sent = await bench.http.post(f"{path}/messages?turn=20", json={"text": "hello"})

    turn = sent.json()
    assert sent.status_code == 201
    assert turn["message"]["status"] == "confirmed"
    assert [reply["text"] for reply in turn["replies"]] == ["Hi.", "How can I help?"]
    assert turn["turnComplete"] is True
    assert 1.5 <= bench.clock.monotonic() - began < 3


async def test_typing_keeps_a_turn_open(bench: Bench) -> None:
    path = await _path(bench)
    bench.visitor.replies = ["Let me see …"]
    session_id = _id(path)
    began = bench.clock.monotonic()
    bench.bell.typed[session_id] = bench.clock.now() + 4

    await bench.http.post(f"{path}/messages?turn=20", json={"text": "hello"})

    assert bench.clock.monotonic() - began >= 5.5


async def test_a_turn_without_a_reply_ends_incomplete(bench: Bench) -> None:
    path = await _path(bench)

    sent = await bench.http.post(f"{path}/messages?turn=4", json={"text": "hello"})

    assert sent.status_code == 201
    assert sent.json()["replies"] == []
    assert sent.json()["turnComplete"] is False


async def test_a_turn_ends_with_the_conversation(bench: Bench) -> None:
    path = await _path(bench)

    async def close(session_id: SessionId) -> None:
        session = await bench.table.sessions.load(session_id)
        await bench.move(session, State.READ_ONLY, EventType.SESSION_READ_ONLY)

    bench.visitor.before = close
    began = bench.clock.monotonic()
    sent = await bench.http.post(f"{path}/messages?turn=20", json={"text": "bye"})

    assert sent.json()["turnComplete"] is True
    assert bench.clock.monotonic() - began < 1


async def test_a_turn_stops_when_its_message_fails(bench: Bench) -> None:
    path = await _path(bench)
    bench.visitor.failure = Failure(code="outcome_unknown", detail="who knows")
    began = bench.clock.monotonic()

    sent = await bench.http.post(f"{path}/messages?turn=20", json={"text": "hello"})

    assert sent.status_code == 502
    assert sent.json()["sequence"] == 2
    assert bench.clock.monotonic() - began < 1


async def test_an_unproven_message_of_a_turn_is_answered_202(bench: Bench) -> None:
    path = await _path(bench)
    bench.visitor.settles = False

    sent = await bench.http.post(f"{path}/messages?turn=1", json={"text": "hello"})

    assert sent.status_code == 202
    assert sent.json()["message"]["status"] == "accepted"


async def test_an_answer_to_a_button_is_a_message(bench: Bench) -> None:
    path = await _path(bench)
    reply = {"type": "QuickReply", "text": "Billing", "payload": "topic.billing"}
    session = await bench.table.sessions.load(SessionId(path.rpartition("/")[2]))
    await bench.reply(session, "What is it about?", content=CANNED["/quick"].content)

    sent = await bench.http.post(f"{path}/messages?wait=0", json={"buttonResponse": reply})

    assert sent.status_code in {201, 202}
    listed = (await bench.http.get(f"{path}/events?after=2")).json()["items"]
    content = listed[0]["data"]["message"]["content"]
    assert content[0]["buttonResponse"]["payload"] == "topic.billing"


async def test_ended_and_failed_sessions_take_no_message(bench: Bench) -> None:
    ended, failed = await _path(bench), await _path(bench)
    await bench.http.post(f"{ended}/end")
    await bench.put(_id(failed), State.FAILED)
    length = await bench.log_length(_id(ended))

    after_end = await bench.http.post(f"{ended}/messages", json={"text": "x"})
    after_failure = await bench.http.post(f"{failed}/messages", json={"text": "x"})

    assert (after_end.status_code, after_end.json()["code"]) == (409, "session_ended")
    assert (after_failure.status_code, after_failure.json()["code"]) == (409, "session_failed")
    assert await bench.log_length(_id(ended)) == length


async def test_a_read_only_session_refuses_only_where_the_deployment_says_so(bench: Bench) -> None:
    path = await _path(bench)
    await bench.put(_id(path), State.READ_ONLY)

    taken = await bench.http.post(f"{path}/messages?wait=0", json={"text": "x"})
    await bench.http.patch(
        f"/v1/deployments/{DEPLOYMENT}", json={"onReadOnly": OnReadOnly.REFUSE.value}
    )
    refused = await bench.http.post(f"{path}/messages?wait=0", json={"text": "x"})

    chosen = await bench.http.post(
        f"{path}/messages?wait=0", json={"text": "x", "onReadOnly": "startNew"}
    )
    wrong = await bench.http.post(
        f"{path}/messages?wait=0", json={"text": "x", "onReadOnly": "maybe"}
    )
    assert taken.status_code in {201, 202}
    assert chosen.status_code in {201, 202}
    assert wrong.json()["errors"][0]["pointer"] == "/onReadOnly"
    assert (refused.status_code, refused.json()["code"]) == (409, "session_read_only")


async def test_a_queue_that_a_minute_cannot_carry_takes_no_more_and_says_until_when(
    bench: Bench,
) -> None:
    path = await _path(bench)
    bench.visitor.settles = False
    for n in range(WAITING_MOST):
        taken = await bench.http.post(f"{path}/messages?wait=0", json={"text": str(n)})
        assert taken.status_code == 202
    length = await bench.log_length(_id(path))
    key = {"Idempotency-Key": "again"}

    refused = await bench.http.post(f"{path}/messages?wait=0", json={"text": "x"}, headers=key)

    assert (refused.status_code, refused.json()["code"]) == (429, "rate_limited")
    assert int(refused.headers["retry-after"]) >= 1
    assert await bench.log_length(_id(path)) == length
    bench.visitor.settles = True
    await bench.http.post(f"{path}/resume")
    again = await bench.http.post(f"{path}/messages?wait=0", json={"text": "x"}, headers=key)
    assert "idempotency-replayed" not in again.headers


async def test_many_at_once_all_get_a_place_of_their_own(bench: Bench) -> None:
    path = await _path(bench)
    bench.visitor.settles = False

    answers = await asyncio.gather(
        *(bench.http.post(f"{path}/messages?wait=0", json={"text": str(n)}) for n in range(8))
    )

    listed = (await bench.http.get(f"{path}/messages")).json()["items"]
    assert {answer.status_code for answer in answers} <= {201, 202}
    assert {message["text"] for message in listed} == {str(n) for n in range(8)}


async def test_the_transcript_pages_in_order_and_tells_the_segments(bench: Bench) -> None:
    path = await _path(bench)
    session = await bench.table.sessions.load(_id(path))
    for text in ("one", "two", "three"):
        await bench.reply(session, text)
    await bench.reply(session, "beep", kind=AuthorKind.SYSTEM)

    first = (await bench.http.get(f"{path}/messages?limit=3")).json()
    rest = (await bench.http.get(f"{path}/messages?cursor={first['nextCursor']}")).json()

    assert [message["text"] for message in first["items"]] == ["one", "two", "three"]
    assert [message["text"] for message in rest["items"]] == ["beep"]
    assert rest["nextCursor"] is None
    assert first["segments"] == [
        {
            "incarnation": 1,
            "conversationId": None,
            "participantId": None,
            "replacedAt": None,
            "cause": None,
        }
    ]


async def test_a_message_whose_end_lies_beyond_its_page_is_shown_with_it(bench: Bench) -> None:
    path = await _path(bench)
    session = await bench.table.sessions.load(_id(path))
    bench.visitor.settles = False
    await bench.http.post(f"{path}/messages?wait=0", json={"text": "early"})
    for number in range(250):
        await bench.reply(session, str(number))
    await bench.visitor.settle(session)

    page = (await bench.http.get(f"{path}/messages?limit=1")).json()

    assert page["items"][0]["text"] == "early"
    assert page["items"][0]["status"] == "confirmed"
    assert page["nextCursor"] is not None


async def test_a_field_that_is_null_is_one_that_was_left_out(bench: Bench) -> None:
    """As many typed clients write what is not set."""
    nothing = {"customAttributes": None, "metadata": None}
    message = {"text": "hello", "buttonResponse": None, "attachmentIds": None, **nothing}
    body = {"deployment": DEPLOYMENT, "externalId": None, "message": message, **nothing}

    made = await bench.http.post("/v1/sessions", json=body)
    sent = await bench.http.post(f"/v1/sessions/{made.json()['id']}/messages", json=message)

    assert made.status_code == 201
    assert made.json()["customAttributes"] == {}
    assert sent.status_code == 201
    assert sent.json()["customAttributes"] is None


@pytest.mark.parametrize("cursor", ["nonsense", "bTE6LTU", "bTE6", "ä", "%F0%9F%98%80", "-5"])
async def test_a_cursor_of_no_listing_is_refused(bench: Bench, cursor: str) -> None:
    path = await _path(bench)

    refused = await bench.http.get(f"{path}/messages?cursor={cursor}")

    assert refused.status_code == 422
    assert refused.json()["code"] == "invalid_request"
    assert refused.json()["errors"][0]["pointer"] == "/query/cursor"


async def test_events_are_read_after_a_place_with_the_bytes_of_webhooks(bench: Bench) -> None:
    path = await _path(bench)
    await bench.http.post(f"{path}/messages", json={"text": "hellö"})

    page = await bench.http.get(f"{path}/events?after=1&limit=1")

    body = page.json()
    log = await bench.table.sessions.read_log(_id(path), after=1, limit=1)
    assert event_bytes(log.events[0]) in page.content
    assert body["items"][0]["type"] == "message.accepted"
    assert body["nextAfter"] == 2
    assert body["lastSequence"] == 3
    assert body["hasMore"] is True
    assert json.loads(event_bytes(log.events[0])) == body["items"][0]


async def test_an_unfilled_wait_is_answered_with_no_items(bench: Bench) -> None:
    path = await _path(bench)
    began = bench.clock.monotonic()

    page = await bench.http.get(f"{path}/events?after=1&wait=3")

    assert page.status_code == 200
    assert page.json() == {"items": [], "nextAfter": 1, "lastSequence": 1, "hasMore": False}
    assert 3 <= bench.clock.monotonic() - began < 4


async def test_a_wait_ends_with_the_first_event(bench: Bench) -> None:
    path = await _path(bench)

    async def speak() -> None:
        await bench.reply(await bench.table.sessions.load(_id(path)), "hello")

    bench.bell.during_wait = speak
    page = await bench.http.get(f"{path}/events?after=1&wait=25")

    assert [event["type"] for event in page.json()["items"]] == ["message.received"]
    assert page.json()["nextAfter"] == 2


async def test_asking_beyond_the_end_is_answered_with_no_items(bench: Bench) -> None:
    path = await _path(bench)

    page = await bench.http.get(f"{path}/events?after=99")

    assert page.status_code == 200
    assert page.json()["nextAfter"] == 99
    assert page.json()["lastSequence"] == 1


async def test_a_reader_is_told_when_the_session_is_erased_meanwhile(bench: Bench) -> None:
    path = await _path(bench)

    async def erase() -> None:
        await bench.http.delete(path)

    bench.bell.during_wait = erase
    page = await bench.http.get(f"{path}/events?after=1&wait=5")

    assert page.status_code == 404


@pytest.mark.parametrize(
    "query",
    [
        "after=-1",
        "after=x",
        "after=99999999999999999999",
        "wait=-1",
        "wait=25.1",
        "wait=nan",
        "wait=",
        "limit=0",
        "limit=201",
        "limit=-3",
    ],
)
async def test_events_parameters_out_of_range_are_refused(bench: Bench, query: str) -> None:
    path = await _path(bench)

    refused = await bench.http.get(f"{path}/events?{query}")

    name = query.partition("=")[0]
    assert refused.status_code == 422
    assert refused.json()["errors"][0]["pointer"] == f"/query/{name}"


@pytest.mark.parametrize("query", ["wait=26", "wait=-1", "turn=25.5", "turn=-1"])
async def test_a_wait_beyond_the_budget_is_refused_and_nothing_is_sent(
    bench: Bench, query: str
) -> None:
    path = await _path(bench)

    refused = await bench.http.post(f"{path}/messages?{query}", json={"text": "x"})

    assert refused.status_code == 422
    assert await bench.log_length(_id(path)) == 1


async def test_typing_says_whether_it_went_out(bench: Bench) -> None:
    path = await _path(bench)

    first = await bench.http.post(f"{path}/typing")
    bench.visitor.typing_sent = False
    second = await bench.http.post(f"{path}/typing", json={})

    assert (first.status_code, first.json()) == (202, {"sent": True})
    assert (second.status_code, second.json()) == (202, {"sent": False})


async def test_typing_goes_to_no_session_that_is_over(bench: Bench) -> None:
    path = await _path(bench)
    await bench.put(_id(path), State.READ_ONLY)
    quiet = await bench.http.post(f"{path}/typing")
    await bench.http.post(f"{path}/end")

    refused = await bench.http.post(f"{path}/typing")

    assert quiet.json() == {"sent": False}
    assert (refused.status_code, refused.json()["code"]) == (409, "session_ended")


async def test_ending_clears_where_the_deployment_is_known_to_allow_it(bench: Bench) -> None:

    path = await _path(bench)
    name = DeploymentName(DEPLOYMENT)
    deployment = await bench.table.tenants.deployment(TenantName("default"), name)
    await bench.table.tenants.put_deployment(
        replace(deployment, allow_clear=True), expected_version=1, idempotency=None
    )

    ended = await bench.http.post(f"{path}/end")

    assert ended.json()["ended"] == {"mode": "clear", "verified": True}
