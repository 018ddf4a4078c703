"""What a session did lately is remembered from visit to visit, for not too many sessions."""

from service.domain.ids import SessionId
from service.usecases.last_minutes import SESSIONS_MOST, LastMinutes


def test_a_session_finds_its_last_minute_again_and_no_other_does() -> None:
    minutes = LastMinutes()
    minutes(SessionId("ses_1")).reads.append(7.0)

    assert minutes(SessionId("ses_1")).reads == [7.0]
    assert minutes(SessionId("ses_2")).reads == []


def test_the_longest_unused_makes_room() -> None:
    minutes = LastMinutes()
    for number in range(SESSIONS_MOST):
        minutes(SessionId(f"ses_{number}")).configures.append(float(number))
    assert minutes(SessionId("ses_0")).configures == [0.0]
    minutes(SessionId("ses_new"))

    assert len(minutes.of) == SESSIONS_MOST
    assert minutes(SessionId("ses_0")).configures == [0.0]
    assert minutes(SessionId("ses_1")).configures == []


def test_typing_goes_out_once_in_five_seconds_and_is_tried_no_more_often() -> None:
    minute = LastMinutes()(SessionId("ses_1"))
    minute.typing_at, minute.typing_tried_at = 100.0, 98.0

    assert minute.typed_lately(104.9)
    assert not minute.typed_lately(105.0)
    assert not minute.tried_to_type_lately(105.0)
    minute.typing_tried_at = 103.0
    assert not minute.typed_lately(105.0)
    assert minute.tried_to_type_lately(105.0)
