"""What `make infra-check` applied, brought to life, with a contact centre and a receiver."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

import pytest
import pytest_asyncio
from boto3.session import Session as AwsSession

from service.simulator.deployments import Bot, Deployment
from service.simulator.server import SimulatorServer
from service.simulator.state import WorldConfig
from tests.support.applied import Applied, AppliedFunction, read_back, serving
from tests.support.webhook_sink import WebhookSink, webhook_sink

SIMULATED = Deployment(bot=Bot.SILENT)
REQUEST_SECONDS = 30


@dataclass(kw_only=True)
class Site:
    """A broker as it was applied, and those that it talks to."""

    applied: Applied
    aws: Any
    """A session of boto3."""
    functions: Mapping[str, AppliedFunction]
    sim: SimulatorServer
    sink: WebhookSink

    def client(self, service: str) -> Any:  # noqa: ANN401 - boto3's
        """A client of the stand-in."""
        return self.aws.client(service, endpoint_url=self.applied.endpoint)

    @property
    def hook(self) -> str:
        """Where webhooks are to lead."""
        return self.sink.url.replace("127.0.0.1", self.applied.host)

    async def call(self, method: str, path: str, body: object = None, **query: float) -> Any:  # noqa: ANN401 - any JSON
        """One request through API Gateway."""
        status, answer = await asyncio.to_thread(self._request, method, path, body, query)
        assert status in {200, 201, 202}, f"{status} {answer} {self.functions['api'].log()[-3000:]}"
        return answer

    def of_type(self, event_type: str) -> list[dict[str, Any]]:
        """What a webhook told of that type, each event once, in the order of the log."""
        events = {each["data"].get("sequence"): each for each in self.sink.events}
        return [events[at] for at in sorted(events) if events[at]["type"] == event_type]

    def _request(
        self, method: str, path: str, body: object, query: Mapping[str, float]
    ) -> tuple[int, Any]:
        gateway = HTTPConnection(urlsplit(self.applied.endpoint).netloc, timeout=REQUEST_SECONDS)
        # The name is one of the stand-in's own that no resolver knows.
        headers = {
            "Host": urlsplit(self.applied.outputs["url"]).netloc,
            "Authorization": f"Bearer {self.applied.admin_key}",
            "Content-Type": "application/json",
        }
        sent = None if body is None else json.dumps(body)
        gateway.request(method, f"{path}?{urlencode(query)}", sent, headers)
        answer = gateway.getresponse()
        text = answer.read()
        gateway.close()
        return answer.status, json.loads(text) if text else None


@pytest.fixture(name="applied")
def _applied() -> Applied:
    applied = Applied.told()
    if applied is None:
        pytest.skip("NOT RUN: nothing is applied; `make infra-check` applies it")
    return applied


@pytest.fixture(name="aws")
def _aws() -> AwsSession:
    return AwsSession(
        aws_access_key_id="test", aws_secret_access_key="test", region_name="eu-central-1"
    )


@pytest.fixture(name="functions")
def _functions(
    applied: Applied, aws: AwsSession, tmp_path: Path
) -> Iterator[Mapping[str, AppliedFunction]]:
    client = aws.client("lambda", endpoint_url=applied.endpoint)
    functions = {
        each: read_back(client, name, applied.endpoint, tmp_path / each)
        for each, name in applied.outputs["functions"].items()
    }
    by_name = {applied.outputs["functions"][each]: made for each, made in functions.items()}
    with serving(by_name, applied.door):
        yield functions


@pytest_asyncio.fixture(name="site")
async def _site(
    applied: Applied, aws: AwsSession, functions: Mapping[str, AppliedFunction]
) -> AsyncIterator[Site]:
    world = WorldConfig(deployments=(SIMULATED,))
    async with SimulatorServer(world, seed=1) as sim, webhook_sink(host=applied.host) as sink:
        yield Site(applied=applied, aws=aws, functions=functions, sim=sim, sink=sink)
