"""What a deployment takes is written when it is new, and never gets in the way."""

from typing import cast

from service.domain.deployment import Deployment
from service.domain.errors import UnavailableError
from service.domain.media import MediaRules
from service.ports import AttachmentStore
from service.usecases.learn_media import LearnMedia
from tests.support.store_builders import a_deployment
from tests.support.visit_stage import on_virtual_time

SHOP = a_deployment()
RULES = MediaRules(file_types=("image/*",), max_file_size_kb=10)


class Kept:
    def __init__(self) -> None:
        self.there: MediaRules | None = None
        self.reads = self.writes = 0
        self.away = False

    async def rules(self, deployment: Deployment) -> MediaRules | None:
        self.reads += 1
        if self.away:
            raise UnavailableError(what="the table")
        return self.there

    async def learn(self, deployment: Deployment, rules: MediaRules) -> None:
        self.writes += 1
        self.there = rules


def _learning() -> tuple[Kept, LearnMedia]:
    kept = Kept()
    return kept, LearnMedia(cast("AttachmentStore", kept))


@on_virtual_time
async def test_it_is_written_once_and_then_not_even_read() -> None:
    kept, learn = _learning()
    for _ in range(3):
        await learn(SHOP, RULES)

    assert (kept.reads, kept.writes, kept.there) == (1, 1, RULES)


@on_virtual_time
async def test_what_is_there_already_is_not_written_again() -> None:
    kept, learn = _learning()
    kept.there = RULES
    await learn(SHOP, RULES)

    assert kept.writes == 0


@on_virtual_time
async def test_a_change_is_written() -> None:
    kept, learn = _learning()
    await learn(SHOP, RULES)
    await learn(SHOP, MediaRules())

    assert kept.there == MediaRules()


@on_virtual_time
async def test_nothing_is_learnt_where_nothing_was_said() -> None:
    kept, learn = _learning()
    await learn(SHOP, None)

    assert kept.reads == 0


@on_virtual_time
async def test_a_table_that_is_away_is_asked_again_the_next_time() -> None:
    kept, learn = _learning()
    kept.away = True
    await learn(SHOP, RULES)
    kept.away = False
    await learn(SHOP, RULES)

    assert kept.there == RULES
