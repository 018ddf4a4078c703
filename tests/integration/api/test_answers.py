"""Answers to what was offered, over HTTP: what goes through, and what is refused with what."""

from collections.abc import Mapping
from typing import Any, Final

import pytest

from service.domain.ids import SessionId
from service.domain.log import EventType
from service.domain.session import State
from service.simulator.canned import CANNED
from tests.support.api_bench import Bench

BODY_ID: Final = "body-1"
ANSWERS: Final[Mapping[str, tuple[str, dict[str, Any], str]]] = {
    "a press": (
        "/quick",
        {"buttonResponse": {"type": "QuickReply", "text": "Other", "payload": "topic.other"}},
        "Other",
    ),
    "options of a list": ("/list", {"listPicker": {"itemIds": ["cow", "mint"]}}, "Thanks, noted."),
    "a time": (
        "/date",
        {"datePicker": {"dateTime": "2031-04-05T10:00:00Z"}},
        "2031-04-05T10:00:00.000Z",
    ),
    "a form": ("/form", {"form": {"answers": {"email": "a@b", "extras": ["nuts"]}}}, "Thanks!"),
}


async def _offered(bench: Bench, name: str) -> tuple[str, str]:
    """A session where the bot said that: its path, and our name of what was said."""
    path = f"/v1/sessions/{(await bench.session())['id']}"
    session = await bench.table.sessions.load(SessionId(path.rpartition("/")[2]))
    content = CANNED[name].content
    return path, await bench.reply(session, "Well?", content=content, body_id=BODY_ID)


@pytest.mark.parametrize("kind", ANSWERS)
@pytest.mark.parametrize("by", ["messageId", "originatingMessageId"])
async def test_what_was_offered_is_accepted_by_either_name(
    bench: Bench, kind: str, by: str
) -> None:
    name, body, text = ANSWERS[kind]
    path, message_id = await _offered(bench, name)
    ((field, answer),) = body.items()
    named = {by: message_id if by == "messageId" else BODY_ID}

    sent = await bench.http.post(f"{path}/messages?wait=0", json={field: {**answer, **named}})

    assert sent.status_code in {201, 202}, sent.text
    accepted = next(
        event["data"]["message"]
        for event in (await bench.http.get(f"{path}/events")).json()["items"]
        if event["type"] == EventType.MESSAGE_ACCEPTED
    )
    assert accepted["text"] == text
    assert BODY_ID in str(accepted["content"])


async def test_what_was_not_offered_is_refused_with_what_was(bench: Bench) -> None:
    path, message_id = await _offered(bench, "/list")
    wrong = {"listPicker": {"messageId": message_id, "itemIds": ["soy"]}}

    refused = await bench.http.post(f"{path}/messages", json=wrong)

    assert refused.status_code == 422
    problem = refused.json()
    assert problem["code"] == "option_not_offered"
    assert problem["errors"][0]["pointer"] == "/listPicker/itemIds/0"
    assert problem["offered"] == ["oat", "cow", "nuts", "mint"]
    assert await bench.log_length(path.rpartition("/")[2]) == 2


async def test_a_message_of_a_guest_session_that_is_gone_is_unknown(bench: Bench) -> None:
    path, message_id = await _offered(bench, "/list")
    session_id = path.rpartition("/")[2]
    await bench.put(session_id, State.LIVE, incarnation=2)
    late = {"listPicker": {"messageId": message_id, "itemIds": ["oat"]}}

    refused = await bench.http.post(f"{path}/messages", json=late)

    assert (refused.status_code, refused.json()["code"]) == (422, "unknown_message")
    assert refused.json()["errors"][0]["pointer"] == "/listPicker/messageId"


async def test_a_form_names_every_fault(bench: Bench) -> None:
    path, message_id = await _offered(bench, "/form")
    wrong = {"form": {"messageId": message_id, "answers": {"mood": "fine", "size": "huge"}}}

    refused = await bench.http.post(f"{path}/messages", json=wrong)

    assert (refused.status_code, refused.json()["code"]) == (422, "invalid_request")
    assert [fault["pointer"] for fault in refused.json()["errors"]] == [
        "/form/answers/mood",
        "/form/answers/email",
        "/form/answers/size",
    ]


async def test_a_session_that_is_over_takes_no_answer(bench: Bench) -> None:
    path, message_id = await _offered(bench, "/list")
    await bench.http.post(f"{path}/end")
    late = {"listPicker": {"messageId": message_id, "itemIds": ["oat"]}}

    refused = await bench.http.post(f"{path}/messages", json=late)

    assert (refused.status_code, refused.json()["code"]) == (409, "session_ended")


async def test_a_repeat_is_answered_though_the_option_is_gone(bench: Bench) -> None:
    name, body, _ = ANSWERS["a press"]
    path, _ = await _offered(bench, name)
    once = {"Idempotency-Key": "press-1"}
    first = await bench.http.post(f"{path}/messages", json=body, headers=once)
    await bench.put(path.rpartition("/")[2], State.LIVE, incarnation=2)

    again = await bench.http.post(f"{path}/messages", json=body, headers=once)

    assert first.json()["id"] == again.json()["id"]
