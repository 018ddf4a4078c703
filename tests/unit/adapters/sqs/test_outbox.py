"""Sending to one queue: a lone text at once, a crowd ten to a request, equal texts once."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field

import pytest

from service.adapters.sqs.outbox import REQUESTS_MAX, Letter, Outbox
from service.domain.errors import ConfigurationError, UnavailableError
from tests.support.virtual_time import VirtualClock, run_virtual

DOWN = UnavailableError(what="the queue q")
NO = ConfigurationError("not this one")


@dataclass
class Post:
    """A queue whose requests take a second."""

    clock: VirtualClock = field(default_factory=VirtualClock)
    requests: list[list[tuple[str, int]]] = field(default_factory=list)
    at_once: int = 0
    most_at_once: int = 0
    down: bool = False

    def __post_init__(self) -> None:
        self.outbox = Outbox(self)

    async def __call__(self, letters: Sequence[Letter]) -> Sequence[Exception | None]:
        self.requests.append([(letter.body, letter.delay) for letter in letters])
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        await self.clock.sleep(1)
        self.at_once -= 1
        if self.down:
            return [DOWN] * len(letters)
        return [NO if letter.body == "bad" else None for letter in letters]

    def sending(self, *bodies: str) -> "list[asyncio.Task[None]]":
        return [asyncio.create_task(self.outbox.send(body, 0)) for body in bodies]

    async def busy(self) -> "list[asyncio.Task[None]]":
        """As many requests as may be are on their way."""
        sending = []
        for n in range(REQUESTS_MAX):
            sending += self.sending(f"first {n}")
            await self.clock.sleep(0.001)
        assert self.at_once == REQUESTS_MAX
        return sending


def test_a_lone_text_goes_out_at_once() -> None:
    async def story() -> tuple[float, list[list[tuple[str, int]]]]:
        post = Post()
        await post.outbox.send("a", 7)
        return post.clock.monotonic(), post.requests

    assert run_virtual(story()) == (1, [[("a", 7)]])


def test_a_crowd_shares_requests_and_is_sent_in_the_order_it_came() -> None:
    async def story() -> tuple[float, list[int], int]:
        post = Post()
        crowd = [f"{n:03}" for n in range(95)]
        await asyncio.gather(*await post.busy(), *post.sending(*crowd))
        later = [body for some in post.requests[REQUESTS_MAX:] for body, _ in some]
        assert later == crowd
        sizes = [len(some) for some in post.requests[REQUESTS_MAX:]]
        return round(post.clock.monotonic(), 1), sizes, post.most_at_once

    sizes = [10] * 9 + [5]
    assert run_virtual(story()) == (4, sizes, REQUESTS_MAX)


def test_equal_texts_that_wait_are_sent_once_with_the_shorter_delay() -> None:
    async def story() -> list[tuple[str, int]]:
        post = Post()
        busy = await post.busy()
        same = [asyncio.create_task(post.outbox.send("a", delay)) for delay in (9, 3, 5)]
        await asyncio.gather(*busy, *same)
        return post.requests[-1]

    assert run_virtual(story()) == [("a", 3)]


def test_a_text_that_comes_while_its_equal_is_on_its_way_is_sent_too() -> None:
    async def story() -> int:
        post = Post()
        first = post.sending("a")
        await post.clock.sleep(0.5)
        await asyncio.gather(*first, *post.sending("a"))
        return len(post.requests)

    assert run_virtual(story()) == 2


def test_each_learns_what_became_of_his_own_text() -> None:
    async def story() -> list[BaseException | None]:
        post = Post()
        return await asyncio.gather(*post.sending("a", "bad", "b"), return_exceptions=True)

    assert run_virtual(story()) == [None, NO, None]


def test_after_a_failed_request_the_next_one_is_sent_as_ever() -> None:
    async def story() -> int:
        post = Post(down=True)
        for _ in range(2):
            with pytest.raises(UnavailableError):
                await post.outbox.send("a", 0)
        post.down = False
        await post.outbox.send("a", 0)
        return len(post.requests)

    assert run_virtual(story()) == 3


def test_a_text_that_nobody_waits_for_any_more_is_not_sent() -> None:
    """What queues up while SQS is silent would else go out, one slow request after the other."""

    async def story() -> list[str]:
        post = Post()
        busy = await post.busy()
        given_up, also, kept = post.sending("a", "a", "b")
        half = post.sending("b")
        await post.clock.sleep(0.5)
        for task in (given_up, also, *half):
            task.cancel()
        await asyncio.gather(*busy, kept)
        return [body for some in post.requests[REQUESTS_MAX:] for body, _ in some]

    assert run_virtual(story()) == ["b"]


def test_whoever_leaves_takes_nothing_from_who_waits_for_the_same_text() -> None:
    async def story() -> tuple[BaseException | None, bool, int]:
        post = Post()
        busy = await post.busy()
        leaving, staying = post.sending("a", "a")
        await post.clock.sleep(1.5)  # it is on its way
        leaving.cancel()
        await asyncio.gather(*busy)
        [stayed] = await asyncio.gather(staying, return_exceptions=True)
        return stayed, leaving.cancelled(), len(post.requests)

    assert run_virtual(story()) == (None, True, REQUESTS_MAX + 1)
