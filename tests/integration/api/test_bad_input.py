"""What a caller may get wrong: each is a clear 4xx with a code, and nothing is stored."""

from collections.abc import AsyncIterator
from typing import Any, Final

import pytest

from service.domain.ids import SessionId, TenantName
from service.domain.media import MediaRules
from tests.support.api_bench import DEPLOYMENT, Bench

JSON: Final = {"content-type": "application/json"}

CREATIONS: Final[dict[str, tuple[dict[str, Any], int, str]]] = {
    "text one byte too long": (
        {"message": {"text": "é" * 2048 + "x"}},
        422,
        "text_too_long",
    ),
    "button text too long": (
        {"message": {"buttonResponse": {"type": "Button", "text": "x" * 4097, "payload": ""}}},
        422,
        "text_too_long",
    ),
    "attributes one byte too large": (
        {"customAttributes": {"k": "v" * 2048}},
        422,
        "attributes_too_large",
    ),
    "a message's attributes too large": (
        {"message": {"text": "x", "customAttributes": {"ké": "v" * 2046}}},
        422,
        "attributes_too_large",
    ),
    "metadata too large": ({"metadata": {"k": "v" * 16384}}, 422, "invalid_request"),
    "an unknown deployment": ({"deployment": "nowhere"}, 422, "unknown_deployment"),
    "a deployment that can be none": ({"deployment": "a#b"}, 422, "unknown_deployment"),
    "no deployment": ({"deployment": None}, 422, "invalid_request"),
    "an externalId too long": ({"externalId": "é" * 129}, 422, "invalid_request"),
    "an empty externalId": ({"externalId": ""}, 422, "invalid_request"),
    "an externalId with #": ({"externalId": "a#b"}, 422, "invalid_request"),
    "an externalId that does not print": ({"externalId": "a\nb"}, 422, "invalid_request"),
    "an empty message": ({"message": {}}, 422, "invalid_request"),
    "an empty text": ({"message": {"text": ""}}, 422, "invalid_request"),
    "text beside a button": (
        {
            "message": {
                "text": "x",
                "buttonResponse": {"type": "Button", "text": "y", "payload": "z"},
            }
        },
        422,
        "invalid_request",
    ),
    "an answer before anything was offered": (
        {"message": {"buttonResponse": {"type": "Button", "text": "y", "payload": "z"}}},
        422,
        "option_not_offered",
    ),
    "two answers": (
        {
            "message": {
                "listPicker": {"messageId": "msg_1", "itemIds": ["a"]},
                "form": {"messageId": "msg_1", "answers": {}},
            }
        },
        422,
        "invalid_request",
    ),
    "an answer of no type": (
        {"message": {"form": {"messageId": "msg_1", "answers": {"a": [1]}}}},
        422,
        "invalid_request",
    ),
    "an attachment nobody has": (
        {"message": {"attachmentIds": ["att_1"]}},
        422,
        "unknown_attachment",
    ),
    "a field nobody knows": ({"externalID": "a"}, 422, "invalid_request"),
    "a number for a text": ({"message": {"text": 7}}, 422, "invalid_request"),
    "a number for an attribute": ({"customAttributes": {"n": 1}}, 422, "invalid_request"),
    "a list for metadata": ({"metadata": [1]}, 422, "invalid_request"),
}

BODIES: Final[dict[str, tuple[bytes, int, str]]] = {
    "no JSON": (b'{"deployment": ', 400, "malformed_json"),
    "not UTF-8": (b'{"deployment": "\xff"}', 400, "malformed_json"),
    "UTF-16": ('{"deployment": "shop"}'.encode("utf-16"), 400, "malformed_json"),
    "NaN": (b'{"deployment": "shop", "metadata": {"n": NaN}}', 400, "malformed_json"),
    "a number without end": (
        b'{"deployment": "shop", "metadata": {"n": 1e999}}',
        400,
        "malformed_json",
    ),
    "a huge integer": (
        b'{"deployment": "shop", "metadata": {"n": ' + b"9" * 5000 + b"}}",
        400,
        "malformed_json",
    ),
    "a member twice": (b'{"deployment": "shop", "deployment": "shop"}', 400, "malformed_json"),
    "half a surrogate": (
        b'{"deployment": "shop", "externalId": "\\ud800"}',
        400,
        "malformed_json",
    ),
    "nested too deeply": (b"[" * 100_000 + b"]" * 100_000, 400, "malformed_json"),
    "nested rather deeply": (
        b'{"deployment": "shop", "metadata": {"a": ' + b"[" * 70 + b"]" * 70 + b"}}",
        400,
        "malformed_json",
    ),
    "a list": (b"[]", 422, "invalid_request"),
    "null": (b"null", 422, "invalid_request"),
    "a text": (b'"shop"', 422, "invalid_request"),
    "nothing": (b"", 422, "invalid_request"),
    "over 1 MiB": (b'{"deployment": "' + b"x" * 1024 * 1024 + b'"}', 413, "body_too_large"),
}


