"""Content both ways: what a bot offers arrives in one form, and what a guest answers is heard."""

from pathlib import Path
from typing import Any, Final

import pytest

from service.simulator.deployments import Bot, Deployment
from tests.support.machine import Chat, Json, running
from tests.support.wire_story import tells

ECHOING: Final = Deployment(bot=Bot.ECHO)
BILLING: Final = {"text": "Billing", "payload": "topic.billing", "action": "Message"}
OTHER: Final = {"text": "Other", "payload": "topic.other", "action": "Message"}
REPLIES: Final = [
    {"contentType": "QuickReply", "quickReply": BILLING},
    {"contentType": "QuickReply", "quickReply": OTHER},
]
BRISK: Final = {"turnQuietMs": 400, "historyLagSeconds": 0.2}
HELD = pytest.mark.parametrize("held", [True, False], ids=["held", "on demand"])


async def asked(chat: Chat, command: str) -> Json:
    """What the bot says to a command."""
    turn = await taken(chat, {"text": command})
    message: Json = turn["replies"][0]
    return message


async def answers(chat: Chat, **body: object) -> tuple[Json, str]:
    """The guest's answer as it is logged, and what the bot heard."""
    turn = await taken(chat, body)
    return turn["message"], turn["replies"][0]["text"]


async def taken(chat: Chat, body: Json) -> Json:
    """A whole turn: it waits for the reply, also where nobody holds a link."""
    path = f"/v1/sessions/{chat.id}/messages"
    turn = await chat.machine.call("POST", path, body, status=201, turn=25)
    assert turn["turnComplete"]
    return turn


@tells("QuickReply", "QuickReplyV2", "ButtonResponse")
@pytest.mark.parametrize("command", ["/quick", "/quick2", "/buttons"])
async def test_quick_replies_have_one_form_however_they_are_spelled(
    tmp_path: Path, command: str
) -> None:
    async with running(tmp_path, simulated=ECHOING, policies=BRISK) as machine:
        chat = await machine.open()
        offered = await asked(chat, command)

        assert (offered["text"], offered["content"]) == ("What is it about?", REPLIES)
        came = [item["contentType"] for item in offered["raw"]["content"]]
        spelled = {"/quick": "QuickReply", "/quick2": "QuickReplyV2", "/buttons": "ButtonResponse"}
        assert set(came) == {spelled[command]}

        press = {"type": "QuickReply", "text": "Billing", "payload": "topic.billing"}
        sent, heard = await answers(chat, buttonResponse=press)
        assert heard == "You chose: topic.billing"
        assert sent["content"][0]["buttonResponse"]["payload"] == "topic.billing"
        assert sent["raw"]["content"][0]["buttonResponse"]["payload"] == "topic.billing"


@tells("Card", "Carousel", "GenericTemplate")
async def test_cards_have_one_form_and_their_buttons_are_pressed(tmp_path: Path) -> None:
    async with running(tmp_path, simulated=ECHOING, policies=BRISK) as machine:
        chat = await machine.open()
        card, generic = await asked(chat, "/card"), await asked(chat, "/generic")
        assert card["content"] == generic["content"]
        assert generic["raw"]["content"][0]["contentType"] == "GenericTemplate"
        carousel = await asked(chat, "/carousel")
        assert len(carousel["content"][0]["carousel"]["cards"]) == 2

        press = {"type": "Button", "text": "Choose", "payload": "plan.premium"}
        _, heard = await answers(chat, buttonResponse={**press, "messageId": carousel["id"]})
        assert heard == "You chose: plan.premium"
        refused = await machine.call(
            "POST",
            f"/v1/sessions/{chat.id}/messages",
            {"buttonResponse": {**press, "messageId": card["id"]}},
            status=422,
        )
        assert (refused["code"], refused["offered"]) == ("option_not_offered", ["plan.basic"])


@HELD
@tells("ListPicker")
async def test_options_of_a_list_are_answered_one_by_one(
    tmp_path: Path, *, held: bool, store: str | None
) -> None:
    async with running(
        tmp_path, simulated=ECHOING, policies=BRISK, listener=held, aws_endpoint=store
    ) as machine:
        chat = await machine.open()
        listed = await asked(chat, "/list")
        sent, heard = await answers(
            chat, listPicker={"messageId": listed["id"], "itemIds": ["oat", "mint"]}
        )
        assert (sent["text"], heard) == ("Thanks, noted.", "You chose: oat, mint")
        assert [item["buttonResponse"]["text"] for item in sent["content"]] == ["Oat", "Mint"]
        assert sent["raw"]["metadata"]["parentMessageId"] == listed["raw"]["id"]


@HELD
@tells("DatePicker")
async def test_a_time_is_answered_by_its_moment(tmp_path: Path, *, held: bool) -> None:
    async with running(tmp_path, simulated=ECHOING, policies=BRISK, listener=held) as machine:
        chat = await machine.open()
        dated = await asked(chat, "/date")
        time = {"messageId": dated["id"], "dateTime": "2031-04-05T12:00:00+02:00"}
        sent, heard = await answers(chat, datePicker=time)
        assert heard == "You chose: 2031-04-05T10:00:00.000Z"
        assert "text" not in sent["raw"]


@HELD
@tells("Form")
async def test_a_form_is_answered_all_at_once(
    tmp_path: Path, *, held: bool, store: str | None
) -> None:
    async with running(
        tmp_path, simulated=ECHOING, policies=BRISK, listener=held, aws_endpoint=store
    ) as machine:
        chat = await machine.open()
        form = await asked(chat, "/form")
        filled: dict[str, Any] = {"email": "ann@example.test", "extras": ["nuts"], "size": "large"}
        sent, heard = await answers(
            chat, form={"originatingMessageId": form["raw"]["id"], "answers": filled}
        )
        assert heard == "You answered: email=ann@example.test, extras=nuts, size=large"
        assert sent["text"] == "Thanks!"
        assert [entry["id"] for entry in sent["content"][0]["form"]["response"]] == [*filled]
        page = await machine.call("GET", f"/v1/sessions/{chat.id}/messages")
        assert page["items"][-2]["content"] == sent["content"]


@tells("Text")
async def test_words_in_items_are_text_and_what_nobody_knows_comes_whole(tmp_path: Path) -> None:
    async with running(tmp_path, simulated=ECHOING, policies=BRISK) as machine:
        chat = await machine.open()
        words = await asked(chat, "/textitem")
        assert (words["text"], words["content"]) == ("Words in an item", [])
        assert words["raw"]["content"][0]["contentType"] == "Text"

        strange = await asked(chat, "/unheard")
        assert strange["content"] == [{"contentType": "Hologram", "hologram": {"depth": 3}}]
        assert strange["raw"]["content"] == strange["content"]
        plain = await asked(chat, "hello")
        assert (plain["content"], plain["raw"]) == ([], None)


async def test_an_answer_whose_echo_is_lost_is_proven_by_what_it_chose(tmp_path: Path) -> None:
    """History tells no names here: of two answers with the same words each proves itself alone."""
    async with running(tmp_path, simulated=ECHOING, policies=BRISK) as machine:
        machine.control.knobs(history_metadata=False)
        chat = await machine.open()
        listed = await asked(chat, "/list")
        machine.control.fault("swallow_echo", count=1)
        sent, heard = await answers(
            chat, listPicker={"messageId": listed["id"], "itemIds": ["cow"]}
        )

        assert (sent["status"], sent["recovered"], heard) == ("confirmed", True, "You chose: cow")
        assert machine.stored().count("Thanks, noted.") == 1
