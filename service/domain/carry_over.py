"""Context for the agent who meets a replaced guest session.

It travels as attributes of the first send, or as one visible message.
"""

from collections.abc import Iterable, Mapping
from typing import Any, Final

from service.domain.deployment import CarryOver, Deployment
from service.domain.message import (
    ATTRIBUTE_BYTES_MAX,
    TEXT_BYTES_MAX,
    AuthorKind,
    MessageStatus,
    attribute_bytes,
)
from service.domain.session import Session

PREVIOUS_CONVERSATION: Final = "previousConversationId"
PREVIOUS_INCARNATION: Final = "previousIncarnation"
RECAP: Final = "recap"
RECAP_LINES: Final = 6
_RECAP_HEAD: Final = "The guest's earlier chat was interrupted. Last messages:\n"


def recap_of(messages: Iterable[Mapping[str, Any]]) -> str:
    """The last lines of a transcript, oldest first, one line a message, such as `agent: Hello`.

    What is still to be sent, or never arrived, is not part of what was said; neither is an earlier
    recap.
    """
    lines = [
        f"{message['author']['kind']}: {message['text']}"
        for message in messages
        if message["text"]
        and message["status"] == MessageStatus.CONFIRMED
        and message["author"]["kind"] != AuthorKind.SYSTEM
    ]
    return "\n".join(lines[-RECAP_LINES:])


def carried_attributes(session: Session, deployment: Deployment, recap: str) -> Mapping[str, str]:
    """What the first send of the next incarnation tells the agent."""
    if deployment.carry_over is not CarryOver.ATTRIBUTES:
        return {}
    facts = {PREVIOUS_INCARNATION: str(session.incarnation)}
    if session.conversation_id is not None:
        facts[PREVIOUS_CONVERSATION] = session.conversation_id
    return {**facts, RECAP: recap} if recap else facts


def merged(
    own: Mapping[str, str], carried: Mapping[str, str], *, limit: int = ATTRIBUTE_BYTES_MAX
) -> Mapping[str, str]:
    """The caller's attributes with the carried ones beside them.

    The caller's win, and the recap gives way first. The sum stays within the limit of the Guest API
    (error 4013).
    """
    facts = {name: value for name, value in carried.items() if name != RECAP}
    both = {**facts, **own}
    if attribute_bytes(both) > limit:
        return dict(own)
    room = limit - attribute_bytes(both) - len(RECAP)
    if RECAP in own or RECAP not in carried or room <= 0:
        return both
    return {**both, RECAP: last_bytes(carried[RECAP], room)}


def beside(
    own: Mapping[str, str], others: Mapping[str, str], *, limit: int = ATTRIBUTE_BYTES_MAX
) -> Mapping[str, str]:
    """A message's own attributes, and of the others what fits beside them.

    Each was within the limit by itself; Genesys refuses the whole message when their sum is not
    (error 4013).
    """
    kept = dict(own)
    for name, value in others.items():
        wider = {name: value, **kept}
        if attribute_bytes(wider) <= limit:
            kept = wider
    return kept


def recap_message(recap: str) -> str:
    """The one visible message of the policy `recap`."""
    return _RECAP_HEAD + last_bytes(recap, TEXT_BYTES_MAX - len(_RECAP_HEAD.encode()))


def last_bytes(text: str, limit: int) -> str:
    """The end of a text within so many bytes of UTF-8, never half a character."""
    return text.encode()[-limit:].decode(errors="ignore") if limit > 0 else ""
