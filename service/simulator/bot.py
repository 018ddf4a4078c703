"""The scripted bot of a deployment: answers a guest after a short delay, and obeys a few commands.

It says what an ordinary flow could say; it must not bend the protocol (that is for faults).
"""

from collections.abc import Callable
from functools import partial
from typing import Final

from service.simulator.deployments import Bot
from service.simulator.session import Session, Stored
from service.simulator.shapes import JsonObject, object_at, objects_at, text_at
from service.simulator.state import WorldState
from service.simulator.talk import Words, end_conversation, say, type_to_guest

GREETING: Final = "Hello! Say something, or /help."
HELP: Final = (
    "/help, /quick, /card, /carousel, /typing, /agent, /bye, /silent, /count N, /slow SECONDS"
)
MOST_REPLIES: Final = 20

Say = Callable[[Words], None]


def hear(state: WorldState, session: Session, stored: Stored) -> None:
    """Let the bot of the deployment react to a stored message of the guest."""
    if state.deployments[session.deployment].bot is Bot.ECHO:
        name, argument = _command(stored)
        action = partial(_react, state, session, stored)
        extra = float(argument) if name == "/slow" and argument.isdecimal() else 0.0
        state.after(state.knobs.bot_delay_seconds + extra, action)


def _command(stored: Stored) -> tuple[str, str]:
    name, _, argument = (text_at(stored.body, "text") or "").partition(" ")
    return name.lower(), argument.strip()


def _react(state: WorldState, session: Session, stored: Stored) -> None:
    if session.gone or session.read_only or session.expired(state.now):
        return
    name, argument = _command(stored)
    if name == "/bye":
        say(state, session, Words(text="Goodbye.", entity="Bot"))
        end_conversation(state, session, nickname="")
    elif name == "/typing":
        type_to_guest(state, session, 5000)
        state.after(state.knobs.bot_delay_seconds, partial(_speak, state, session, PLAIN))
    elif name == "/count" and argument.isdecimal():
        for number in range(1, min(int(argument), MOST_REPLIES) + 1):
            say(state, session, Words(text=f"Reply {number}", entity="Bot"))
    elif name != "/silent":
        say(state, session, CANNED.get(name) or Words(text=_answer(stored), entity="Bot"))


def _speak(state: WorldState, session: Session, words: Words) -> None:
    if not session.gone and not session.read_only:
        say(state, session, words)


def _answer(stored: Stored) -> str:
    events = objects_at(stored.body, "events")
    if events:
        return GREETING
    for item in objects_at(stored.body, "content"):
        if "buttonResponse" in item:
            payload = text_at(object_at(item, "buttonResponse"), "payload")
            return f"You chose: {payload}"
        if "attachment" in item:
            return f"You sent: {text_at(object_at(item, 'attachment'), 'filename')}"
    return f"You said: {text_at(stored.body, 'text') or ''}"


def _quick(text: str, payload: str) -> JsonObject:
    reply = {"text": text, "payload": payload, "action": "Message"}
    return {"contentType": "QuickReply", "quickReply": reply}


def _card(title: str) -> JsonObject:
    actions = [
        {"type": "Link", "text": "Details", "url": "https://shop.example.test/plan"},
        {"type": "Postback", "text": "Choose", "payload": f"plan.{title.lower()}"},
    ]
    return {"title": title, "description": f"The {title.lower()} plan", "actions": actions}


PLAIN: Final = Words(text="Done typing.", entity="Bot")
CANNED: Final = {
    "/help": Words(text=HELP, entity="Bot"),
    "/quick": Words(
        text="What is it about?",
        content=(_quick("Billing", "topic.billing"), _quick("Other", "topic.other")),
        entity="Bot",
    ),
    "/card": Words(
        text="One plan", content=({"contentType": "Card", "card": _card("Basic")},), entity="Bot"
    ),
    "/carousel": Words(
        text="Two plans",
        content=(
            {"contentType": "Carousel", "carousel": {"cards": [_card("Basic"), _card("Premium")]}},
        ),
        entity="Bot",
    ),
    "/agent": Words(text="Hello, this is Dana.", nickname="Dana", entity="Human"),
}
