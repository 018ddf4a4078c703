"""Secrets shown in part."""

from service.domain.ids import masked


def test_a_masked_secret_shows_its_last_four_characters() -> None:
    assert masked("0123456789abcdef") == "…cdef"
