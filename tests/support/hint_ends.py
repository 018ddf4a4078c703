"""Waiting where hints come out: a port waits for seconds, a test for as long as it takes."""

from collections.abc import Sequence

from service.ports import Deliveries, DeliveryHint, Mailboxes, SessionHint


async def next_sessions(mailboxes: Mailboxes, shard: int) -> Sequence[SessionHint]:
    """What comes next out of a mailbox."""
    while not (found := await mailboxes.receive(shard)):
        continue
    return found


async def next_lanes(deliveries: Deliveries) -> Sequence[DeliveryHint]:
    """Which lanes or strands come next."""
    while not (found := await deliveries.receive()):
        continue
    return found
