"""A headless Chromium, driven over the DevTools protocol. Knows nothing of the broker.

`async with browser(path) as chromium, chromium.page() as page` opens a tab.
Whoever waits for it waits for a condition with a deadline, never for a time.
"""

import asyncio
import base64
import json
import re
import shutil
import tempfile
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any, Final, TypeAlias

from websockets.asyncio.client import ClientConnection, connect

NAMES: Final = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
FLAGS: Final = (
    "--headless=new",
    "--no-sandbox",  # containers run it as root; it sees only our own pages
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-default-apps",
    "--disable-extensions",
    "--disable-sync",
    "--no-first-run",
    "--no-proxy-server",
    "--remote-debugging-port=0",
)
LISTENING: Final = re.compile(rb"DevTools listening on (ws://\S+)")
START_SECONDS: Final = 30.0
PATIENCE: Final = 15.0
POLL_SECONDS: Final = 0.02

Json: TypeAlias = Any
"""What came out of the browser."""


class PageError(Exception):
    """The browser refused a command, or a script on the page threw."""


def chromium_path() -> str | None:
    """The browser of this machine, if it has one."""
    return next((found for name in NAMES if (found := shutil.which(name))), None)


@dataclass(slots=True)
class Chromium:
    """One browser process and the one connection to it."""

    line: ClientConnection
    waiting: "dict[int, asyncio.Future[Any]]" = field(default_factory=dict)
    pages: "dict[str, Page]" = field(default_factory=dict)
    numbers: "count[int]" = field(default_factory=lambda: count(1))

    async def command(
        self, method: str, *, target: str | None = None, **parameters: object
    ) -> Json:
        """One command and its result. Raises PageError."""
        number = next(self.numbers)
        answer = self.waiting[number] = asyncio.get_running_loop().create_future()
        frame = {"id": number, "method": method, "params": parameters}
        await self.line.send(json.dumps(frame | ({"sessionId": target} if target else {})))
        async with asyncio.timeout(START_SECONDS):
            return await answer

    async def listen(self) -> None:
        """Hand out what the browser says, until it goes."""
        async for text in self.line:
            frame = json.loads(text)
            if "id" in frame:
                self._answer(frame)
            elif page := self.pages.get(frame.get("sessionId", "")):
                page.hear(frame["method"], frame["params"])

    def _answer(self, frame: Mapping[str, Any]) -> None:
        answer = self.waiting.pop(frame["id"])
        if answer.done():
            return  # nobody waits any more
        if "error" in frame:
            answer.set_exception(PageError(frame["error"]["message"]))
        else:
            answer.set_result(frame["result"])

    @asynccontextmanager
    async def page(self, *, width: int = 1200, height: int = 800) -> "AsyncIterator[Page]":
        """A tab of its own, with storage of its own."""
        context = (await self.command("Target.createBrowserContext"))["browserContextId"]
        made = await self.command(
            "Target.createTarget", url="about:blank", browserContextId=context
        )
        target = made["targetId"]
        attached = await self.command("Target.attachToTarget", targetId=target, flatten=True)
        page = Page(chromium=self, target=attached["sessionId"])
        self.pages[page.target] = page
        for domain in ("Page", "Runtime", "Log", "Network"):
            await page.command(f"{domain}.enable")
        await page.resize(width=width, height=height)
        try:
            yield page
        finally:
            await self.command("Target.closeTarget", targetId=target)
            await self.command("Target.disposeBrowserContext", browserContextId=context)
            del self.pages[page.target]


