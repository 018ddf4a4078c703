"""What several parts of the wiring are made from."""

from dataclasses import dataclass

from service.config import ListenerSettings
from service.ports import Ports
from service.usecases.admit import Admit
from service.usecases.attend import Attend
from service.usecases.change import ChangeSession
from service.usecases.facts import Facts
from service.usecases.known_endpoints import KnownEndpoints
from service.usecases.logbook import Logbook
from service.usecases.note_drift import NoteDrift
from service.usecases.post_event import PostEvent


@dataclass(frozen=True, slots=True, kw_only=True)
class Shared:
    """What several use cases are made from."""

    settings: ListenerSettings
    ports: Ports
    facts: Facts
    attend: Attend
    change: ChangeSession
    post_event: PostEvent
    endpoints: KnownEndpoints
    admit: Admit
    drift: NoteDrift
    logbook: Logbook
