"""Everything that the simulator can do to a chat without ending it for good, one thing at a time.

A thing is done to the guest session with that token. `Deed.kills` tells whether the guest session
is gone after it: what an agent said shortly before may then be lost for everybody.
"""

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from random import Random
from typing import Final

from service.simulator.control import Control, ControlError

QUIET_SECONDS: Final = 5.0
LAG_SECONDS: Final = 1.0
"""History may be so far behind: less than what the deployment believes of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Deed:
    """One kind of mischief."""

    do: Callable[[Control, str, Random], object]
    kills: bool = False


def fault(kind: str, *, spread: bool = False, **fields: object) -> Deed:
    """An order for that token, or (`spread`) for whoever comes next."""

    def order(control: Control, token: str, chance: Random) -> None:
        control.fault(kind, **({} if spread else {"token": token}), **fields)

    return Deed(do=order)


def drop(how: str, **fields: object) -> Deed:
    """The line is lost now."""
    return Deed(do=lambda control, token, _: control.run("drop", token=token, how=how, **fields))


def message_faults() -> Mapping[str, Deed]:
    """What happens to messages and their echoes."""
    return {
        "swallow a write": fault("swallow_write", action="onMessage"),
        "swallow an echo": fault("swallow_echo"),
        "lose the line before a message": fault("drop", when="before", action="onMessage"),
        "lose the line after a message": fault("drop", when="after", action="onMessage"),
        "half-open after a message": fault("drop", how="half_open", action="onMessage"),
        "delay a frame": fault("delay", seconds=1.5, frame_class="StructuredMessage"),
        "duplicate a frame": fault("duplicate", times=2, frame_class="StructuredMessage"),
        "reorder frames": fault("reorder", seconds=0.5, count=6, frame_class="StructuredMessage"),
        "throttle a message": fault("throttle", retry_after=1),
        "an unknown class": fault("unknown_class", text="BrandNewEvent"),
        "a malformed frame": fault("malformed", text='{"type":'),
    }


def link_faults() -> Mapping[str, Deed]:
    """What happens to links, handshakes and history."""
    return {
        "reset": drop("reset"),
        "close with 1001": drop("close", code=1001, reason="Going away"),
        "close with 1011": drop("close", code=1011),
        "half-open": drop("half_open"),
        "lose the line on opening": fault("drop", spread=True, when="open"),
        "evict": Deed(do=lambda control, token, _: control.evict(token)),
        "refuse configure once": _refused(1),
        "half a SessionResponse": _attached_anew("partial_session_response"),
        "history lags": _attached_anew("lag_history", seconds=LAG_SECONDS),
        "history fails": _attached_anew("fail_history", status=500),
        "history is busy": _attached_anew("fail_history", status=429, retry_after=1),
        "handshake 503": _attached_anew("deny_handshake", spread=True, status=503, count=3),
        "handshake 429": _attached_anew("deny_handshake", spread=True, status=429, retry_after=1),
        "restart": Deed(do=lambda control, _, __: control.restart()),
    }


def deaths() -> Mapping[str, Deed]:
    """What kills a guest session: the next one replaces it."""
    return {
        "forget": Deed(do=lambda control, token, _: control.forget(token), kills=True),
        "expire": Deed(do=lambda control, token, _: control.expire(token), kills=True),
        "expire and say so": Deed(do=_announce_expiry, kills=True),
        "refuse configure twice": Deed(do=_refused(2).do, kills=True),
    }


def all_deeds() -> Mapping[str, Deed]:
    """Every kind of mischief by name."""
    return {**message_faults(), **link_faults(), **deaths()}


def commit(deed: Deed, control: Control, *, token: str, chance: Random) -> None:
    """Do it; a chat that has just lost its guest session cannot be hit, which is fine."""
    with suppress(ControlError):
        deed.do(control, token, chance)


def _attached_anew(kind: str, *, spread: bool = False, **fields: object) -> Deed:
    """The fault waits for an attach, so the line is lost as well."""

    def order(control: Control, token: str, chance: Random) -> None:
        fault(kind, spread=spread, **fields).do(control, token, chance)
        control.drop(token=token, how="reset")

    return Deed(do=order)


def _announce_expiry(control: Control, token: str, _: Random) -> None:
    """Genesys pushes that the session is past its time.

    Never to a chat in which the guest has just spoken: a message that was taken moves the expiry by
    the whole duration, so an announcement right after one means that it was not taken.
    """
    health = control.run("health")
    assert isinstance(health, dict)
    now = float(health["now"])
    spoken = [
        float(str(row["at"])) for row in control.transcript(token) if row["direction"] == "Inbound"
    ]
    announce = max(spoken, default=0.0) < now - QUIET_SECONDS
    control.expire(token, announce=announce)


def _refused(count: int) -> Deed:
    """Configure is answered with 4007, in one of its spellings."""

    def order(control: Control, token: str, chance: Random) -> None:
        spelling = chance.choice(["number", "string_code", "bare", "error_message"])
        action = "configureSession"
        control.fault(
            "refuse", token=token, action=action, code=4007, spelling=spelling, count=count
        )
        control.drop(token=token, how="reset")

    return Deed(do=order)
