"""Webhook endpoints of a tenant: create, read, change, delete, test, verify, rotate, switch."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from service.domain.access import ApiKey, IdempotencyRecord
from service.domain.endpoint import Endpoint, EndpointState, settled
from service.domain.errors import (
    InvalidRequestError,
    LostRaceError,
    UnavailableError,
)
from service.domain.health import Stamp, forgotten
from service.domain.ids import ENDPOINT, LOCK, EndpointId
from service.domain.told import Stage, with_told
from service.domain.trace import Trace
from service.ports.storage import HealthStore, TenantStore
from service.ports.system import Clock, Ids
from service.usecases.idempotency import Answer, Ticket, result_of, secret_of
from service.usecases.moot_hints import KNOWN_SECONDS
from service.usecases.owned_endpoint import check_endpoint_id, owned_endpoint
from service.usecases.send_challenge import Challenged, SendChallenge
from service.usecases.send_test import SendTest
from service.usecases.start_replay import StartReplay
from service.usecases.wake_lanes import WakeEndpoint
from service.usecases.webhook_fields import endpoint_faults, endpoint_view
from service.webhook.credentials import restored_headers
from service.webhook.headers import check_headers
from service.webhook.keys import import_secret
from service.webhook.rotation import first_keys, rotated, switched

TRIES: Final = 5
CHANGE_TRIES: Final = 12
CHANGE_PAUSE_SECONDS: Final = 0.02
"""What a change that lost a race waits for, on the average; doubled each time, up to 16 times."""
SETTLE_SECONDS: Final = 2.0
"""By then every process knows of a new endpoint."""

REQUESTED: Final = "requested"
BEGINNING: Final = "beginning"

Change = Callable[[Endpoint], Endpoint]


@dataclass(frozen=True, slots=True, kw_only=True)
class ManageWebhooks:
    """The endpoints of a tenant.

    `check_url` raises BlockedTargetError or InvalidRequestError.
    """

    tenants: TenantStore
    healths: HealthStore
    clock: Clock
    ids: Ids
    check_url: Callable[[str], object]
    send_test: SendTest
    send_challenge: SendChallenge
    wake: WakeEndpoint
    start_replay: StartReplay

    async def create(
        self, key: ApiKey, wanted: Mapping[str, Any], *, ticket: Ticket | None
    ) -> Answer:
        """201 and the Webhook with its `secret`. `wanted` has fields of `domain.endpoint.Endpoint`.

        And `secret`, one that was made elsewhere, `asymmetric`, whether a key pair signs too, and
        `start_from`: with "beginning" all that is in the logs is replayed.
        Raises InvalidRequestError, BlockedTargetError.
        """
        now = self.clock.now()
        fields = dict(wanted)
        secret = self._secret(fields.pop("secret", None))
        pair = self.ids.signing_pair() if fields.pop("asymmetric", False) else None
        from_beginning = fields.pop("start_from", None) == BEGINNING
        endpoint = Endpoint(
            id=EndpointId(self.ids.ulid(ENDPOINT)),
            tenant=key.tenant,
            secrets=first_keys(secret, pair=pair),
            created_at=now,
            updated_at=now,
            **fields,
        )
        self._check(endpoint)
        endpoint = settled(endpoint)
        record = _record(ticket, 201, endpoint, secret)
        if from_beginning:
            await self.start_replay.before_beginning(endpoint)
        made = await self.tenants.put_endpoint(endpoint, expected_version=None, idempotency=record)
        if made.must_prove_itself:
            _, made = await self._verified(key, made)
        await self.wake(made, delay=SETTLE_SECONDS)
        if from_beginning:
            await self.start_replay.wake(made.id, delay=SETTLE_SECONDS)
        return Answer(status=201, body={**endpoint_view(made), "secret": secret})

    async def read(self, key: ApiKey, endpoint_id: EndpointId) -> Answer:
        """200 and the Webhook. Raises NotFoundError."""
        return Answer(status=200, body=endpoint_view(await self._owned(key, endpoint_id)))

    async def list(self, key: ApiKey, *, cursor: str | None, limit: int) -> Answer:
        """200 and a page, newest first. Raises InvalidRequestError for a bad cursor."""
        page = await self.tenants.list_endpoints(key.tenant, cursor=cursor, limit=limit)
        items = [endpoint_view(one) for one in page.items]
        return Answer(status=200, body={"items": items, "nextCursor": page.next_cursor})

    async def change(
        self,
        key: ApiKey,
        endpoint_id: EndpointId,
        *,
        changes: Mapping[str, Any],
        ticket: Ticket | None,
    ) -> Answer:
        """200 and the Webhook; what is not named stays. Raises as `create`, and NotFoundError.

        `asymmetric` makes a key pair or lets it lapse; a header that comes back redacted stays. One
        that must prove itself is challenged at once where `url` or `verify` is named.
        """
        fields = dict(changes)
        asymmetric: bool | None = fields.pop("asymmetric", None)
        now, pair = self.clock.now(), self.ids.signing_pair()

        def changed(before: Endpoint) -> Endpoint:
            after = replace(before, **fields)
            headers = restored_headers(after.headers, before.headers)
            keys = switched(after.secrets, asymmetric=asymmetric, pair=pair, now=now)
            return replace(after, headers=headers, secrets=keys)

        made = await self._changed(key, endpoint_id, changed, ticket=ticket)
        if made.must_prove_itself and not fields.keys().isdisjoint({"url", "verify"}):
            _, made = await self._verified(key, made)
        return Answer(status=200, body=endpoint_view(made))

    async def switch(
        self, key: ApiKey, endpoint_id: EndpointId, *, on: bool, ticket: Ticket | None
    ) -> Answer:
        """200 and the Webhook, taking deliveries again or disabled; the backlog is kept."""
        state = EndpointState.ACTIVE if on else EndpointState.DISABLED
        reason = None if on else REQUESTED
        made = await self._changed(
            key,
            endpoint_id,
            lambda before: replace(before, state=state, disabled_reason=reason),
            ticket=ticket,
        )
        return Answer(status=200, body=endpoint_view(made))

    async def rotate(
        self,
        key: ApiKey,
        endpoint_id: EndpointId,
        *,
        grace_seconds: int,
        secret: str | None = None,
        ticket: Ticket | None,
    ) -> Answer:
        """200 and the Webhook with its new `secret`; the old keys sign beside it for the grace.

        A key pair is replaced too. `secret` is one that was made elsewhere. Raises NotFoundError,
        InvalidRequestError.
        """
        now, secret, pair = self.clock.now(), self._secret(secret), self.ids.signing_pair()

        def changed(before: Endpoint) -> Endpoint:
            keys = rotated(
                before.secrets, secret=secret, pair=pair, now=now, grace_seconds=grace_seconds
            )
            return replace(before, secrets=keys)

        made = await self._changed(key, endpoint_id, changed, ticket=ticket, secret=secret)
        return Answer(status=200, body={**endpoint_view(made), "secret": secret})

    async def test(
        self, key: ApiKey, endpoint_id: EndpointId, *, trace: Trace | None = None
    ) -> Answer:
        """200 and what one webhook.test came to. Raises NotFoundError."""
        endpoint = await self._owned(key, endpoint_id)
        test = await self.send_test(endpoint, trace=trace)
        told = test.answer
        return Answer(
            status=200,
            body={
                "eventId": test.event_id,
                "delivered": told.delivered,
                "status": told.status,
                "error": told.failure,
                "detail": told.detail,
                "seconds": round(told.seconds, 3),
            },
        )

    async def verify(
        self, key: ApiKey, endpoint_id: EndpointId, *, trace: Trace | None = None
    ) -> Answer:
        """200 and what one challenge came to; the first good answer opens an endpoint.

        Raises NotFoundError.
        """
        endpoint = await self._owned(key, endpoint_id)
        challenged, after = await self._verified(key, endpoint, trace)
        state = {"verified": after.verified, "state": after.state.value}
        return Answer(status=200, body={**challenged.view(), **state})

    async def _verified(
        self, key: ApiKey, endpoint: Endpoint, trace: Trace | None = None
    ) -> tuple[Challenged, Endpoint]:
        """Challenge it, and write down that it passed: it, not a URL that came meanwhile."""
        challenged = await self.send_challenge(endpoint, trace=trace)
        if not challenged.passed or endpoint.verified:
            return challenged, endpoint

        def passed(before: Endpoint) -> Endpoint:
            return replace(before, verified=before.verified or before.url == endpoint.url)

        return challenged, await self._changed(key, endpoint.id, passed, ticket=None)

    async def delete(self, key: ApiKey, endpoint_id: EndpointId) -> Answer:
        """204. Raises NotFoundError."""
        # Not read first: what is secret in it may not open any more.
        check_endpoint_id(endpoint_id)
        await self.tenants.delete_endpoint(key.tenant, endpoint_id)
        self.wake.endpoints.forget(key.tenant)
        await self.start_replay.forget(endpoint_id)
        return Answer(status=204)

    async def replay(self, key: ApiKey, record: IdempotencyRecord) -> Answer:
        """The endpoint of an earlier request as it is now, with that one's status and secret."""
        endpoint = await self._owned(key, EndpointId(result_of(record)["id"]))
        body = {**endpoint_view(endpoint), **secret_of(record)}
        return Answer(status=record.status, body=body)

    def _secret(self, imported: str | None) -> str:
        return self.ids.signing_secret() if imported is None else import_secret(imported)

    async def _owned(self, key: ApiKey, endpoint_id: EndpointId) -> Endpoint:
        return await owned_endpoint(self.tenants, key.tenant, endpoint_id)

    async def _changed(
        self,
        key: ApiKey,
        endpoint_id: EndpointId,
        change: Change,
        *,
        ticket: Ticket | None,
        secret: str | None = None,
    ) -> Endpoint:
        for attempt in range(CHANGE_TRIES):
            if attempt:
                # Those that lost together must not come again together.
                await self.clock.sleep(_pause(attempt, self.ids.jitter()))
            before = await self._owned(key, endpoint_id)
            after = replace(change(before), updated_at=self.clock.now())
            if after.url != before.url:
                after = replace(after, verified=False)
            after = settled(after)
            self._check(after)
            record = _record(ticket, 200, after, secret)
            if _begins_anew(before, after):
                after = replace(after, openings=before.openings + 1)
                await self._forget_health(before)
            elif _is_given_up(before) and not _is_given_up(after):
                await self._forget_health(before)
            try:
                made = await self.tenants.put_endpoint(
                    after, expected_version=before.version, idempotency=record
                )
            except LostRaceError:
                continue
            await self._tell(made, delay=_until_known(before, after))
            return made
        raise UnavailableError(what="the webhook")

    async def _forget_health(self, before: Endpoint) -> None:
        """What couriers found of it must not keep it shut, nor disable it again at once.

        What its owner was told stands until it delivers again.
        """
        for _ in range(TRIES):
            stamp = Stamp(by=self.ids.ulid(LOCK), at=self.clock.now())
            health = await self.healths.health(before.id)
            told = health.told
            if _is_given_up(before):
                told = with_told(told, Stage.DISABLED, log=None, now=before.updated_at)
            after = forgotten(health, stamp, told)
            if after is None:
                return
            there = await self.healths.change_health(before.id, health, after)
            if there.by == stamp.by:
                return

    async def _tell(self, endpoint: Endpoint, *, delay: float) -> None:
        # Also when it closed: lanes that wait for a retry are parked then, and begin afresh later.
        await self.wake(endpoint, delay=delay)
        await self.start_replay.wake(endpoint.id, delay=delay)

    def _check(self, endpoint: Endpoint) -> None:
        if faults := endpoint_faults(endpoint):
            raise InvalidRequestError(*faults)
        check_headers(endpoint.headers)
        self.check_url(endpoint.url)


