"""The composition root: which adapter stands behind which port, and how the use cases are wired.

Entry points and tests call the same functions. Nothing here decides anything.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final, TypeVar

from service.adapters.bell import InProcessBell
from service.adapters.cipher import AesCipher, file_key
from service.adapters.dynamodb import DynamoSettings
from service.adapters.genesys_http import GenesysHttp
from service.adapters.guest_rest import HttpGuestRest
from service.adapters.guest_socket import WebsocketGuestSockets
from service.adapters.platform import GenesysPlatform
from service.adapters.sqs import SqsSettings
from service.adapters.storage import Storage, open_aws, open_here
from service.adapters.system import OwnListener, SystemClock, SystemIds
from service.adapters.trust import trust
from service.adapters.webhook_http import WebhookSender
from service.config import LocalSettings, StoreKind
from service.domain.budget import allowance
from service.domain.lease import Term
from service.ports import Clock, Deliveries, Mailboxes, Ports
from service.usecases.admit import Admit
from service.usecases.attend import Attend
from service.usecases.authenticate import Authenticate, EnsureAdminKey
from service.usecases.broker import Broker
from service.usecases.change import ChangeSession
from service.usecases.check_ready import CheckReady
from service.usecases.clear_session import ClearSession
from service.usecases.create_session import CreateSession
from service.usecases.deliver_lane import DeliverLane
from service.usecases.end_session import EndSession
from service.usecases.erase_session import EraseSession
from service.usecases.facts import Facts
from service.usecases.follow_message import FollowMessage
from service.usecases.hold_links import HoldLinks
from service.usecases.idempotency import Once
from service.usecases.known_endpoints import KnownEndpoints
from service.usecases.leases import Leases
from service.usecases.manage_deployments import ManageDeployments
from service.usecases.manage_keys import ManageKeys
from service.usecases.manage_webhooks import ManageWebhooks
from service.usecases.post_event import PostEvent
from service.usecases.present import PresentVisits
from service.usecases.push_typing import PushTyping
from service.usecases.read_lane import ReadLane
from service.usecases.read_listeners import ReadListeners
from service.usecases.read_session import ListSessions, ReadEvents, ReadSession
from service.usecases.read_transcript import ReadTranscript
from service.usecases.resume_session import ResumeSession
from service.usecases.send_message import SendMessage
from service.usecases.send_test import SendTest
from service.usecases.send_typing import SendTyping
from service.usecases.start_listeners import StartListeners
from service.usecases.sweep import Sweep
from service.usecases.visit import Tools, Visit
from service.usecases.wake_lanes import WakeEndpoint, WakeLanes
from service.webhook.target import check_url

KEY_FILE: Final = "encryption.key"
"""In the data directory, 0600: what encrypts client ids and other secrets at rest."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """Ports with what stands behind them: where hints come out, and how to close it all."""

    ports: Ports
    mailboxes: Mailboxes
    deliveries: Deliveries
    close: Callable[[], Awaitable[None]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Assembly:
    """The use cases of a whole broker, over one set of ports."""

    ports: Ports
    broker: Broker
    facts: Facts
    admit: Admit
    visit: Visit
    present: PresentVisits
    attend: Attend
    change: ChangeSession
    deliver_lane: DeliverLane
    sweep: Sweep
    ensure_admin_key: EnsureAdminKey

    def listener(self, mailboxes: Mailboxes, term: Term) -> HoldLinks:
        """A listener over these use cases."""
        return HoldLinks(
            ports=self.ports,
            facts=self.facts,
            visit=self.visit,
            present=self.present,
            mailboxes=mailboxes,
            leases=Leases(ports=self.ports, term=term),
        )


async def local_ports(settings: LocalSettings) -> Opened:
    """The ports of one machine.

    The embedded table in the data directory and hints in the process, or DynamoDB and SQS where the
    settings say so. Raises ConfigurationError, UnavailableError.
    """
    clock = SystemClock()
    cipher = AesCipher(file_key(settings.data_dir / KEY_FILE))
    if settings.store is StoreKind.EMBEDDED:
        return _with_wires(
            settings, clock, open_here(settings.data_dir, cipher=cipher, clock=clock)
        )
    url = settings.aws_endpoint_url
    storage = await open_aws(
        DynamoSettings(table=settings.table, endpoint_url=url),
        SqsSettings(prefix=settings.queue_prefix, shards=settings.shards, endpoint_url=url),
        cipher=cipher,
        clock=clock,
        create=url is not None,
    )
    return _with_wires(settings, clock, storage)


def _with_wires(settings: LocalSettings, clock: Clock, storage: Storage) -> Opened:
    table = storage.table
    tls = trust(settings.ca_file)
    genesys = GenesysHttp(clock=clock, tls=tls)
    webhooks = WebhookSender(clock=clock, allowed_networks=settings.webhook_allow, tls=tls)

    async def close() -> None:
        await webhooks.close()
        await genesys.close()
        await storage.close()

    ports = Ports(
        clock=clock,
        ids=SystemIds(),
        sessions=table.sessions,
        shards=table.shards,
        lanes=table.lanes,
        tenants=table.tenants,
        budgets=table.budgets,
        hints=storage.hints,
        bell=InProcessBell(clock),
        sockets=WebsocketGuestSockets(clock=clock, tls=tls),
        guest_rest=HttpGuestRest(genesys),
        platform=GenesysPlatform(genesys, clock=clock),
        webhook_http=webhooks,
        starter=OwnListener(),
    )
    return Opened(
        ports=ports, mailboxes=storage.mailboxes, deliveries=storage.deliveries, close=close
    )


def assemble(settings: LocalSettings, ports: Ports) -> Assembly:
    """Wire the use cases over those ports. Starts nothing."""
    endpoints = KnownEndpoints(clock=ports.clock, tenants=ports.tenants)
    post_event = PostEvent(clock=ports.clock, webhook_http=ports.webhook_http)
    facts = Facts(ports)
    present = PresentVisits()
    wake_lanes = WakeLanes(endpoints=endpoints, hints=ports.hints)
    push_typing = PushTyping(
        clock=ports.clock, ids=ports.ids, endpoints=endpoints, post_event=post_event
    )
    admit = Admit(ports=ports, allowance=allowance(settings.connections_per_minute))
    tools = Tools(
        ports=ports, facts=facts, wake_lanes=wake_lanes, push_typing=push_typing, admit=admit
    )
    visit = Visit(tools=tools, dormant_seconds=settings.dormant_seconds)
    starts = StartListeners(
        ports=ports, facts=facts, shards=settings.shards, max_links=settings.max_links
    )
    shared = _Shared(
        settings=settings,
        ports=ports,
        facts=facts,
        attend=Attend(ports=ports, visit=visit, present=present, start_listeners=starts),
        change=ChangeSession(ports=ports, facts=facts, wake_lanes=wake_lanes),
        post_event=post_event,
        endpoints=endpoints,
    )
    return Assembly(
        ports=ports,
        broker=_broker(shared),
        facts=facts,
        admit=admit,
        visit=visit,
        present=present,
        attend=shared.attend,
        change=shared.change,
        deliver_lane=_courier(shared),
        sweep=Sweep(ports=ports, attend=shared.attend, start_listeners=starts),
        ensure_admin_key=EnsureAdminKey(tenants=ports.tenants, clock=ports.clock),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Shared:
    """What several use cases are made from."""

    settings: LocalSettings
    ports: Ports
    facts: Facts
    attend: Attend
    change: ChangeSession
    post_event: PostEvent
    endpoints: KnownEndpoints


def _courier(shared: _Shared) -> DeliverLane:
    ports = shared.ports
    reader = ReadLane(
        clock=ports.clock, sessions=ports.sessions, lanes=ports.lanes, tenants=ports.tenants
    )
    return DeliverLane(
        clock=ports.clock,
        ids=ports.ids,
        lanes=ports.lanes,
        tenants=ports.tenants,
        hints=ports.hints,
        reader=reader,
        post_event=shared.post_event,
        retry_scale=shared.settings.retry_scale,
    )


def _broker(shared: _Shared) -> Broker:
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
        authenticate=authenticate,
        once=Once(tenants=ports.tenants, clock=ports.clock),
        check_ready=CheckReady(tenants=ports.tenants),
        create_session=_create_session(shared, follow),
        read_session=ReadSession(sessions=ports.sessions),
        list_sessions=ListSessions(sessions=ports.sessions),
        send_message=_send_message(ports, follow),
        read_transcript=transcript,
        read_events=ReadEvents(sessions=ports.sessions, bell=ports.bell, clock=ports.clock),
        send_typing=SendTyping(sessions=ports.sessions, clock=ports.clock, attend=shared.attend),
        end_session=_end_session(shared),
        clear_session=_verb(ClearSession, shared),
        resume_session=_verb(ResumeSession, shared),
        erase_session=_erase_session(ports),
        deployments=_deployments(shared),
        webhooks=_webhooks(shared),
        keys=ManageKeys(
            tenants=ports.tenants, authenticate=authenticate, clock=ports.clock, ids=ports.ids
        ),
        read_listeners=ReadListeners(
            shards=ports.shards, clock=ports.clock, count=shared.settings.shards
        ),
    )


def _create_session(shared: _Shared, follow: FollowMessage) -> CreateSession:
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


def _end_session(shared: _Shared) -> EndSession:
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


def _verb(kind: type[Verb], shared: _Shared) -> Verb:
    ports = shared.ports
    return kind(
        sessions=ports.sessions,
        tenants=ports.tenants,
        bell=ports.bell,
        clock=ports.clock,
        change=shared.change,
        attend=shared.attend,
    )


def _deployments(shared: _Shared) -> ManageDeployments:
    ports = shared.ports
    return ManageDeployments(
        tenants=ports.tenants,
        sessions=ports.sessions,
        clock=ports.clock,
        allow_endpoint=shared.settings.allow_endpoint,
    )


def _webhooks(shared: _Shared) -> ManageWebhooks:
    ports = shared.ports
    allowed = shared.settings.webhook_allow

    def judge(url: str) -> object:
        return check_url(url, allowed_networks=allowed)

    return ManageWebhooks(
        tenants=ports.tenants,
        clock=ports.clock,
        ids=ports.ids,
        check_url=judge,
        send_test=SendTest(clock=ports.clock, ids=ports.ids, post_event=shared.post_event),
        wake=WakeEndpoint(endpoints=shared.endpoints, sessions=ports.sessions, hints=ports.hints),
    )
