"""Who speaks often without a listener has each message proven at once."""

from dataclasses import replace
from pathlib import Path

from service.adapters.bell import InProcessBell
from service.bootstrap import assemble
from service.config import LocalSettings
from tests.support.machine import WAIT, Chat, Machine, client, running

MESSAGES = 16
"""More than Genesys's ten reads of history in a minute."""


async def test_sixteen_messages_in_a_row_need_no_sixteen_reads(
    tmp_path: Path, *, store: str | None
) -> None:
    """A wait for a read of history would be most of a minute: longer than a request may wait."""
    async with running(tmp_path, listener=False, sweeper=False, aws_endpoint=store) as machine:
        chat = await machine.open(message={"text": "0"})
        for n in range(1, MESSAGES + 1):
            answer = await chat.send(f"{n}", wait=WAIT)
            assert answer["status"] == "confirmed"

        assert machine.arrived() == [f"{n}" for n in range(MESSAGES + 1)]


def beside(machine: Machine) -> Machine:
    """Another process on the same table and the same contact centre; its memory is its own."""
    ports = machine.opened.ports
    ports = replace(ports, bell=InProcessBell(ports.clock))
    assembly = assemble(LocalSettings(shards=machine.shards, retry_scale=0.01), ports)
    return replace(machine, assembly=assembly, http=client(assembly), tasks=[])


async def test_processes_that_take_turns_send_before_they_read_and_tell_of_a_replacement(
    tmp_path: Path, *, store: str | None
) -> None:
    async with running(tmp_path, listener=False, sweeper=False, aws_endpoint=store) as machine:
        chat = await machine.open(message={"text": "0"})
        other = beside(machine)
        chats = [chat, Chat(machine=other, id=chat.id, created=chat.created)]
        for n in range(1, 7):
            assert (await chats[n % 2].send(f"{n}"))["status"] == "confirmed"
        token = await chat.token()
        machine.control.forget(token)
        machine.control.fault("delay", seconds=2, frame_class="SessionResponse")
        await chat.send("7", wait=1, status=202)
        told = (await chat.types()).count("session.replaced")
        await chats[1].send("8")
        types = await chat.types()
        await other.http.aclose()

        assert (told, types.count("session.replaced")) == (0, 1)
        assert machine.arrived()[-2:] == ["7", "8"]
        assert "message.failed" not in types
