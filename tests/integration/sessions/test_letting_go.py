"""A message accepted while a visit lets go has no other visitor: it is sent all the same."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from service.domain.ids import SessionId
from service.ports import Ports, SessionStore
from tests.support.machine import Chat, eventually, running

Deed = Callable[[], Awaitable[object]]


@dataclass(slots=True)
class Meanwhile:
    """Something that happens just before the named call of the session store, once."""

    call: str
    inner: SessionStore | None = None
    deeds: list[Deed] = field(default_factory=list)

    def between(self, ports: Ports) -> Ports:
        """Stand between the use cases and the store."""
        self.inner = ports.sessions
        return replace(ports, sessions=self)

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - any method of the store
        real = getattr(self.inner, name)
        if name != self.call:
            return real

        async def after_the_deed(*args: object, **kwargs: object) -> object:
            if self.deeds:
                await self.deeds.pop()()
            return await real(*args, **kwargs)

        return after_the_deed


@pytest.mark.parametrize("moment", ["schedule", "release_lock"])
async def test_by_a_visit_on_demand(tmp_path: Path, moment: str) -> None:
    meanwhile = Meanwhile(moment)
    async with running(
        tmp_path, listener=False, sweeper=False, meddle=meanwhile.between
    ) as machine:
        chat = await machine.open(message={"text": "one"})
        meanwhile.deeds.append(lambda: chat.send("three", wait=0, status=202))
        await chat.send("two")

        await chat.wait_for("message.confirmed", count=3)
        assert machine.arrived() == ["one", "two", "three"]


@pytest.mark.parametrize("moment", ["schedule", "open_sends"])
async def test_by_a_listener(tmp_path: Path, moment: str) -> None:
    meanwhile = Meanwhile(moment)
    async with running(tmp_path, sweeper=False, meddle=meanwhile.between) as machine:
        chat = await machine.open(message={"text": "one"})
        machine.control.disconnect(await chat.token(), nickname="Dana")
        await _let_go_of(chat)
        meanwhile.deeds.append(lambda: chat.send("two", wait=0, status=202))
        session = await machine.opened.ports.sessions.load(SessionId(chat.id))
        await machine.opened.ports.hints.session(session.id, session.shard)

        await chat.wait_for("message.confirmed", count=2)
        assert machine.arrived() == ["one", "two"]


async def _let_go_of(chat: Chat) -> None:
    """A read-only chat is read and then left by its listener."""
    await chat.wait_for("session.readOnly")
    await eventually(lambda: not chat.machine.control.connections())
