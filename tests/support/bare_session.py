"""A session of AWS in an environment that lacks something."""

from typing import Any

from botocore.exceptions import BotoCoreError


class LackingSession:
    """Makes clients whose calls fail for what is not there."""

    def __init__(self, lack: BotoCoreError) -> None:
        self._lack = lack

    def client(self, *_: object, **__: object) -> Any:  # noqa: ANN401 - as botocore's
        """A client that has any method."""
        return _Client(self._lack)


class _Client:
    def __init__(self, lack: BotoCoreError) -> None:
        self._lack = lack

    def close(self) -> None:
        """Nothing is open."""

    def __getattr__(self, _: str) -> Any:  # noqa: ANN401 - as botocore's
        def call(**__: object) -> None:
            raise self._lack

        return call
