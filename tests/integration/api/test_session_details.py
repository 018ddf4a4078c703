"""What callers keep with a session over HTTP: attributes, metadata, the customer's journey."""

from typing import Any, Final

import pytest

from tests.support.api_bench import Bench


async def test_what_is_kept_with_a_session_is_changed_by_merge_patches(bench: Bench) -> None:
    made = await bench.session(
        customAttributes={"order": "7", "tier": "gold"}, metadata={"crm": {"id": 1, "old": True}}
    )
    path = f"/v1/sessions/{made['id']}"
    patch = {
        "customAttributes": {"order": "8", "tier": None},
        "metadata": {"crm": {"old": None}, "seen": [1]},
    }

    changed = await bench.http.patch(path, json=patch, headers={"Idempotency-Key": "p"})
    again = await bench.http.patch(path, json=patch, headers={"Idempotency-Key": "p"})

    assert changed.status_code == 200
    assert changed.json()["customAttributes"] == {"order": "8"}
    assert changed.json()["metadata"] == {"crm": {"id": 1}, "seen": [1]}
    assert again.json() == changed.json()
    assert (await bench.http.get(path)).json()["metadata"] == changed.json()["metadata"]
    assert (await bench.http.patch(path, json={})).json()["customAttributes"] == {"order": "8"}


async def test_a_change_that_cannot_be_is_refused(bench: Bench) -> None:
    path = f"/v1/sessions/{(await bench.session())['id']}"

    refused = [
        (await bench.http.patch(path, json=body)).json()["code"]
        for body in (
            {"customAttributes": {"k": "v" * 2048}},
            {"customAttributes": {"k": 7}},
            {"metadata": {"k": "v" * 16384}},
            {"externalId": "x"},
        )
    ]
    nowhere = await bench.http.patch("/v1/sessions/ses_none", json={})

    assert refused == ["attributes_too_large", *["invalid_request"] * 3]
    assert nowhere.status_code == 404


JOURNEY: Final[dict[str, Any]] = {
    "customer": {"id": "c-1", "idType": "cookie"},
    "customerSession": {"id": "", "type": "web"},
}


async def test_the_journey_is_shown_as_it_was_given(bench: Bench) -> None:
    action = {"id": "a-1", "actionMap": {"id": "m-1", "version": 3}}
    whole = {**JOURNEY, "triggeringAction": action}

    assert (await bench.session())["journeyContext"] is None
    assert (await bench.session(journeyContext=JOURNEY))["journeyContext"] == JOURNEY
    assert (await bench.session(journeyContext=whole))["journeyContext"] == whole


@pytest.mark.parametrize(
    ("wrong", "pointer"),
    [
        ({"customer": {"id": "c"}}, "customer/idType"),
        ({"customer": {"id": "", "idType": "cookie"}}, "customer/id"),
        ({"customer": {"id": "c" * 257, "idType": "cookie"}}, "customer/id"),
        ({"customer": {"id": 7, "idType": "cookie"}}, "customer/id"),
        ({"customerSession": {"id": "s", "type": "w" * 65}}, "customerSession/type"),
        ({"customerSession": {"id": "s", "type": "web", "mood": 1}}, "customerSession/mood"),
        ({"triggeringAction": {"id": "a"}}, "triggeringAction/actionMap"),
        (
            {"triggeringAction": {"id": "a", "actionMap": {"id": "m", "version": "3"}}},
            "triggeringAction/actionMap/version",
        ),
        ({"mood": 1}, "mood"),
    ],
)
async def test_a_journey_that_is_none_is_refused(
    bench: Bench, wrong: dict[str, Any], pointer: str
) -> None:
    body = {"deployment": "shop", "journeyContext": {**JOURNEY, **wrong}}

    refused = await bench.http.post("/v1/sessions", json=body)

    assert (refused.status_code, refused.json()["code"]) == (422, "invalid_request")
    assert [f["pointer"] for f in refused.json()["errors"]] == [f"/journeyContext/{pointer}"]
