"""Identifiers that follow from the seed, so that a run can be repeated exactly."""

from dataclasses import dataclass
from typing import Protocol


class Chance(Protocol):
    """The two draws the world needs; `random.Random` has both."""

    def getrandbits(self, k: int, /) -> int:
        """Draw k random bits."""

    def random(self) -> float:
        """Draw from [0, 1)."""


@dataclass(frozen=True, slots=True)
class Ids:
    """Makes ids in the two spellings that the service uses."""

    chance: Chance

    def hexadecimal(self) -> str:
        """Make 32 lower-case hex digits: the spelling of message ids."""
        return f"{self.chance.getrandbits(128):032x}"

    def uuid(self) -> str:
        """Make a UUID of version 4."""
        bits = self.chance.getrandbits(128)
        bits = (bits & ~(0xF << 76)) | (4 << 76)
        bits = (bits & ~(0x3 << 62)) | (2 << 62)
        digits = f"{bits:032x}"
        return "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]))
