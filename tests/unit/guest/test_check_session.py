"""What a test session and the Platform API mean for the broker."""

import pytest

from service.domain.deployment import PLATFORM_LOGIN
from service.guest.check_session import (
    check_attached,
    check_denied,
    check_platform,
    check_told,
    is_attach_answer,
    is_configuration_answer,
)
from service.guest.check_settings import Unread
from service.guest.messages import (
    AllowedMedia,
    ErrorFrame,
    FileType,
    GetConfigurationResponse,
    MediaRules,
    ServerFrame,
    SessionExpiredEvent,
    SessionResponse,
    TooManyRequests,
)


@pytest.mark.parametrize(
    ("outcome", "code"),
    [
        (None, "platform_works"),
        (Unread(status=400), "platform_refused"),
        (Unread(status=401), "platform_refused"),
        (Unread(status=403), "platform_forbidden"),
        (Unread(status=403, what="the platform's conversation"), "platform_forbidden"),
        (Unread(status=403, what=PLATFORM_LOGIN), "platform_refused"),
        (Unread(status=429), "platform_unreachable"),
        (Unread(status=None, failure="dns"), "platform_unreachable"),
    ],
)
def test_the_platform_api(outcome: Unread | None, code: str) -> None:
    assert check_platform(outcome).code == code


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (403, "session_denied"),
        (404, "session_denied"),
        (429, "session_throttled"),
        (408, "session_failed"),
        (499, "session_denied"),
        (500, "session_failed"),
        (503, "session_failed"),
    ],
)
def test_a_status_instead_of_a_link(status: int, code: str) -> None:
    finding = check_denied(status)

    assert (finding.code, finding.detail) == (code, f"The answer was HTTP {status}.")


def _media(*types: str | None, size: int | None = None) -> AllowedMedia:
    rules = MediaRules(
        file_types=tuple(FileType(type=name) for name in types), max_file_size_kb=size
    )
    return AllowedMedia(inbound=rules)


def test_a_session_tells_what_it_allows() -> None:
    frame = SessionResponse(
        connected=True,
        duration_seconds=900,
        max_custom_data_bytes=2048,
        blocked_extensions=(".exe", ".bat"),
        allowed_media=_media("image/png", None, size=500),
    )

    opened, media = check_attached(frame)

    assert (opened.code, media.code) == ("session_opened", "media_allowed")
    assert opened.detail == (
        "As Genesys says: it lasts 900 seconds, custom attributes have 2048 bytes."
    )
    assert media.detail == "Files of at most 500 KB: image/png. 2 file extensions are blocked."


@pytest.mark.parametrize(
    ("media", "code"),
    [(None, "media_untold"), (AllowedMedia(), "media_untold"), (_media(), "media_none")],
)
def test_media_that_are_not_allowed_or_not_told(media: AllowedMedia | None, code: str) -> None:
    opened, found = check_attached(SessionResponse(connected=True, allowed_media=media))

    assert opened.detail == "Genesys says no more about it."
    assert found.code == code


@pytest.mark.parametrize(
    ("frame", "code", "words"),
    [
        (TooManyRequests(), "session_throttled", "too many requests"),
        (ErrorFrame(raw_class="string", code=400), "session_refused", "code 400"),
        (ErrorFrame(raw_class="string", code=403), "session_refused", "code 403"),
        (ErrorFrame(raw_class="string", code=404), "session_refused", "code 404"),
        (ErrorFrame(raw_class="string", code=429), "session_throttled", "code 429"),
        (ErrorFrame(raw_class="string", code=4029), "session_throttled", "code 4029"),
        (ErrorFrame(raw_class="string", code=408), "session_failed", "code 408"),
        (ErrorFrame(raw_class="string", code=503), "session_failed", "code 503"),
        (ErrorFrame(raw_class="string", code=5000), "session_failed", "code 5000"),
        (ErrorFrame(raw_class="string", code=4007), "session_failed", "code 4007"),
        (SessionResponse(connected=False, code=200), "session_refused", "not connected (code 200)"),
    ],
)
def test_a_session_that_does_not_come_about(frame: ServerFrame, code: str, words: str) -> None:
    (finding,) = check_attached(frame)

    assert finding.code == code
    assert words in finding.detail


def test_what_answers_a_configure() -> None:
    assert is_attach_answer(SessionResponse(connected=True))
    assert is_attach_answer(ErrorFrame(raw_class=None))
    assert not is_attach_answer(SessionExpiredEvent())


def test_limits_as_genesys_tells_them() -> None:
    frame = GetConfigurationResponse(
        max_custom_data_bytes=2048,
        message_routing_enabled=True,
        session_duration_seconds=900,
        allowed_media=_media("image/png", size=500),
    )

    finding = check_told(frame)

    assert finding.code == "limits_told"
    assert finding.detail == (
        "As Genesys says: it lasts 900 seconds, custom attributes have 2048 bytes. "
        "Files of at most 500 KB: image/png."
    )


@pytest.mark.parametrize("media", [None, AllowedMedia(), _media()])
def test_limits_that_name_no_media(media: AllowedMedia | None) -> None:
    finding = check_told(GetConfigurationResponse(allowed_media=media))

    assert (finding.code, finding.detail) == ("limits_told", "Genesys says no more about it.")


@pytest.mark.parametrize(
    ("frame", "code", "words"),
    [
        (
            GetConfigurationResponse(message_routing_enabled=False),
            "routing_off",
            "messageRoutingEnabled is false. Genesys says no more",
        ),
        (TooManyRequests(), "limits_untold", "too many requests"),
        (ErrorFrame(raw_class="string", code=400), "limits_untold", "code 400"),
        (None, "limits_untold", "No answer"),
    ],
)
def test_limits_that_are_bad_or_not_told(frame: ServerFrame | None, code: str, words: str) -> None:
    finding = check_told(frame)

    assert finding.code == code
    assert words in finding.detail


def test_what_answers_a_get_configuration() -> None:
    assert is_configuration_answer(GetConfigurationResponse())
    assert is_configuration_answer(TooManyRequests())
    assert is_configuration_answer(ErrorFrame(raw_class=None))
    assert not is_configuration_answer(SessionResponse(connected=True))


def test_a_code_that_is_any_text_is_cut_and_steers_no_terminal() -> None:
    code = "\x1b[31mX\u202e" + "y" * 1000
    frames: list[ServerFrame] = [
        ErrorFrame(raw_class="string", code=code),
        SessionResponse(code=code, connected=False),
    ]

    for frame in frames:
        [finding] = check_attached(frame)
        assert "?[31mX?y" in finding.detail
        assert finding.detail.isprintable()
        assert len(finding.detail) < 80
    assert check_told(frames[0]).detail.isprintable()
