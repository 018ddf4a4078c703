"""Cold start, warm call, error and timeout of each function, with the events that AWS sends."""

import asyncio

import pytest

from service.adapters.lambda_starter import LambdaSettings, LambdaStarter
from service.adapters.sqs.bodies import lane_body
from service.ports import LaneHint
from tests.functions.conftest import Stage
from tests.runtime.conftest import KEY, TIMEOUTS, Start
from tests.support.emulator import Emulator, invoke_door
from tests.support.event_source import a_batch
from tests.support.fault_proxy import FaultProxy, Refusal
from tests.support.gateway_event import a_request, body_of

pytestmark = pytest.mark.timeout(120)

CLOCK = {
    "version": "0",
    "id": "53dc4d37-cffa-4f76-80c9-8b7d4a4d2eaa",
    "detail-type": "Scheduled Event",
    "source": "aws.scheduler",
    "account": "123456789012",
    "time": "2026-11-26T16:00:00Z",
    "region": "eu-central-1",
    "resources": ["arn:aws:scheduler:eu-central-1:123456789012:schedule/default/sweep"],
    "detail": "{}",
}
"""EventBridge Scheduler user guide, "Templated targets", for a Lambda target without input."""


HANGING = 15
"""Seconds: more than a cold start takes on a busy machine, less than any worker wants."""


async def told(emulator: Emulator, *events: object) -> list[object]:
    """What it answered, one after the other."""
    return [await asyncio.wrap_future(emulator.begin(event)) for event in events]


@pytest.mark.parametrize("function", sorted(TIMEOUTS))
async def test_what_is_not_configured_is_told_at_once(bare: Start, function: str) -> None:
    [failed] = await told(
        bare(function, BROKER_SHARDS="none"), a_request("GET", "/healthz") | a_batch()
    )

    assert isinstance(failed, dict)
    assert failed["errorType"] == "ConfigurationError"
    for variable in ("TABLE", "QUEUE_PREFIX", "SHARDS", "DATA_DIR"):
        assert f"BROKER_{variable}: " in failed["errorMessage"]


async def test_the_api_answers_requests(start: Start) -> None:
    api = start("api")
    asked = a_request("GET", "/v1/deployments", key=KEY, query={"limit": 5})
    cold, warm, failed, refused, after = await told(
        api, asked, asked, CLOCK, a_request("GET", "/v1/sessions"), asked
    )

    for answer in (cold, warm, after):
        assert isinstance(answer, dict)
        assert (answer["statusCode"], body_of(answer)["items"]) == (200, [])
    assert isinstance(failed, dict)
    assert failed["errorType"] == "ConfigurationError"
    assert "no request of an HTTP API" in failed["errorMessage"]
    assert isinstance(refused, dict)
    assert (refused["statusCode"], body_of(refused)["code"]) == (401, "unauthorized")
    assert len(api.inits()) == 1
    assert [line["status"] for line in api.lines("api.served")] == [200, 200, 401, 200]
    assert KEY not in api.log()


async def test_what_hangs_is_ended_and_begins_anew(start: Start) -> None:
    """All at once, since each waits for its timeout: one that workers refuse as too short.

    They start one after the other: Lambda gives each a processor of its own, and here are two.
    """
    events = {
        "api": a_request("GET", "/v1/deployments", key=KEY),
        "courier": a_batch("no hint"),
        "listener": {},
        "sweeper": CLOCK,
    }
    functions = {name: start(name, timeout=HANGING) for name in events}

    async def told_by_each() -> dict[str, object]:
        return {name: (await told(functions[name], event))[0] for name, event in events.items()}

    first = await told_by_each()
    for each in functions.values():
        each.freeze()
    ended = await asyncio.gather(*(told(functions[name], events[name]) for name in events))
    again = await told_by_each()

    assert ended == 4 * [[f"Task timed out after {HANGING}.00 seconds"]]
    for answers in (first, again):
        served = answers.pop("api")
        assert isinstance(served, dict)
        assert served["statusCode"] == 200
        for refused in answers.values():
            assert isinstance(refused, dict)
            assert refused["errorType"] == "ConfigurationError"
            assert "the function's timeout leaves" in refused["errorMessage"]
    assert [len(each.inits()) for each in functions.values()] == [2, 2, 2, 2]


async def test_a_courier_gives_back_what_failed_of_a_batch(
    start: Start, stage: Stage, faults: FaultProxy
) -> None:
    courier = start("courier", AWS_ENDPOINT_URL=faults.endpoint)
    endpoint = await stage.endpoint()
    lanes = [lane_body(LaneHint(endpoint.id, (await stage.session(events=0)).id)) for _ in range(2)]
    batch = a_batch(lanes[0], "no hint", lanes[1])
    [cold] = await told(courier, a_batch("no hint either"))
    faults.fail("BatchGetItem", Refusal(code="ServiceIsDown"), times=1)
    some, all_well, failed = await told(courier, batch, batch, CLOCK)
    faults.heal()

    ids = [record["messageId"] for record in batch["Records"]]
    assert cold == all_well == {"batchItemFailures": []}
    assert isinstance(some, dict)
    [again] = some["batchItemFailures"]
    assert again["itemIdentifier"] in {ids[0], ids[2]}
    assert isinstance(failed, dict)
    assert failed["errorType"] == "ConfigurationError"
    unreadable = [line["message_id"] for line in courier.lines("hints.unreadable")]
    assert unreadable == [ids[0], ids[1], ids[1]]
    assert [line["again"] for line in courier.lines("courier.served")] == [0, 1, 0]
    assert len(courier.inits()) == 1


async def test_a_sweeper_sweeps_at_each_tick(start: Start, stage: Stage) -> None:
    session = await stage.session(events=1)
    await stage.table.sessions.mark_work(session.id, 1.0)
    sweeper = start("sweeper")

    assert await told(sweeper, CLOCK, CLOCK) == [{"due": 1}, {"due": 0}]
    assert len(sweeper.inits()) == 1


async def test_a_listener_is_started_without_waiting_for_it(start: Start) -> None:
    """As the API and the sweeper do. One environment serves one term after the other."""
    listener = start("listener", BROKER_IDLE_SECONDS="1")
    with invoke_door({"holds-links": listener}) as endpoint:
        starter = LambdaStarter(
            LambdaSettings(function="holds-links", endpoint_url=endpoint, region="eu-central-1")
        )
        await starter.start(1)
        await starter.close()
        [second] = await told(listener, {})

    assert starter.started == 1
    assert isinstance(second, dict)
    assert second["reason"] == "idle"
    assert len(listener.lines("listener.invoked")) == 2
    assert len(listener.inits()) == 1
