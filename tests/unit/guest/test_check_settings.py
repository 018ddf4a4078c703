"""What the public files of a deployment mean for the broker."""

import json
import sys
from collections.abc import Callable
from typing import Any

import pytest

from service.domain.deployment import Deployment
from service.domain.errors import GuestProtocolError
from service.guest.check_settings import Unread, check_configuration, check_domains, listed
from service.guest.codec import decode_deployment_config
from service.guest.json_text import MOST_VALUES
from tests.support.playbook import deployment

ENDPOINT = "wss://webmessaging.mypurecloud.de"
CONVERSATIONS: dict[str, Any] = {
    "enabled": True,
    "messagingEndpoint": ENDPOINT,
    "showAgentTypingIndicator": True,
    "showUserTypingIndicator": True,
    "autoStart": {"enabled": False},
    "conversationDisconnect": {"enabled": True, "type": "ReadOnly"},
    "conversationClear": {"enabled": True},
    "sessionDurationSeconds": 259_200,
}
CONFIG: dict[str, Any] = {
    "version": "7",
    "languages": ["en-us", "de-de"],
    "defaultLanguage": "en-us",
    "status": "Active",
    "auth": {"enabled": False},
}
UPLOADS = {"enableAttachments": True}


def _deployment(**changes: Any) -> Deployment:  # noqa: ANN401 - fields of Deployment
    facts: dict[str, Any] = {"domain": "mypurecloud.de", "auto_start": None, **changes}
    return deployment(**facts)


def _codes(
    conversations: dict[str, Any] | None = None,
    uploads: dict[str, Any] | None = None,
    *,
    ours: Deployment | None = None,
    **config: Any,  # noqa: ANN401 - any JSON
) -> dict[str, str]:
    text = json.dumps(
        {
            **CONFIG,
            **config,
            "messenger": {
                "apps": {"conversations": CONVERSATIONS | (conversations or {})},
                "fileUpload": UPLOADS if uploads is None else uploads,
            },
        }
    )
    return {each.code: each.detail for each in check_configuration(ours or _deployment(), text)}


def test_a_deployment_in_order() -> None:
    codes = _codes()

    assert list(codes) == [
        "configuration_read",
        "deployment_active",
        "endpoint_matches",
        "disconnect_read_only",
        "clear_on",
        "auto_start_off",
        "typing_on",
        "session_lifetime",
        "attachments_by_profile",
        "locale_unset",
        "authentication_off",
    ]
    assert codes["configuration_read"] == "It is of version 7."
    assert codes["session_lifetime"] == "It expires 72 hours after the last message."
    assert codes["locale_unset"] == "The deployment's default is en-us."


def test_a_configuration_that_says_next_to_nothing() -> None:
    text = '{"messenger": {"apps": {"conversations": {"autoStart": {"enabled": false}}}}}'
    findings = check_configuration(_deployment(), text)

    assert [each.code for each in findings] == [
        "configuration_read",
        "deployment_status_untold",
        "disconnect_off",
        "clear_off",
        "auto_start_off",
        "typing_on",
        "session_lifetime_untold",
        "attachments_off",
        "locale_unset",
        "authentication_off",
    ]
    assert findings[0].detail == "It is without a version."


@pytest.mark.parametrize("text", ["{}", '{"message": "maintenance"}', '{"status": "maintenance"}'])
def test_any_json_object_is_no_configuration(text: str) -> None:
    (finding,) = check_configuration(_deployment(), text)

    assert finding.code == "configuration_malformed"
    assert finding.detail == "It has none of a deployment's settings."


@pytest.mark.parametrize(
    ("auto_start", "words"),
    [
        (None, "The broker sends no Join meanwhile."),
        (False, "The broker sends no Join meanwhile, as autoStart says here."),
        (True, "The broker sends Join all the same, as autoStart says here."),
    ],
)
def test_what_becomes_of_joins_while_the_file_cannot_be_read(
    words: str, *, auto_start: bool | None
) -> None:
    (finding,) = check_configuration(_deployment(auto_start=auto_start), Unread(status=503))

    assert finding.detail == f"The answer was HTTP 503. {words}"


def test_a_message_after_an_untold_end_need_not_begin_a_conversation() -> None:
    told = _codes({"conversationDisconnect": {"enabled": False}})["disconnect_off"]

    assert "opens a conversation, or goes on in the one before" in told


