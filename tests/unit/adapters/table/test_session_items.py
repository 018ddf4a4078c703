"""A session survives the way into its item and back, and its client id is not to be read there."""

from hypothesis import given
from hypothesis import strategies as st

from service.adapters.cipher import AesCipher
from service.adapters.table.session_items import read_session, session_item
from service.domain.session import Farewell, Lock, State
from tests.support.store_builders import CLIENT_ID, a_session, through_dynamodb

CIPHER = AesCipher(bytes(32))
INSTANTS = st.floats(min_value=0, max_value=4e9)


@given(
    look_at=st.none() | INSTANTS,
    wake_at=st.none() | INSTANTS,
    until=st.none() | INSTANTS,
    state=st.sampled_from(State),
    farewell=st.none() | st.builds(Farewell, fence=st.integers(0, 10**9), drained=st.booleans()),
)
def test_a_session_comes_back_with_its_lock_mark_schedule_and_last_word(
    look_at: float | None,
    wake_at: float | None,
    until: float | None,
    state: State,
    farewell: Farewell | None,
) -> None:
    lock = None if until is None else Lock(token="lck", until=until)
    session = a_session(
        look_at=look_at, wake_at=wake_at, lock=lock, state=state, version=7, farewell=farewell
    )

    item = through_dynamodb(session_item(session, CIPHER))

    assert read_session(item, CIPHER) == session
    assert CLIENT_ID not in str(item)
