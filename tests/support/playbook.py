"""Tells the story of one session: an event in, and exactly what comes of it.

It stands where a visit stands in production, without a store and without a wire: it judges,
decides, and keeps what was decided. Ids are counted and the clock only moves when told.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Final, Self

from service.domain.deployment import Deployment
from service.domain.drafts import Draft
from service.domain.effects import Effect
from service.domain.events import Event
from service.domain.given import Fresh, Given, SendIds
from service.domain.ids import ClientId, DeploymentName, MessageId, SessionId, TenantName
from service.domain.judgement import judged
from service.domain.lifecycle import Decision, decide
from service.domain.log import EventType, LogEvent
from service.domain.message import Author, AuthorKind, SendBody
from service.domain.receipt import Tally
from service.domain.said import Said
from service.domain.send import PendingSend, SendKind
from service.domain.session import Session, State, at_rest

NOON: Final = 1_900_000_000.0
CLIENT: Final = ClientId("client-0")
WORDS: Final = SendBody(text="hello")


def session_in(state: State = State.CREATED, **facts: Any) -> Session:  # noqa: ANN401 - any field
    """A session in that state, made at noon; every other fact as given."""
    known: dict[str, Any] = {
        "id": SessionId("ses_1"),
        "tenant": TenantName("acme"),
        "deployment": DeploymentName("shop"),
        "external_id": "guest-7",
        "shard": 3,
        "state": state,
        "version": 1,
        "incarnation": 1,
        "client_id": CLIENT,
        "created_at": NOON,
        "updated_at": NOON,
    }
    return Session(**known | facts)


def deployment(**policies: Any) -> Deployment:  # noqa: ANN401 - any field
    """A deployment that starts conversations by itself; every other policy as given."""
    known: dict[str, Any] = {
        "tenant": TenantName("acme"),
        "name": DeploymentName("shop"),
        "deployment_id": "d-1",
        "domain": "example.test",
        "auto_start": True,
    }
    return Deployment(**known | policies)


def pending(sequence: int = 2, **facts: Any) -> PendingSend:  # noqa: ANN401 - any field
    """A pending send at that place, accepted at noon; every other fact as given."""
    known: dict[str, Any] = {
        "session_id": SessionId("ses_1"),
        "sequence": sequence,
        "message_id": MessageId(f"msg_{sequence}"),
        "tracing_id": f"trace-{sequence}",
        "metadata_id": f"meta-{sequence}",
        "body": WORDS,
        "accepted_at": NOON,
    }
    return PendingSend(**known | facts)


def by_agent(name: str, **facts: Any) -> Said:  # noqa: ANN401 - any field
    """Something an agent said, named by its body id."""
    known: dict[str, Any] = {
        "keys": frozenset({f"b:{name}"}),
        "from_guest": False,
        "author": Author(kind=AuthorKind.AGENT),
    }
    return Said(**known | facts)


def by_guest(name: str, **facts: Any) -> Said:  # noqa: ANN401 - any field
    """Something the guest said, named by its body id."""
    return by_agent(name, from_guest=True, author=Author(kind=AuthorKind.GUEST), **facts)


def logged(
    sequence: int,
    kind: EventType = EventType.MESSAGE_RECEIVED,
    **facts: Any,  # noqa: ANN401
) -> LogEvent:
    """An event of the log at that place, of incarnation 1, at noon; every other fact as given."""
    known: dict[str, Any] = {
        "id": f"evt_{sequence}",
        "session_id": SessionId("ses_1"),
        "sequence": sequence,
        "type": kind,
        "at": NOON,
        "incarnation": 1,
        "data": {},
    }
    return LogEvent(**known | facts)


class Playbook:
    """One session, its deployment and its clock; `play` is a step of the story."""

    def __init__(
        self,
        session: Session | None = None,
        /,
        **policies: Any,  # noqa: ANN401 - any field
    ) -> None:
        self.session = session or session_in()
        self.deployment = deployment(**policies)
        self.now = NOON
        self.jitter = 0.5
        self.sends: tuple[PendingSend, ...] = ()
        self.tally = Tally()
        self.recap = ""
        self.back_at: float | None = None
        self.predecessor: str | None = None
        self.drafts: list[Draft] = []
        self._ids = 0

    def wait(self, seconds: float) -> Self:
        """Let time pass."""
        self.now += seconds
        return self

    def die(self) -> Self:
        """Lose the process: what is left is what the table keeps."""
        self.session = replace(self.session, state=at_rest(self.session.state))
        return self

    def happen(self, event: Event) -> Decision:
        """Judge and decide one event and keep what follows. Raises IllegalTransitionError."""
        given = self.given()
        decision = decide(self.session, judged(self.session, event, given), given)
        self.session = decision.session
        self.drafts.extend(decision.drafts)
        return decision

    def play(
        self,
        event: Event,
        *,
        to: State,
        logs: Sequence[EventType] = (),
        sends: Sequence[SendKind] = (),
        does: Sequence[Effect] = (),
    ) -> Self:
        """One step: the event leads there, and to exactly these drafts, sends and effects."""
        decision = self.happen(event)
        came = (
            decision.session.state,
            [draft.type for draft in decision.drafts],
            [send.kind for send in decision.sends],
            list(decision.effects),
        )
        expected = (to, list(logs), list(sends), list(does))
        assert came == expected, (
            f"{type(event).__name__}:\n  came     {came}\n  expected {expected}"
        )
        return self

    def given(self) -> Given:
        """What a decision is made with now; its ids are used for the first time."""
        self._ids += 1
        return Given(
            now=self.now,
            deployment=self.deployment,
            fresh=Fresh(
                client_id=ClientId(f"client-{self._ids}"),
                join=_send_ids("join", self._ids),
                recap=_send_ids("recap", self._ids),
            ),
            jitter=self.jitter,
            sends=self.sends,
            tally=self.tally,
            back_at=self.back_at,
            predecessor=self.predecessor,
            recap=self.recap,
        )

    @property
    def receipt(self) -> dict[str, Any]:
        """The receipt that was logged last."""
        return dict(next(d.extra["receipt"] for d in reversed(self.drafts) if "receipt" in d.extra))


def _send_ids(what: str, number: int) -> SendIds:
    return SendIds(
        message_id=MessageId(f"msg_{what}_{number}"),
        tracing_id=f"trace-{what}-{number}",
        metadata_id=f"meta-{what}-{number}",
    )
