"""The conversation in the README works as it is printed, also for who pastes it again."""

import asyncio
import json
import re
import shutil
from pathlib import Path
from typing import Any

import pytest

from tests.support.real_process import ROOT, broker_process

PRINTED = "http://127.0.0.1:8080"


async def test_the_curl_conversation_of_the_readme_works_as_printed(tmp_path: Path) -> None:
    if shutil.which("curl") is None:
        pytest.skip("NOT RUN: there is no curl")
    [script] = [block for block in _shell_blocks() if "curl" in block]
    assert PRINTED in script

    environment = {
        "BROKER_DATA_DIR": str(tmp_path / ".data"),
        "BROKER_ADMIN_KEY": "",
        "BROKER_SIMULATOR": "on",
    }
    async with broker_process(tmp_path, **environment) as broker:
        for _ in range(2):
            opened, answered, log = await _told(script.replace(PRINTED, broker.url), tmp_path)

            assert (opened["state"], opened["message"]["status"]) == ("active", "confirmed")
            assert answered["message"]["text"] == "Where is my parcel?"
            assert answered["message"]["status"] == "confirmed"
            assert answered["replies"]
            assert log["items"][0]["type"] == "message.accepted"
            assert {item["data"]["sessionId"] for item in log["items"]} == {opened["id"]}


def _shell_blocks() -> list[str]:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    return re.findall(r"```sh\n(.*?)```", text, re.DOTALL)


async def _told(script: str, folder: Path) -> list[Any]:
    """Every JSON text that the script printed."""
    process = await asyncio.create_subprocess_exec(
        *("sh", "-e", "-c", script),
        cwd=folder,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
    )
    async with asyncio.timeout(150):
        printed = (await process.communicate())[0].decode()
    assert process.returncode == 0
    found: list[Any] = []
    while printed:
        value, end = json.JSONDecoder().raw_decode(printed)
        found.append(value)
        printed = printed[end:].lstrip()
    return found
