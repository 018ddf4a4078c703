"""The examples are bodies that work: each is sent to the route it is for."""

import json
from pathlib import Path
from typing import Any, Final

import pytest

from service.domain.ids import SessionId
from service.simulator.canned import CANNED
from tests.support.api_bench import DEPLOYMENT, Bench

EXAMPLES: Final = Path(__file__).parents[3] / "openapi" / "examples"
ROUTES: Final = {
    "CreateSessionBody": "/v1/sessions",
    "SendMessageBody": "/v1/sessions/{session}/messages",
    "EndBody": "/v1/sessions/{session}/end",
    "CreateWebhookBody": "/v1/webhooks",
    "RotateSecretBody": "/v1/webhooks/{webhook}/rotate-secret",
    "StartReplayBody": "/v1/webhooks/{webhook}/replay",
    "CreateDeploymentBody": "/v1/deployments",
    "CreateKeyBody": "/v1/api-keys",
}
OFFERS: Final = {
    "buttonResponse": "/quick",
    "listPicker": "/list",
    "datePicker": "/date",
    "form": "/form",
}
BODIES: Final = sorted(
    path for path in EXAMPLES.glob("*.json") if path.name.partition(".")[0] in ROUTES
)


@pytest.mark.parametrize("example", BODIES, ids=lambda path: path.stem)
async def test_an_example_is_taken(bench: Bench, example: Path) -> None:
    session = await bench.session()
    hook = await bench.http.post("/v1/webhooks", json={"url": "https://example.com/h"})
    await bench.http.delete(f"/v1/deployments/{DEPLOYMENT}")
    body = json.loads(example.read_text(encoding="utf-8"))
    await _offer(bench, session["id"], body)
    if "deployment" in body:
        body["deployment"] = DEPLOYMENT
    if body.get("name") == DEPLOYMENT:
        body["name"] = "another"
    route = ROUTES[example.name.partition(".")[0]]

    answer = await bench.http.post(
        route.format(session=session["id"], webhook=hook.json()["id"]), json=body
    )

    assert answer.status_code in {200, 201, 202}, answer.text


async def _offer(bench: Bench, session_id: str, body: dict[str, Any]) -> None:
    """Let the bot offer what the example answers, and the example name what the bot said."""
    for field, said in OFFERS.items():
        if field in body:
            session = await bench.table.sessions.load(SessionId(session_id))
            name = await bench.reply(session, "Well?", content=CANNED[said].content)
            if "messageId" in body[field]:
                body[field]["messageId"] = name


def test_every_route_with_a_body_to_make_something_has_an_example() -> None:
    assert {path.name.partition(".")[0] for path in BODIES} == set(ROUTES)


async def test_docs_and_document_are_served_without_a_key(bench: Bench) -> None:
    nobody = {"authorization": ""}

    page = await bench.http.get("/docs", headers=nobody)
    document = await bench.http.get("/openapi.json", headers=nobody)

    committed = json.loads((EXAMPLES.parent / "openapi.json").read_text(encoding="utf-8"))
    assert page.headers["content-type"].startswith("text/html")
    assert "default-src 'none'" in page.headers["content-security-policy"]
    assert document.json() == committed
