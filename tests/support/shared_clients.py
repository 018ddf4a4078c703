"""One client of AWS for all tests of a process that would make the same: each costs 50 ms to make.

A client holds connections and nothing else that one test could leave to the next.
"""

from typing import Any

from boto3.session import Session


class SharedClients(Session):
    """A session of who may do everything; its clients are made once, and closed by nobody."""

    def __init__(self, *, region: str) -> None:
        super().__init__(aws_access_key_id="test", aws_secret_access_key="test", region_name=region)
        self._made: dict[tuple[object, ...], Any] = {}

    def client(self, service_name: str, **given: Any) -> Any:  # type: ignore[override]  # noqa: ANN401 - boto3 makes it
        """Make it, or give the one that was made with the same."""
        told = {**given, "config": vars(given["config"])} if "config" in given else given
        name = (service_name, repr(sorted(told.items())))
        if name not in self._made:
            made = super().client(service_name, **given)  # type: ignore[call-overload]
            made.close = lambda: None
            self._made[name] = made
        return self._made[name]
