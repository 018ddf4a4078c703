"""What a receiver said, made fit to be kept and shown."""

import base64
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.webhook.answers import CUT, DELIVERED_BYTES, FAILED_BYTES, shown_answer

TOKEN = "s3cr3t-token"
HEADERS = {"Authorization": f"Bearer {TOKEN}", "X-Shop": "shop seven", "X-Key": "ab"}


def shown(body: bytes, limit: int = FAILED_BYTES) -> str:
    return shown_answer(body, HEADERS, limit=limit)


def test_plain_text_stays_as_it_is() -> None:
    assert shown("Grüße 👋 to shop seven, ab".encode()) == "Grüße 👋 to shop seven, ab"
    assert shown(b"") == ""


@pytest.mark.parametrize(
    ("body", "text"),
    [
        (b"a\nb\r\t\0\x1b[31mred", r"a\nb\r\t\x00\x1b[31mred"),
        ("\u202egnp\u2028\u00a0".encode(), r"\u202egnp\u2028\xa0"),
        (b"\xff\xfe{}", "\ufffd\ufffd{}"),
    ],
)
def test_what_cannot_be_printed_is_spelled(body: bytes, text: str) -> None:
    assert shown(body) == text


@pytest.mark.parametrize(
    "echo",
    [
        f"authorization: Bearer {TOKEN}".encode(),
        json.dumps({"headers": {"authorization": f"Bearer {TOKEN}"}}).encode(),
        f"the token {TOKEN} is not known".encode(),
        (TOKEN * 400).encode(),
    ],
)
def test_a_credential_that_comes_back_is_not_kept(echo: bytes) -> None:
    text = shown(echo)

    assert TOKEN not in text
    assert "[redacted]" in text


def test_a_credential_is_found_as_json_spells_it() -> None:
    secret = 'pa"ss\\word'

    text = shown_answer(json.dumps({"said": secret}).encode(), {"x-password": secret}, limit=99)

    assert text == '{"said": "[redacted]"}'


@pytest.mark.parametrize(
    ("secret", "spelled"),
    [
        ("ab/cd+ef==", r"ab\/cd+ef=="),
        ("a<b>c&d'e", r"a\u003cb\u003ec\u0026d'e"),
        ("""a<b>c&d'e"f""", r"a\u003Cb\u003Ec\u0026d\u0027e\u0022f"),
        ("ab/cd+ef==", r"ab/cd\u002Bef\u003D\u003d"),
        ("k\u00e9y \U0001f511", r"k\u00e9y \uD83D\uDD11"),
    ],
)
def test_a_credential_is_found_as_other_languages_spell_json(secret: str, spelled: str) -> None:
    echo = f'{{"authorization":"Bearer {spelled}"}}'.encode()

    text = shown_answer(echo, {"authorization": f"Bearer {secret}"}, limit=FAILED_BYTES)

    assert text == '{"authorization":"[redacted]"}'


def _any_spelling(char: str, chance: int) -> str:
    """One of the ways in which RFC 8259 lets a string's character be written."""
    code = f"{ord(char):04x}"
    ways = [json.dumps(char)[1:-1], rf"\u{code}", rf"\u{code.upper()}"]
    return [*ways, r"\/" if char == "/" else ways[0]][chance]


@given(
    st.text(st.sampled_from("/<>&'\"\\+=-._~"), min_size=4, max_size=12),
    st.lists(st.integers(0, 3), min_size=12, max_size=12),
)
def test_a_credential_is_found_however_json_spells_it(secret: str, chances: list[int]) -> None:
    spelled = "".join(map(_any_spelling, secret, chances))

    text = shown_answer(f'{{"said":"{spelled}"}}'.encode(), {"x-token": secret}, limit=FAILED_BYTES)

    assert json.loads(text) == {"said": "[redacted]"}


def test_many_backslashes_are_found_in_no_time() -> None:
    secret = "\\" * 4000

    text = shown_answer(
        f"x{secret[1:]}y{secret}".encode(), {"x-key": secret}, limit=DELIVERED_BYTES
    )

    assert text.startswith("x" + "\\" * 100)


def test_a_credential_is_replaced_as_a_whole() -> None:
    assert shown(f"you sent Bearer {TOKEN}.".encode()) == "you sent [redacted]."


def test_a_credential_at_the_cut_leaves_no_piece() -> None:
    text = shown(b"x" * (FAILED_BYTES - 5) + TOKEN.encode())

    assert TOKEN[:4] not in text


@pytest.mark.parametrize("limit", [DELIVERED_BYTES, FAILED_BYTES])
def test_a_long_answer_is_cut_at_its_bytes(limit: int) -> None:
    text = shown("é".encode() * limit, limit)

    assert text.endswith("é" + CUT)
    assert limit - 1 <= len(text.encode()) <= limit
    assert shown(b"y" * limit, limit) == "y" * limit


@given(st.binary(max_size=600))
def test_nothing_breaks_it(body: bytes) -> None:
    text = shown(body, DELIVERED_BYTES)

    assert text.isprintable()
    assert len(text.encode()) <= DELIVERED_BYTES
    assert json.loads(json.dumps(text)) == text


def test_binary_bodies_are_harmless() -> None:
    assert shown(base64.b64decode("H4sIAAAAAAAA/w==")).isprintable()
