"""Who lets connections in, over nothing but a table and a clock."""

from dataclasses import dataclass
from typing import Any, cast

from service.domain.budget import MINUTE_LIMIT, allowance
from service.ports import BudgetStore, Clock
from service.usecases.admit import Admit


@dataclass(frozen=True, kw_only=True)
class _Outside:
    clock: Clock
    budgets: BudgetStore


def admitting(clock: Clock, budgets: BudgetStore) -> Admit:
    """One that can tell how things stand, and lets nobody in."""
    outside = cast("Any", _Outside(clock=clock, budgets=budgets))
    return Admit(ports=outside, allowance=allowance(MINUTE_LIMIT))
