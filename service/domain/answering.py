"""From what a caller answers to what is sent: the answer must be one that the message offered.

Pure: offers in, a send body out. The frames follow the vendor's web client.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Final, assert_never

from service.domain.choice import ButtonChoice, Choice, DateChoice, FormChoice, ListChoice, Offer
from service.domain.errors import FieldFault, InvalidRequestError, OptionNotOfferedError
from service.domain.filling import filled
from service.domain.message import TEXT_BYTES_MAX, ButtonReply, SendBody
from service.domain.options import (
    PRESSED,
    Json,
    Option,
    Section,
    instant,
    object_at,
    options_in,
    picked_time,
    pickers_in,
    sections_of,
    text_at,
)

OFFERED_MAX: Final = 50
OFFERED_CHARACTERS_MAX: Final = 256
"""A refusal tells so many of the payloads that were offered, and none that is longer."""
_NOTHING: Final = "answers an option that no message offered"


def answered(body: SendBody, choice: Choice, offers: Sequence[Offer], *, at: str = "") -> SendBody:
    """The body with what the choice comes to; `offers` are those it may mean, the newest first.

    `at` is the JSON pointer of the body. Raises OptionNotOfferedError, InvalidRequestError.
    """
    pointer = f"{at}/{choice.field}"
    match choice:
        case ButtonChoice():
            return replace(body, button=_pressed(choice, offers, pointer))
        case DateChoice():
            return replace(body, button=_picked(choice, offers, pointer))
        case ListChoice():
            return _listed(body, choice, offers, pointer)
        case FormChoice():
            offer, form = _first(offers, "form", pointer)
            reply = filled(form, choice.answers, of=offer.body_id, at=f"{pointer}/answers")
            said = object_at(form, "replyMessage")
            text = text_at(said, "title") or text_at(object_at(form, "introduction"), "title")
            return replace(body, form=reply, text=_cut(text))
        case _:
            assert_never(choice)


def _pressed(choice: ButtonChoice, offers: Sequence[Offer], pointer: str) -> ButtonReply:
    for offer in offers:
        payload = _payload(choice.button, offer)
        if payload is None:
            continue
        # Whoever names no message means the press of a button, and sends what the web client does.
        told = choice.is_named or choice.button.type not in PRESSED
        named = offer.body_id if told else None
        return replace(choice.button, payload=payload, originating_message_id=named)
    raise _not_offered(f"{pointer}/payload", _NOTHING, offers)


def _payload(button: ButtonReply, offer: Offer) -> str | None:
    """The payload as it was offered; None where it was not."""
    if button.type == "DatePicker":
        return _time_of(offer, button.payload)
    alike = PRESSED if button.type in PRESSED else {button.type}
    fit = (o for o in options_in(offer.content) if o.type in alike and o.payload == button.payload)
    return button.payload if next(fit, None) is not None else None


def _picked(choice: DateChoice, offers: Sequence[Offer], pointer: str) -> ButtonReply:
    if instant(choice.date_time) is None:
        raise _fault(f"{pointer}/dateTime", "must be a time such as 2030-01-31T12:00:00Z")
    offer, _ = _first(offers, "datePicker", pointer)
    time = _time_of(offer, choice.date_time)
    if time is None:
        raise _not_offered(f"{pointer}/dateTime", "is not a time that was offered", [offer])
    return ButtonReply(
        type="DatePicker", text=time, payload=time, originating_message_id=offer.body_id
    )


def _time_of(offer: Offer, wanted: str) -> str | None:
    times = (picked_time(picker, wanted) for picker in pickers_in(offer.content, "datePicker"))
    return next((time for time in times if time is not None), None)


def _listed(body: SendBody, choice: ListChoice, offers: Sequence[Offer], pointer: str) -> SendBody:
    offer, picker = _first(offers, "listPicker", pointer)
    sections = sections_of(picker)
    options = chosen(sections, choice.item_ids, offer=offer, at=f"{pointer}/itemIds")
    said = object_at(picker, "replyMessage")
    words = text_at(said, "subtitle") or text_at(said, "title")
    replies = [
        ButtonReply(
            type=option.type,
            text=option.text,
            payload=option.payload,
            originating_message_id=offer.body_id,
        )
        for option in options
    ]
    text = words or ", ".join(option.text for option in options)
    return replace(body, choices=tuple(replies), text=_cut(text))


def chosen(
    sections: Sequence[Section], ids: Sequence[str], *, offer: Offer, at: str
) -> list[Option]:
    """The options with these ids, each once and in that order.

    A section in which one may be chosen gives no two. Raises OptionNotOfferedError,
    InvalidRequestError.
    """
    if not ids or len(set(ids)) != len(ids):
        raise _fault(at, "must name at least one option, and none twice")
    found: list[Option] = []
    taken: set[int] = set()
    for place, wanted in enumerate(ids):
        number, option = _find(sections, wanted)
        if option is None:
            raise _not_offered(f"{at}/{place}", "is not an option that was offered", [offer])
        if number in taken and not sections[number].many:
            raise _fault(at, f"only one option of {sections[number].title or 'its section'} may be")
        taken.add(number)
        found.append(option)
    return found


def _find(sections: Sequence[Section], wanted: str) -> tuple[int, Option | None]:
    for number, section in enumerate(sections):
        for option in section.options:
            if option.payload == wanted:
                return number, option
    return 0, None


def _first(offers: Sequence[Offer], name: str, pointer: str) -> tuple[Offer, Json]:
    """The newest of the offers that has such content."""
    for offer in offers:
        for picker in pickers_in(offer.content, name):
            return offer, picker
    raise _not_offered(pointer, f"answers a message that has no {name}", offers)


def _not_offered(pointer: str, detail: str, offers: Sequence[Offer]) -> OptionNotOfferedError:
    payloads = [option.payload for offer in offers for option in options_in(offer.content)]
    short = [payload for payload in payloads if len(payload) <= OFFERED_CHARACTERS_MAX]
    return OptionNotOfferedError(pointer=pointer, detail=detail, offered=short[:OFFERED_MAX])


def _fault(pointer: str, detail: str) -> InvalidRequestError:
    return InvalidRequestError(FieldFault(pointer=pointer, detail=detail))


def _cut(text: str) -> str:
    """As much of a picker's own words as one message may have."""
    return text.encode()[:TEXT_BYTES_MAX].decode(errors="ignore")
