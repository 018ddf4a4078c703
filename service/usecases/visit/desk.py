"""Everything one visit has at hand: session, writer, link, open sends, timers.

Mutable on purpose and owned by one task; the modules beside it work on it.
"""

from asyncio import Queue, Task
from dataclasses import dataclass, field
from enum import Enum, auto

from service.domain.catchup import HistoryRead
from service.domain.deployment import Deployment
from service.domain.effects import Effect
from service.domain.ordering import Hold
from service.domain.pace import Pace
from service.domain.receipt import Tally
from service.domain.said import Said
from service.domain.send import PendingSend, SendKind
from service.domain.session import Session
from service.guest.messages import ServerFrame
from service.ports import Ports
from service.usecases.admit import Admit, Bid
from service.usecases.facts import Facts
from service.usecases.last_minutes import LastMinutes
from service.usecases.learn_media import LearnMedia
from service.usecases.log_writer import LogWriter
from service.usecases.logbook import Logbook
from service.usecases.note_drift import NoteDrift
from service.usecases.push_typing import PushTyping
from service.usecases.visit.file_shelf import Shelf
from service.usecases.visit.guest_link import GuestLink
from service.usecases.visit.inbox import HandOverAsked, Inbox
from service.usecases.visit.stay import Stay
from service.usecases.wake_lanes import WakeLanes


class Phase(Enum):
    """What the link is being used for."""

    NONE = auto()
    CONFIGURING = auto()
    CLOSING = auto()
    """closeSession is out; its answer lets us configure anew on the same socket."""
    CLEARING = auto()
    READY = auto()


@dataclass(frozen=True, slots=True, kw_only=True)
class Tools:
    """What every visit of this process uses."""

    ports: Ports
    facts: Facts
    wake_lanes: WakeLanes
    push_typing: PushTyping
    admit: Admit
    drift: NoteDrift
    logbook: Logbook
    learn_media: LearnMedia
    last_minutes: LastMinutes = field(default_factory=LastMinutes)


@dataclass(slots=True)
class Reading:
    """Where catching up stands."""

    task: "Task[None] | None" = None
    begun_at: float | None = None
    """When the catch-up began: the link was there again."""
    due: float | None = None
    """When the next read begins."""
    first_done: bool = True
    """No first read since the attach is owed or under way: what is pushed may be logged."""
    agreed: bool = False
    reads: list[HistoryRead] = field(default_factory=list)
    """Reads of this guest session, for proving that a send is absent."""
    second_at: float | None = None
    """When the second read, which finishes a catch-up, is due; None when it was made."""
    spared: bool = False
    """The second read is to do the work of both, as long as nothing waits for the first."""
    as_left: bool = False
    """The session was as the last visit had left it, and history shows nothing else."""
    may_follow: bool = False
    """What waits may be sent before the first read, if that has to wait."""

    @property
    def under_way(self) -> bool:
        """Whether a read has begun and not come to its end: no other may begin."""
        return self.task is not None and not self.task.done()

    def may_follow_now(self, now: float) -> bool:
        """Whether the first read waits for its time, and nothing has to wait for it."""
        waits = not self.under_way and self.due is not None and self.due > now
        return self.may_follow and waits

    @property
    def owed(self) -> bool:
        """Whether a read is under way or still to come: history may show what no link brought."""
        return self.under_way or self.due is not None or self.second_at is not None


@dataclass(slots=True)
class Asking:
    """Where the question to the Platform API stands, which conversation it is."""

    task: "Task[None] | None" = None
    about: str = ""
    """The message that leads there."""
    incarnation: int = 0
    as_of: int = 0
    """The place in the log up to which the answer will hold."""
    again_at: float | None = None
    pause: float = 0.0
    held_until: float = 0.0
    """The account may not ask before then."""


@dataclass(slots=True)
class Login:
    """Where showing a guest's login stands."""

    tries: int = 0
    """JWTs that were refused since the last attach that worked."""
    was_new: bool | None = None
    """Whether the anonymous attach before a step-up made the guest session; None: it is not made.
    """
    starts_new: bool = False
    """What configure asked for besides, to ask the same again."""


