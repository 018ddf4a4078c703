"""What a decision is made with besides session and event: time, policy, fresh ids, open sends.

And what it comes to: the next session, log events without their places, new sends, effects.
"""

from dataclasses import dataclass, field

from service.domain.deployment import Deployment
from service.domain.drafts import Draft
from service.domain.effects import Effect
from service.domain.ids import ClientId, MessageId
from service.domain.message import SendBody
from service.domain.receipt import Tally
from service.domain.send import PendingSend, SendKind
from service.domain.session import Session


@dataclass(frozen=True, slots=True, kw_only=True)
class SendIds:
    """The three names of one send: ours, and the two that come back on the wire."""

    message_id: MessageId
    tracing_id: str
    metadata_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Fresh:
    """Ids that a decision may use up. Whoever decides makes them beforehand."""

    client_id: ClientId = field(repr=False)
    join: SendIds
    recap: SendIds


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """Everything a reaction may look at."""

    now: float
    deployment: Deployment
    """With what the public configuration says filled in, where it could be read."""
    fresh: Fresh
    jitter: float
    sends: tuple[PendingSend, ...] = ()
    tally: Tally = field(default_factory=Tally)
    back_at: float | None = None
    """When the link was there again; what was missed is read after that."""
    quiet: bool = False
    """Nothing was said for long, and nothing waits or is wanted."""
    predecessor: str | None = None
    """The listener that gave the shard away and may still hold its link."""
    recap: str = ""
    """The last lines of the talk so far, for the agent who has not seen them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NewSend:
    """A send that a decision makes.

    `of` is the index of the draft whose place it takes; None: the log's end.
    """

    kind: SendKind
    of: int | None
    ids: SendIds
    body: SendBody


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What a reaction says: the session but for its state, which the table picks."""

    session: Session
    drafts: tuple[Draft, ...] = ()
    sends: tuple[NewSend, ...] = ()
    effects: tuple[Effect, ...] = ()
