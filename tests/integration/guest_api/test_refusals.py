"""A refusal by Genesys, in each class that it may have, and what its sender is told."""

from contextlib import AbstractAsyncContextManager
from pathlib import Path

import pytest

from service.simulator.knobs import Knobs, RefusalClass
from tests.support.machine import Machine, running
from tests.support.wire_story import tells

CLASSES = pytest.mark.parametrize("name", list(RefusalClass))


@tells("string", "Error", "ErrorMessage")
@CLASSES
@pytest.mark.parametrize("code", [400, 4011, 4013])
async def test_a_message_that_is_refused_for_good_fails_with_the_code(
    tmp_path: Path, *, name: RefusalClass, code: int
) -> None:
    async with _machine(tmp_path, name) as machine:
        chat = await machine.open(message={"text": "one"})
        machine.control.fault("refuse", action="onMessage", code=code)
        refused = await chat.send("two", status=502)

        assert refused["code"] == "rejected_by_genesys"
        assert refused["providerCode"] == str(code)
        [failed] = await chat.events("message.failed")
        assert failed["data"]["message"]["text"] == "two"
        assert (await chat.send("three"))["status"] == "confirmed"
        assert machine.stored() == ["one", "three"]
        assert machine.arrived() == ["one", "two", "three"]


@tells("string", "Error", "ErrorMessage")
@CLASSES
async def test_a_refusal_that_proves_nothing_leaves_it_to_history(
    tmp_path: Path, *, name: RefusalClass
) -> None:
    async with _machine(tmp_path, name) as machine:
        chat = await machine.open(message={"text": "one"})
        machine.control.fault("refuse", action="onMessage", code=5000)
        sent = await chat.send("two", wait=25)

        assert sent["status"] == "confirmed"
        assert machine.arrived() == ["one", "two", "two"]
        assert machine.stored() == ["one", "two"]


@tells("string", "Error", "ErrorMessage")
@CLASSES
async def test_a_client_id_that_is_refused_is_renewed(
    tmp_path: Path, *, name: RefusalClass
) -> None:
    async with _machine(tmp_path, name) as machine:
        chat = await machine.open(message={"text": "one"})
        token = await chat.token()
        machine.control.fault("refuse", action="configureSession", token=token, code=4017, count=0)
        machine.control.drop(token)
        await chat.send("two")

        assert machine.configures(token) == ["new", "4017"]
        assert (await chat.read())["incarnation"] == 2
        assert machine.stored() == ["one", "two"]


def _machine(folder: Path, name: RefusalClass) -> AbstractAsyncContextManager[Machine]:
    return running(folder, sweeper=False, knobs=Knobs(refusal_class=name))
