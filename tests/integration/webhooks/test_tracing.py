"""One message from its request to the webhook, by one trace id; and what no line ever tells."""

import io
import json
import logging
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import pytest

from service.domain.trace import trace_of_name
from service.observability import CHATTY, HumanFormatter, configure_logging
from tests.support.embedded_metrics import measured
from tests.support.machine import ADMIN, DEPLOYMENT, Chat, Json, Machine, eventually, running
from tests.support.webhook_sink import Received, WebhookSink, answer, webhook_sink

ID: Final = "4bf92f3577b34da6a3ce929d0e0e4736"
PARENT: Final = f"00-{ID}-00f067aa0ba902b7-00"

Line = Mapping[str, Any]


@pytest.fixture(name="log")
def fixture_log() -> Iterator[io.StringIO]:
    """Every line of the process, as a function writes it and as a person at a terminal sees it."""
    stream, loggers = io.StringIO(), [logging.getLogger(name) for name in ("", *CHATTY)]
    levels, handlers = [each.level for each in loggers], loggers[0].handlers[:]
    configure_logging("INFO", stream, human=False, metrics_of="shop")
    terminal = logging.StreamHandler(stream)
    terminal.setFormatter(HumanFormatter())
    loggers[0].addHandler(terminal)
    yield stream
    loggers[0].handlers[:] = handlers
    for each, level in zip(loggers, levels, strict=True):
        each.setLevel(level)


def _lines(log: io.StringIO) -> list[Line]:
    return [json.loads(each) for each in log.getvalue().splitlines() if each.startswith("{")]


def _of_type(posts: list[Received], kind: str) -> list[Received]:
    return [each for each in posts if each.event["type"] == kind]


async def _told(sink: WebhookSink, kind: str) -> None:
    async def came() -> bool:
        return bool(_of_type(sink.requests, kind))

    await eventually(came, what=kind)


async def test_the_trace_of_a_request_is_in_every_line_to_the_webhook_and_in_its_header(
    tmp_path: Path, log: io.StringIO
) -> None:
    async with running(tmp_path) as machine, webhook_sink() as sink:
        await machine.webhook(sink.url)
        chat = await machine.open()
        sent = await machine.http.post(
            f"/v1/sessions/{chat.id}/messages",
            json={"text": "hello"},
            params={"wait": 25},
            headers={"traceparent": PARENT, "tracestate": "vendor=1"},
        )
        assert sent.status_code == 201, sent.text
        await chat.agent_says("good morning")
        await chat.wait_for("message.received")
        await _told(sink, "message.received")

    assert sent.headers["broker-trace-id"] == ID
    for kind in ("message.accepted", "message.confirmed"):
        [post] = _of_type(sink.requests, kind)
        version, trace, span, flags = post.headers["traceparent"].split("-")
        assert (version, trace, flags) == ("00", ID, "00"), kind
        assert span not in PARENT
        assert "tracestate" not in post.headers

    told = [(each["event"], each.get("event_type")) for each in _lines(log) if ID in str(each)]
    assert {event for event, _ in told} == {
        "api.served",
        "message.written",
        "event.logged",
        "delivery.attempted",
    }
    assert ("event.logged", "message.confirmed") in told
    assert ("delivery.attempted", "message.accepted") in told
    assert ("delivery.attempted", "message.confirmed") in told
    by_session = [each for each in _lines(log) if each.get("session_id") == chat.id]
    assert {each["trace_id"] for each in by_session if each["event"] == "api.served"} >= {ID}

    # What the agent said no request caused: a trace of its own, the same in line and header.
    [heard] = _of_type(sink.requests, "message.received")
    own = trace_of_name(heard.event["id"]).partition("-")[0]
    assert heard.headers["traceparent"].split("-")[1] == own != ID


async def test_the_request_that_made_a_session_is_known_when_it_opens_and_when_it_is_ended(
    tmp_path: Path,
) -> None:
    async with running(tmp_path) as machine, webhook_sink() as sink:
        await machine.webhook(sink.url)
        parent = {"traceparent": PARENT}
        made = await machine.http.post(
            "/v1/sessions",
            json={"deployment": DEPLOYMENT},
            params={"wait": 25},
            headers=parent,
        )
        chat = Chat(machine=machine, id=made.json()["id"], created=made.json())
        await chat.agent_says("hello")
        await chat.wait_for("message.received")
        other = ID[::-1]
        ended = await machine.http.post(
            f"/v1/sessions/{chat.id}/end",
            json={"mode": "leave"},
            headers={"traceparent": PARENT.replace(ID, other)},
        )
        assert ended.status_code == 200, ended.text
        await _told(sink, "session.ended")

    traces = {
        post.event["type"]: post.headers["traceparent"].split("-")[1] for post in sink.requests
    }
    assert traces["session.opened"] == ID
    assert traces["session.ended"] == other
    assert traces["message.received"] not in {ID, other}