@pytest.mark.parametrize(
    ("conversations", "code"),
    [
        ({"conversationDisconnect": {"enabled": True, "type": "Send"}}, "disconnect_send"),
        ({"conversationDisconnect": {"enabled": False, "type": "Send"}}, "disconnect_off"),
        ({"conversationClear": {"enabled": False}}, "clear_off"),
        ({"autoStart": {"enabled": True}}, "auto_start_on"),
        ({"showUserTypingIndicator": False}, "typing_off"),
        ({"sessionDurationSeconds": 900}, "session_lifetime_short"),
        ({"enabled": False}, "messaging_off"),
        ({"messagingEndpoint": "wss://webmessaging.mypurecloud.ie"}, "endpoint_differs"),
        ({"messagingEndpoint": "wss://[bad"}, "endpoint_differs"),
        ({"messagingEndpoint": "wss://webmessaging.euc1.pure.cloud"}, "endpoint_matches"),
        ({"messagingEndpoint": "webmessaging.mypurecloud.de"}, "endpoint_matches"),
    ],
)
def test_each_setting_has_its_finding(conversations: dict[str, Any], code: str) -> None:
    assert code in _codes(conversations)


def test_hours_are_told_as_people_say_them() -> None:
    told = _codes({"sessionDurationSeconds": 5400})["session_lifetime"]

    assert told == "It expires 1.5 hours after the last message."


def test_a_deployment_that_is_not_active_is_told_with_its_status() -> None:
    told = _codes(status="Inactive\n")["deployment_inactive"]

    assert told == "Its status is Inactive?; connections are refused."


@pytest.mark.parametrize(
    ("here", "there", "code"),
    [
        (True, True, "auto_start_on"),
        (False, False, "auto_start_off"),
        (True, False, "auto_start_differs"),
        (False, True, "auto_start_differs"),
    ],
)
def test_auto_start_here_and_there(*, here: bool, there: bool, code: str) -> None:
    codes = _codes({"autoStart": {"enabled": there}}, ours=_deployment(auto_start=here))

    assert [each for each in codes if each.startswith("auto_start")] == [code]


def test_how_auto_start_differs_is_told() -> None:
    told = _codes(ours=_deployment(auto_start=True))["auto_start_differs"]

    assert told == "It is on here and off at Genesys."


def test_attachments_by_the_configuration_itself() -> None:
    modes = [
        {"fileTypes": ["image/png"], "maxFileSizeKB": 500},
        {"fileTypes": ["text/plain"], "maxFileSizeKB": 1000},
    ]

    told = _codes(uploads={"modes": modes})["attachments_by_configuration"]

    assert told == "Files of at most 1000 KB: image/png, text/plain."


def test_attachments_of_any_size() -> None:
    told = _codes(uploads={"modes": [{"fileTypes": ["image/png"]}]})["attachments_by_configuration"]

    assert told == "Files of any size: image/png."


@pytest.mark.parametrize(
    "uploads",
    [{}, {"modes": []}, {"enableAttachments": False, "modes": [{"fileTypes": ["image/png"]}]}],
)
def test_attachments_that_are_off(uploads: dict[str, Any]) -> None:
    assert "attachments_off" in _codes(uploads=uploads)


@pytest.mark.parametrize(
    ("locale", "code"),
    [("de-DE", "locale_listed"), ("de_de", "locale_listed"), ("fr", "locale_not_listed")],
)
def test_the_locale_is_looked_for_however_it_is_spelled(locale: str, code: str) -> None:
    assert code in _codes(ours=_deployment(locale=locale))


def test_signing_in() -> None:
    plain = _codes(auth={"enabled": True})["authentication_on"]
    stepping = _codes(auth={"enabled": True, "allowSessionUpgrade": True})["authentication_on"]

    assert "may not become" in plain
    assert "may become" in stepping


def test_a_default_language_may_be_untold() -> None:
    assert _codes(defaultLanguage=None)["locale_unset"] == "The deployment's default is not told."


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("no json", "its beginning"),
        ('{"status": 1}', "status"),
        ('{"messenger": {"fileUpload": 3}}', "messenger.fileUpload"),
    ],
)
def test_a_file_of_another_shape_is_told_by_the_place(text: str, place: str) -> None:
    last = check_configuration(_deployment(), text)[-1]

    assert last.code == "configuration_malformed"
    assert last.detail.startswith(f"The file is wrong at {place}: ")


def test_what_was_understood_of_a_broken_file_is_told_all_the_same() -> None:
    codes = [each.code for each in check_configuration(_deployment(), '{"languages": "all"}')]

    assert codes[0] == "deployment_status_untold"
    assert codes[-1] == "configuration_malformed"


