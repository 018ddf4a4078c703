"""The options that content in its normal form offers.

Reads leniently: what is odd offers nothing.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

Json = Mapping[str, Any]

PRESSED: Final = frozenset({"Button", "QuickReply"})
"""Types of an answer that mean the same: the press of a button."""
_DATE_ONLY: Final = len("2031-04-05")


@dataclass(frozen=True, slots=True, kw_only=True)
class Option:
    """One thing that may be answered: with which type, label and payload."""

    type: str
    text: str
    payload: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """Options of a list picker, of which one may be chosen or several."""

    title: str
    many: bool
    options: Sequence[Option]


def options_in(content: Iterable[Json]) -> list[Option]:
    """Everything that can be pressed or picked there, in order; questions of forms are none."""
    return [option for item in content for option in _options(item)]


def pickers_in(content: Iterable[Json], name: str) -> list[Json]:
    """The properties of all items of that property, such as `datePicker`."""
    return [found for item in content if (found := object_at(item, name))]


def sections_of(picker: Json) -> list[Section]:
    """The sections of a list picker."""
    return [
        Section(
            title=text_at(section, "title"),
            many=section.get("multipleSelection") is True,
            options=[_item(item) for item in objects_at(section, "items") if _has(item, "id")],
        )
        for section in objects_at(picker, "sections")
    ]


def picked_time(picker: Json, wanted: str) -> str | None:
    """The time as the date picker spells it; None where it does not offer that time.

    One that lists no times takes any between its first and last day.
    """
    moment = instant(wanted)
    times = _times(picker)
    if times:
        same = (t for t in times if t == wanted or (moment is not None and instant(t) == moment))
        return next(same, None)
    if moment is None or not _within(picker, moment):
        return None
    return wanted


def instant(text: str) -> datetime | None:
    """The moment of ISO 8601 text, UTC where it tells no offset; None for other text."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment


def object_at(source: Json, name: str) -> Json:
    """A member that is an object; else an empty one."""
    value = source.get(name)
    return value if isinstance(value, Mapping) else {}


def objects_at(source: Json, name: str) -> list[Json]:
    """The objects of a member that is a list."""
    value = source.get(name)
    return [each for each in value if isinstance(each, Mapping)] if isinstance(value, list) else []


def text_at(source: Json, name: str) -> str:
    """A member that is text; else nothing."""
    value = source.get(name)
    return value if isinstance(value, str) else ""


def _options(item: Json) -> Iterator[Option]:
    # Messages that were logged before there was a normal form are spelled as Genesys did.
    replies = [object_at(item, "quickReply"), object_at(item, "buttonResponse")]
    for reply in [*replies, *objects_at(object_at(item, "quickReplyV2"), "actions")]:
        if _has(reply, "payload"):
            yield Option(type="QuickReply", text=text_at(reply, "text"), payload=reply["payload"])
    cards = [object_at(item, "card"), object_at(item, "generic")]
    for card in [*cards, *objects_at(object_at(item, "carousel"), "cards")]:
        yield from _buttons(card)
    for time in _times(object_at(item, "datePicker")):
        yield Option(type="DatePicker", text=time, payload=time)
    for section in sections_of(object_at(item, "listPicker")):
        yield from section.options


def _buttons(card: Json) -> Iterator[Option]:
    for action in [object_at(card, "defaultAction"), *objects_at(card, "actions")]:
        if action.get("type") != "Link" and _has(action, "payload"):
            yield Option(type="Button", text=text_at(action, "text"), payload=action["payload"])


def _item(item: Json) -> Option:
    return Option(type="ListPicker", text=text_at(item, "title") or item["id"], payload=item["id"])


def _times(picker: Json) -> list[str]:
    times = [text_at(time, "dateTime") for time in objects_at(picker, "availableTimes")]
    return [time for time in times if time]


def _within(picker: Json, moment: datetime) -> bool:
    earliest, latest = text_at(picker, "dateMinimum"), text_at(picker, "dateMaximum")
    day = moment.date().isoformat()
    first, last = instant(earliest), instant(latest)
    late_enough = first is None or (
        day >= earliest if len(earliest) == _DATE_ONLY else moment >= first
    )
    early_enough = last is None or (day <= latest if len(latest) == _DATE_ONLY else moment <= last)
    return late_enough and early_enough


def _has(source: Json, name: str) -> bool:
    return text_at(source, name) != ""
