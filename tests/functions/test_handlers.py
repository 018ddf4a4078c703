"""The handlers as Lambda calls them: in processes of their own, told everything by variables."""

import asyncio
import json
import os
import sys
from pathlib import Path
from typing import Any

from tests.functions.conftest import Stage
from tests.support.event_source import TIMEOUT, a_batch
from tests.support.gateway_event import a_request

ROOT = Path(__file__).parents[2]


async def invoked(
    stage: Stage, door: str, *events: object, **variables: str
) -> list[dict[str, Any]]:
    """What the handler of that door answered to these events."""
    given = {
        "BROKER_TABLE": stage.settings.table,
        "BROKER_QUEUE_PREFIX": stage.settings.queue_prefix,
        "BROKER_SHARDS": str(stage.settings.shards),
        "BROKER_DATA_DIR": str(stage.settings.data_dir),
        "AWS_ENDPOINT_URL": str(stage.settings.aws_endpoint_url),
    }
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.support.lambda_environment", str(TIMEOUT), door),
        cwd=ROOT,
        env={**os.environ, **given, **variables},
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    lines = "".join(f"{json.dumps(event)}\n" for event in events)
    out, log = await process.communicate(lines.encode())
    assert process.returncode == 0, log.decode()
    return [json.loads(line) for line in out.decode().splitlines()]


async def test_the_api_answers_one_request_after_another(stage: Stage) -> None:
    clock = {"source": "aws.scheduler", "time": "2026-11-26T16:00:00Z"}
    listed = a_request("GET", "/v1/deployments", key="made-known-at-the-start")
    answers = await invoked(
        *(stage, "api", listed, clock, listed), BROKER_ADMIN_KEY="made-known-at-the-start"
    )

    assert [each.get("statusCode") for each in answers] == [200, None, 200]
    assert answers[1]["errorType"] == "ConfigurationError"


async def test_both_serve_one_invocation_after_another(stage: Stage) -> None:
    session = await stage.session(events=1)
    await stage.table.sessions.mark_work(session.id, 1.0)
    clock = {"source": "aws.scheduler", "time": "2026-11-26T16:00:00Z"}
    courier, sweeper = await asyncio.gather(
        invoked(stage, "courier", a_batch("no hint"), clock, a_batch()),
        invoked(stage, "sweeper", clock, clock),
    )

    assert courier[0] == courier[2] == {"batchItemFailures": []}
    assert courier[1]["errorType"] == "ConfigurationError"
    assert sweeper == [{"due": 1}, {"due": 0}]
