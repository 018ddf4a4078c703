"""The use cases of webhooks behind the REST API, and what couriers share with them."""

from service.bootstrap.shared import Shared
from service.ports import Ports
from service.usecases.manage_webhooks import ManageWebhooks
from service.usecases.read_deliveries import ReadDeliveries
from service.usecases.read_replays import ReadReplays
from service.usecases.record_attempt import RecordAttempt
from service.usecases.resend_event import ResendEvent
from service.usecases.send_challenge import SendChallenge
from service.usecases.send_test import SendTest
from service.usecases.start_replay import StartReplay
from service.usecases.tell_owner import TellOwner
from service.usecases.wake_lanes import WakeEndpoint
from service.usecases.wake_replays import WakeReplays
from service.webhook.target import check_url


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


def webhooks(shared: Shared) -> ManageWebhooks:
    """Endpoints, and what is done with one at a time."""
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
        start_replay=start_replay(ports),
    )


def start_replay(ports: Ports) -> StartReplay:
    """What begins a replay."""
    return StartReplay(
        tenants=ports.tenants,
        sessions=ports.sessions,
        replays=ports.replays,
        clock=ports.clock,
        ids=ports.ids,
        read=ReadReplays(tenants=ports.tenants, replays=ports.replays),
        wake=WakeReplays(replays=ports.replays, hints=ports.hints),
    )


def deliveries(ports: Ports) -> ReadDeliveries:
    """What tells of deliveries."""
    return ReadDeliveries(
        tenants=ports.tenants,
        sessions=ports.sessions,
        attempts=ports.attempts,
        lanes=ports.lanes,
        healths=ports.healths,
        clock=ports.clock,
    )


def resend_event(shared: Shared) -> ResendEvent:
    """What sends one event again."""
    ports = shared.ports
    return ResendEvent(
        tenants=ports.tenants,
        sessions=ports.sessions,
        clock=ports.clock,
        post_event=shared.post_event,
        record=record_attempt(ports),
    )
