"""Keys given and taken away."""

from dataclasses import replace

import pytest

from service.domain.access import Scope
from service.domain.errors import InsufficientScopeError, InvalidRequestError, NotFoundError
from service.domain.ids import ApiKeyId
from service.usecases import manage_keys as module
from service.usecases.manage_keys import NewKey
from tests.support.api_bench import open_bench


@pytest.mark.parametrize("scope", [Scope.ALL, Scope.SESSIONS_SECRETS])
async def test_admin_alone_gives_no_secrets(scope: Scope) -> None:
    async with open_bench(serving=False) as bench:
        admin = replace(await bench.caller(), scopes=(Scope.ADMIN,))

        with pytest.raises(InsufficientScopeError):
            await bench.broker.keys.create(admin, NewKey(name="n", scopes=[scope]), ticket=None)


async def test_a_key_is_not_born_dead() -> None:
    async with open_bench(serving=False) as bench:
        wanted = NewKey(name="n", expires_at=bench.clock.now())

        with pytest.raises(InvalidRequestError):
            await bench.broker.keys.create(await bench.caller(), wanted, ticket=None)


async def test_a_scope_named_twice_is_given_once() -> None:
    async with open_bench(serving=False) as bench:
        wanted = NewKey(name="n", scopes=[Scope.WEBHOOKS, Scope.WEBHOOKS])

        answer = await bench.broker.keys.create(await bench.caller(), wanted, ticket=None)

    assert answer.body is not None
    assert answer.body["scopes"] == ["webhooks"]


async def test_a_key_is_found_on_whatever_page_it_stands(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "PAGE", 1)
    async with open_bench(serving=False) as bench:
        key = await bench.caller()
        for number in range(3):
            bench.clock.at += 1
            await bench.broker.keys.create(key, NewKey(name=str(number)), ticket=None)

        answer = await bench.broker.keys.delete(key.id)
        with pytest.raises(NotFoundError):
            await bench.broker.keys.delete(ApiKeyId("key_unknown"))

    assert answer.status == 204
