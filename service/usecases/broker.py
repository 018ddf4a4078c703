"""Everything the API can do, in one value: a field per use case. Decides nothing."""

from dataclasses import dataclass

from service.ports.system import Clock, Ids
from service.usecases.authenticate import Authenticate
from service.usecases.authenticate_session import AuthenticateSession
from service.usecases.change_details import ChangeDetails
from service.usecases.check_deployment import CheckDeployment
from service.usecases.check_ready import CheckReady
from service.usecases.clear_session import ClearSession
from service.usecases.create_session import CreateSession
from service.usecases.end_session import EndSession
from service.usecases.erase_session import EraseSession
from service.usecases.file_cases import FileCases
from service.usecases.idempotency import Once
from service.usecases.log_out_session import LogOutSession
from service.usecases.manage_deployments import ManageDeployments
from service.usecases.manage_keys import ManageKeys
from service.usecases.manage_webhooks import ManageWebhooks
from service.usecases.read_deliveries import ReadDeliveries
from service.usecases.read_drift import ReadDrift
from service.usecases.read_listeners import ReadListeners
from service.usecases.read_replays import ReadReplays
from service.usecases.read_session import ListSessions, ReadEvents, ReadSession
from service.usecases.read_timeline import ReadTimeline
from service.usecases.read_transcript import ReadTranscript
from service.usecases.resend_event import ResendEvent
from service.usecases.resume_session import ResumeSession
from service.usecases.send_message import SendMessage
from service.usecases.send_typing import SendTyping
from service.usecases.start_replay import StartReplay


@dataclass(frozen=True, slots=True, kw_only=True)
class Broker:
    """The use cases behind the REST API."""

    clock: Clock
    ids: Ids
    authenticate: Authenticate
    once: Once
    check_ready: CheckReady
    create_session: CreateSession
    change_details: ChangeDetails
    read_session: ReadSession
    list_sessions: ListSessions
    send_message: SendMessage
    read_transcript: ReadTranscript
    read_timeline: ReadTimeline
    read_events: ReadEvents
    send_typing: SendTyping
    files: FileCases
    end_session: EndSession
    clear_session: ClearSession
    resume_session: ResumeSession
    erase_session: EraseSession
    authenticate_session: AuthenticateSession
    log_out_session: LogOutSession
    deployments: ManageDeployments
    check_deployment: CheckDeployment
    read_drift: ReadDrift
    webhooks: ManageWebhooks
    deliveries: ReadDeliveries
    resend_event: ResendEvent
    replays: ReadReplays
    start_replay: StartReplay
    keys: ManageKeys
    read_listeners: ReadListeners

    def begin_closing(self) -> None:
        """This process is about to stop: long polls and waits answer with what is known by now."""
        self.read_events.closing.begin()
        self.send_message.follow.closing.begin()
        self.create_session.follow.closing.begin()