@pytest.mark.parametrize("case", CREATIONS)
async def test_a_creation_is_refused(bench: Bench, case: str) -> None:
    wrong, status, code = CREATIONS[case]

    refused = await bench.http.post("/v1/sessions", json={"deployment": DEPLOYMENT, **wrong})

    assert (refused.status_code, refused.json()["code"]) == (status, code)
    assert refused.headers["content-type"] == "application/problem+json"
    assert await bench.count_sessions() == 0


@pytest.mark.parametrize("case", BODIES)
async def test_a_body_is_refused(bench: Bench, case: str) -> None:
    body, status, code = BODIES[case]

    refused = await bench.http.post("/v1/sessions", content=body, headers=JSON)

    assert (refused.status_code, refused.json()["code"]) == (status, code)
    assert await bench.count_sessions() == 0


async def test_the_largest_that_fits_is_taken(bench: Bench) -> None:
    made = await bench.session(
        externalId="é" * 128,
        customAttributes={"k": "v" * 2047},
        metadata={"k": "v" * (16384 - 8)},
        message={"text": "é" * 2048},
    )

    assert made["message"]["status"] == "confirmed"


@pytest.mark.parametrize("media_type", ["text/plain", "application/xml", "", "application/jsonx"])
async def test_another_content_type_is_refused(bench: Bench, media_type: str) -> None:
    refused = await bench.http.post(
        "/v1/sessions", content=b'{"deployment": "shop"}', headers={"content-type": media_type}
    )

    assert (refused.status_code, refused.json()["code"]) == (415, "unsupported_media_type")
    assert await bench.count_sessions() == 0


async def test_json_with_parameters_is_taken(bench: Bench) -> None:
    made = await bench.http.post(
        "/v1/sessions",
        content=b'{"deployment": "shop"}',
        headers={"content-type": "Application/JSON; charset=utf-8"},
    )

    assert made.status_code == 201


async def test_a_body_sent_in_pieces_is_cut_off_at_the_limit(bench: Bench) -> None:
    sent = 0

    async def pieces() -> AsyncIterator[bytes]:
        nonlocal sent
        for _ in range(400):
            sent += 1
            yield b"x" * 65536

    refused = await bench.http.post("/v1/sessions", content=pieces(), headers=JSON)

    assert (refused.status_code, refused.json()["code"]) == (413, "body_too_large")
    assert sent < 200


async def test_every_wrong_field_is_named_by_its_pointer(bench: Bench) -> None:
    refused = await bench.http.post(
        "/v1/sessions",
        json={
            "deployment": DEPLOYMENT,
            "externalID": "a",
            "customAttributes": {"a/b~c": 1},
            "message": {"txt": "x"},
        },
    )

    errors = {fault["pointer"]: fault["detail"] for fault in refused.json()["errors"]}
    assert errors.keys() == {"/externalID", "/customAttributes/a~1b~0c", "/message/txt"}
    assert errors["/externalID"] == "is not a field of this request"


@pytest.mark.parametrize("verb", ["typing", "clear", "resume"])
async def test_verbs_without_fields_take_none(bench: Bench, verb: str) -> None:
    session = await bench.session()
    path = f"/v1/sessions/{session['id']}/{verb}"

    refused = await bench.http.post(path, json={"force": True})
    empty = await bench.http.post(path, json={})

    assert refused.status_code == 422
    assert refused.json()["errors"][0]["pointer"] == "/force"
    assert empty.status_code in {200, 202}


async def test_an_end_in_an_unknown_mode_is_refused(bench: Bench) -> None:
    session = await bench.session()

    refused = await bench.http.post(f"/v1/sessions/{session['id']}/end", json={"mode": "maybe"})

    assert refused.json()["errors"][0]["pointer"] == "/mode"
    assert (await bench.http.get(f"/v1/sessions/{session['id']}")).json()["state"] == "active"


@pytest.mark.parametrize(
    "query", ["cursor=nonsense", "cursor=-1", "limit=0", "limit=201", "limit=-5"]
)
@pytest.mark.parametrize("listing", ["sessions", "webhooks", "deployments", "api-keys"])
async def test_listings_refuse_what_is_out_of_range(bench: Bench, listing: str, query: str) -> None:
    refused = await bench.http.get(f"/v1/{listing}?{query}")

    assert (refused.status_code, refused.json()["code"]) == (422, "invalid_request")
    assert refused.json()["errors"][0]["pointer"] == f"/query/{query.partition('=')[0]}"


async def test_sessions_in_a_state_that_is_none_are_not_listed(bench: Bench) -> None:
    refused = await bench.http.get("/v1/sessions?state=busy")

    assert refused.json()["errors"][0]["pointer"] == "/query/state"


