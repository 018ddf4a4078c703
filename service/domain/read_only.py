"""What a message does when the contact centre has ended the chat: begin a new one, or be refused.

The message's own choice counts first, then the session's, then the deployment's.
"""

from typing import Final

from service.domain.deployment import Deployment, OnReadOnly
from service.domain.send import PendingSend, SendKind
from service.domain.session import Session

WHY_NOT_SENT: Final = (
    "the contact centre ended the chat; a message with onReadOnly startNew begins another"
)


def policy_of(session: Session, deployment: Deployment) -> OnReadOnly:
    """What messages of this session do that say nothing themselves."""
    return session.on_read_only or deployment.on_read_only


def is_resumable(session: Session, deployment: Deployment) -> bool:
    """Whether any message begins a new chat."""
    return policy_of(session, deployment) is OnReadOnly.START_NEW


def begins_new(send: PendingSend, session: Session, deployment: Deployment) -> bool:
    """Whether this one does. What we send of our own, such as a Join, is no reason for a chat."""
    if send.kind is not SendKind.MESSAGE:
        return False
    return (send.on_read_only or policy_of(session, deployment)) is OnReadOnly.START_NEW
