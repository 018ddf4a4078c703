"""Faults on order: what shall go wrong, for whom, how often.

The book only decides whether a fault strikes; the module that owns the moment carries it out.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Final

from service.simulator.ids import Chance
from service.simulator.knobs import NotFoundSpelling


class FaultKind(StrEnum):
    """Everything that can be ordered to go wrong."""

    DENY_HANDSHAKE = "deny_handshake"
    HANG_HANDSHAKE = "hang_handshake"
    DROP = "drop"
    EVICT = "evict"
    EXPIRE = "expire"
    FORGET = "forget"
    REFUSE = "refuse"
    THROTTLE = "throttle"
    SWALLOW_WRITE = "swallow_write"
    SWALLOW_ECHO = "swallow_echo"
    SWALLOW_FRAME = "swallow_frame"
    DELAY = "delay"
    DUPLICATE = "duplicate"
    REORDER = "reorder"
    UNKNOWN_CLASS = "unknown_class"
    MALFORMED = "malformed"
    PARTIAL_SESSION_RESPONSE = "partial_session_response"
    LAG_HISTORY = "lag_history"
    FAIL_HISTORY = "fail_history"


class DropWhen(StrEnum):
    """The moment at which a `drop` strikes."""

    OPEN = "open"
    BEFORE = "before"
    AFTER = "after"


class How(StrEnum):
    """The way in which a connection is lost."""

    RESET = "reset"
    CLOSE = "close"
    HALF_OPEN = "half_open"


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One order. Empty filters match everything; `count` 0 means until it is cleared."""

    id: int = 0
    kind: FaultKind = FaultKind.DROP
    count: int = 1
    probability: float = 1.0

    # For whom.
    deployment: str = ""
    token: str = ""
    connection: int = 0
    action: str = ""
    frame_class: str = ""
    direction: str = ""

    # How; which of these a kind reads is in docs/simulator.md.
    when: DropWhen = DropWhen.AFTER
    how: How = How.RESET
    code: int = 0
    reason: str = ""
    status: int = 0
    seconds: float = 0.0
    times: int = 1
    retry_after: int = 1
    text: str = ""
    spelling: NotFoundSpelling = NotFoundSpelling.NUMBER


_ON_REQUESTS: Final = frozenset({"deployment", "token", "connection", "action"})
_ON_HANDSHAKES: Final = frozenset({"deployment", "connection"})
_ON_HISTORY: Final = frozenset({"deployment", "token", "action"})
_ON_FRAMES_OUT: Final = _ON_REQUESTS | {"frame_class", "direction"}
_FILTERS: Final[Mapping[FaultKind, frozenset[str]]] = {
    FaultKind.DENY_HANDSHAKE: _ON_HANDSHAKES,
    FaultKind.HANG_HANDSHAKE: _ON_HANDSHAKES,
    FaultKind.LAG_HISTORY: _ON_HISTORY,
    FaultKind.FAIL_HISTORY: _ON_HISTORY,
    **dict.fromkeys(
        (
            FaultKind.SWALLOW_FRAME,
            FaultKind.DELAY,
            FaultKind.DUPLICATE,
            FaultKind.REORDER,
            FaultKind.UNKNOWN_CLASS,
            FaultKind.MALFORMED,
        ),
        _ON_FRAMES_OUT,
    ),
}


def vain_filters(order: Fault) -> list[str]:
    """Name the filters that nothing can match when this order could strike."""
    known = _FILTERS.get(order.kind, _ON_REQUESTS)
    if order.kind is FaultKind.DROP and order.when is DropWhen.OPEN:
        known = _ON_HANDSHAKES
    return [name for name in sorted(_ON_FRAMES_OUT - known) if getattr(order, name)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """Where we are when a fault might strike."""

    deployment: str = ""
    token: str = ""
    connection: int = 0
    action: str = ""
    frame_class: str = ""
    direction: str = ""
    when: DropWhen | None = None


@dataclass(slots=True)
class FaultBook:
    """The orders that are still open, oldest first."""

    chance: Chance
    orders: list[Fault] = field(default_factory=list)
    last_id: int = 0
    struck: dict[str, int] = field(default_factory=dict)

    def order(self, fault: Fault) -> Fault:
        """Take an order and give it an id."""
        self.last_id += 1
        numbered = replace(fault, id=self.last_id)
        self.orders.append(numbered)
        return numbered

    def clear(self, fault_id: int = 0) -> None:
        """Forget one order, or all of them."""
        self.orders = [order for order in self.orders if fault_id not in (0, order.id)]

    def strike(self, kind: FaultKind, moment: Moment) -> Fault | None:
        """Return the first order that strikes now, and count it down."""
        for place, order in enumerate(self.orders):
            if order.kind is kind and _matches(order, moment) and self._drawn(order):
                self._count_down(place, order)
                return order
        return None

    def _drawn(self, order: Fault) -> bool:
        # No draw for a certain fault: adding one must not change the ids of a seeded run.
        return order.probability >= 1.0 or self.chance.random() < order.probability

    def _count_down(self, place: int, order: Fault) -> None:
        self.struck[order.kind] = self.struck.get(order.kind, 0) + 1
        if order.count == 1:
            del self.orders[place]
        elif order.count > 1:
            self.orders[place] = replace(order, count=order.count - 1)


def _matches(order: Fault, moment: Moment) -> bool:
    filters = (
        (order.deployment, moment.deployment),
        (order.token, moment.token),
        (order.connection, moment.connection),
        (order.action, moment.action),
        (order.frame_class, moment.frame_class),
        (order.direction, moment.direction),
    )
    here = moment.when is None or moment.when is order.when
    return here and all(not wanted or wanted == actual for wanted, actual in filters)