@dataclass(slots=True)
class Desk:
    """One visit's working state."""

    tools: Tools
    stay: Stay
    inbox: Inbox
    session: Session
    deployment: Deployment
    writer: LogWriter
    sends: "dict[tuple[int, SendKind], PendingSend]"
    sends_at: float = 0.0
    """When they were read last."""
    link: GuestLink | None = None
    pace: Pace = field(default_factory=Pace)
    """What went out on the link."""
    phase: Phase = Phase.NONE
    phase_until: float | None = None
    phase_tracing: str = ""
    attach_at: float | None = None
    backlog: "list[ServerFrame]" = field(default_factory=list)
    """Frames of this link that wait for the first read of history."""
    overheard: "list[Said]" = field(default_factory=list)
    """What links that are gone brought, and had to wait likewise."""
    strangers: "list[tuple[Said, bool]]" = field(default_factory=list)
    """The guest's messages that match no send while some send is unproven, and whether history had
    them.
    """
    files: Shelf = field(default_factory=Shelf)
    hold: Hold = field(default_factory=Hold)
    login: Login = field(default_factory=Login)
    reading: Reading = field(default_factory=Reading)
    tally: Tally = field(default_factory=Tally)
    written: "list[float]" = field(default_factory=list)
    """When frames with messages went out in the last second."""
    effects: "list[Effect]" = field(default_factory=list)
    as_left: bool = False
    """The session was found as the last visit left it a moment ago, and no link was lost since."""
    goes_on: bool = False
    """The guest session was heard a moment ago, and no link was lost since."""
    unanswered: bool = False
    """Genesys was asked for the guest session; what came of it is unknown, or not stored."""
    has_waited: bool = False
    """For its turn, and messages may have come meanwhile."""
    dormant_seconds: float | None = None
    """After how long a quiet session's link is let go; None keeps it."""
    look_at: float = 0.0
    moved: bool = True
    """Something was logged since the caller's wish was last checked."""
    leaving: bool = False
    echo_sent_for: float | None = None
    auto_start_look: float = 0.0
    """When it is looked again whether conversations start by themselves, and after how long."""
    auto_start_pause: float = 0.0
    typing_named: str = ""
    """The tracing id of the last typing frame."""
    typing_refused: bool = False
    """Genesys does not take the guest's typing here."""
    stirred_at: float = 0.0
    """When something happened that no event tells of, such as typing."""
    asking: Asking = field(default_factory=Asking)
    holding: bool = False
    farewell_until: float | None = None
    """How long the predecessor's last word is waited for."""
    farewell_look: float = 0.0
    """When it is looked for again."""
    giving: "HandOverAsked | None" = None
    """The shard is another listener's by now: nothing but what arrives is done any more."""
    read_owed: bool = False
    """A read of history was still owed when the shard was given away: nobody here makes it."""
    typing_waits: "list[Queue[bool]]" = field(default_factory=list)
    """Callers whose typing frame waits for the link."""
    chores: "set[Task[None]]" = field(default_factory=set)
    """Small tasks of which nobody needs the end; kept so that they are not collected, and ended
    with the visit.
    """

    @property
    def ports(self) -> Ports:
        """The outside world."""
        return self.tools.ports

    @property
    def now(self) -> float:
        """The time."""
        return self.tools.ports.clock.now()

    @property
    def last_active(self) -> float:
        """When the log last grew."""
        events = self.writer.window.events
        return events[-1].at if events else self.session.created_at

    @property
    def bid(self) -> Bid:
        """What this visit says when it wants a link."""
        waited_for = self.stay.satisfied is not None
        return Bid(session_id=self.session.id, last_active=self.last_active, urgent=waited_for)

    def keep(self, send: PendingSend) -> None:
        """Remember a send as the table has it."""
        self.sends[send.sequence, send.kind] = send

    def forget(self, send: PendingSend) -> None:
        """The send is settled."""
        self.sends.pop((send.sequence, send.kind), None)
