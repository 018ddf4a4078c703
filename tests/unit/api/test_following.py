"""Where an answer that was only accepted leads."""

from starlette.requests import Request

from service.api.following import at, headers_of, in_the_log


def _request(root: str = "") -> Request:
    return Request({"type": "http", "root_path": root, "headers": []})


def test_a_message_leads_to_the_events_after_its_own() -> None:
    follow = in_the_log(_request(), "ses_1")

    there = "/v1/sessions/ses_1/events?after=7&wait=25"
    assert follow({"sequence": 7}) == there
    assert follow({"message": {"sequence": 7}, "replies": []}) == there


def test_what_was_made_is_found_by_its_id() -> None:
    assert at(_request(), "/v1/things/{id}")({"id": "thg_1"}) == "/v1/things/thg_1"
    assert at(_request(), "/v1/things/thg_2")({}) == "/v1/things/thg_2"


def test_a_prefix_of_the_gateway_is_kept() -> None:
    request = _request("/prod")

    assert at(request, "/v1/things")({}) == "/prod/v1/things"
    assert in_the_log(request, "ses_1")({"sequence": 1}).startswith("/prod/v1/sessions/ses_1/")


def test_only_what_is_accepted_and_followed_by_something_leads_anywhere() -> None:
    follow = at(_request(), "/v1/things/thg_1")

    assert headers_of(202, None, follow) == {"Location": "/v1/things/thg_1", "Retry-After": "1"}
    assert headers_of(201, {}, follow) == {}
    assert headers_of(202, {}, None) == {}