@pytest.mark.parametrize(
    ("unread", "code", "words"),
    [
        (Unread(status=403), "configuration_not_found", "The answer was HTTP 403."),
        (Unread(status=404), "configuration_not_found", "The answer was HTTP 404."),
        (Unread(status=503), "configuration_unreachable", "The answer was HTTP 503."),
        (
            Unread(status=None, failure="dns"),
            "configuration_host_unknown",
            "The name of the host does not exist.",
        ),
        (
            Unread(status=None, failure="timeout"),
            "configuration_unreachable",
            "No answer came in time.",
        ),
        (Unread(status=None), "configuration_unreachable", "No complete answer came."),
    ],
)
def test_a_file_that_cannot_be_read(unread: Unread, code: str, words: str) -> None:
    (finding,) = check_configuration(_deployment(), unread)

    assert finding.code == code
    assert finding.detail.startswith(words)


@pytest.mark.parametrize(
    ("origin", "domains", "code"),
    [
        (None, {"allowAllDomains": True, "allowedDomains": []}, "origins_all"),
        (None, {"allowAllDomains": False}, "origins_none"),
        (None, {"allowAllDomains": False, "allowedDomains": ["a.test"]}, "origin_missing"),
        ("https://A.test:8443", {"allowAllDomains": False, "allowedDomains": ["a.TEST"]}, "ok"),
        ("https://www.a.test", {"allowAllDomains": False, "allowedDomains": ["a.test"]}, "ok"),
        ("https://ba.test", {"allowAllDomains": False, "allowedDomains": ["a.test"]}, "not"),
    ],
)
def test_origins(origin: str | None, domains: dict[str, Any], code: str) -> None:
    full = {"ok": "origin_allowed", "not": "origin_not_allowed"}.get(code, code)

    assert check_domains(_deployment(origin=origin), json.dumps(domains)).code == full


def test_domains_that_cannot_be_read() -> None:
    assert check_domains(_deployment(), Unread(status=500)).code == "origins_unreadable"
    malformed = check_domains(_deployment(), '{"allowAllDomains": "yes"}')
    assert malformed.code == "origins_malformed"
    assert malformed.detail == (
        "The file is wrong at allowAllDomains: must be a boolean, not a string."
    )


def test_long_lists_are_cut() -> None:
    assert listed(["x" * 100, *map(str, range(30))]) == ", ".join(
        ["x" * 80, *map(str, range(19)), "and 11 more"]
    )
    assert listed([]) == "none"


@pytest.mark.parametrize(("enabled", "code"), [(True, "headless_on"), (False, "headless_off")])
def test_headless_mode_is_named_where_it_is_told(enabled: bool, code: str) -> None:  # noqa: FBT001 - a setting
    assert "either way" in _codes(headlessMode={"enabled": enabled})[code]


_SETTINGS = (
    '{"status":"Active","languages":["en-us"%s],"messenger":{"fileUpload":{"modes":[{}%s]}}}'
)
_DOMAINS = '{"allowAllDomains":false,"allowedDomains":["a.test"%s]}'
CALLS_MOST = 15 * MOST_VALUES


def _calls(work: Callable[[], object]) -> int:
    """How many functions were called, ours and the interpreter's."""
    count = 0

    def profile(_: object, event: str, __: object) -> None:
        nonlocal count
        count += event in {"call", "c_call"}

    before = sys.getprofile()
    sys.setprofile(profile)
    try:
        work()
    finally:
        sys.setprofile(before)
    return count


@pytest.mark.parametrize("values", [MOST_VALUES // 2 - 10, 80_000])
def test_no_public_file_costs_more_than_a_little_work(values: int) -> None:
    shop = deployment(domain="mypurecloud.de", locale="de", origin="https://www.b.test")
    for text in (
        _SETTINGS % (',""' * values, ""),
        _SETTINGS % ("", ",{}" * (values // 2)),
        _SETTINGS % ("", ',{"fileTypes":[""]}' * (values // 3)),
        _SETTINGS % (",{}" * (values // 2), ""),
        "{" + ",".join(f'"{number}":1' for number in range(values)) + "}",
    ):
        assert _calls(lambda text=text: check_configuration(shop, text)) < CALLS_MOST  # type: ignore[misc]
        if values > MOST_VALUES:
            with pytest.raises(GuestProtocolError):
                decode_deployment_config(text)
    assert _calls(lambda: check_domains(shop, _DOMAINS % (',"x"' * values))) < CALLS_MOST


def test_a_file_at_the_limit_is_read_and_one_above_is_not() -> None:
    shop = deployment(domain="mypurecloud.de", origin="https://www.a.test")
    # Three signs are there already: two brackets and the comma between the settings.
    full = _DOMAINS % (',"x"' * (MOST_VALUES - 3))
    over = _DOMAINS % (',"x"' * (MOST_VALUES - 2))

    assert check_domains(shop, full).code == "origin_allowed"
    refused = check_domains(shop, over)
    assert (refused.code, refused.detail) == (
        "origins_malformed",
        "The file is wrong at its beginning: holds more than 4000 values.",
    )
