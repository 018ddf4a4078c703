"""The use cases behind the REST API."""

from typing import TypeVar

from service.bootstrap.files import file_cases
from service.bootstrap.logins import authenticate_session, log_out_session, prove_login
from service.bootstrap.shared import Shared
from service.bootstrap.webhook_requests import deliveries, resend_event, start_replay, webhooks
from service.domain.region import Regions
from service.ports import Ports
from service.usecases.authenticate import Authenticate
from service.usecases.broker import Broker
from service.usecases.change_details import ChangeDetails
from service.usecases.check_deployment import CheckDeployment
from service.usecases.check_ready import CheckReady
from service.usecases.clear_session import ClearSession
from service.usecases.create_session import CreateSession
from service.usecases.end_session import EndSession
from service.usecases.erase_session import EraseSession
from service.usecases.examine import Examine
from service.usecases.follow_message import FollowMessage
from service.usecases.idempotency import Once
from service.usecases.manage_deployments import ManageDeployments
from service.usecases.manage_keys import ManageKeys
from service.usecases.read_drift import ReadDrift
from service.usecases.read_listeners import ReadListeners
from service.usecases.read_offers import ReadOffers
from service.usecases.read_replays import ReadReplays
from service.usecases.read_session import ListSessions, ReadEvents, ReadSession
from service.usecases.read_timeline import ReadTimeline
from service.usecases.read_transcript import ReadTranscript
from service.usecases.resume_session import ResumeSession
from service.usecases.send_message import SendMessage
from service.usecases.send_typing import SendTyping
from service.usecases.timeline_sources import TimelineSources
from service.usecases.try_session import TrySession


def broker_of(shared: Shared) -> Broker:
    """What the REST API calls."""
    ports = shared.ports
    transcript = ReadTranscript(sessions=ports.sessions)
    authenticate = Authenticate(tenants=ports.tenants, clock=ports.clock)
    follow = _follow(shared, transcript)
    return Broker(
        clock=ports.clock,
        ids=ports.ids,
        authenticate=authenticate,
        once=Once(tenants=ports.tenants, clock=ports.clock, ids=ports.ids),
        check_ready=_check_ready(shared),
        create_session=_create_session(shared, follow),
        change_details=_change_details(ports),
        read_session=ReadSession(sessions=ports.sessions),
        list_sessions=ListSessions(sessions=ports.sessions),
        send_message=_send_message(ports, follow),
        read_transcript=transcript,
        read_timeline=_read_timeline(shared),
        read_events=ReadEvents(sessions=ports.sessions, bell=ports.bell, clock=ports.clock),
        send_typing=SendTyping(sessions=ports.sessions, clock=ports.clock, attend=shared.attend),
        files=file_cases(ports, shared.attend),
        end_session=_end_session(shared),
        clear_session=_verb(ClearSession, shared),
        resume_session=_verb(ResumeSession, shared),
        erase_session=_erase_session(ports),
        authenticate_session=authenticate_session(ports, shared.change, shared.attend),
        log_out_session=log_out_session(ports, shared.change, shared.attend),
        deployments=_deployments(shared),
        check_deployment=_doctor(shared),
        read_drift=ReadDrift(tenants=ports.tenants, drifts=ports.drifts, clock=ports.clock),
        webhooks=webhooks(shared),
        deliveries=deliveries(ports),
        resend_event=resend_event(shared),
        replays=ReadReplays(tenants=ports.tenants, replays=ports.replays),
        start_replay=start_replay(ports),
        keys=_keys(ports, authenticate),
        read_listeners=_read_listeners(shared),
    )


def _follow(shared: Shared, transcript: ReadTranscript) -> FollowMessage:
    ports = shared.ports
    return FollowMessage(
        sessions=ports.sessions,
        attend=shared.attend,
        bell=ports.bell,
        clock=ports.clock,
        transcript=transcript,
    )


def _check_ready(shared: Shared) -> CheckReady:
    ports = shared.ports
    return CheckReady(tenants=ports.tenants, clock=ports.clock, watch=shared.post_event.watch)


def _doctor(shared: Shared) -> CheckDeployment:
    ports = shared.ports
    trying = TrySession(
        clock=ports.clock,
        ids=ports.ids,
        sockets=ports.sockets,
        admit=shared.admit,
        drift=shared.drift,
    )
    examine = Examine(
        clock=ports.clock,
        ids=ports.ids,
        guest_rest=ports.guest_rest,
        platform=ports.platform,
        try_session=trying,
        regions=_regions(shared),
    )
    return CheckDeployment(tenants=ports.tenants, examine=examine)


def _keys(ports: Ports, authenticate: Authenticate) -> ManageKeys:
    return ManageKeys(
        tenants=ports.tenants, authenticate=authenticate, clock=ports.clock, ids=ports.ids
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
        prove=prove_login(ports),
        regions=_regions(shared),
    )


def _change_details(ports: Ports) -> ChangeDetails:
    return ChangeDetails(sessions=ports.sessions, hints=ports.hints, clock=ports.clock)


def _send_message(ports: Ports, follow: FollowMessage) -> SendMessage:
    return SendMessage(
        sessions=ports.sessions,
        attachments=ports.attachments,
        tenants=ports.tenants,
        bell=ports.bell,
        clock=ports.clock,
        ids=ports.ids,
        follow=follow,
        offers=ReadOffers(sessions=ports.sessions),
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


def _regions(shared: Shared) -> Regions:
    return Regions(more=shared.settings.allow_domains)


def _deployments(shared: Shared) -> ManageDeployments:
    ports = shared.ports
    return ManageDeployments(
        tenants=ports.tenants,
        sessions=ports.sessions,
        drifts=ports.drifts,
        clock=ports.clock,
        allow_endpoint=shared.settings.allow_endpoint,
        regions=_regions(shared),
    )
