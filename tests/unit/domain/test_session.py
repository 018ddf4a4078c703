"""What callers see of a state, and what of it is kept."""

import pytest

from service.domain.session import PublicState, State, at_rest, public_state
from tests.support.playbook import session_in

P = PublicState
PUBLIC = {
    P.OPENING: {State.CREATED, State.OPENING, State.REOPENING},
    P.ACTIVE: {
        State.DETACHED,
        State.RESUMING,
        State.CATCHING_UP,
        State.LIVE,
        State.CLEARING,
        State.ENDING,
        State.JOINING,
        State.OVERLAPPING,
        State.DORMANT,
        State.PEEKING,
        State.PEEKED,
    },
    P.RECOVERING: {
        State.LOST,
        State.REATTACHING,
        State.RETRYING,
        State.VERIFYING,
        State.RENEWING,
    },
    P.READ_ONLY: {State.READ_ONLY, State.READING, State.RESTARTING},
    P.ENDED: {State.ENDED, State.ERASED},
    P.FAILED: {State.FAILED},
}


@pytest.mark.parametrize("seen", PublicState)
def test_every_state_shows_as_one_public_state(seen: PublicState) -> None:
    assert {state for state in State if public_state(state) is seen} == PUBLIC[seen]
    assert {session_in(state).public for state in PUBLIC[seen]} == {seen}


@pytest.mark.parametrize(
    ("state", "kept"),
    [
        (State.LIVE, State.DETACHED),
        (State.JOINING, State.DETACHED),
        (State.OVERLAPPING, State.DETACHED),
        (State.PEEKED, State.DORMANT),
        (State.VERIFYING, State.LOST),
        (State.READING, State.READ_ONLY),
        (State.OPENING, State.CREATED),
        (State.REOPENING, State.CREATED),
        (State.CLEARING, State.CLEARING),
        (State.RENEWING, State.RENEWING),
    ],
)
def test_a_link_is_never_kept_and_an_intent_always_is(state: State, kept: State) -> None:
    assert at_rest(state) is kept


def test_a_session_never_shows_its_client_ids() -> None:
    session = session_in(client_id="secret-1", next_client_id="secret-2")

    assert "secret" not in repr(session)
