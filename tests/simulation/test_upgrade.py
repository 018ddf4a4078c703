"""A deploy while guests chat: processes of this version and of a later one share a table.

The later one is this one behind a driver that writes more than this version knows: an attribute on
every item, and a member inside every body.
"""

import asyncio
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields, replace
from functools import partial
from typing import Any

import pytest

from service.adapters.cipher import AesCipher
from service.adapters.table.conditions import Item, Key, Put, Update, Write
from service.adapters.table.driver import Driver, Found, Meter, Query
from service.adapters.table.schema import session_key
from service.adapters.table.stores import stores_over
from service.domain.ids import SessionId
from service.ports import Ports
from tests.support.message_costs import Town, client, town
from tests.support.virtual_time import run_virtual

LIFE = 120.0
LEAD = 7.0
"""Each next listener comes so long before a third of a life is over, three times: 21 s early."""
MORE = "of_tomorrow"
TURNS = 3


@dataclass(frozen=True)
class LaterDriver:
    """The driver of a process that writes more than today's."""

    driver: Driver

    @property
    def meter(self) -> Meter:
        return self.driver.meter

    async def get(self, key: Key, *, attributes: tuple[str, ...] = ()) -> Item | None:
        return await self.driver.get(key, attributes=attributes)

    async def get_many(self, keys: Sequence[Key]) -> Sequence[Item]:
        return await self.driver.get_many(keys)

    async def query(self, query: Query) -> Found:
        return await self.driver.query(query)

    async def write(self, write: Write, *, lasting: bool = True) -> Item | None:
        return await self.driver.write(_more(write), lasting=lasting)

    async def transact(self, writes: Sequence[Write]) -> None:
        await self.driver.transact([_more(write) for write in writes])

    async def delete_many(self, keys: Sequence[Key]) -> None:
        await self.driver.delete_many(keys)

    async def close(self) -> None:
        await self.driver.close()


def _more(write: Write) -> Write:
    match write:
        case Put():
            return replace(write, item={**_with_member(write.item), MORE: "1"})
        case Update():
            return replace(write, put={**_with_member(write.put), MORE: "1"})
        case _:
            return write


def _with_member(attributes: Any) -> dict[str, Any]:  # noqa: ANN401 - an item, or what is set of one
    if "body" not in attributes:
        return dict(attributes)
    return {**attributes, "body": json.dumps({**json.loads(attributes["body"]), MORE: {"a": [1]}})}


def today(ports: Ports) -> Ports:
    return ports


def tomorrow(driver: Driver, ports: Ports) -> Ports:
    stores = stores_over(LaterDriver(driver), AesCipher(bytes(32)))
    # The ring of data keys is no port: only the cipher knows it.
    names = {each.name for each in fields(stores)} & {each.name for each in fields(ports)}
    return replace(ports, **{name: getattr(stores, name) for name in names})


@pytest.mark.parametrize("order", ["today tomorrow", "tomorrow today", "today tomorrow today"])
def test_guests_notice_nothing_of_a_deploy(order: str) -> None:
    """Listeners hand over from version to version; API and couriers are of both."""

    async def story() -> None:
        async with town(endpoints=1) as made:
            versions: dict[str, Callable[[Ports], Ports]] = {
                "today": today,
                "tomorrow": partial(tomorrow, made.broker.driver),
            }
            sessions: list[str] = []
            said: list[str] = []
            for number, name in enumerate(order.split()):
                made.version = versions[name]
                made.http = client(made.process())
                made.tasks.append(asyncio.create_task(made.deliver()))
                await made.hold(life=LIFE)
                sessions.append(await made.open())
                for turn in range(TURNS):
                    said.append(f"line {number}.{turn}")
                    await talk(made, sessions[0], said[-1])
                    await made.broker.clock.sleep(LIFE / TURNS - LEAD)
            await made.broker.clock.sleep(LIFE)
            await check(made, sessions, said)

    run_virtual(story())


async def talk(made: Town, session: str, line: str) -> None:
    """Both ways, on the session that was first."""
    await made.call(f"/v1/sessions/{session}/messages?wait=10", {"text": line})
    found = await made.broker.ports.sessions.load(SessionId(session))
    made.broker.simulator.control.say(found.client_id, line)
    await made.broker.clock.sleep(1)


async def check(made: Town, sessions: Sequence[str], said: Sequence[str]) -> None:
    page = await made.broker.ports.sessions.read_log(SessionId(sessions[0]), after=0, limit=1000)
    events = [(each.type.value, each.data) for each in page.events]
    texts = {
        name: [data["message"]["text"] for kind, data in events if kind == name]
        for name in ("message.received", "message.confirmed")
    }
    assert texts["message.received"] == list(said)
    assert texts["message.confirmed"] == ["Hello", *said]
    assert [kind for kind, _ in events if kind == "session.replaced"] == []
    item = await made.broker.driver.get(session_key(SessionId(sessions[0])))
    assert item is not None
    assert item[MORE] == "1"
    posts = [json.loads(body)["data"] for _, _, body in made.broker.received.posts]
    for session in sessions:
        came = [each["sequence"] for each in posts if each.get("sessionId") == session]
        end = await made.broker.ports.sessions.last_event(SessionId(session))
        assert end is not None
        assert came == list(range(1, end.sequence + 1))
