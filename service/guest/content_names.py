"""The names of the fields inside content that is handed on as it came: what else is there is new.

Nothing here reads a value, and nothing is refused for a name. The names are those of the vendor's
web messaging schema and of the platform SDK's models.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final, TypeAlias, Union

from service.domain.drift import FIELD
from service.guest.shapes import label_at, step

Inside: TypeAlias = Union["Names", None]


@dataclass(frozen=True, slots=True)
class Names:
    """The fields of an object, or of each object in a list; into None nobody looks."""

    fields: Mapping[str, Inside]

    def unknown(self, value: object, path: str) -> Iterator[str]:
        """Label each field that is not among them, and look into those that are."""
        match value:
            case list():
                for item in value:
                    yield from self.unknown(item, f"{path}[]")
            case dict():
                for name, inner in value.items():
                    if name not in self.fields:
                        yield label_at(FIELD, path, name)
                        continue
                    inside = self.fields[name]
                    if inside is not None:
                        yield from inside.unknown(inner, step(path, name))
            case _:
                # Of another type than documented: whoever reads the value sees to that.
                return


def names(*plain: str, **inside: Names) -> Names:
    """The plain fields, and those that have fields themselves."""
    return Names({**dict.fromkeys(plain), **inside})


_ACTION: Final = names("type", "text", "url", "payload")
_QUICK_REPLY: Final = names("text", "payload", "action", "image", "id", "summaryText")
_MESSAGE: Final = names("header", "title", "subtitle", "buttonLabel", "imageUrl")

QUICK_REPLY_V2: Final = names("title", actions=_QUICK_REPLY)
CARD: Final = names(
    *("title", "description", "image", "video"), defaultAction=_ACTION, actions=_ACTION
)
CAROUSEL: Final = names(cards=CARD)
DATE_PICKER: Final = names(
    *("id", "title", "subtitle", "imageUrl", "dateMinimum", "dateMaximum", "dateDisplayFormat"),
    availableTimes=names("dateTime", "duration"),
    location=names("text", "address", "latitude", "longitude", "url"),
)
_SECTIONS: Final = names(
    *("title", "multipleSelection"), items=names("id", "title", "subtitle", "imageUrl")
)
LIST_PICKER: Final = names(
    "id", sections=_SECTIONS, receivedMessage=_MESSAGE, replyMessage=_MESSAGE
)
_COMPONENT: Final = names(
    "formComponentType",
    datePicker=DATE_PICKER,
    listPicker=LIST_PICKER,
    input=names(
        *("id", "isRequired", "isMultipleLine", "title", "subtitle", "placeholderText"),
        *("keyboardType", "autoCompleteType"),
    ),
    wheelPicker=names("id", items=names("id", "title", "value")),
)
FORM: Final = names(
    # The answers in `response` are named after the questions: those are the customer's names.
    *("cannedResponseId", "showSummary", "originatingMessageId", "response"),
    introduction=names("title", "subtitle", "imageUrl", "buttonText"),
    formPages=names("title", "subtitle", pageComponents=_COMPONENT),
    receivedMessage=_MESSAGE,
    replyMessage=_MESSAGE,
)
GENERIC_TEMPLATE: Final = names(
    # `components` is documented by its name alone.
    *("title", "description", "image", "video", "components"),
    actions=_ACTION,
)
TEXT: Final = names("body", "type")
