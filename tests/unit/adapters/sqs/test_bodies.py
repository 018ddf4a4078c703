"""A hint is read as it was spelled; whatever else lies in a queue is no hint."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.adapters.sqs.bodies import (
    LENGTH_MAX,
    lane_body,
    read_delivery,
    read_session,
    replay_body,
    session_body,
    typing_body,
)
from service.domain.ids import EndpointId, ReplayId, SessionId
from service.ports import LaneHint, ReplayHint, TypingHint

A = SessionId("ses_01KMF0G0E8ZX5V7Q3W2N1R4T6Y")
HOOK = EndpointId("whk_01KMF0G0E8ZX5V7Q3W2N1R4T6Y")
JOB = ReplayId("rpl_01KMF0G0E8ZX5V7Q3W2N1R4T6Y")


def test_a_session_is_spelled_by_its_id_alone() -> None:
    body = session_body(A)

    assert json.loads(body) == {"v": 1, "session": A}
    assert read_session(body) == A


def test_typing_is_spelled_by_its_session_and_its_time() -> None:
    body = typing_body(TypingHint(A, 1_900_000_000.0))

    assert json.loads(body) == {"v": 1, "session": A, "typing": 1_900_000_000.0}
    assert read_session(body) == TypingHint(A, 1_900_000_000.0)


@pytest.mark.parametrize("time", ["1", "true", "null", '"now"', "9" * 400, "[]"])
def test_typing_without_a_time_is_a_hint_to_look(time: str) -> None:
    assert read_session(f'{{"v":1,"session":"ses_a","typing":{time}}}') == "ses_a"


def test_a_lane_is_spelled_by_its_ids_and_hops() -> None:
    body = lane_body(LaneHint(HOOK, A, 7))

    assert json.loads(body) == {"v": 1, "endpoint": HOOK, "session": A, "hops": 7}
    assert read_delivery(body) == LaneHint(HOOK, A, 7)


def test_a_strand_is_spelled_by_its_replay_its_number_and_its_hops() -> None:
    body = replay_body(ReplayHint(JOB, 15, 7))

    assert json.loads(body) == {"v": 1, "replay": JOB, "strand": 15, "hops": 7}
    assert read_delivery(body) == ReplayHint(JOB, 15, 7)


@pytest.mark.parametrize(
    "members",
    [
        '"strand":1,"hops":0',
        '"replay":"rpl#1","strand":1,"hops":0',
        '"replay":"rpl_1","hops":0',
        '"replay":"rpl_1","strand":-1,"hops":0',
        '"replay":"rpl_1","strand":1.0,"hops":0',
        '"replay":"rpl_1","strand":true,"hops":0',
        '"replay":"rpl_1","strand":1',
        '"replay":"rpl_1","strand":1,"hops":-1',
    ],
)
def test_a_strand_needs_its_replay_its_number_and_its_hops(members: str) -> None:
    assert read_delivery(f'{{"v":1,{members}}}') is None


def test_what_a_later_version_adds_within_this_one_is_passed_over() -> None:
    assert read_session('{"v":1,"session":"ses_a","new":[1]}') == "ses_a"


@pytest.mark.parametrize(
    "body",
    [
        "",
        "ses_a",
        "null",
        "[1]",
        '{"v":2,"session":"ses_a","endpoint":"whk_1","hops":0}',
        '{"v":true,"session":"ses_a","endpoint":"whk_1","hops":0}',
        '{"session":"ses_a","endpoint":"whk_1","hops":0}',
        '{"v":1,"session":7,"endpoint":"whk_1","hops":0}',
        '{"v":1,"session":"","endpoint":"whk_1","hops":0}',
        '{"v":1,"session":"ses#a","endpoint":"whk_1","hops":0}',
        '{"v":1,"session":"ses_a\\n","endpoint":"whk_1","hops":0}',
        '{"v":1,"endpoint":"whk_1","hops":0}',
        "[" * LENGTH_MAX,
        "[" * 1_000_000,
    ],
)
def test_what_is_no_hint_reads_as_none(body: str) -> None:
    assert (read_session(body), read_delivery(body)) == (None, None)


@pytest.mark.parametrize(
    "members",
    [
        '"hops":0',
        '"endpoint":"whk#1","hops":0',
        '"endpoint":"whk_1"',
        '"endpoint":"whk_1","hops":-1',
        '"endpoint":"whk_1","hops":1.0',
        '"endpoint":"whk_1","hops":true',
        '"endpoint":"whk_1","hops":"1"',
    ],
)
def test_a_lane_needs_both_ids_and_its_hops(members: str) -> None:
    assert read_delivery(f'{{"v":1,"session":"ses_a",{members}}}') is None


@given(st.text() | st.recursive(st.none() | st.integers() | st.text(), st.lists).map(json.dumps))
def test_nothing_that_lies_in_a_queue_can_raise(body: str) -> None:
    assert (read_session(body), read_delivery(body)) == (None, None)
