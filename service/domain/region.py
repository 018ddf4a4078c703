"""Where Genesys Cloud is: the domains that a deployment may name, and so whom the broker talks to.

Client ids, chats, login codes and the Platform API's secret go to hosts below that domain, so a
tenant cannot be free to choose it. Pure.
"""

import re
from dataclasses import dataclass
from typing import Final

GENESYS: Final = (
    "mypurecloud.com",
    "mypurecloud.com.au",
    "mypurecloud.de",
    "mypurecloud.ie",
    "mypurecloud.jp",
    "*.pure.cloud",
    "*.us-gov-pure.cloud",
    "*.eusc-pure.cloud",
)
"""The regions as the vendor's client libraries list them; a new one gets a name below the last
three, which are the vendor's own.
"""
SETTING: Final = "BROKER_ALLOW_DOMAINS"
HOST: Final = re.compile(r"(?=.{1,253}\Z)([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]{2,63}")
_ANY: Final = "*."


@dataclass(frozen=True, slots=True, kw_only=True)
class Regions:
    """Genesys Cloud's own domains, and `more` that whoever runs the broker allows besides."""

    more: tuple[str, ...] = ()

    def allow(self, domain: str) -> bool:
        """Whether a deployment may lead there.

        A star stands for one label, as in `*.pure.cloud`: regions have one.
        """
        _, _, parent = domain.partition(".")
        allowed = (*GENESYS, *self.more)
        return domain in allowed or f"{_ANY}{parent}" in allowed


def rule() -> str:
    """What is allowed, in words; what the operator added is nothing for strangers."""
    return (
        f"is a domain of Genesys Cloud ({', '.join(GENESYS)}), or one that whoever runs this "
        f"broker allows with {SETTING}"
    )


def domains(text: str) -> tuple[str, ...]:
    """The domains of a setting, parted by commas or blanks. Raises ValueError, naming the wrong."""
    given = text.replace(",", " ").split()
    for each in given:
        if HOST.fullmatch(each.removeprefix(_ANY)) is None:
            fault = f"{each!r} is no domain such as example.com or *.example.com"
            raise ValueError(fault)
    return tuple(given)
