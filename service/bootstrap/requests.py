"""The use cases behind the REST API."""

from dataclasses import dataclass
from typing import TypeVar

from service.config import ListenerSettings
from service.ports import Ports
from service.usecases.admit import Admit
from service.usecases.attend import Attend
from service.usecases.authenticate import Authenticate
from service.usecases.broker import Broker
from service.usecases.change import ChangeSession
from service.usecases.check_deployment import CheckDeployment
from service.usecases.check_ready import CheckReady
from service.usecases.clear_session import ClearSession
from service.usecases.create_session import CreateSession
from service.usecases.end_session import EndSession
from service.usecases.erase_session import EraseSession
from service.usecases.facts import Facts
from service.usecases.follow_message import FollowMessage
from service.usecases.idempotency import Once
from service.usecases.known_endpoints import KnownEndpoints
from service.usecases.logbook import Logbook
from service.usecases.manage_deployments import ManageDeployments
from service.usecases.manage_keys import ManageKeys
from service.usecases.manage_webhooks import ManageWebhooks
from service.usecases.note_drift import NoteDrift
from service.usecases.post_event import PostEvent
from service.usecases.read_deliveries import ReadDeliveries
from service.usecases.read_drift import ReadDrift
from service.usecases.read_listeners import ReadListeners
from service.usecases.read_replays import ReadReplays
from service.usecases.read_session import ListSessions, ReadEvents, ReadSession
from service.usecases.read_timeline import ReadTimeline
from service.usecases.read_transcript import ReadTranscript
from service.usecases.record_attempt import RecordAttempt
from service.usecases.resend_event import ResendEvent
from service.usecases.resume_session import ResumeSession
from service.usecases.send_challenge import SendChallenge
from service.usecases.send_message import SendMessage
from service.usecases.send_test import SendTest
from service.usecases.send_typing import SendTyping
from service.usecases.start_replay import StartReplay
from service.usecases.tell_owner import TellOwner
from service.usecases.timeline_sources import TimelineSources
from service.usecases.try_session import TrySession
from service.usecases.wake_lanes import WakeEndpoint
from service.usecases.wake_replays import WakeReplays
from service.webhook.target import check_url


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


def broker_of(shared: Shared) -> Broker:
    """What the REST API calls."""
    ports = shared.ports
    transcript = ReadTranscript(sessions=ports.sessions)
    authenticate = Authenticate(tenants=ports.tenants, clock=ports.clock)
    follow = FollowMessage(
        sessions=ports.sessions,
        attend=shared.attend,
        bell=ports.bell,
        clock=ports.clock,
        transcript=transcript,
    )
    return Broker(
        clock=ports.clock,
        ids=ports.ids,
        authenticate=authenticate,
        once=Once(tenants=ports.tenants, clock=ports.clock, ids=ports.ids),
        check_ready=_check_ready(shared),
        create_session=_create_session(shared, follow),
        read_session=ReadSession(sessions=ports.sessions),
        list_sessions=ListSessions(sessions=ports.sessions),
        send_message=_send_message(ports, follow),
        read_transcript=transcript,
        read_timeline=_read_timeline(shared),
        read_events=ReadEvents(sessions=ports.sessions, bell=ports.bell, clock=ports.clock),
        send_typing=SendTyping(sessions=ports.sessions, clock=ports.clock, attend=shared.attend),
        end_session=_end_session(shared),
        clear_session=_verb(ClearSession, shared),
        resume_session=_verb(ResumeSession, shared),
        erase_session=_erase_session(ports),
        deployments=_deployments(shared),
        check_deployment=_doctor(shared),
        read_drift=ReadDrift(tenants=ports.tenants, drifts=ports.drifts),
        webhooks=_webhooks(shared),
        deliveries=_deliveries(ports),
        resend_event=_resend_event(shared),
        replays=ReadReplays(tenants=ports.tenants, replays=ports.replays),
        start_replay=_start_replay(ports),
        keys=_keys(ports, authenticate),
        read_listeners=_read_listeners(shared),
    )


def _check_ready(shared: Shared) -> CheckReady:
    ports = shared.ports
    return CheckReady(tenants=ports.tenants, clock=ports.clock, watch=shared.post_event.watch)


def _doctor(shared: Shared) -> CheckDeployment:
    trying = TrySession(ports=shared.ports, admit=shared.admit, drift=shared.drift)
    return CheckDeployment(ports=shared.ports, try_session=trying)


def _keys(ports: Ports, authenticate: Authenticate) -> ManageKeys:
    return ManageKeys(
        tenants=ports.tenants, authenticate=authenticate, clock=ports.clock, ids=ports.ids
    )


