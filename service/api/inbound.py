"""The base of all request bodies: an unknown field is an error, and no type is guessed."""

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

Word = Field(strict=False)
"""An enumeration's member comes as its text."""


class Strict(BaseModel):
    """What all bodies share."""

    model_config = ConfigDict(
        extra="forbid", strict=True, alias_generator=to_camel, allow_inf_nan=False
    )
