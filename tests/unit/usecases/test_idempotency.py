"""A write at most once for each key."""

from dataclasses import replace

import pytest

from service.domain.errors import (
    BrokerError,
    ExternalIdInUseError,
    IdempotencyInProgressError,
    IdempotencyMismatchError,
    NotFoundError,
    UnavailableError,
)
from service.usecases.idempotency import AT_WORK_SECONDS, Answer, kept, result_of, secret_of
from tests.support.api_bench import open_bench
from tests.support.losing import losing


async def _answer() -> Answer:
    return Answer(status=200, body={"n": 1})


async def test_without_a_key_every_write_happens() -> None:
    async with open_bench(serving=False) as bench:
        first = await bench.broker.once.keeping(None, _answer)

    assert first == Answer(status=200, body={"n": 1})


async def test_a_kept_answer_is_replayed_and_another_body_refused() -> None:
    async with open_bench(serving=False) as bench:
        await bench.broker.once.keeping(bench.ticket(), _answer)

        again = await bench.broker.once.keeping(bench.ticket(), _answer)
        with pytest.raises(IdempotencyMismatchError):
            await bench.broker.once.keeping(bench.ticket(request_hash="other"), _answer)

    assert again == Answer(status=200, body={"n": 1}, replayed=True)


@pytest.mark.parametrize(
    "refusal",
    [
        IdempotencyInProgressError(),
        ExternalIdInUseError(external_id="ann", session_id="ses_1"),
        NotFoundError(kind="session", name="ses_1"),
    ],
)
async def test_the_loser_of_a_race_replays_the_winner(refusal: BrokerError) -> None:
    """The name that is taken, or the thing that is gone, is the winner's own doing."""
    async with open_bench(serving=False) as bench:
        once = bench.broker.once

        async def beaten() -> Answer:
            await once.keeping(bench.ticket(), _answer)
            raise refusal

        answer = await once(bench.ticket(), act=beaten, replay=kept)

    assert answer.replayed


async def test_a_race_whose_winner_left_nothing_is_told() -> None:
    async with open_bench(serving=False) as bench:
        racing = losing(bench.table.tenants, put_idempotency=[IdempotencyInProgressError()])
        once = replace(bench.broker.once, tenants=racing)

        with pytest.raises(IdempotencyInProgressError):
            await once.keeping(bench.ticket(), _answer)


async def test_a_repeat_while_the_first_acts_is_told_and_acts_not() -> None:
    async with open_bench(serving=False) as bench:
        once, acted = bench.broker.once, list[int]()

        async def act() -> Answer:
            acted.append(1)
            for _ in range(3):
                with pytest.raises(IdempotencyInProgressError):
                    await once.keeping(bench.ticket(), act)
            return await _answer()

        first = await once.keeping(bench.ticket(), act)
        again = await once.keeping(bench.ticket(), act)

    assert (first.replayed, again.replayed, acted) == (False, True, [1])


async def test_what_failed_may_be_tried_again_at_once() -> None:
    async with open_bench(serving=False) as bench:
        once = bench.broker.once

        async def fail() -> Answer:
            raise NotFoundError(kind="webhook", name="whk_1")

        with pytest.raises(NotFoundError):
            await once.keeping(bench.ticket(), fail)
        again = await once.keeping(bench.ticket(), _answer)

    assert not again.replayed


async def test_after_a_crash_a_repeat_acts_within_a_minute() -> None:
    async with open_bench(serving=False) as bench:
        once = bench.broker.once

        async def die() -> Answer:
            raise DiedError

        with pytest.raises(DiedError):
            await once.keeping(bench.ticket(), die)
        with pytest.raises(IdempotencyInProgressError):
            await once.keeping(bench.ticket(), _answer)
        bench.clock.at += AT_WORK_SECONDS
        again = await once.keeping(bench.ticket(), _answer)

    assert not again.replayed


async def test_one_that_failed_too_late_leaves_its_repeat_at_work() -> None:
    async with open_bench(serving=False) as bench:
        once = bench.broker.once

        async def fail_late() -> Answer:
            bench.clock.at += AT_WORK_SECONDS
            await once.keeping(bench.ticket(), _answer)
            raise UnavailableError(what="the receiver")

        with pytest.raises(UnavailableError):
            await once.keeping(bench.ticket(), fail_late)
        again = await once.keeping(bench.ticket(), _answer)

    assert again.replayed


class Thing:
    """Something that can be removed, and made again under its name."""

    def __init__(self) -> None:
        self.made: str | None = "monday"

    async def look(self) -> Answer:
        if self.made is None:
            raise NotFoundError(kind="thing", name="it")
        return Answer(status=200, body={"createdAt": self.made})

    async def remove(self) -> Answer:
        await self.look()
        self.made = None
        return Answer(status=204)

    async def die(self) -> Answer:
        raise DiedError


class DiedError(Exception):
    """The process died here."""


async def test_a_removal_that_died_before_it_happened_is_finished_by_the_repeat() -> None:
    async with open_bench(serving=False) as bench:
        once, thing = bench.broker.once, Thing()
        with pytest.raises(DiedError):
            await once.removing(bench.ticket(), look=thing.look, remove=thing.die)

        again = await once.removing(bench.ticket(), look=thing.look, remove=thing.remove)

    assert again == Answer(status=204, replayed=True)
    assert thing.made is None


async def test_a_removal_that_died_after_it_happened_is_answered_to_the_repeat() -> None:
    async with open_bench(serving=False) as bench:
        once, thing = bench.broker.once, Thing()

        async def remove_and_die() -> Answer:
            await thing.remove()
            raise DiedError

        with pytest.raises(DiedError):
            await once.removing(bench.ticket(), look=thing.look, remove=remove_and_die)

        again = await once.removing(bench.ticket(), look=thing.look, remove=thing.remove)

    assert again == Answer(status=204, replayed=True)


async def test_a_repeated_removal_spares_the_next_bearer_of_the_name() -> None:
    async with open_bench(serving=False) as bench:
        once, thing = bench.broker.once, Thing()
        await once.removing(bench.ticket(), look=thing.look, remove=thing.remove)
        thing.made = "tuesday"

        again = await once.removing(bench.ticket(), look=thing.look, remove=thing.remove)

    assert again == Answer(status=204, replayed=True)
    assert thing.made == "tuesday"


async def test_a_removal_that_is_refused_is_not_kept() -> None:
    async with open_bench(serving=False) as bench:
        once, thing = bench.broker.once, Thing()
        thing.made = None

        with pytest.raises(NotFoundError):
            await once.removing(bench.ticket(), look=thing.look, remove=thing.remove)

        thing.made = "monday"
        made = await once.removing(bench.ticket(), look=thing.look, remove=thing.remove)

    assert made == Answer(status=204)


async def test_a_record_keeps_ids_and_secrets_apart() -> None:
    async with open_bench(serving=False) as bench:
        record = bench.ticket().record(status=201, result={"id": "x"}, secret={"key": "s"})
        plain = bench.ticket().record(status=201, result={"id": "x"})

    assert "s" not in record.result
    assert result_of(record) == {"id": "x"}
    assert secret_of(record) == {"key": "s"}
    assert secret_of(plain) == {}
    assert record.expires_at >= record.created_at + 24 * 3600
