"""Which message an answer means."""

import pytest

from service.domain.choice import DateChoice, FormChoice, ListChoice, Offer

OFFER = Offer(message_id="msg_1", body_id="b-1", content=())


@pytest.mark.parametrize(
    ("ours", "theirs", "meant"),
    [
        ("msg_1", None, True),
        (None, "b-1", True),
        ("msg_1", "b-1", True),
        ("msg_1", "b-2", False),
        ("msg_2", "b-1", False),
    ],
)
def test_a_message_is_meant_by_each_name_that_is_given(
    ours: str | None, theirs: str | None, *, meant: bool
) -> None:
    choice = DateChoice(message_id=ours, originating_message_id=theirs, date_time="")

    assert choice.is_named
    assert OFFER.is_meant_by(choice) is meant


def test_a_choice_knows_its_field() -> None:
    assert not ListChoice(item_ids=()).is_named
    assert [c.field for c in (ListChoice(item_ids=()), FormChoice(answers={}))] == [
        "listPicker",
        "form",
    ]
