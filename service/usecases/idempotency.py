"""Idempotency-Key: a repeat of a write does nothing and answers what the first made, as it is now.

Where a request makes something, the record is stored in the same transaction and names it from the
start. Requests that make nothing of their own say first that they are at work, and keep their
answer once it is known.
"""

import json
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any, Final

from service.domain.access import IdempotencyRecord
from service.domain.errors import (
    BrokerError,
    CallerError,
    IdempotencyInProgressError,
    IdempotencyMismatchError,
    NotFoundError,
)
from service.domain.ids import LOCK, TenantName
from service.ports.storage import TenantStore
from service.ports.system import Clock, Ids

GONE: Final = 204
KEPT_SECONDS: Final = 48 * 3600.0
"""At least 24 hours are promised; the rest is for retries that straddle a night."""

AT_WORK: Final = 102
AT_WORK_SECONDS: Final = 45.0
"""More than the longest of these requests takes; after a crash a repeat has to wait for so long."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a request is answered with: an HTTP status and a JSON object, or nothing."""

    status: int
    body: Mapping[str, Any] | None = None
    replayed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Ticket:
    """One use of an Idempotency-Key. `key` is scoped already: method, path, the caller's key."""

    tenant: TenantName
    key: str
    request_hash: str
    at: float

    def record(
        self, *, status: int, result: Mapping[str, Any], secret: Mapping[str, Any] | None = None
    ) -> IdempotencyRecord:
        """What to store: the ids the request makes, and apart from them an answer with a secret."""
        return IdempotencyRecord(
            tenant=self.tenant,
            key=self.key,
            request_hash=self.request_hash,
            status=status,
            result=json.dumps(result),
            secret_answer=None if secret is None else json.dumps(secret),
            created_at=self.at,
            expires_at=self.at + KEPT_SECONDS,
        )


def result_of(record: IdempotencyRecord) -> dict[str, Any]:
    """The ids that the first request made."""
    result: dict[str, Any] = json.loads(record.result)
    return result


def secret_of(record: IdempotencyRecord) -> dict[str, Any]:
    """The answer with the secret that is shown once; empty where there was none."""
    answer: dict[str, Any] = json.loads(record.secret_answer or "{}")
    return answer


Act = Callable[[], Awaitable[Answer]]
Replay = Callable[[IdempotencyRecord], Awaitable[Answer]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Once:
    """Runs a write at most once for each Idempotency-Key."""

    tenants: TenantStore
    clock: Clock
    ids: Ids

    async def __call__(self, ticket: Ticket | None, *, act: Act, replay: Replay) -> Answer:
        """Act, or replay what an earlier request with this key made.

        Raises IdempotencyMismatchError (another body), IdempotencyInProgressError.
        """
        if ticket is None:
            return await act()
        if (record := await self._earlier(ticket)) is not None:
            return await _replayed(replay, record)
        try:
            return await act()
        except CallerError:
            # What refuses may be what an earlier request with this key did a moment ago.
            if (record := await self._earlier(ticket)) is None:
                raise
            return await _replayed(replay, record)

    async def keeping(self, ticket: Ticket | None, act: Act) -> Answer:
        """For writes that make nothing of their own: act, then keep the answer for repeats.

        Repeats that come meanwhile get IdempotencyInProgressError. So does one within 45 s of a
        crash; after that it acts again, for nobody knows what came of the first.
        """

        async def act_and_keep() -> Answer:
            if ticket is None:
                return await act()
            claim = await self._claim(ticket)
            try:
                answer = await act()
            except BrokerError:
                await self._let_go(claim)
                raise
            record = ticket.record(status=answer.status, result={"answer": answer.body})
            await self.tenants.put_idempotency(record, now=self.clock.now(), instead_of=claim)
            return answer

        return await self(ticket, act=act_and_keep, replay=kept)

    async def _claim(self, ticket: Ticket) -> IdempotencyRecord:
        """Say that this request is at work. Raises IdempotencyInProgressError."""
        now = self.clock.now()
        # Its own name tells it from the claim of a repeat that came in the same instant.
        claim = replace(
            ticket.record(status=AT_WORK, result={"by": self.ids.ulid(LOCK)}),
            expires_at=now + AT_WORK_SECONDS,
        )
        await self.tenants.put_idempotency(claim, now=now)
        return claim

    async def _let_go(self, claim: IdempotencyRecord) -> None:
        """What failed may be tried again at once."""
        now = self.clock.now()
        # Else it has lapsed, and a repeat is at work.
        with suppress(IdempotencyInProgressError):
            await self.tenants.put_idempotency(
                replace(claim, expires_at=now), now=now, instead_of=claim
            )

    async def removing(self, ticket: Ticket | None, *, look: Act, remove: Act) -> Answer:
        """For removals: keep what is to go, then remove it; a repeat finishes what was cut short.

        `look` answers the thing with its `createdAt`, or raises what forbids the removal: a name
        may be given again, and a repeat must not remove its next bearer.
        """

        async def keep_and_remove() -> Answer:
            if ticket is not None:
                made = {"answer": None, "createdAt": created_at(await look())}
                record = ticket.record(status=GONE, result=made)
                await self.tenants.put_idempotency(record, now=self.clock.now())
            return await remove()

        async def finish(record: IdempotencyRecord) -> Answer:
            with suppress(NotFoundError):
                if created_at(await look()) == result_of(record).get("createdAt"):
                    await remove()
            return Answer(status=record.status)

        return await self(ticket, act=keep_and_remove, replay=finish)

    async def _earlier(self, ticket: Ticket) -> IdempotencyRecord | None:
        record = await self.tenants.idempotency(ticket.tenant, ticket.key, now=self.clock.now())
        if record is not None and record.request_hash != ticket.request_hash:
            raise IdempotencyMismatchError
        return record


def created_at(answer: Answer) -> Any:  # noqa: ANN401 - a member of a JSON object
    """When that which was answered came to be."""
    return (answer.body or {})["createdAt"]


async def kept(record: IdempotencyRecord) -> Answer:
    """The answer that was kept whole."""
    return Answer(status=record.status, body=result_of(record)["answer"])


async def _replayed(replay: Replay, record: IdempotencyRecord) -> Answer:
    if record.status == AT_WORK:
        raise IdempotencyInProgressError
    answer = await replay(record)
    return Answer(status=answer.status, body=answer.body, replayed=True)
