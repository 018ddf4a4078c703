"""What content offers, read leniently."""

from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.domain.options import (
    Option,
    instant,
    options_in,
    picked_time,
    pickers_in,
    sections_of,
)
from service.simulator.canned import CANNED
from tests.support.guest_strategies import JSON

WORDS: Final = st.sampled_from(
    (
        *("quickReply", "card", "carousel", "cards", "actions", "payload", "datePicker"),
        *("listPicker", "availableTimes", "dateTime", "sections", "items", "id"),
        *("defaultAction", "dateMinimum"),
    )
)
LOOSE: Final = st.recursive(
    JSON,
    lambda inner: st.dictionaries(WORDS, inner, max_size=3) | st.lists(inner, max_size=2),
    max_leaves=8,
)


def payloads(name: str) -> list[tuple[str, str]]:
    return [(option.type, option.payload) for option in options_in(CANNED[name].content)]


def test_each_kind_of_content_offers_its_options() -> None:
    assert payloads("/quick") == [("QuickReply", "topic.billing"), ("QuickReply", "topic.other")]
    assert payloads("/card") == [("Button", "plan.basic")]
    assert payloads("/carousel") == [("Button", "plan.basic"), ("Button", "plan.premium")]
    assert [kind for kind, _ in payloads("/date")] == ["DatePicker", "DatePicker"]
    assert payloads("/list") == [("ListPicker", name) for name in ("oat", "cow", "nuts", "mint")]
    assert payloads("/anyday") == payloads("/form") == payloads("/agent") == []


def test_what_was_logged_before_there_was_a_normal_form_can_be_answered() -> None:
    assert payloads("/quick2") == payloads("/buttons") == payloads("/quick")
    assert payloads("/generic") == payloads("/card")


def test_labels_are_told_and_an_item_without_title_is_named_by_its_id() -> None:
    card = {"defaultAction": {"type": "Postback", "text": "Go", "payload": "go"}}
    listed = {"sections": [{"items": [{"id": "a"}, {"title": "no id"}, "odd"]}, 3]}

    assert options_in([{"card": card}, {"listPicker": listed}]) == [
        Option(type="Button", text="Go", payload="go"),
        Option(type="ListPicker", text="a", payload="a"),
    ]
    assert [section.many for section in sections_of(listed)] == [False]


@given(item=st.dictionaries(WORDS, LOOSE, max_size=4))
def test_nothing_that_may_come_makes_it_fail(item: dict[str, Any]) -> None:
    for option in options_in([item]):
        assert option.payload
    for picker in pickers_in([item], "datePicker"):
        assert picked_time(picker, "2031-04-05T10:00:00Z") in (
            None,
            "2031-04-05T10:00:00Z",
            *(option.payload for option in options_in([item])),
        )


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        ("2031-04-05T10:00:00.000Z", "2031-04-05T10:00:00.000Z"),
        ("2031-04-05T12:00:00+02:00", "2031-04-05T10:00:00.000Z"),
        ("2031-04-05T10:00:00", "2031-04-05T10:00:00.000Z"),
        ("2031-04-05T10:30:00Z", None),
        ("at ten", None),
    ],
)
def test_a_time_is_found_by_its_moment(wanted: str, found: str | None) -> None:
    (picker,) = pickers_in(CANNED["/date"].content, "datePicker")

    assert picked_time(picker, wanted) == found


def test_a_time_that_is_spelled_oddly_is_still_the_one_that_was_offered() -> None:
    assert picked_time({"availableTimes": [{"dateTime": "at ten"}]}, "at ten") == "at ten"


@pytest.mark.parametrize(
    ("bounds", "wanted", "fits"),
    [
        ({}, "2031-04-30T23:59:00Z", True),
        ({"dateMinimum": "2031-04-01", "dateMaximum": "2031-04-30"}, "2031-04-30T23:59:00Z", True),
        ({"dateMinimum": "2031-04-01", "dateMaximum": "2031-04-30"}, "2031-05-01T00:00:00Z", False),
        ({"dateMinimum": "2031-04-01"}, "2031-03-31T23:59:59Z", False),
        ({"dateMinimum": "2031-04-01T08:00:00Z"}, "2031-04-01T07:59:59Z", False),
        ({"dateMinimum": "2031-04-01T08:00:00Z"}, "2031-04-01T08:00:00Z", True),
        ({"dateMaximum": "2031-04-01T08:00:00Z"}, "2031-04-01T08:00:01Z", False),
        ({"dateMaximum": "someday"}, "2031-04-01T08:00:01Z", True),
        ({}, "someday", False),
    ],
)
def test_without_times_the_days_decide(bounds: dict[str, str], wanted: str, *, fits: bool) -> None:
    assert picked_time(bounds, wanted) == (wanted if fits else None)


def test_an_instant_is_iso_8601() -> None:
    assert instant("nonsense") is None
    assert instant("2031-04-05T10:00:00") == instant("2031-04-05T10:00:00Z")
