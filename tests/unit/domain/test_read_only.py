"""Whose choice counts on a chat that the contact centre ended: the message's, then up."""

import pytest

from service.domain.deployment import OnReadOnly
from service.domain.read_only import begins_new, is_resumable, policy_of
from service.domain.send import SendKind
from tests.support.playbook import deployment, pending, session_in

NEW, REFUSE = OnReadOnly.START_NEW, OnReadOnly.REFUSE


@pytest.mark.parametrize(
    ("owner", "session", "message", "begins"),
    [
        (NEW, None, None, True),
        (REFUSE, None, None, False),
        (NEW, REFUSE, None, False),
        (REFUSE, NEW, None, True),
        (NEW, NEW, REFUSE, False),
        (REFUSE, REFUSE, NEW, True),
    ],
)
def test_the_nearest_choice_counts(
    owner: OnReadOnly,
    session: OnReadOnly | None,
    message: OnReadOnly | None,
    begins: bool,  # noqa: FBT001 - a column of the table above
) -> None:
    ours, theirs = session_in(on_read_only=session), deployment(on_read_only=owner)
    send = pending(on_read_only=message)

    assert begins_new(send, ours, theirs) is begins
    assert is_resumable(ours, theirs) is (policy_of(ours, theirs) is NEW)


@pytest.mark.parametrize("kind", [SendKind.JOIN, SendKind.RECAP])
def test_what_nobody_said_begins_no_chat(kind: SendKind) -> None:
    assert begins_new(pending(kind=kind), session_in(), deployment(on_read_only=NEW)) is False
