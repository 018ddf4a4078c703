"""Events, pending sends and lanes as items, and back."""

import dataclasses
import json
from typing import Any, Final, cast

from service.adapters.table import index_keys, schema
from service.adapters.table.conditions import Item, Value
from service.adapters.table.records import plain_record, record, text_of
from service.domain.endpoint import Claim, Lane
from service.domain.ids import EventId
from service.domain.log import EventType, LogEvent, Seen
from service.domain.send import PendingSend
from service.domain.trace import Trace

SEEN_ATTRIBUTES: Final = ("type", "at", "incarnation", "keys", "channel_time")
"""What a writer needs of an event that it did not write."""


def event_item(event: LogEvent, *, answer: str | None = None) -> Item:
    """An event at its place.

    `answer` is the key of the idempotency record that was made with it.
    """
    key = schema.event_key(event.session_id, event.sequence)
    item: dict[str, Value] = {
        "pk": key.pk,
        "sk": key.sk,
        "id": event.id,
        "type": event.type.value,
        "at": event.at,
        "incarnation": event.incarnation,
        "data": text_of(event.data),
    }
    if event.keys:
        item["keys"] = text_of(sorted(event.keys))
    if event.channel_time is not None:
        item["channel_time"] = event.channel_time
    if event.trace is not None:
        item["trace"] = event.trace
    if answer is not None:
        item["answer"] = answer
    return item


def read_event(item: Item) -> LogEvent:
    """The event of an item."""
    seen = read_seen(item)
    trace = item.get("trace")
    return LogEvent(
        id=EventId(str(item["id"])),
        session_id=schema.log_in(str(item["pk"])),
        sequence=seen.sequence,
        type=seen.type,
        at=seen.at,
        incarnation=seen.incarnation,
        data=json.loads(str(item["data"])),
        keys=seen.keys,
        channel_time=seen.channel_time,
        trace=None if trace is None else Trace(str(trace)),
    )


def read_seen(item: Item) -> Seen:
    """What a writer keeps of an event."""
    channel_time = item.get("channel_time")
    return Seen(
        sequence=schema.sequence_of(str(item["sk"])),
        type=EventType(str(item["type"])),
        at=float(item["at"]),
        incarnation=int(item["incarnation"]),
        keys=frozenset(json.loads(str(item.get("keys", "[]")))),
        channel_time=None if channel_time is None else float(channel_time),
    )


def send_attributes(send: PendingSend) -> dict[str, Value]:
    """What a change of a pending send sets."""
    return {"version": send.version, "body": _body(send, "version")}


def send_item(send: PendingSend) -> Item:
    """The whole item of a pending send."""
    key = schema.send_key(send.session_id, send.sequence, send.kind)
    return {"pk": key.pk, "sk": key.sk, **send_attributes(send)}


def read_send(item: Item) -> PendingSend:
    """The pending send of an item."""
    return record(PendingSend, _members(item))


def lane_attributes(lane: Lane) -> dict[str, Value]:
    """What a change of a lane sets.

    The due keys only where a time is set, so a healthy lane moves no index.
    """
    attributes: dict[str, Value] = {
        "version": lane.version,
        "body": _body(lane, "version", "claim"),
    }
    if lane.claim is not None:
        attributes |= {"claim_token": lane.claim.token, "claim_until": lane.claim.until}
    if lane.due_at is not None:
        number = index_keys.bucket(f"{lane.session_id}{lane.endpoint_id}", schema.DUE_BUCKETS)
        attributes |= {
            schema.DUE.pk: index_keys.due_lanes_partition(number),
            schema.DUE.sk: lane.due_at,
        }
    return attributes


def absent_lane_attributes(lane: Lane) -> tuple[str, ...]:
    """What a change of a lane removes."""
    claim = ("claim_token", "claim_until") if lane.claim is None else ()
    due = (schema.DUE.pk, schema.DUE.sk) if lane.due_at is None else ()
    return (*claim, *due)


def lane_item(lane: Lane) -> Item:
    """The whole item of a lane."""
    key = schema.lane_key(lane.endpoint_id, lane.session_id)
    number = index_keys.bucket(lane.session_id, schema.LANE_BUCKETS)
    return {
        "pk": key.pk,
        "sk": key.sk,
        schema.LANES.pk: index_keys.endpoint_lanes_partition(lane.endpoint_id, number),
        schema.LANES.sk: lane.session_id,
        **lane_attributes(lane),
    }


def read_lane(item: Item) -> Lane:
    """The lane of an item, with its claim, live or not."""
    lane = record(Lane, _members(item))
    if "claim_token" not in item:
        return lane
    claim = Claim(token=str(item["claim_token"]), until=float(item["claim_until"]))
    return dataclasses.replace(lane, claim=claim)


def _body(value: object, *apart: str) -> str:
    return text_of(
        {name: member for name, member in plain_record(value).items() if name not in apart}
    )


def _members(item: Item) -> dict[str, Any]:
    members = cast("dict[str, Any]", json.loads(str(item["body"])))
    return {**members, "version": int(item["version"])}