async def test_the_bytes_of_a_file_may_be_more_and_no_json(bench: Bench) -> None:
    session = await bench.session()
    path = f"/v1/sessions/{session['id']}/attachments/att_1/content"
    headers = {"content-type": "image/jpeg"}

    fits = await bench.http.put(path, content=bytes(4_500_000), headers=headers)
    over = await bench.http.put(path, content=bytes(4_500_001), headers=headers)
    elsewhere = await bench.http.put(path + "/x", content=bytes(1024 * 1024 + 1), headers=headers)

    assert (fits.status_code, fits.json()["code"]) == (404, "not_found")
    assert (over.status_code, over.json()["code"]) == (413, "body_too_large")
    assert "4500000" in over.json()["detail"]
    assert elsewhere.status_code in {404, 413}


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"fileName": "photo", "fileType": "image/jpeg", "fileSize": 1}, "/fileName"),
        ({"fileName": "a.jpg", "fileType": "jpeg", "fileSize": 1}, "/fileType"),
        ({"fileName": "a.jpg", "fileType": "image/jpeg", "fileSize": 0}, "/fileSize"),
        ({"fileName": "a.jpg", "fileType": "image/jpeg", "fileSize": "1"}, "/fileSize"),
        ({"fileName": "a.jpg", "fileType": "image/jpeg"}, "/fileSize"),
    ],
)
async def test_a_file_that_none_can_be_is_refused_with_its_field(
    bench: Bench, body: dict[str, object], pointer: str
) -> None:
    session = await bench.session()
    answer = await bench.http.post(f"/v1/sessions/{session['id']}/attachments", json=body)

    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_request")
    assert [each["pointer"] for each in answer.json()["errors"]] == [pointer]


async def test_what_a_deployment_does_not_take_is_named(bench: Bench) -> None:
    session = await bench.session()
    [shop] = (
        await bench.table.tenants.list_deployments(TenantName("default"), cursor=None, limit=9)
    ).items
    rules = MediaRules(file_types=("image/*",), max_file_size_kb=1, blocked_extensions=(".exe",))
    await bench.table.attachments.learn(shop, rules)
    answers = [
        await bench.http.post(f"/v1/sessions/{session['id']}/attachments", json=body)
        for body in (
            {"fileName": "a.mp4", "fileType": "video/mp4", "fileSize": 1},
            {"fileName": "a.exe", "fileType": "image/jpeg", "fileSize": 1},
            {"fileName": "a.jpg", "fileType": "image/jpeg", "fileSize": 1001},
        )
    ]

    told = [(a.status_code, a.json()["code"], a.json()["errors"][0]["pointer"]) for a in answers]
    assert told == [
        (422, "attachment_type_not_allowed", "/fileType"),
        (422, "attachment_type_not_allowed", "/fileName"),
        (422, "attachment_too_large", "/fileSize"),
    ]


async def test_a_message_that_is_refused_leaves_the_log_alone(bench: Bench) -> None:
    session = await bench.session()
    path = f"/v1/sessions/{session['id']}/messages"

    answers = [
        await bench.http.post(path, json=body)
        for body in (
            {"text": "x" * 4097},
            {"text": "x", "customAttributes": {"k": "v" * 2048}},
            {"attachmentIds": ["a"]},
            {},
            {"text": None},
            {"text": "x", "metadata": {"k": "v" * 16384}},
        )
    ]

    assert [answer.status_code for answer in answers] == [422] * 6
    assert await bench.log_length(session["id"]) == 1
    assert await bench.table.sessions.open_sends(SessionId(session["id"])) == []


async def test_unknown_paths_and_methods_are_problems(bench: Bench) -> None:
    lost = await bench.http.get("/v1/nothing")
    slash = await bench.http.get("/v1/sessions/")
    wrong = await bench.http.put("/v1/sessions")

    assert (lost.status_code, lost.json()["code"]) == (404, "not_found")
    assert slash.status_code == 404
    assert (wrong.status_code, wrong.json()["code"]) == (405, "method_not_allowed")
    assert {one.headers["content-type"] for one in (lost, slash, wrong)} == {
        "application/problem+json"
    }


@pytest.mark.parametrize(
    ("path", "allowed"),
    [("sessions", "GET, POST"), ("sessions/x", "DELETE, GET, PATCH"), ("sessions/x/end", "POST")],
)
async def test_a_method_that_is_not_allowed_is_told_all_that_are(
    bench: Bench, path: str, allowed: str
) -> None:
    wrong = await bench.http.put(f"/v1/{path}")

    assert wrong.headers["allow"] == allowed


async def test_a_path_outside_the_document_still_tells_its_methods(bench: Bench) -> None:
    wrong = await bench.http.put("/openapi.json")

    assert wrong.headers["allow"] == "GET"
