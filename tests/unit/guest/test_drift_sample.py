"""Samples of frames: their structure, and nothing of anybody."""

import json

from service.guest.drift_sample import sample_of


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
            "status": "*",
            "customAttributes": "<1 entries>",
            "*": True,
            "list": [{"type": "a"}, "<number>", "<number>"],
        },
    }


def test_text_that_is_no_frame_is_its_length() -> None:
    assert sample_of("Ann said {")["unreadable"] == "<10 characters>"


def test_a_large_frame_is_cut_where_it_is_deep() -> None:
    deep = {"a": {f"field{letter}": {"type": "x" * 40} for letter in "abcdefghijklmnopqrstuvwxyz"}}

    sample = sample_of(json.dumps({"class": "Big", "body": deep}))

    fields = {f"field{letter}": "<1 entries>" for letter in "abcdefghijklmnopqrstuvwx"}
    assert sample == {"class": "Big", "body": {"a": fields}}


def test_a_frame_of_long_names_alone_is_its_size() -> None:
    wide = {f"{'x' * 60}{letter}": 1 for letter in "abcdefghijklmnopqrstuvwxyz"}

    assert sample_of(json.dumps(wide)) == {"frame": "<26 entries>"}
