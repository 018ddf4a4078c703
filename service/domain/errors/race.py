"""Races lost to another writer. Nothing is broken: reload and decide again."""

from service.domain.errors.roots import LostRaceError


class PlaceTakenError(LostRaceError):
    """Another event has that place in the log."""

    def __init__(self, *, sequence: int) -> None:
        super().__init__(sequence)
        self.sequence = sequence

    def __str__(self) -> str:
        return f"sequence {self.sequence} is taken"


class VersionConflictError(LostRaceError):
    """The item changed since it was read, or the writer's authority over it is gone."""

    def __init__(self, *, item: str) -> None:
        super().__init__(item)
        self.item = item

    def __str__(self) -> str:
        return f"{self.item} changed meanwhile"


class SupersededError(LostRaceError):
    """Somebody else changed the session while a visit was at work: the visit must begin again."""

    def __init__(self, *, session_id: str) -> None:
        super().__init__(session_id)
        self.session_id = session_id

    def __str__(self) -> str:
        return f"session {self.session_id} changed under this visit"


class LockHeldError(LostRaceError):
    """Another visit holds the session until then (seconds since the epoch)."""

    def __init__(self, *, until: float) -> None:
        super().__init__(until)
        self.until = until

    def __str__(self) -> str:
        return "another visit is at work on this session"
