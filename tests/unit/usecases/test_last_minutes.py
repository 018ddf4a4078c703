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