def _pause(attempt: int, jitter: float) -> float:
    """Seconds before a try, from 1 on: any up to twice the average, 0.04 s at first, then 0.64."""
    return 2 * CHANGE_PAUSE_SECONDS * 2.0 ** min(attempt - 1, 4) * jitter


def _begins_anew(before: Endpoint, after: Endpoint) -> bool:
    """Whether it opens, or is somebody else now."""
    opens = before.state is not EndpointState.ACTIVE and after.state is EndpointState.ACTIVE
    return opens or before.url != after.url


def _until_known(before: Endpoint, after: Endpoint) -> float:
    """Seconds until no courier takes it for shut any more because it was found so before.

    Also one that was closed: it may have been open, and down, a moment ago.
    """
    return KNOWN_SECONDS if _begins_anew(before, after) else 0.0


def _is_given_up(endpoint: Endpoint) -> bool:
    """Whether the broker disabled it, which its owner was told."""
    by_broker = endpoint.disabled_reason not in {None, REQUESTED}
    return endpoint.state is EndpointState.DISABLED and by_broker


def _record(
    ticket: Ticket | None, status: int, endpoint: Endpoint, secret: str | None
) -> IdempotencyRecord | None:
    if ticket is None:
        return None
    shown_once = None if secret is None else {"secret": secret}
    return ticket.record(status=status, result={"id": endpoint.id}, secret=shown_once)
