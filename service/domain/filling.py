"""A form and the answers to it: every question must be one of the form, every choice one of its.

How the answers stand on the wire is known for text alone; an option travels likewise, its id as
the payload, one entry for each.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from service.domain.errors import FieldFault, InvalidRequestError
from service.domain.message import FormEntry, FormReply
from service.domain.options import (
    Json,
    Option,
    Section,
    object_at,
    objects_at,
    picked_time,
    sections_of,
    text_at,
)

_KINDS: Final = {
    "Input": "input",
    "DatePicker": "datePicker",
    "ListPicker": "listPicker",
    "WheelPicker": "wheelPicker",
}

Value = str | Sequence[str]


def filled(form: Json, answers: Mapping[str, Value], *, of: str | None, at: str) -> FormReply:
    """The reply to a form; `of` is Genesys's id of its message, `at` the pointer of the answers.

    Raises InvalidRequestError with every fault.
    """
    components = dict(_components(form))
    faults = [
        FieldFault(pointer=_below(at, name), detail="is not a question of this form")
        for name in answers
        if name not in components
    ]
    entries: list[FormEntry] = []
    for name, (kind, component) in components.items():
        pointer = _below(at, name)
        if name not in answers or answers[name] in ("", []):
            if component.get("isRequired") is True:
                faults.append(FieldFault(pointer=pointer, detail="is required"))
            continue
        options = _answer(kind, component, answers[name])
        if isinstance(options, str):
            faults.append(FieldFault(pointer=pointer, detail=options))
        else:
            entries += [FormEntry(id=name, text=o.text, payload=o.payload) for o in options]
    if not entries and not faults:
        faults.append(FieldFault(pointer=at, detail="must answer at least one question"))
    if faults:
        raise InvalidRequestError(*faults)
    canned = text_at(form, "cannedResponseId") or None
    return FormReply(originating_message_id=of, canned_response_id=canned, answers=entries)


def _components(form: Json) -> Iterator[tuple[str, tuple[str, Json]]]:
    for page in objects_at(form, "formPages"):
        for component in objects_at(page, "pageComponents"):
            kind = text_at(component, "formComponentType")
            inner = object_at(component, _KINDS.get(kind, kind[:1].lower() + kind[1:]))
            if name := text_at(inner, "id"):
                yield name, (kind, inner)


def _answer(kind: str, component: Json, value: Value) -> list[Option] | str:
    """What the answer comes to, or what is the matter with it."""
    match kind:
        case "ListPicker":
            return _of_sections(sections_of(component), _many(value))
        case "WheelPicker":
            return _of_wheel(component, _many(value))
        case "DatePicker":
            return _of_times(component, _many(value))
        case _:
            return _plain(value)


def _plain(value: Value) -> list[Option] | str:
    if not isinstance(value, str):
        return "takes text"
    return [Option(type="Form", text=value, payload=value)]


def _of_sections(sections: Sequence[Section], ids: Sequence[str]) -> list[Option] | str:
    if len(set(ids)) != len(ids):
        return "names an option twice"
    found: list[Option] = []
    for section in sections:
        of_it = [option for option in section.options if option.payload in ids]
        if len(of_it) > 1 and not section.many:
            return f"takes one option of {section.title or 'a section'}"
        found += of_it
    missing = set(ids) - {option.payload for option in found}
    return _unknown(missing) if missing else found


def _of_wheel(component: Json, ids: Sequence[str]) -> list[Option] | str:
    items = [item for item in objects_at(component, "items") if text_at(item, "id") in ids]
    if len(ids) != 1:
        return "takes one option"
    if not items:
        return _unknown(ids)
    return [Option(type="Form", text=text_at(items[0], "title") or ids[0], payload=ids[0])]


def _of_times(component: Json, times: Sequence[str]) -> list[Option] | str:
    if len(times) != 1:
        return "takes one time"
    time = picked_time(component, times[0])
    if time is None:
        return "is not a time that was offered"
    return [Option(type="Form", text=time, payload=time)]


def _unknown(ids: Sequence[str] | set[str]) -> str:
    return f"has no option {min(ids)[:64]}"


def _many(value: Value) -> Sequence[str]:
    return [value] if isinstance(value, str) else value


def _below(at: str, name: str) -> str:
    return f"{at}/{name.replace('~', '~0').replace('/', '~1')}"
