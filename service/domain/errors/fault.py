"""Our own faults, and those of what we run on."""

from collections.abc import Sequence

from service.domain.errors.roots import FaultError


class IllegalTransitionError(FaultError):
    """The transition table has no row for this event in this state."""

    def __init__(self, *, state: str, event: str) -> None:
        super().__init__(state, event)
        self.state = state
        self.event = event

    def __str__(self) -> str:
        return f"{self.event} cannot happen in {self.state}"


class UnavailableError(FaultError):
    """A store or queue did not answer in time; the caller may try again."""

    def __init__(
        self, *, what: str, retry_after_seconds: int = 1, is_refused: bool = False
    ) -> None:
        super().__init__(what)
        self.what = what
        self.retry_after_seconds = retry_after_seconds
        self.is_refused = is_refused
        """Whether it answers, and says no: that lasts until somebody changes something."""

    def __str__(self) -> str:
        return f"{self.what} is not answering"


class TooLargeError(FaultError):
    """An item or a transaction is past the table's limits (DynamoDB: 400 KB, 100 items, 4 MB)."""

    def __init__(self, *, what: str, limit: int) -> None:
        super().__init__(what, limit)
        self.what = what
        self.limit = limit

    def __str__(self) -> str:
        return f"{self.what} is past the limit of {self.limit}"


class ConfigurationError(FaultError):
    """The settings cannot work; every fault in one list."""

    def __init__(self, *faults: str) -> None:
        super().__init__(*faults)
        self.faults: Sequence[str] = faults

    def __str__(self) -> str:
        return "; ".join(self.faults)