def record_attempt(ports: Ports) -> RecordAttempt:
    """What couriers and the REST API keep attempts with."""
    return RecordAttempt(clock=ports.clock, ids=ports.ids, attempts=ports.attempts)


def tell_owner(shared: Shared) -> TellOwner:
    """What couriers tell owners with."""
    ports = shared.ports
    return TellOwner(
        clock=ports.clock,
        ids=ports.ids,
        healths=ports.healths,
        endpoints=shared.endpoints,
        hints=ports.hints,
    )


def _read_listeners(shared: Shared) -> ReadListeners:
    ports = shared.ports
    return ReadListeners(
        shards=ports.shards,
        tenants=ports.tenants,
        clock=ports.clock,
        count=shared.settings.shards,
        standing=shared.admit.standing,
    )


def _read_timeline(shared: Shared) -> ReadTimeline:
    ports = shared.ports
    return ReadTimeline(
        sessions=ports.sessions,
        sources=TimelineSources(
            sessions=ports.sessions,
            attempts=ports.attempts,
            timeline=ports.timeline,
            logbook=shared.logbook,
        ),
    )


def _create_session(shared: Shared, follow: FollowMessage) -> CreateSession:
    ports = shared.ports
    return CreateSession(
        sessions=ports.sessions,
        tenants=ports.tenants,
        bell=ports.bell,
        clock=ports.clock,
        ids=ports.ids,
        attend=shared.attend,
        follow=follow,
        shards=shared.settings.shards,
    )


def _send_message(ports: Ports, follow: FollowMessage) -> SendMessage:
    return SendMessage(
        sessions=ports.sessions,
        tenants=ports.tenants,
        bell=ports.bell,
        clock=ports.clock,
        ids=ports.ids,
        follow=follow,
    )


def _end_session(shared: Shared) -> EndSession:
    ports = shared.ports
    return EndSession(
        sessions=ports.sessions,
        tenants=ports.tenants,
        bell=ports.bell,
        clock=ports.clock,
        change=shared.change,
        attend=shared.attend,
        deployments=shared.facts,
    )


def _erase_session(ports: Ports) -> EraseSession:
    return EraseSession(
        sessions=ports.sessions,
        hints=ports.hints,
        bell=ports.bell,
        clock=ports.clock,
        ids=ports.ids,
    )


Verb = TypeVar("Verb", ClearSession, ResumeSession)


def _verb(kind: type[Verb], shared: Shared) -> Verb:
    ports = shared.ports
    return kind(
        sessions=ports.sessions,
        tenants=ports.tenants,
        bell=ports.bell,
        clock=ports.clock,
        change=shared.change,
        attend=shared.attend,
    )


def _deployments(shared: Shared) -> ManageDeployments:
    ports = shared.ports
    return ManageDeployments(
        tenants=ports.tenants,
        sessions=ports.sessions,
        drifts=ports.drifts,
        clock=ports.clock,
        allow_endpoint=shared.settings.allow_endpoint,
    )


def _webhooks(shared: Shared) -> ManageWebhooks:
    ports = shared.ports
    allowed = shared.settings.webhook_allow

    def judge(url: str) -> object:
        return check_url(url, allowed_networks=allowed)

    return ManageWebhooks(
        tenants=ports.tenants,
        healths=ports.healths,
        clock=ports.clock,
        ids=ports.ids,
        check_url=judge,
        send_test=SendTest(clock=ports.clock, ids=ports.ids, post_event=shared.post_event),
        send_challenge=SendChallenge(
            clock=ports.clock, ids=ports.ids, post_event=shared.post_event
        ),
        wake=WakeEndpoint(
            endpoints=shared.endpoints,
            sessions=ports.sessions,
            lanes=ports.lanes,
            hints=ports.hints,
        ),
        start_replay=_start_replay(ports),
    )


def _start_replay(ports: Ports) -> StartReplay:
    return StartReplay(
        tenants=ports.tenants,
        sessions=ports.sessions,
        replays=ports.replays,
        clock=ports.clock,
        ids=ports.ids,
        read=ReadReplays(tenants=ports.tenants, replays=ports.replays),
        wake=WakeReplays(replays=ports.replays, hints=ports.hints),
    )


def _deliveries(ports: Ports) -> ReadDeliveries:
    return ReadDeliveries(
        tenants=ports.tenants,
        sessions=ports.sessions,
        attempts=ports.attempts,
        lanes=ports.lanes,
        healths=ports.healths,
        clock=ports.clock,
    )


def _resend_event(shared: Shared) -> ResendEvent:
    ports = shared.ports
    return ResendEvent(
        tenants=ports.tenants,
        sessions=ports.sessions,
        clock=ports.clock,
        post_event=shared.post_event,
        record=record_attempt(ports),
    )
