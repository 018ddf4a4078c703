"""What only SQS does: foreign messages, missing queues, being away, and closing while it polls."""

import asyncio
import logging
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from boto3.session import Session

from service.adapters.sqs import SqsHintQueues, SqsSettings, open_sqs
from service.domain.errors import ConfigurationError, UnavailableError
from service.domain.ids import EndpointId, SessionId
from service.ports import LaneHint
from tests.support.hint_ends import next_lanes, next_sessions
from tests.support.patience import PATIENCE, UnhurriedClock
from tests.support.store_builders import unique

A, B = SessionId("ses_a"), SessionId("ses_b")
HOOK = EndpointId("whk_1")
NOWHERE = "http://127.0.0.1:9"
"""The discard port, where nobody listens."""


@asynccontextmanager
async def _opened(
    session: Session, endpoint: str, prefix: str, *, connections: int = 4
) -> AsyncIterator[SqsHintQueues]:
    settings = SqsSettings(prefix=prefix, shards=2, endpoint_url=endpoint, connections=connections)
    opened = open_sqs(settings, clock=UnhurriedClock(), session=session)
    yield opened
    await opened.close()


async def test_what_is_no_hint_is_dropped_and_said_without_its_text(
    queues: SqsHintQueues, caplog: pytest.LogCaptureFixture
) -> None:
    for name in (queues.queues.mailbox(0), queues.queues.deliveries):
        for garbage in ("secret stuff", "[" * 400, '{"v":9,"session":"ses_a"}'):
            await queues.queues.send(name, garbage)
    await asyncio.sleep(0.1)
    heard = [await queues.mailboxes.receive(0), await queues.deliveries.receive()]
    await queues.hints.session(A, 0)
    await queues.hints.lane(HOOK, A)

    assert heard == [[], []]
    assert await next_sessions(queues.mailboxes, 0) == [A]
    assert await next_lanes(queues.deliveries) == [LaneHint(HOOK, A)]
    told = [record for record in caplog.records if record.msg == "hints.unreadable"]
    assert sum(vars(record)["count"] for record in told) == 6
    assert "secret" not in caplog.text


async def test_queues_that_are_there_already_are_left_as_they_are(
    queues: SqsHintQueues, aws_endpoint: str, aws_session: Session
) -> None:
    client = aws_session.client("sqs", endpoint_url=aws_endpoint)
    url = client.get_queue_url(QueueName=queues.queues.mailbox(0))["QueueUrl"]
    client.set_queue_attributes(QueueUrl=url, Attributes={"MessageRetentionPeriod": "120"})
    await queues.hints.session(A, 0)
    await queues.create_if_missing()
    await queues.check()
    kept = client.get_queue_attributes(QueueUrl=url, AttributeNames=["MessageRetentionPeriod"])

    assert kept["Attributes"] == {"MessageRetentionPeriod": "120"}
    assert await next_sessions(queues.mailboxes, 0) == [A]


async def test_a_delay_that_sqs_does_not_know_is_cut_to_its_longest(
    queues: SqsHintQueues, caplog: pytest.LogCaptureFixture
) -> None:
    await queues.hints.lane(HOOK, A, delay=100_000)

    assert queues.hints.lost == 0
    assert caplog.records == []


async def test_missing_queues_are_named_and_a_hint_for_them_is_lost_quietly(
    aws_endpoint: str, aws_session: Session, caplog: pytest.LogCaptureFixture
) -> None:
    prefix = unique("none")
    async with _opened(aws_session, aws_endpoint, prefix) as missing:
        with pytest.raises(ConfigurationError, match=f"{prefix}-deliveries"):
            await missing.check()
        with pytest.raises(ConfigurationError, match=f"{prefix}-mailbox-1"):
            await missing.mailboxes.receive(1)
        for _ in range(3):
            await missing.hints.session(A, 1)

        assert missing.hints.lost == 3
    told = [(r.levelno, r.msg, vars(r)["queue"]) for r in caplog.records]
    assert told == [(logging.ERROR, "hints.refused", f"{prefix}-mailbox-1")]


async def test_sqs_that_is_away_fails_no_sender_and_is_said_once(
    aws_session: Session, caplog: pytest.LogCaptureFixture
) -> None:
    async with _opened(aws_session, NOWHERE, "away") as away:
        begun = time.monotonic()
        await asyncio.gather(*(away.hints.session(A, 0) for _ in range(20)))
        await away.hints.lane(HOOK, A)
        with pytest.raises(UnavailableError):
            await away.deliveries.receive()

        assert time.monotonic() - begun < PATIENCE
        assert away.hints.lost == 21
    assert [record.msg for record in caplog.records] == ["hints.lost"]


async def test_closing_waits_for_no_poll_and_the_poll_ends_by_itself(
    aws_endpoint: str, aws_session: Session
) -> None:
    async with _opened(aws_session, aws_endpoint, unique("closing")) as queues:
        await queues.create_if_missing()
        polls = [
            asyncio.create_task(queues.mailboxes.receive(0)),
            asyncio.create_task(queues.deliveries.receive()),
        ]
        await asyncio.sleep(0.3)
        await queues.close()
        still_polling = [poll for poll in polls if not poll.done()]
        heard = await asyncio.gather(*polls)
        with pytest.raises(UnavailableError):
            await queues.mailboxes.receive(0)
        await queues.hints.session(A, 0)

    assert len(still_polling) == 2
    assert heard == [[], []]
    assert queues.hints.lost == 1


async def test_what_waits_for_its_turn_when_it_closes_is_lost_and_cancels_nobody(
    aws_endpoint: str, aws_session: Session
) -> None:
    async with _opened(aws_session, aws_endpoint, unique("full"), connections=1) as queues:
        await queues.create_if_missing()
        sessions = [SessionId(f"ses_{n}") for n in range(40)]
        sending = [asyncio.create_task(queues.hints.session(each, 0)) for each in sessions]
        for _ in range(3):
            await asyncio.sleep(0)  # four requests for one thread
        await queues.close()
        ends = await asyncio.gather(*sending, return_exceptions=True)

    assert ends == [None] * 40
    assert queues.hints.lost >= 30


async def test_a_thousand_hints_at_once_are_no_outage(
    queues: SqsHintQueues, caplog: pytest.LogCaptureFixture
) -> None:
    await asyncio.gather(
        *(queues.hints.lane(HOOK, SessionId(f"ses_{n % 250}"), hops=n // 250) for n in range(1000))
    )

    assert queues.hints.lost == 0
    assert caplog.records == []


async def test_what_a_cancelled_poll_receives_while_closing_comes_out_again(
    queues: SqsHintQueues, aws_endpoint: str, aws_session: Session
) -> None:
    prefix = queues.queues.deliveries.removesuffix("-deliveries")
    async with _opened(aws_session, aws_endpoint, prefix) as dying:
        poll = asyncio.create_task(dying.mailboxes.receive(0))
        await asyncio.sleep(0.3)
        poll.cancel()
        await asyncio.gather(poll, return_exceptions=True)
    await queues.hints.session(A, 0)
    await asyncio.sleep(0.5)  # for it to be taken by the poll that nobody waits for

    async with asyncio.timeout(PATIENCE):
        assert await next_sessions(queues.mailboxes, 0) == [A]
