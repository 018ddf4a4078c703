"""The use cases of a whole broker, wired over one set of ports."""

from dataclasses import dataclass

from service.bootstrap.replays import run_replay
from service.bootstrap.requests import broker_of
from service.bootstrap.shared import Shared
from service.bootstrap.webhook_requests import record_attempt, tell_owner
from service.config import ListenerSettings
from service.domain.budget import allowance
from service.domain.lease import Term
from service.ports import Mailboxes, Ports
from service.usecases.admit import Admit
from service.usecases.attend import Attend
from service.usecases.authenticate import EnsureAdminKey
from service.usecases.broker import Broker
from service.usecases.change import ChangeSession
from service.usecases.deliver_lane import DeliverLane
from service.usecases.endpoint_gate import EndpointGate
from service.usecases.facts import Facts
from service.usecases.follow_notices import FollowNotices
from service.usecases.hold_links import HoldLinks
from service.usecases.keep_lane import KeepLane
from service.usecases.known_endpoints import KnownEndpoints
from service.usecases.learn_media import LearnMedia
from service.usecases.leases import Leases
from service.usecases.logbook import Logbook
from service.usecases.logs import Logs
from service.usecases.moot_hints import MootHints
from service.usecases.note_drift import NoteDrift
from service.usecases.post_event import PostEvent
from service.usecases.present import PresentVisits
from service.usecases.push_typing import PushTyping
from service.usecases.read_lane import ReadLane
from service.usecases.run_replay import RunReplay
from service.usecases.standing import Standing
from service.usecases.start_listeners import StartListeners
from service.usecases.sweep import Sweep
from service.usecases.visit import Tools, Visit
from service.usecases.wake_lanes import WakeLanes
from service.usecases.wake_replays import WakeReplays
from service.usecases.weigh_failure import WeighFailure


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
    moot: MootHints
    standing: Standing
    deliver_lane: DeliverLane
    run_replay: RunReplay
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


def assemble(settings: ListenerSettings, ports: Ports) -> Assembly:
    """Wire the use cases over those ports. Starts nothing."""
    endpoints = KnownEndpoints(clock=ports.clock, tenants=ports.tenants)
    post_event = PostEvent(clock=ports.clock, signer=ports.signer, webhook_http=ports.webhook_http)
    facts = Facts(ports)
    present = PresentVisits()
    moot = MootHints(clock=ports.clock)
    wake_lanes = WakeLanes(endpoints=endpoints, hints=ports.hints, moot=moot)
    admit = Admit(ports=ports, allowance=allowance(settings.connections_per_minute))
    typing = _push_typing(ports, endpoints, post_event)
    tools = _tools(ports, facts, wake_lanes, typing, admit)
    visit = Visit(tools=tools, dormant_seconds=settings.dormant_seconds)
    starts = _starts(settings, ports, facts)
    shared = Shared(
        settings=settings,
        ports=ports,
        facts=facts,
        attend=Attend(ports=ports, visit=visit, present=present, start_listeners=starts),
        change=ChangeSession(ports=ports, facts=facts, wake_lanes=wake_lanes),
        post_event=post_event,
        endpoints=endpoints,
        admit=admit,
        drift=tools.drift,
        logbook=tools.logbook,
    )
    return _assembly(shared, visit, moot, starts)


def _assembly(shared: Shared, visit: Visit, moot: MootHints, starts: StartListeners) -> Assembly:
    ports, gate = shared.ports, _gate(shared)
    return Assembly(
        ports=ports,
        broker=broker_of(shared),
        facts=shared.facts,
        admit=shared.admit,
        visit=visit,
        present=shared.attend.present,
        attend=shared.attend,
        change=shared.change,
        moot=moot,
        standing=gate.standing,
        deliver_lane=_courier(shared, gate, moot),
        run_replay=run_replay(shared, gate),
        sweep=_sweep(shared, starts),
        ensure_admin_key=EnsureAdminKey(tenants=ports.tenants, clock=ports.clock),
    )


def _tools(
    ports: Ports, facts: Facts, wake_lanes: WakeLanes, typing: PushTyping, admit: Admit
) -> Tools:
    return Tools(
        ports=ports,
        facts=facts,
        wake_lanes=wake_lanes,
        push_typing=typing,
        admit=admit,
        drift=NoteDrift(clock=ports.clock, store=ports.drifts),
        logbook=Logbook(timeline=ports.timeline, clock=ports.clock),
        learn_media=LearnMedia(ports.attachments),
    )


def _starts(settings: ListenerSettings, ports: Ports, facts: Facts) -> StartListeners:
    return StartListeners(
        ports=ports, facts=facts, shards=settings.shards, max_links=settings.max_links
    )


def _push_typing(ports: Ports, endpoints: KnownEndpoints, post_event: PostEvent) -> PushTyping:
    return PushTyping(clock=ports.clock, ids=ports.ids, endpoints=endpoints, post_event=post_event)


def _sweep(shared: Shared, starts: StartListeners) -> Sweep:
    ports = shared.ports
    follow = FollowNotices(
        tenant_log=ports.tenant_log, tenants=ports.tenants, lanes=ports.lanes, hints=ports.hints
    )
    return Sweep(ports=ports, attend=shared.attend, start_listeners=starts, follow_notices=follow)


def _gate(shared: Shared) -> EndpointGate:
    ports = shared.ports
    return EndpointGate(
        clock=ports.clock,
        ids=ports.ids,
        healths=ports.healths,
        lanes=ports.lanes,
        hints=ports.hints,
        probe_scale=shared.settings.retry_scale,
        also_wake=WakeReplays(replays=ports.replays, hints=ports.hints).after_ramp,
    )


def _courier(shared: Shared, gate: EndpointGate, moot: MootHints) -> DeliverLane:
    ports, scale = shared.ports, shared.settings.retry_scale
    tells = tell_owner(shared)
    return DeliverLane(
        clock=ports.clock,
        ids=ports.ids,
        lanes=ports.lanes,
        tenants=ports.tenants,
        keep=KeepLane(clock=ports.clock, ids=ports.ids, lanes=ports.lanes, hints=ports.hints),
        reader=ReadLane(
            clock=ports.clock,
            logs=Logs(sessions=ports.sessions, tenant_log=ports.tenant_log),
            lanes=ports.lanes,
            moot=moot,
        ),
        post_event=shared.post_event,
        record=record_attempt(ports),
        gate=gate,
        weigh_failure=WeighFailure(
            clock=ports.clock, gate=gate, tell_owner=tells, retry_scale=scale
        ),
        tell_owner=tells,
        retry_scale=scale,
    )
