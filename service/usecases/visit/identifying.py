"""What comes of the question which conversation it is."""

from service.domain import events as ev
from service.domain.lifecycle import is_legal
from service.usecases.visit.conversation import ask_about_log, last_end, plan_again
from service.usecases.visit.deciding import happen
from service.usecases.visit.desk import Desk
from service.usecases.visit.inbox import ConversationKnown, ConversationUnknown


async def conversation_told(desk: Desk, told: ConversationKnown | ConversationUnknown) -> None:
    """Keep what is new, or ask again later. Raises SupersededError."""
    if isinstance(told, ConversationKnown):
        await _known(desk, told)
    else:
        _unknown(desk, told)


async def _known(desk: Desk, known: ConversationKnown) -> None:
    """Keep what is new of it. Raises SupersededError."""
    session = desk.session
    if known.incarnation != session.incarnation:
        ask_about_log(desk)
        return
    if not is_legal(session.state, ev.ConversationFound):
        return
    same = known.conversation_id == session.conversation_id
    participant = known.participant_id or (session.participant_id if same else None)
    end = last_end(desk)
    settles = end is not None and end.sequence <= known.as_of
    if settles or not same or participant != session.participant_id:
        found = ev.ConversationFound(
            conversation_id=known.conversation_id, participant_id=participant, as_of=known.as_of
        )
        await happen(desk, found)
    if participant is None:
        plan_again(desk, 0.0)
    else:
        desk.asking.pause = 0.0
    if end is not None and not settles:
        # What was said after it was passed over while this question was under way.
        ask_about_log(desk)


def _unknown(desk: Desk, told: ConversationUnknown) -> None:
    """Nobody could say: again later, and not before the account may ask."""
    desk.asking.held_until = desk.now + told.wait_seconds
    if told.incarnation == desk.session.incarnation:
        plan_again(desk, told.wait_seconds)
    else:
        ask_about_log(desk)
