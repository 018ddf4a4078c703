"""The challenge is known in the forms in which frameworks send text back, and in no other."""

import pytest

from service.webhook.challenge import echoes

CHALLENGE = "kR3-x_9"


@pytest.mark.parametrize(
    "body",
    [
        b"kR3-x_9",
        b" kR3-x_9\r\n",
        b"\xef\xbb\xbfkR3-x_9",
        b'"kR3-x_9"',
        b'{"challenge": "kR3-x_9"}',
        b'{"ok": true, "challenge": "kR3-x_9", "n": [1]}\n',
    ],
)
def test_each_usual_form_passes(body: bytes) -> None:
    assert echoes(body, CHALLENGE)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"ok",
        b"kR3-x_9!",
        b"kr3-x_9",
        b"challenge=kR3-x_9",
        b"<p>kR3-x_9</p>",
        b'{"challenge": "kR3-x_8"}',
        b'{"challenge": ["kR3-x_9"]}',
        b'{"Challenge": "kR3-x_9"}',
        b'{"data": {"challenge": "kR3-x_9"}}',
        b'["kR3-x_9"]',
        b"[" * 16_000,
        b"\xff\xfe",
        b"null",
    ],
)
def test_anything_else_does_not(body: bytes) -> None:
    assert not echoes(body, CHALLENGE)
