"""Where did this message go? Followed from its POST to the webhook, with a link lost in between."""

from pathlib import Path

import pytest

from tests.support.machine import running
from tests.support.webhook_sink import answer, webhook_sink

HELD = pytest.mark.parametrize("held", [True, False], ids=["held", "on demand"])


@HELD
async def test_x(tmp_path: Path, *, held: bool, store: str | None) -> None:
    async with (
        webhook_sink() as sink,
        running(tmp_path, listener=held, aws_endpoint=store) as machine,
    ):
        sink.script.append(answer(503))
        hook = await machine.webhook(sink.url, "message.confirmed")
        chat = await machine.open(message={"text": "hello"})
        await sink.received(2, within=15)
        machine.control.fault("drop", when="after", action="onMessage")
        sent = await chat.send("where do I go?", wait=20)
        await sink.received(3, within=15)
        page = await machine.call("GET", f"/v1/sessions/{chat.id}/timeline", limit=200)
        for item in page["items"]:
            print(
                item["at"][11:],
                item["kind"],
                item["what"],
                (item["messageId"] or "")[-4:],
                item["sequence"],
                item["facts"],
            )
        page = await machine.call(
            "GET", f"/v1/sessions/{chat.id}/timeline", limit=200, messageId=sent["id"]
        )
        print()
        for item in page["items"]:
            print(
                item["at"][11:],
                item["kind"],
                item["what"],
                (item["messageId"] or "")[-4:],
                item["sequence"],
                item["facts"],
            )
