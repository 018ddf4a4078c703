"""Samples of frames: their structure, and nothing of anybody."""

import json

import pytest

from service.guest.drift_sample import LONGEST_FRAME, sample_of


def test_a_frame_without_words_ids_and_secrets() -> None:
    frame = {
        "type": "message",
        "class": "NewEvent",
        "code": 200,
        "tracingId": "t-1",
        "body": {
            "id": "0af7651916cd43dd8448eb211c80319c",
            "mood": "I am Ann",
            "token": "7f6c1f0e-0000-4000-8000-000000000001",
            "status": "abc123456789def",
            "customAttributes": {"name": "Ann"},
            "7f6c1f0e-0000-4000-8000-000000000001": True,
            "list": [{"type": "a"}, 2, 3, 4],
        },
    }

    sample = sample_of(json.dumps(frame))

    assert sample == {
        "type": "message",
        "class": "NewEvent",
        "code": 200,
        "tracingId": "<id>",
        "body": {
            "id": "<id>",
            "mood": "<8 characters>",
            "token": "<36 characters>",
            "status": "<15 characters>",
            "customAttributes": "<1 entries>",
            "*": "<boolean>",
            "list": [{"type": "a"}, "<number>", "<number>"],
        },
    }


@pytest.mark.parametrize(
    ("name", "value", "shown"),
    [
        ("code", 482913, "<number>"),
        ("code", "X7K9Q2", "<6 characters>"),
        ("total", 149.95, "<number>"),
        ("status", "AnnMueller", "<10 characters>"),
        ("reason", "divorce", "<7 characters>"),
        ("time", "1984-05-17", "<10 characters>"),
        ("type", "sk_live_abcdefghijklmnop", "<24 characters>"),
        ("type", "01J9ZK3QW8XV5T2N7M4P6R8S0A", "<26 characters>"),
        ("type", "c2VjcmV0LXRva2Vu", "<16 characters>"),
        ("contentType", "Hologram", "Hologram"),
        ("direction", "Outbound", "Outbound"),
        ("eventType", "Waving", "Waving"),
        ("metadata", {"code": "4829", "AnnMueller": "x"}, "<2 entries>"),
        ("pregnant", True, "<boolean>"),
        ("nothing", None, None),
        ("id", 4829, "<number>"),
    ],
)
def test_a_value_is_shown_only_where_its_field_holds_a_word(
    name: str, value: object, shown: object
) -> None:
    assert sample_of(json.dumps({"class": "New", "body": {name: value}})) == {
        "class": "New",
        "body": {name: shown},
    }


@pytest.mark.parametrize(
    ("code", "shown"),
    [(4999, 4999), ("429", "<3 characters>"), (49170123456789, "<number>"), (True, "<boolean>")],
)
def test_the_code_of_the_envelope_is_a_word_of_the_protocol(code: object, shown: object) -> None:
    assert sample_of(json.dumps({"code": code})) == {"code": shown}


def test_names_that_may_be_somebodys_are_stars() -> None:
    frame = {"ann.mueller@example.test": 1, "c2VjcmV0LXRva2Vu": {"x": 1}}

    assert sample_of(json.dumps({"class": "New", "body": frame})) == {
        "class": "New",
        "body": {"*": {"x": "<number>"}},
    }


def test_text_that_is_no_frame_is_its_length() -> None:
    assert sample_of("Ann said {") == {"unreadable": "<10 characters>"}


def test_a_frame_that_plays_text_that_is_none_shows_no_more() -> None:
    shown = sample_of('{"unreadable":{"status":"AnnMueller"},"problem":"divorce"}')

    assert shown == {"unreadable": {"status": "<10 characters>"}}


def test_a_large_frame_is_cut_where_it_is_deep() -> None:
    deep = {"a": {f"field{letter}": {"type": "x" * 30} for letter in "abcdefghijklmnopqrstuvwxyz"}}

    sample = sample_of(json.dumps({"class": "Big", "body": deep}))

    fields = {f"field{letter}": "<1 entries>" for letter in "abcdefghijklmnopqrstuvwx"}
    assert sample == {"class": "Big", "body": {"a": fields}}


def test_a_frame_of_long_names_alone_is_its_size() -> None:
    wide = {f"{'x' * 31}{letter}": 1 for letter in "abcdefghijklmnopqrstuvwxyz"}

    assert sample_of(json.dumps(wide)) == {"frame": "<26 entries>"}


@pytest.mark.parametrize(
    ("begin", "shown"),
    [
        ('{"class":"Huge",', {"class": "Huge"}),
        ('{"class":"Ann Mueller",', {"class": "<11 characters>"}),
        ('{"class":7,', {}),
        ("{", {}),
        ("", {}),
    ],
)
def test_of_a_huge_frame_only_its_class_and_size_are_told(
    begin: str, shown: dict[str, object]
) -> None:
    text = begin + '"body":"' + "x" * LONGEST_FRAME + '"}'

    assert sample_of(text) == {"frame": f"<{len(text)} characters>", **shown}


def test_a_frame_just_below_is_told_whole() -> None:
    text = json.dumps({"class": "Big", "body": ""})
    text = text.replace('""', '"' + "x" * (LONGEST_FRAME - len(text)) + '"')

    assert len(text) == LONGEST_FRAME
    assert set(sample_of(text)) == {"class", "body"}


def test_a_name_with_a_capital_is_somebodys_and_not_a_fields() -> None:
    frame = {"class": "New", "body": {"users": {"AnnMueller": {"mood": 1}, "BobX": 2}, "mood": 3}}

    assert sample_of(json.dumps(frame))["body"] == {
        "users": {"*": "<number>"},
        "mood": "<number>",
    }
