"""A server of the Guest API that says exactly the `S>` lines of a transcript, each in its turn.

It reads the `C>` lines and keeps what does not fit; it decides nothing and knows nothing of the
broker. Names that have no value yet when the server says them are made up.
"""

import asyncio
import json
import time
import uuid
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from websockets.asyncio.server import ServerConnection, serve
from websockets.datastructures import Headers
from websockets.http11 import Request, Response

from tests.support.tap import HISTORY
from tests.support.transcript import Line, filled, misfits

Made = Mapping[str, Callable[[], Any]]
DAYS: float = 259_200.0


class Names(dict[str, Any]):
    """The values of a transcript's names; one that is asked for first is made up."""

    def __init__(self, made: Made) -> None:
        super().__init__()
        self._made = made

    def __missing__(self, name: str) -> Any:  # noqa: ANN401 - JSON
        value = self[name] = self._make(name)
        return value

    def _make(self, name: str) -> Any:  # noqa: ANN401 - JSON
        if name in self._made:
            return self._made[name]()
        if name.startswith("$time"):
            stamp = datetime.now(UTC).isoformat(timespec="milliseconds")
            return stamp.replace("+00:00", "Z")
        if name.startswith("$exp"):
            return int(time.time() + (DAYS if name.startswith("$expires") else 60))
        return uuid.uuid4().hex


@dataclass(slots=True, kw_only=True)
class Script:
    """A transcript as it is played. `at` says when each line was said, in seconds."""

    lines: Sequence[Line]
    names: Names
    origin: str = ""
    at: "list[float]" = field(default_factory=list)
    problems: "list[str]" = field(default_factory=list)
    links: "list[ServerConnection]" = field(default_factory=list)
    turn: asyncio.Lock = field(default_factory=asyncio.Lock)

    @property
    def left(self) -> Sequence[Line]:
        """What was not said yet."""
        return self.lines[len(self.at) :]

    async def meet(self, connection: ServerConnection) -> None:
        """One socket, from its upgrade to its end."""
        self.links.append(connection)
        link = len(self.links)
        async for text in connection:
            await self.hear(Line(who="C", link=link, what=json.loads(text)))
        await self.hear(Line(who="C", link=link, what=f"closes {connection.close_code}"))

    async def hear(self, line: Line) -> None:
        """Compare what a client said with its turn, and answer."""
        async with self.turn:
            if not self.left or (self.left[0].who, self.left[0].link) != (line.who, line.link):
                self.problems.append(f"unexpected: {line}")
                return
            place = f"line {len(self.at) + 1}"
            self.problems += misfits(self.left[0].what, line.what, self.names, place)
            self.at.append(time.monotonic())
            await self.speak()

    async def speak(self) -> None:
        """Say what is the server's to say now on its sockets."""
        while self.left and self.left[0].who == "S" and self.left[0].link:
            line = self.left[0]
            self.at.append(time.monotonic())
            await self.links[line.link - 1].send(json.dumps(filled(line.what, self.names)))

    async def answer(self, _: ServerConnection, request: Request) -> Response | None:
        """Answer plain HTTP; None lets a socket open."""
        if request.path.startswith("/v1?"):
            return None
        if not request.path.startswith(HISTORY):
            return _response(404, "{}")
        asked = f"GET {request.path} {request.headers['Authorization']}"
        await self.hear(Line(who="C", link=0, what=asked))
        if not self.left or self.left[0].link or self.left[0].who != "S":
            return _response(500, "{}")
        status, body = self.left[0].what
        self.at.append(time.monotonic())
        return _response(status, json.dumps(filled(body, self.names)))


def _response(status: int, body: str) -> Response:
    data = body.encode()
    headers = Headers({"Content-Type": "application/json", "Content-Length": str(len(data))})
    return Response(status, "Answer", headers, data)


@asynccontextmanager
async def scripted(lines: Sequence[Line], made: Made | None = None) -> AsyncIterator[Script]:
    """A script on a free port of this machine; `made` makes up the values of some names."""
    script = Script(lines=lines, names=Names(made or {}))
    async with serve(
        script.meet, "127.0.0.1", 0, process_request=script.answer, close_timeout=0.2
    ) as server:
        script.origin = f"http://127.0.0.1:{next(iter(server.sockets)).getsockname()[1]}"
        yield script
