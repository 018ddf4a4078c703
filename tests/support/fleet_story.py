"""Many sessions in which both sides talk while links are reset, and what must be true afterwards.

On whatever clock, over whatever listeners: who tells the story brings those, and kills them.
"""

from collections import Counter, defaultdict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from random import Random
from typing import Any, Final

from service.domain.ids import SessionId
from service.ports import Clock, SessionStore
from service.simulator.control import Control
from service.simulator.knobs import Knobs
from tests.support.log_checker import Ledger, findings, received_texts, settled_texts

KNOBS: Final = Knobs(idle_close_seconds=0, max_age_seconds=0, handshakes_per_minute=0)
"""Generations of seconds open far more connections than Genesys takes."""
UNHINDERED: Final = 1_000_000
"""Connections a minute: the budget of the broker would be in the way likewise."""
MOST_SOCKETS: Final = 3
RESET_SHARE: Final = 0.01
OPEN_WAIT: Final = 25
PAGE: Final = 200

Json = dict[str, Any]
Post = Callable[[str, Json, str], Awaitable[Json]]
"""A path, a body and an Idempotency-Key."""


def _texts() -> "defaultdict[SessionId, list[str]]":
    return defaultdict(list)


@dataclass(kw_only=True)
class FleetStory:
    """What was said, and to whom."""

    clock: Clock
    sessions: SessionStore
    control: Control
    post: Post
    deployment: str
    pause: float
    """Each side is silent for up to so many seconds before it speaks."""
    chance: Random = field(default_factory=lambda: Random(7))
    chats: list[SessionId] = field(default_factory=list)
    tokens: dict[SessionId, str] = field(default_factory=dict)
    asked: "defaultdict[SessionId, list[str]]" = field(default_factory=_texts)
    told: "defaultdict[SessionId, list[str]]" = field(default_factory=_texts)
    resets: int = 0

    async def open(self, number: int) -> None:
        """One more chat, with its first message."""
        text = f"{number}: hello"
        body = {"deployment": self.deployment, "message": {"text": text}}
        made = await self.post(f"/v1/sessions?wait={OPEN_WAIT}", body, f"open-{number}")
        chat = SessionId(made["id"])
        self.chats.append(chat)
        self.asked[chat].append(text)
        self.tokens[chat] = (await self.sessions.load(chat)).client_id

    async def talk(self, chat: SessionId, until: float) -> None:
        """Both sides in turn."""
        mark = self.asked[chat][0].partition(":")[0]
        number = 0
        while await self._silent(until):
            number += 1
            text = f"{mark}: caller {number}"
            self.asked[chat].append(text)
            path = f"/v1/sessions/{chat}/messages?wait=0"
            await self.post(path, {"text": text}, f"{chat}-{number}")
            if not await self._silent(until):
                return
            text = f"{mark}: agent {number}"
            self.control.say(self.tokens[chat], text)
            self.told[chat].append(text)

    async def _silent(self, until: float) -> bool:
        """For a while; whether there is still time to speak."""
        left = until - self.clock.now()
        await self.clock.sleep(max(0.0, min(left, self.chance.uniform(0, self.pause))))
        return self.clock.now() < until

    async def reset(self, until: float) -> None:
        """Each second, one link in a hundred."""
        while self.clock.now() < until:
            await self.clock.sleep(1)
            for line in self.control.connections():
                if line["attached"] and self.chance.random() < RESET_SHARE:
                    number = line["id"]
                    assert isinstance(number, int)
                    self.resets += self.control.drop(connection=number)

    async def events(self, chat: SessionId) -> list[Json]:
        """Its log."""
        found: list[Json] = []
        while True:
            page = await self.sessions.read_log(chat, after=len(found), limit=PAGE)
            found += [event.public() for event in page.events]
            if len(found) >= page.last_sequence:
                return found

    async def open_ends(self, chats: list[SessionId]) -> list[SessionId]:
        """Those in whose logs something is missing that was said."""
        return [chat for chat in chats if not self._has_all(chat, await self.events(chat))]

    def _has_all(self, chat: SessionId, events: list[Json]) -> bool:
        settled, heard = settled_texts(events), received_texts(events)
        return len(settled) >= len(self.asked[chat]) and len(heard) >= len(self.told[chat])

    async def wrong(self) -> list[str]:
        """What the two sides' logs do not agree on, what came twice, and who had many sockets."""
        ledgers = [
            Ledger(
                session=chat,
                sent=self.asked[chat],
                said=self.told[chat],
                events=await self.events(chat),
            )
            for chat in self.chats
        ]
        found = findings(ledgers, transcript=list(self.control.transcript()), delivered=None)
        return [*found, *self._arrivals(), *self._sockets()]

    def _arrivals(self) -> list[str]:
        found: list[str] = []
        arrived: dict[str, list[str]] = defaultdict(list)
        for row in self.control.inbound():
            if row["arrived"] != 1:
                found.append(f"{row['text']!r} arrived {row['arrived']} times")
            arrived[str(row["token"])].append(str(row["text"]))
        for chat in self.chats:
            came = arrived[self.tokens[chat]]
            if came != self.asked[chat]:
                found.append(f"{chat}: sent {self.asked[chat]}, {came} arrived")
        return found

    def _sockets(self) -> list[str]:
        counts: Json = dict(self.control.counts())
        most = {chat: counts["tokens"][token]["max_sockets"] for chat, token in self.tokens.items()}
        return [f"{chat}: {n} sockets" for chat, n in most.items() if n > MOST_SOCKETS]

    async def tally(self) -> "Counter[str]":
        """How many events of which type there are."""
        types: Counter[str] = Counter()
        for chat in self.chats:
            types.update(event["type"] for event in await self.events(chat))
        return types
