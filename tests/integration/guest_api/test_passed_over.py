"""What Genesys may say and nothing uses: the chat goes on, and the drift is told."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.support.machine import DEPLOYMENT, Machine, running
from tests.support.wire_story import tells

RESUME: dict[str, Any] = {
    "type": "response",
    "class": "ResumeTokenResponse",
    "code": 200,
    "body": {"resumeToken": "a-bearer-secret", "exp": 1893456000},
}


@tells("ResumeTokenResponse")
async def test_an_answer_that_nobody_asked_for(tmp_path: Path) -> None:
    async with running(tmp_path, listener=False) as machine:
        drift = await _drift_of(machine, RESUME)

        assert [(each["kind"], each["name"]) for each in drift] == [
            ("class", "ResumeTokenResponse")
        ]
        assert "a-bearer-secret" not in str(drift)


@tells("Authenticate", "AuthenticateCancel", "AuthenticateFailure", "SessionExpired")
@pytest.mark.parametrize(
    "kind",
    ["Authenticate", "AuthenticateCancel", "AuthenticateFailure", "SessionExpired", "SomethingNew"],
)
async def test_presence_that_nobody_heeds(tmp_path: Path, kind: str) -> None:
    async with running(tmp_path, listener=False) as machine:
        drift = await _drift_of(machine, _presence(kind))

        assert [(each["kind"], each["name"], each["count"]) for each in drift] == [
            ("event", kind, 1)
        ]


def _presence(kind: str) -> dict[str, Any]:
    body = {
        "id": "7b0c5d4e3f2261a09b8c7d6e5f4a3b2c",
        "direction": "Outbound",
        "type": "Event",
        "events": [{"eventType": "Presence", "presence": {"type": kind}}],
    }
    return {"type": "message", "class": "StructuredMessage", "code": 200, "body": body}


async def _drift_of(machine: Machine, frame: dict[str, Any]) -> list[dict[str, Any]]:
    """The drift of a visit that the frame came to, of which nothing else came."""
    chat = await machine.open(message={"text": "one"})
    # Ahead of the first frame of the next visit; a visit on demand writes drift down at its end.
    machine.control.fault("malformed", text=json.dumps(frame))
    assert (await chat.send("two"))["status"] == "confirmed"

    assert (await chat.read())["incarnation"] == 1
    assert await chat.types() == [
        *("message.accepted", "session.opened", "message.confirmed"),
        *("message.accepted", "message.confirmed"),
    ]
    assert machine.handshakes() == [101, 101]
    path = f"/v1/deployments/{DEPLOYMENT}/drift"
    found: list[dict[str, Any]] = (await machine.call("GET", path))["items"]
    return found
