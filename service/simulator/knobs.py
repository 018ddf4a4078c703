"""Everything about the service that no public source settles, and every limit, as named values.

The defaults are the most likely reading. A client that works only with the defaults is not done.
A limit of 0 is none, and what closes a socket never does; a delay or lag of 0 is none; a life of 0
is over at once.
"""

from dataclasses import dataclass
from enum import StrEnum


class ExpiredAnswer(StrEnum):
    """How a message on an expired session is refused."""

    CODE = "code"
    EVENT = "event"


class Reattach(StrEnum):
    """What `configureSession` does with a token whose session is gone or past its time."""

    NEW_SESSION = "new_session"
    REFUSED = "refused"


class NotFoundSpelling(StrEnum):
    """How "session not found" is written."""

    NUMBER = "number"
    STRING_CODE = "string_code"
    BARE = "bare"
    ERROR_MESSAGE = "error_message"


class RefusalClass(StrEnum):
    """The message class of a refusal, but for "session not found"."""

    STRING = "string"
    ERROR = "Error"
    ERROR_MESSAGE = "ErrorMessage"


class AttributeMeasure(StrEnum):
    """How the bytes of custom attributes are counted."""

    KEYS_AND_VALUES = "keys_and_values"
    JSON = "json"


class Dedupe(StrEnum):
    """By what, if anything, a message sent twice is recognised."""

    NOTHING = "nothing"
    TRACING_ID = "tracing_id"
    METADATA_ID = "metadata_id"


class ReasonField(StrEnum):
    """The field of `ConnectionClosedEvent` that carries the reason."""

    REASON = "reason"
    REASON_CODE = "reasonCode"


class DurationField(StrEnum):
    """The field of a typing event that carries its milliseconds."""

    DURATION = "duration"
    DURATION_MS = "durationMs"


class EnvelopeType(StrEnum):
    """The `type` of an envelope."""

    RESPONSE = "response"
    MESSAGE = "message"


@dataclass(frozen=True, slots=True, kw_only=True)
class Knobs:
    """The settings of one world; `control.knobs(...)` changes them while it runs."""

    # Session not found, session expired.
    not_found_spelling: NotFoundSpelling = NotFoundSpelling.NUMBER
    not_found_text: str = "Session not found"
    expired_answer: ExpiredAnswer = ExpiredAnswer.CODE
    expired_text: str = "Session has expired"
    expired_event_type: EnvelopeType = EnvelopeType.MESSAGE
    push_expiry: bool = False
    configure_expired: Reattach = Reattach.NEW_SESSION
    configure_forgotten: Reattach = Reattach.NEW_SESSION
    configure_dead_token: Reattach = Reattach.REFUSED
    read_only_expires: bool = False

    # Connections.
    max_connections: int = 3
    eviction_grace_seconds: float = 5.0
    evicted_close_code: int = 1000
    idle_close_seconds: float = 600.0
    max_age_seconds: float = 7200.0
    going_away_code: int = 1001
    going_away_reason: str = "Going away"
    max_frame_bytes: int = 131_072
    too_big_code: int = 1009
    missing_origin_allowed: bool = False
    refuse_deployment_mismatch: bool = True
    rate_limited_handshake_status: int = 429

    # What extends a session besides messages.
    echo_extends: bool = False
    configure_extends: bool = False
    typing_extends: bool = False

    # Messages and events.
    replay_on_attach: bool = False
    typing_echoed: bool = False
    typing_refused_when_disabled: bool = True
    join_refused_when_disabled: bool = False
    empty_text_refused: bool = False
    dedupe: Dedupe = Dedupe.NOTHING
    attribute_measure: AttributeMeasure = AttributeMeasure.KEYS_AND_VALUES
    tracing_id_to_others: bool = True
    human_messages_have_message_id: bool = True
    typing_duration_field: DurationField = DurationField.DURATION
    closed_reason_field: ReasonField = ReasonField.REASON
    rising_times: bool = True
    metadata_on_echo: bool = True

    # Answers.
    refusal_class: RefusalClass = RefusalClass.STRING
    full_session_response: bool = True
    auto_started_field: bool = False
    resume_token_answered: bool = False
    disconnect_customer_works: bool = False
    close_session_ends_active: bool = False
    close_one_closes_socket: bool = False
    echo_needs_token: bool = False

    # History and platform lookups.
    history_lag_seconds: float = 0.0
    history_max_page_size: int = 100
    history_metadata: bool = True
    history_tracing_id: bool = False
    history_times: bool = True
    details_lag_seconds: float = 0.0
    jwt_seconds: float = 60.0
    jwt_dies_on_reconnect: bool = True

    # Speed of the service.
    answer_delay_seconds: float = 0.0
    rest_delay_seconds: float = 0.0
    bot_delay_seconds: float = 0.2
    scan_seconds: float = 0.1

    # Documented limits.
    max_text_bytes: int = 4096
    max_attribute_bytes: int = 2048
    max_agent_characters: int = 4000
    messages_per_second: int = 5
    requests_per_minute: int = 60
    configures_per_minute: int = 60
    handshakes_per_minute: int = 1000
    history_reads_per_minute: int = 10
    echoes_per_minute: int = 2
    threading_seconds: float = 259_200.0
    attachment_seconds: float = 1_296_000.0
    upload_seconds: float = 600.0
    download_seconds: float = 600.0
    auth_jwt_seconds: float = 900.0
    refresh_token_seconds: float = 86_400.0
    auth_codes_once: bool = True
    auth_refusal: str = ""
    refresh_rotates: bool = False
    sign_in_told_late: bool = False
    platform_token_seconds: float = 86_400.0
