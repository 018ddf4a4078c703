"""The control API as Python methods: what a test may order, and what it may look at.

Each method is the verb of the same name; the HTTP control API takes the same parameters as JSON.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import cast

from service.simulator.shapes import JsonObject
from service.simulator.state import WorldState

Params = Mapping[str, object]
Verb = Callable[[WorldState, Params], object]
Run = Callable[[str, Mapping[str, object]], object]
Records = list[JsonObject]


class ControlError(Exception):
    """An order cannot be carried out; `status` is what the HTTP control API answers."""

    def __init__(self, status: int, message: str) -> None:
        """Keep the status beside the text."""
        super().__init__(message)
        self.status = status


class Control:
    """Orders for one simulated world. Every method raises `ControlError` for an impossible one."""

    def __init__(self, run: Run) -> None:
        """Take the function that carries out a verb with its parameters."""
        self._run = run

    def run(self, verb: str, **params: object) -> object:
        """Carry out any verb; parameters that are None are left out."""
        return self._run(verb, {key: value for key, value in params.items() if value is not None})

    # The agent's side.

    def say(
        self,
        token: str,
        text: str | None = None,
        *,
        content: Sequence[Mapping[str, object]] | None = None,
        nickname: str | None = None,
        entity: str = "Human",
        **more: object,
    ) -> JsonObject:
        """Let an agent (or `entity="Bot"`) write.

        Returns messageId, conversationId, time, delivered (to how many sockets).
        `more` takes `metadata` and, when a token lives in several deployments, `deployment`.
        """
        parts = list(content) if content is not None else None
        return self._object(
            "say", token=token, text=text, content=parts, nickname=nickname, entity=entity, **more
        )

    def typing(self, token: str, duration_ms: int = 5000) -> JsonObject:
        """Show the guest that the agent is typing."""
        return self._object("typing", token=token, duration_ms=duration_ms)

    def disconnect(self, token: str, nickname: str | None = None) -> JsonObject:
        """Let the agent end the conversation, as the deployment is configured."""
        return self._object("disconnect", token=token, nickname=nickname)

    # What happens to sessions and connections, at once.

    def expire(self, token: str, *, announce: bool = False) -> None:
        """Let the session pass its time; with `announce`, push a SessionExpiredEvent too."""
        self.run("expire", token=token, announce=announce)

    def forget(self, token: str) -> None:
        """Lose the session: sockets stay open, the next request gets "session not found"."""
        self.run("forget", token=token)

    def evict(self, token: str, *, which: str = "oldest", reason: str | None = None) -> int:
        """Send ConnectionClosedEvent to the oldest connection (or `which="all"`)."""
        return self._number("evicted", "evict", token=token, which=which, reason=reason)

    def drop(
        self,
        token: str | None = None,
        *,
        how: str = "reset",
        connection: int | None = None,
        code: int | None = None,
        **more: object,
    ) -> int:
        """Lose connections now: `how` is reset, close (with `code`) or half_open.

        Without a filter (`token`, `connection`, `deployment` in `more`), all of them.
        """
        return self._number(
            "dropped", "drop", token=token, how=how, connection=connection, code=code, **more
        )

    def restart(self, how: str = "reset") -> int:
        """Lose every connection, as when the service restarts; sessions stay."""
        return self._number("dropped", "restart", how=how)

    def wipe(self) -> int:
        """Lose every session; connections stay open."""
        return self._number("forgotten", "wipe")

    def reset(self) -> None:
        """Go back to the beginning: connections, sessions, faults, knobs, observations."""
        self.run("reset")

    def inject(self, token: str | None, frame: str | JsonObject, **more: object) -> int:
        """Send any text or object to the sockets of a token (None: to all)."""
        return self._number("delivered", "inject", token=token, frame=frame, **more)

    # Faults on order, knobs, deployments.

    def fault(self, kind: str, **fields: object) -> int:
        """Order a fault (see `faults.Fault` for the fields); return its id."""
        return self._number("id", "fault", kind=kind, **fields)

    def faults(self) -> JsonObject:
        """Return the open orders, and how often each kind has struck."""
        return self._object("faults")

    def clear_faults(self, fault_id: int = 0) -> int:
        """Cancel one order, or all; return how many are left."""
        return self._number("left", "clear_faults", id=fault_id)

    def knobs(self, **changes: object) -> JsonObject:
        """Change knobs and return all of them."""
        return self._object("knobs", **changes)

    def deployment(self, deployment_id: str, **fields: object) -> JsonObject:
        """Add a deployment or change one; return it."""
        return self._object("deployment", id=deployment_id, **fields)

    def deployments(self) -> Records:
        """Return all deployments."""
        return self._records("deployments")

    # What can be looked at.

    def sessions(self) -> Records:
        """Return the sessions that live now."""
        return self._records("sessions")

    def connections(self) -> Records:
        """Return the sockets that are open now."""
        return self._records("connections")

    def transcript(self, token: str | None = None) -> Records:
        """Return the stored messages in order, also those of sessions that are gone."""
        return self._records("transcript", token=token)

    def inbound(self, token: str | None = None) -> Records:
        """Return each inbound text with how often it arrived and how often it was stored."""
        return self._records("inbound", token=token)

    def configures(self, token: str | None = None) -> Records:
        """Return every configure request with its time and outcome."""
        return self._records("configures", token=token)

    def handshakes(self, deployment: str | None = None) -> Records:
        """Return every upgrade request with its time and status."""
        return self._records("handshakes", deployment=deployment)

    def counts(self) -> JsonObject:
        """Return the counters by deployment and by token."""
        return self._object("counts")

    def undelivered(self) -> Records:
        """Return the notifications for agent messages that no socket took."""
        return self._records("undelivered")

    def conversation(self, conversation_id: str) -> JsonObject:
        """Return a conversation as the platform describes it."""
        return self._object("conversation", id=conversation_id)

    def _object(self, verb: str, **params: object) -> JsonObject:
        return cast("JsonObject", self.run(verb, **params))

    def _records(self, verb: str, **params: object) -> Records:
        return cast("Records", self.run(verb, **params))

    def _number(self, name: str, verb: str, **params: object) -> int:
        return cast("int", self._object(verb, **params)[name])
