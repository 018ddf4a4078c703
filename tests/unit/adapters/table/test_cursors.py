"""A cursor comes back as it was, and only to the listing that gave it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.adapters.table import cursors
from service.adapters.table.driver import Query
from service.domain.errors import InvalidRequestError

TEXT = st.text(st.characters(codec="utf-8"), max_size=40)


@given(listing=TEXT, parts=st.lists(TEXT, min_size=1, max_size=3))
def test_a_cursor_comes_back_as_it_was(listing: str, parts: list[str]) -> None:
    cursor = cursors.spell(listing, parts)

    assert cursors.read(listing, cursor, parts=len(parts)) == parts
    assert cursor.replace("-", "").replace("_", "").isalnum()


@given(st.text())
def test_any_text_is_a_cursor_or_the_callers_fault(text: str) -> None:
    with pytest.raises(InvalidRequestError):
        cursors.read("sessions", text, parts=1)


@pytest.mark.parametrize("parts", [1, 3])
def test_a_cursor_with_another_number_of_parts_is_none(parts: int) -> None:
    cursor = cursors.spell("a", ["x", "y"])

    with pytest.raises(InvalidRequestError):
        cursors.read("a", cursor, parts=parts)


@pytest.mark.parametrize("place", ["A", "C", ""])
def test_a_place_outside_of_the_listing_is_made_up(place: str) -> None:
    query = Query(partition="p", low="B", high="B\U0010ffff")

    with pytest.raises(InvalidRequestError):
        cursors.within(query, place)
    assert cursors.within(query, "B7") == "B7"
