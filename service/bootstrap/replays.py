"""The use case that runs replays, wired."""

from service.bootstrap.shared import Shared
from service.bootstrap.webhook_requests import record_attempt, tell_owner
from service.usecases.disable_endpoint import DisableEndpoint
from service.usecases.endpoint_gate import EndpointGate
from service.usecases.keep_strand import KeepStrand
from service.usecases.read_strand import ReadStrand
from service.usecases.replay_gate import ReplayGate
from service.usecases.run_replay import RunReplay
from service.usecases.weigh_replay import WeighReplay


def run_replay(shared: Shared, gate: EndpointGate) -> RunReplay:
    """What a courier does with a hinted strand; the gate is that of lanes."""
    ports, scale = shared.ports, shared.settings.retry_scale
    return RunReplay(
        clock=ports.clock,
        replays=ports.replays,
        reader=ReadStrand(
            clock=ports.clock,
            sessions=ports.sessions,
            replays=ports.replays,
            tenants=ports.tenants,
            healths=ports.healths,
        ),
        keep=KeepStrand(clock=ports.clock, ids=ports.ids, replays=ports.replays, hints=ports.hints),
        gate=ReplayGate(clock=ports.clock, gate=gate, scale=scale),
        post_event=shared.post_event,
        record=record_attempt(ports),
        weigh=WeighReplay(clock=ports.clock, gate=gate, scale=scale),
        disable=DisableEndpoint(
            clock=ports.clock, tenants=ports.tenants, tell_owner=tell_owner(shared)
        ),
    )
