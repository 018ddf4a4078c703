"""Answers to a form: every question one of it, every choice one of its."""

from collections.abc import Mapping
from typing import Any, Final

import pytest

from service.domain.errors import InvalidRequestError
from service.domain.filling import Value, filled
from service.domain.message import FormEntry
from service.simulator.canned import CANNED

FORM: Final[dict[str, Any]] = dict(CANNED["/form"].content[0]["form"])  # type: ignore[call-overload] # JSON
AT: Final = "/form/answers"
MAIL: Final[Mapping[str, Value]] = {"email": "a@b"}


def fill(answers: Mapping[str, Value], form: dict[str, Any] = FORM) -> list[tuple[str, str, str]]:
    reply = filled(form, answers, of="body-1", at=AT)
    return [(entry.id, entry.text, entry.payload) for entry in reply.answers]


def faults(answers: Mapping[str, Value], form: dict[str, Any] = FORM) -> dict[str, str]:
    with pytest.raises(InvalidRequestError) as told:
        fill(answers, form)
    return {fault.pointer: fault.detail for fault in told.value.faults}


def test_every_kind_of_question_is_answered_in_the_order_of_the_form() -> None:
    answers: Mapping[str, Value] = {
        "when": "2031-04-05T11:00:00Z",
        "size": ["large"],
        "extras": ["mint", "nuts"],
        **MAIL,
    }

    assert fill(answers) == [
        ("email", "a@b", "a@b"),
        ("extras", "Nuts", "nuts"),
        ("extras", "Mint", "mint"),
        ("size", "Large", "large"),
        ("when", "2031-04-05T11:00:00.000Z", "2031-04-05T11:00:00.000Z"),
    ]


def test_what_may_be_left_out_may_be_empty() -> None:
    assert fill({**MAIL, "size": "", "extras": []}) == [("email", "a@b", "a@b")]


def test_the_form_is_named_as_far_as_it_has_names() -> None:
    reply = filled(FORM, MAIL, of="body-1", at=AT)

    assert (reply.originating_message_id, reply.canned_response_id) == (
        "body-1",
        FORM["cannedResponseId"],
    )
    nameless = filled({**FORM, "cannedResponseId": 7}, MAIL, of=None, at=AT)
    assert nameless.canned_response_id is None
    assert nameless.answers == [FormEntry(id="email", text="a@b", payload="a@b")]


@pytest.mark.parametrize(
    ("answers", "wrong"),
    [
        ({}, {"email": "is required"}),
        ({"email": ""}, {"email": "is required"}),
        ({"email": ["a@b"]}, {"email": "takes text"}),
        ({**MAIL, "a/b~c": "x"}, {"a~1b~0c": "is not a question of this form"}),
        ({**MAIL, "extras": ["soy"]}, {"extras": "has no option soy"}),
        ({**MAIL, "extras": ["nuts", "nuts"]}, {"extras": "names an option twice"}),
        ({**MAIL, "size": "huge"}, {"size": "has no option huge"}),
        ({**MAIL, "size": ["small", "large"]}, {"size": "takes one option"}),
        ({**MAIL, "when": ["a", "b"]}, {"when": "takes one time"}),
        ({**MAIL, "when": "someday"}, {"when": "is not a time that was offered"}),
        ({"mood": "x"}, {"mood": "is not a question of this form", "email": "is required"}),
    ],
)
def test_what_does_not_fit_is_named(answers: Mapping[str, Value], wrong: dict[str, str]) -> None:
    assert faults(answers) == {f"{AT}/{name}": detail for name, detail in wrong.items()}


def one_page(*components: object) -> dict[str, Any]:
    return {"formPages": [{"pageComponents": list(components)}]}


def test_a_section_of_one_takes_one() -> None:
    items = [{"id": "a"}, {"id": "b"}]
    named = {"title": "Milk", "items": items}
    bare = {"items": items}
    picker = {"formComponentType": "ListPicker"}

    for section, name in ((named, "Milk"), (bare, "a section")):
        form = one_page({**picker, "listPicker": {"id": "l", "sections": [section]}})
        assert faults({"l": ["a", "b"]}, form) == {f"{AT}/l": f"takes one option of {name}"}
        assert fill({"l": "a"}, form) == [("l", "a", "a")]


def test_a_wheel_without_titles_and_a_kind_nobody_knows() -> None:
    form = one_page(
        {"formComponentType": "WheelPicker", "wheelPicker": {"id": "w", "items": [{"id": "a"}]}},
        {"formComponentType": "StarRating", "starRating": {"id": "s"}},
        {"formComponentType": "Input", "input": {}},
        {},
    )

    assert fill({"w": "a", "s": "5"}, form) == [("w", "a", "a"), ("s", "5", "5")]
    assert faults({}, form) == {AT: "must answer at least one question"}
