"""Who is calling."""

import re
from dataclasses import replace

import pytest

from service.domain.access import Scope
from service.domain.errors import NameInUseError, UnauthorizedError
from service.usecases import authenticate as module
from service.usecases.authenticate import EnsureAdminKey, digest_of
from service.usecases.manage_keys import NewKey
from tests.support.api_bench import ADMIN, Bench, open_bench
from tests.support.losing import losing


async def test_a_known_key_is_found_by_its_hash_alone() -> None:
    async with open_bench(serving=False) as bench:
        key = await bench.broker.authenticate(ADMIN)

    assert key.digest == digest_of(ADMIN)
    assert key.scopes == (Scope.ALL,)
    assert ADMIN not in repr(key)


@pytest.mark.parametrize("key", [None, "", "wrong"])
async def test_no_key_and_an_unknown_one_are_refused(key: str | None) -> None:
    async with open_bench(serving=False) as bench:
        with pytest.raises(UnauthorizedError):
            await bench.broker.authenticate(key)


async def test_a_key_is_looked_up_once_in_a_few_seconds() -> None:
    async with open_bench(serving=False) as bench:
        down = losing(bench.table.tenants, key_by_digest=[UnauthorizedError()])
        authenticate = bench.broker.authenticate
        await authenticate(ADMIN)
        remembering = replace(authenticate, tenants=down)
        known = await remembering(ADMIN)
        bench.clock.at += module.CACHE_SECONDS

        with pytest.raises(UnauthorizedError):
            await remembering(ADMIN)

    assert known.name == "admin"


async def test_a_forgotten_key_is_looked_up_again() -> None:
    async with open_bench(serving=False) as bench:
        down = losing(bench.table.tenants, key_by_digest=[UnauthorizedError()])
        key = await bench.broker.authenticate(ADMIN)
        bench.broker.authenticate.forget(key.id)

        with pytest.raises(UnauthorizedError):
            await replace(bench.broker.authenticate, tenants=down)(ADMIN)


async def test_what_is_remembered_stays_small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "CACHE_SIZE", 1)
    async with open_bench(serving=False) as bench:
        await EnsureAdminKey(tenants=bench.table.tenants, clock=bench.clock)("another")
        await bench.broker.authenticate(ADMIN)
        await bench.broker.authenticate("another")

        assert len(bench.broker.authenticate._known) == 1  # noqa: SLF001 - the bound is the point


async def test_the_admin_key_is_made_once() -> None:
    async with open_bench(serving=False) as bench:
        ensure = EnsureAdminKey(tenants=bench.table.tenants, clock=bench.clock)
        await ensure(ADMIN)

        assert await _keys(bench) == 1


async def test_two_processes_may_make_the_admin_key_at_once() -> None:
    async with open_bench(serving=False) as bench:
        beaten = losing(bench.table.tenants, put_key=[NameInUseError(name="k", reason="exists")])

        await EnsureAdminKey(tenants=beaten, clock=bench.clock)("another")

        assert await _keys(bench) == 1


async def test_the_admin_key_has_an_id_like_others_and_is_the_oldest() -> None:
    async with open_bench(serving=False) as bench:
        await bench.broker.keys.create(await bench.caller(), NewKey(name="n"), ticket=None)

        page = await bench.table.tenants.list_keys(None, cursor=None, limit=10)

    assert page.items[-1].name == "admin"
    assert re.fullmatch(r"key_0{10}[0-9A-HJKMNP-TV-Z]{16}", page.items[-1].id)


async def _keys(bench: Bench) -> int:
    page = await bench.table.tenants.list_keys(None, cursor=None, limit=10)
    return len(page.items)
