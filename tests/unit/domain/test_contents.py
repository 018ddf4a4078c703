"""What is kept of content and raw body: nothing secret, and no more than fits."""

import json
from typing import Any, Final

from hypothesis import given
from hypothesis import strategies as st

from service.domain.contents import CONTENT_BYTES_MAX, RAW_BYTES_MAX, Contents, contents_of
from service.domain.ids import SessionId
from tests.support.guest_strategies import JSON
from tests.support.playbook import CLIENT, by_agent

SESSION: Final = SessionId("ses_1")


def kept(**said: Any) -> Contents:  # noqa: ANN401 - fields of Said
    return contents_of(by_agent("b", **said), client_id=CLIENT, session_id=SESSION)


def item(size: int) -> dict[str, str]:
    """An item that is so many bytes as JSON."""
    frame = len('{"contentType":"X","x":""}')
    return {"contentType": "X", "x": "y" * (size - frame)}


def test_plain_text_keeps_nothing_beside_it() -> None:
    assert kept(text="hello") == Contents()


def test_what_fits_is_kept_to_the_last_byte() -> None:
    fits: Final = item(RAW_BYTES_MAX)

    assert kept(content=(fits,), raw=fits) == Contents(content=[fits], raw=fits)


def test_a_raw_body_that_is_too_large_is_left_out_and_its_size_is_told() -> None:
    made = kept(content=(item(100),), raw=item(RAW_BYTES_MAX + 1))

    assert made.raw is None
    assert made.omitted == {"rawBytes": RAW_BYTES_MAX + 1, "contentItems": 0}
    assert made.content == [item(100)]


def test_items_beyond_the_limit_are_left_out_and_counted() -> None:
    half = item(CONTENT_BYTES_MAX // 2)

    assert kept(content=(half, half)).omitted is None
    made = kept(content=(half, half, item(30), item(30)))
    assert made == Contents(content=[half, half], omitted={"rawBytes": 0, "contentItems": 2})


@given(value=JSON, name=st.text(max_size=5))
def test_the_client_id_is_nowhere(value: object, name: str) -> None:
    told = {name: value, f"about {CLIENT}": [f"<{CLIENT}>", {"deep": CLIENT}, value]}

    made = kept(content=({"contentType": "X", "x": told},), raw={"x": told})

    assert CLIENT not in json.dumps([made.content, made.raw], ensure_ascii=False)
    assert made.raw is not None
    assert made.raw["x"]["about [redacted]"][:2] == ["<[redacted]>", {"deep": "[redacted]"}]


def test_the_signed_address_of_a_file_is_in_neither() -> None:
    file = {"contentType": "Attachment", "attachment": {"id": "a-1", "url": "https://x/?sig=1"}}

    made = kept(content=(file,), raw={"text": "x", "content": [file, "odd"]})

    linked = {"id": "a-1", "href": "/v1/sessions/ses_1/attachments/a-1/content"}
    assert made.content == [{"contentType": "Attachment", "attachment": linked}]
    assert made.raw == {"text": "x", "content": [*made.content, "odd"]}
