"""The scripted bot of a deployment: answers a guest after a short delay, and obeys a few commands.

It says what an ordinary flow could say; it must not bend the protocol (that is for faults).
"""

from collections.abc import Callable
from functools import partial
from typing import Final

from service.simulator.canned import CANNED
from service.simulator.deployments import Bot
from service.simulator.session import Session, Stored
from service.simulator.shapes import JsonObject, object_at, objects_at, text_at
from service.simulator.state import WorldState
from service.simulator.talk import Words, end_conversation, say, type_to_guest

GREETING: Final = "Hello! Say something, or /help."
HELP: Final = (
    "/help, /quick, /quick2, /buttons, /card, /generic, /carousel, /list, /date, /anyday, /form, "
    "/textitem, /unheard, /typing, /agent, /bye, /silent, /count N, /slow SECONDS"
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
        say(state, session, CANNED.get(name) or Words(text=_answer(name, stored), entity="Bot"))


def _speak(state: WorldState, session: Session, words: Words) -> None:
    if not session.gone and not session.read_only:
        say(state, session, words)


def _answer(name: str, stored: Stored) -> str:
    if name == "/help":
        return HELP
    events = objects_at(stored.body, "events")
    if events:
        return GREETING
    return _answer_to_content(stored) or f"You said: {text_at(stored.body, 'text') or ''}"


def _answer_to_content(stored: Stored) -> str:
    items = objects_at(stored.body, "content")
    chosen = [
        text_at(object_at(item, "buttonResponse"), "payload") or ""
        for item in items
        if "buttonResponse" in item
    ]
    if chosen:
        return f"You chose: {', '.join(chosen)}"
    for item in items:
        if "form" in item:
            return f"You answered: {', '.join(_filled(object_at(item, 'form')))}"
        if "attachment" in item:
            return f"You sent: {text_at(object_at(item, 'attachment'), 'filename')}"
    return ""


def _filled(form: JsonObject) -> list[str]:
    return [
        f"{text_at(entry, 'id')}={text_at(_button_of(entry), 'payload')}"
        for entry in objects_at(form, "response")
    ]


def _button_of(entry: JsonObject) -> JsonObject:
    return object_at(object_at(entry, "component"), "buttonResponse")


PLAIN: Final = Words(text="Done typing.", entity="Bot")