@dataclass(slots=True, kw_only=True)
class Page:
    """One tab. `complaints`: the errors in its console, with what the content policy refused."""

    chromium: Chromium
    target: str
    complaints: list[str] = field(default_factory=list)
    requested: list[str] = field(default_factory=list)

    def hear(self, method: str, told: Mapping[str, Any]) -> None:
        """Note what the browser says unasked."""
        match method:
            case "Network.requestWillBeSent":
                self.requested.append(told["request"]["url"])
            case "Log.entryAdded" if told["entry"]["level"] == "error":
                self.complaints.append(told["entry"]["text"])
            case "Runtime.exceptionThrown":
                self.complaints.append(json.dumps(told["exceptionDetails"]))
            case _:
                pass

    async def command(self, method: str, **parameters: object) -> Json:
        """One command to this tab."""
        return await self.chromium.command(method, target=self.target, **parameters)

    async def resize(self, *, width: int, height: int) -> None:
        """The size of the window, in CSS pixels; narrow ones are phones."""
        await self.command(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=1,
            mobile=width < 600,
        )

    async def scheme(self, name: str) -> None:
        """`light` or `dark`: what the reader's system prefers."""
        feature = {"name": "prefers-color-scheme", "value": name}
        await self.command("Emulation.setEmulatedMedia", features=[feature])

    async def go(self, url: str) -> None:
        """Open an address."""
        await self.command("Page.navigate", url=url)
        await self.until(
            f"location.href === {json.dumps(url)} && document.readyState === 'complete'"
        )

    async def run(self, script: str) -> Json:
        """The value of an expression on the page. Raises PageError when it throws."""
        told = await self.command(
            "Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True
        )
        if "exceptionDetails" in told:
            raise PageError(json.dumps(told["exceptionDetails"]))
        return told["result"].get("value")

    async def until(self, condition: str, *, within: float = PATIENCE) -> None:
        """Return as soon as the expression is true; AssertionError when it is not in that time."""
        try:
            async with asyncio.timeout(within):
                while True:
                    with suppress(PageError):  # between two documents
                        if await self.run(f"Boolean({condition})"):
                            return
                    await asyncio.sleep(POLL_SECONDS)
        except TimeoutError:
            shown = await self.run("document.body.innerText")
            raise AssertionError(f"not within {within:g} s: {condition}\n{shown}") from None

    async def sees(self, text: str, *, inside: str = "body", within: float = PATIENCE) -> None:
        """Wait until some visible text is there."""
        script = (
            f"document.querySelector({json.dumps(inside)})?.innerText.includes({json.dumps(text)})"
        )
        await self.until(script, within=within)

    async def click(self, selector: str) -> None:
        """Click on the middle of an element as a mouse does: what covers it would get the click."""
        await self.until(f"document.querySelector({json.dumps(selector)})?.checkVisibility()")
        box = await self.run(
            f"(({{x, y, width, height}}) => [x + width / 2, y + height / 2])"
            f"(document.querySelector({json.dumps(selector)}).getBoundingClientRect())"
        )
        for kind in ("mousePressed", "mouseReleased"):
            await self.command(
                "Input.dispatchMouseEvent",
                type=kind,
                x=box[0],
                y=box[1],
                button="left",
                clickCount=1,
            )

    async def type(self, text: str) -> None:
        """Put text where the focus is."""
        await self.command("Input.insertText", text=text)

    async def press(self, key: str) -> None:
        """Press one key: `Enter`, `Tab`, `ArrowRight`, `Escape`."""
        codes = {"Enter": 13, "Tab": 9, "ArrowLeft": 37, "ArrowRight": 39, "Escape": 27, " ": 32}
        stroke = {"key": key, "code": key, "windowsVirtualKeyCode": codes[key]}
        typed = {"Enter": {"text": "\r"}, " ": {"text": " "}}.get(key, {})
        await self.command("Input.dispatchKeyEvent", type="keyDown", **stroke, **typed)
        await self.command("Input.dispatchKeyEvent", type="keyUp", **stroke)

    async def picture(self, file: Path) -> None:
        """A PNG of what is seen."""
        told = await self.command("Page.captureScreenshot", format="png")
        file.write_bytes(base64.b64decode(told["data"]))


@asynccontextmanager
async def browser(path: str) -> AsyncIterator[Chromium]:
    """The browser at that path, until the block is left."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        process = await asyncio.create_subprocess_exec(
            path, *FLAGS, f"--user-data-dir={profile}", stdin=DEVNULL, stdout=DEVNULL, stderr=PIPE
        )
        try:
            address, swallow = await _address(process)
            async with connect(address, max_size=None, proxy=None) as line:
                chromium = Chromium(line)
                listening = asyncio.create_task(chromium.listen())
                yield chromium
                listening.cancel()
                swallow.cancel()
                await asyncio.gather(listening, swallow, return_exceptions=True)
        finally:
            with suppress(ProcessLookupError):
                process.kill()
            await process.wait()


async def _address(process: Process) -> "tuple[str, asyncio.Task[bytes]]":
    assert process.stderr is not None
    told = b""
    async with asyncio.timeout(START_SECONDS):
        while not (found := LISTENING.search(told)):
            line = await process.stderr.readline()
            assert line, f"the browser ended: {told.decode(errors='replace')}"
            told += line
    # Read on, or the browser stops when the pipe is full.
    return found[1].decode(), asyncio.create_task(process.stderr.read())