@pytest.mark.parametrize("verb", ["test", "verify"])
async def test_what_an_owner_asks_a_webhook_is_of_the_trace_of_the_request(
    tmp_path: Path, verb: str
) -> None:
    async with running(tmp_path) as machine, webhook_sink() as sink:
        hook = await machine.webhook(sink.url)
        path, parent = f"/v1/webhooks/{hook['id']}/{verb}", {"traceparent": PARENT}
        asked = await machine.http.post(path, json={}, headers=parent)
        assert asked.status_code == 200, asked.text

    assert [each.headers["traceparent"].split("-")[1] for each in sink.requests] == [ID]


async def test_a_retry_goes_on_in_the_same_trace_by_another_step(tmp_path: Path) -> None:
    async with (
        running(tmp_path, settings={"retry_scale": 0.01}) as machine,
        webhook_sink() as sink,
    ):
        sink.script.extend([answer(500), answer(200)])
        await machine.webhook(sink.url, "session.opened")
        await machine.open()
        await sink.received(2)

    first, second = (post.headers["traceparent"].split("-") for post in sink.requests[:2])
    assert first[1] == second[1]
    assert first[2] != second[2]


CANARIES: Final = {
    "text": "canary-text-of-the-guest",
    "answer": "canary-text-of-the-agent",
    "name": "canary-name-of-the-agent",
    "attribute": "canary-attribute",
    "metadata": "canary-metadata",
    "header": "canary-header-of-the-owner",
    "receiver": "canary-body-of-the-receiver",
    "path": "canary-path-of-nobody",
    "query": "canary-query",
    "idempotency": "canary-idempotency-key",
    "tracestate": "canary=tracestate",
    "client_id": "canary-client-id",
    "client_secret": "canary-client-secret",
    "malformed": "canary-malformed-body",
    "wrong_key": "canary-wrong-key",
}


async def _hook(machine: Machine, url: str) -> Json:
    """A receiver with secrets of its owner, at a deployment with credentials."""
    headers = {"x-owner": CANARIES["header"]}
    body = {"url": url, "eventTypes": ["*", "typing.started"], "headers": headers}
    platform = {"clientId": CANARIES["client_id"], "clientSecret": CANARIES["client_secret"]}
    await machine.call("PATCH", f"/v1/deployments/{DEPLOYMENT}", {"platform": platform})
    return await machine.call("POST", "/v1/webhooks", body, status=201)


async def _ask_badly(machine: Machine, path: str) -> None:
    """What is wrong is answered, and not quoted in the log."""
    ask = machine.http
    await ask.post(path, content=CANARIES["malformed"])
    await ask.post(path, json={"text": CANARIES["text"], "x": CANARIES["malformed"]})
    await ask.get(f"/{CANARIES['path']}", params={"q": CANARIES["query"]})
    await ask.get("/v1/sessions", params={"externalId": CANARIES["query"]})
    await ask.get("/v1/sessions", headers={"authorization": f"Bearer {CANARIES['wrong_key']}"})


async def _talk(machine: Machine) -> Chat:
    """A whole conversation with a loss in it."""
    chat = await machine.open(
        externalId="customer-1",
        customAttributes={"vip": CANARIES["attribute"]},
        metadata={"note": CANARIES["metadata"]},
        message={"text": CANARIES["text"]},
    )
    told = {"idempotency-key": CANARIES["idempotency"], "tracestate": CANARIES["tracestate"]}
    path = f"/v1/sessions/{chat.id}/messages"
    text = {"text": CANARIES["text"]}
    sent = await machine.http.post(path, json=text, params={"wait": 25}, headers=told)
    assert sent.status_code == 201, sent.text
    await _ask_badly(machine, path)
    await chat.agent_says(CANARIES["answer"], nickname=CANARIES["name"])
    await chat.wait_for("message.received")
    machine.control.drop(await chat.token())
    await chat.wait_for("session.recovered")
    return chat


async def test_no_line_of_a_whole_conversation_tells_what_was_said_or_what_is_secret(
    tmp_path: Path, log: io.StringIO
) -> None:
    async with (
        running(tmp_path, settings={"retry_scale": 0.01}) as machine,
        webhook_sink() as sink,
    ):
        refused = answer(500, body=CANARIES["receiver"].encode())
        sink.script.extend([refused, refused])
        hook = await _hook(machine, sink.url)
        key = await machine.call("POST", "/v1/api-keys", {"name": "k"}, status=201)
        chat = await _talk(machine)
        token = await chat.token()
        await machine.call("POST", f"/v1/webhooks/{hook['id']}/test", {})
        rotated = await machine.call("POST", f"/v1/webhooks/{hook['id']}/rotate-secret", {})
        await _told(sink, "session.recovered")
        await chat.verb("end", {"mode": "leave"})

    secrets = CANARIES | {
        "guest token": token,
        "key": key["key"],
        "admin key": ADMIN,
        "secret": hook["secret"],
        "new secret": rotated["secret"],
    }
    assert [what for what, secret in secrets.items() if secret in log.getvalue()] == []

    # All of it was told of: nothing is missing because nobody logged.
    lines = _lines(log)
    assert {each["event"] for each in lines} >= {
        "api.served",
        "event.logged",
        "message.written",
        "session.transition",
        "session.visited",
        "link.ended",
        "delivery.attempted",
    }
    assert {name for each in lines for name in measured(each)} >= {
        "deliveries-done",
        "deliveries-failed",
        "heard-seconds",
        "written-seconds",
        "links-lost",
    }
