"""Context for the agent, inside the limits of the Guest API."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.domain.carry_over import (
    RECAP_LINES,
    beside,
    carried_attributes,
    last_bytes,
    merged,
    recap_message,
    recap_of,
)
from service.domain.deployment import CarryOver
from service.domain.message import ATTRIBUTE_BYTES_MAX, TEXT_BYTES_MAX, attribute_bytes
from tests.support.playbook import deployment, session_in


def line(kind: str, text: str | None, status: str = "confirmed") -> dict[str, object]:
    return {"author": {"kind": kind}, "text": text, "status": status}


def test_a_recap_is_the_last_lines_that_have_words() -> None:
    spoken = [line("agent", str(number)) for number in range(RECAP_LINES)]

    recap = recap_of([*spoken, line("guest", None), line("guest", "bye")])

    assert recap.splitlines() == [
        "agent: 1",
        "agent: 2",
        "agent: 3",
        "agent: 4",
        "agent: 5",
        "guest: bye",
    ]


def test_a_recap_leaves_out_what_was_not_said() -> None:
    spoken = [line("guest", "still to be sent", "accepted"), line("guest", "lost", "failed")]

    told = line("system", "Last messages:\nguest: Hi")

    assert recap_of([told, line("agent", "Hello"), *spoken]) == "agent: Hello"


@pytest.mark.parametrize("policy", [CarryOver.NONE, CarryOver.RECAP])
def test_attributes_are_carried_only_by_that_policy(policy: CarryOver) -> None:
    assert carried_attributes(session_in(), deployment(carry_over=policy), "r") == {}


def test_what_is_not_known_is_not_carried() -> None:
    session = session_in(incarnation=4)

    assert carried_attributes(session, deployment(), "") == {"previousIncarnation": "4"}


def test_the_conversation_and_the_recap_are_carried() -> None:
    session = session_in(conversation_id="con-1")

    assert carried_attributes(session, deployment(), "r") == {
        "previousIncarnation": "1",
        "previousConversationId": "con-1",
        "recap": "r",
    }


def test_the_callers_attributes_win() -> None:
    own = {"previousIncarnation": "mine", "recap": "mine", "b": "c"}
    carried = {"previousIncarnation": "1", "previousConversationId": "p", "recap": "r"}

    assert merged(own, carried) == {**own, "previousConversationId": "p"}


def test_without_a_recap_the_facts_are_merged() -> None:
    assert merged({"a": "b"}, {"previousIncarnation": "1"}) == {
        "a": "b",
        "previousIncarnation": "1",
    }


def test_the_recap_gives_way_to_everything_else() -> None:
    own = {"a": "x" * (ATTRIBUTE_BYTES_MAX - len("a") - len("recap") - 4)}

    assert merged(own, {"recap": "0123456789"}) == {**own, "recap": "6789"}


def test_no_room_means_no_recap() -> None:
    own = {"a": "x" * (ATTRIBUTE_BYTES_MAX - len("a") - len("recap"))}

    assert merged(own, {"recap": "r"}) == own


def test_facts_that_do_not_fit_are_left_out_altogether() -> None:
    own = {"a": "x" * (ATTRIBUTE_BYTES_MAX - 1)}

    assert merged(own, {"previousIncarnation": "1", "recap": "r"}) == own


WORDS = st.dictionaries(st.text(max_size=5), st.text(max_size=900), max_size=3)


@given(WORDS, st.text(max_size=3000), st.text(max_size=200))
def test_the_sum_stays_within_the_limit_and_the_callers_are_whole(
    own: dict[str, str], recap: str, conversation: str
) -> None:
    both = merged(own, {"previousConversationId": conversation, "recap": recap})

    assert attribute_bytes(both) <= max(ATTRIBUTE_BYTES_MAX, attribute_bytes(own))
    assert {name: both[name] for name in own} == own


@given(st.text(max_size=2 * TEXT_BYTES_MAX))
def test_a_visible_recap_fits_in_one_message(recap: str) -> None:
    message = recap_message(recap)

    assert len(message.encode()) <= TEXT_BYTES_MAX
    assert recap.endswith(message.partition("\n")[2])


@pytest.mark.parametrize(
    ("limit", "end"), [(-1, ""), (0, ""), (1, ""), (2, "é"), (3, "hé"), (9, "hé")]
)
def test_a_text_is_cut_between_characters(limit: int, end: str) -> None:
    assert last_bytes("hé", limit) == end


def test_what_does_not_fit_beside_a_messages_own_attributes_gives_way() -> None:
    own = {"order": "x" * 1000}
    others = {"order": "old", "notes": "y" * 1500, "tier": "gold"}

    assert beside(own, others) == {**own, "tier": "gold"}
    assert beside({}, others) == others
