"""A process dies at every single call to table, socket, history and receiver; another one finishes.

For each story the broker is killed at its first call, then, from the beginning, at its second, and
so on until the story is told without a death. Whatever was accepted by then must be finished by the
sweeper alone, and the caller who repeats the request with its key must find it done once.
"""

import asyncio
import json
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from itertools import count, pairwise
from typing import Any, Final

import pytest

from service.domain.deployment import Deployment
from service.domain.ids import DeploymentName, SessionId, TenantName
from service.ports import SessionFilter
from service.simulator.control import Control
from service.simulator.deployments import DEFAULT_DEPLOYMENT_ID
from service.simulator.deployments import Deployment as Deployed
from service.simulator.knobs import Knobs
from service.simulator.state import WorldConfig
from tests.support.mortal_broker import KEY, Process, bury, start
from tests.support.virtual_broker import VirtualBroker, virtual_broker
from tests.support.virtual_time import run_virtual

TENANT: Final = TenantName("default")


def world(*, auto_start: bool) -> WorldConfig:
    """Where a story is told: whether conversations start with a Join."""
    deployed = Deployed(auth=True, step_up=True, auto_start=auto_start)
    knobs = Knobs(idle_close_seconds=0, max_age_seconds=0)
    return WorldConfig(deployments=(deployed,), knobs=knobs)


SWEEP_SECONDS: Final = 20.0
SWEEPS_MAX: Final = 20
"""Locks lapse after 35 s, work marks after 60 s; a few looks more settle what was in doubt."""

Json = dict[str, Any]
Act = Callable[["Stage", Process], Coroutine[Any, Any, object]]


@dataclass(kw_only=True)
class Stage:
    """What a story plays on; `session` is known once the caller was answered."""

    broker: VirtualBroker
    session: str = ""

    @property
    def control(self) -> Control:
        return self.broker.simulator.control

    async def token(self, process: Process) -> str:
        return str((await process.get(f"/v1/sessions/{self.session}"))["clientId"])


@dataclass(frozen=True, kw_only=True)
class Story:
    """`before` happens in peace, `act` under the knife; how often it is replaced, where it ends."""

    act: Act
    before: Act
    replaced: int = 0
    state: str = "active"
    signed_in: bool = False
    joins: bool = False
    """Each guest session is to have one Join, and the session's attributes in what comes first."""


async def nothing(stage: Stage, process: Process) -> None:
    """The session is made under the knife."""


async def create(stage: Stage, process: Process) -> None:
    attributes = {"order": "7"}
    body = {"deployment": "help", "message": {"text": "First"}, "customAttributes": attributes}
    made = await process.post("/v1/sessions?wait=10", body, key="create")
    stage.session = made["id"]


async def send(stage: Stage, process: Process) -> None:
    path = f"/v1/sessions/{stage.session}/messages?wait=20"
    await process.post(path, {"text": "Second"}, key="send")


async def clear(stage: Stage, process: Process) -> None:
    await process.post(f"/v1/sessions/{stage.session}/clear", key="clear")


async def end(stage: Stage, process: Process) -> None:
    await process.post(f"/v1/sessions/{stage.session}/end", {"mode": "clear"}, key="end")


async def sign_in(stage: Stage, process: Process) -> None:
    """A code that a process took to its grave is spent: then the guest logs in once more."""
    for number in count(1):
        body = {
            "deployment": "help",
            "message": {"text": "First"},
            "authentication": {"code": f"code-ann.{number}", "redirectUri": "https://a.example"},
        }
        try:
            made = await process.post("/v1/sessions?wait=10", body, key=f"create-{number}")
        except AssertionError as refused:
            if "authentication_failed" not in str(refused):
                raise
            continue
        stage.session = made["id"]
        return


async def step_up(stage: Stage, process: Process) -> None:
    path = f"/v1/sessions/{stage.session}/authentication?wait=20"
    for number in count(1):
        body = {"code": f"code-ann.{number}", "redirectUri": "https://a.example"}
        try:
            await process.post(path, body, key=f"up-{number}")
        except AssertionError as refused:
            if "authentication_failed" not in str(refused):
                raise
            continue
        return


async def log_out(stage: Stage, process: Process) -> None:
    await process.delete(f"/v1/sessions/{stage.session}/authentication?wait=20", key="out")


async def signed_in(stage: Stage, process: Process) -> None:
    """A signed-in guest's chat in which all that was said so far is in the log."""
    await sign_in(stage, process)
    await stage.broker.clock.sleep(30)
    await process.assembly.sweep()


async def lapsed(stage: Stage, process: Process) -> None:
    """The same, and its JWT is not good any more."""
    await signed_in(stage, process)
    await stage.broker.clock.sleep(15 * 60)


async def heard(stage: Stage, process: Process) -> None:
    """A chat in which all that was said so far is in the log."""
    await create(stage, process)
    await stage.broker.clock.sleep(30)
    await process.assembly.sweep()


async def agent_spoke(stage: Stage, process: Process) -> None:
    """The guest session lives, and an agent wrote while nobody listened."""
    await heard(stage, process)
    stage.control.say(await stage.token(process), "While you were away")


async def forgotten(stage: Stage, process: Process) -> None:
    """Genesys knows the client id no more and will not have it again: 4007 on configure, twice."""
    await heard(stage, process)
    stage.control.knobs(configure_forgotten="refused")
    stage.control.forget(await stage.token(process))


async def wiped(stage: Stage, process: Process) -> None:
    """Genesys lost the guest session and makes a new one for the same client id."""
    await heard(stage, process)
    stage.control.wipe()


async def closed(stage: Stage, process: Process) -> None:
    """The agent ended the chat: it is read-only."""
    await heard(stage, process)
    stage.control.disconnect(await stage.token(process))


async def unheard(stage: Stage, process: Process) -> None:
    """The next message arrives, but nobody is told: only history can prove it."""
    await heard(stage, process)
    stage.control.fault("swallow_echo")


async def lost_on_the_way(stage: Stage, process: Process) -> None:
    """The next frame with a message is lost, and the line with it: it must be sent again."""
    await heard(stage, process)
    stage.control.fault("drop", when="before", action="onMessage")


STORIES: Final = {
    "the first send opens a guest session": Story(before=nothing, act=create),
    "a send resumes the guest session": Story(before=agent_spoke, act=send),
    "a send whose echo is swallowed": Story(before=unheard, act=send),
    "a send that is lost with its line": Story(before=lost_on_the_way, act=send),
    "a send replaces a dead client id": Story(before=forgotten, act=send, replaced=1, joins=True),
    "a send replaces a lost guest session": Story(before=wiped, act=send, replaced=1, joins=True),
    "a send starts a read-only chat anew": Story(before=closed, act=send, replaced=1, joins=True),
    "clear and go on": Story(before=heard, act=clear, replaced=1, joins=True),
    "clear and end": Story(before=heard, act=end, state="ended"),
    "a first send behind a Join": Story(before=nothing, act=create, joins=True),
    "a guest signs in": Story(before=nothing, act=sign_in, signed_in=True),
    "a guest steps up": Story(before=heard, act=step_up, signed_in=True),
    "a lapsed login is renewed": Story(before=lapsed, act=send, signed_in=True),
    "a guest signs out": Story(before=signed_in, act=log_out, state="ended", signed_in=True),
}


@pytest.mark.parametrize("title", STORIES)
def test_a_death_at_any_call_loses_nothing_and_doubles_nothing(title: str) -> None:
    deaths = 0
    for last in count(1):
        try:
            fatal = run_virtual(tell(STORIES[title], last))
        except BaseException as failure:
            failure.add_note(f"{title}: the process died at call {last}")
            raise
        if not fatal:
            break
        deaths = last

    assert deaths > 10


async def tell(story: Story, last: int) -> str:
    """The story with a death at that call; at which call it was, or nothing if it came through."""
    bury(asyncio.get_running_loop())
    async with virtual_broker(world(auto_start=story.joins)) as broker:
        await furnish(broker)
        stage = Stage(broker=broker)
        first = start(broker)
        await first.live(story.before(stage, first))
        mortal = start(broker, last=last)
        await mortal.live(story.act(stage, mortal))
        heir = start(broker)
        await heir.live(finish(stage, heir))
        await check_accepted(stage, heir)
        again = start(broker)
        await again.live(story.act(stage, again))
        await again.live(finish(stage, again))
        try:
            await check_accepted(stage, again)
            await check_story(story, stage, again)
        except AssertionError as failure:
            failure.add_note(f"at {mortal.life.fatal}")
            raise
    return mortal.life.fatal


async def furnish(broker: VirtualBroker) -> None:
    """A key, a receiver of everything, and the deployment `help` that points to the simulator."""
    await broker.assembly.ensure_admin_key(KEY)
    deployment = Deployment(
        tenant=TENANT,
        name=DeploymentName("help"),
        deployment_id=DEFAULT_DEPLOYMENT_ID,
        endpoint="http://genesys.test",
    )
    await broker.ports.tenants.put_deployment(deployment, expected_version=None, idempotency=None)
    hook = {"url": "http://127.0.0.1:9999/hook", "eventTypes": ["*"]}
    await start(broker).post("/v1/webhooks", hook, key="hook")


async def finish(stage: Stage, heir: Process) -> None:
    """Sweep until nothing is due any more; the sweeper has to manage alone."""
    for _ in range(SWEEPS_MAX):
        await stage.broker.clock.sleep(SWEEP_SECONDS)
        await heir.assembly.sweep()
        await stage.broker.clock.sleep(1)
        if not await unfinished(stage.broker):
            return
    raise AssertionError(f"still unfinished: {await unfinished(stage.broker)}")


async def unfinished(broker: VirtualBroker) -> list[str]:
    """What of every session somebody still has to do."""
    found: list[str] = []
    for name in await all_sessions(broker):
        session = await broker.ports.sessions.load(name)
        log = await broker.ports.sessions.read_log(name, after=0, limit=200)
        lanes = await broker.ports.lanes.lanes_of(name)
        behind = [lane for lane in lanes if lane.cursor < log.last_sequence]
        facts = {
            "sends": bool(await broker.ports.sessions.open_sends(name)),
            "lanes": bool(behind) or not lanes,
            "mark": session.look_at is not None and session.look_at <= broker.clock.now(),
            "lock": session.lock is not None and session.lock.until > broker.clock.now(),
            "intent": session.state.value in {"restarting", "clearing", "ending", "renewing"},
        }
        found += [f"{name} {fact}" for fact, holds in facts.items() if holds]
    return found


async def all_sessions(broker: VirtualBroker) -> list[SessionId]:
    page = await broker.ports.sessions.list_sessions(
        TENANT, SessionFilter(), cursor=None, limit=200
    )
    return [session.id for session in page.items]


async def check_accepted(stage: Stage, process: Process) -> None:
    """What is true of every session at every time: nothing lost, doubled or out of order."""
    posts = [json.loads(body) for _, _, body in stage.broker.received.posts]
    for name in await all_sessions(stage.broker):
        events = (await process.get(f"/v1/sessions/{name}/events?limit=200"))["items"]
        assert [e["data"]["sequence"] for e in events] == list(range(1, len(events) + 1))
        mine = [e for e in posts if e["data"]["sessionId"] == name]
        assert list({e["id"]: e for e in mine}.values()) == events
        steps = [(e["data"]["incarnation"], e["type"]) for e in events]
        assert all(a[0] <= b[0] for a, b in pairwise(steps))
        accepted = [_text(e) for e in events if e["type"] == "message.accepted"]
        settled = [_text(e) for e in events if e["type"] in _SETTLED]
        assert sorted(settled) == sorted(accepted)
    for row in stage.control.inbound():
        assert (row["arrived"], row["stored"]) == (1, 1), row


_SETTLED: Final = ("message.confirmed", "message.failed")


async def check_story(story: Story, stage: Stage, process: Process) -> None:
    """One session, which came to the end that the story tells of, and heard all that was said."""
    sessions = await all_sessions(stage.broker)
    assert sessions == [stage.session]
    session = await process.get(f"/v1/sessions/{stage.session}")
    events = (await process.get(f"/v1/sessions/{stage.session}/events?limit=200"))["items"]
    types = [e["type"] for e in events]
    assert session["state"] == story.state
    assert types.count("session.opened") == 1
    assert types.count("session.replaced") == story.replaced
    assert session["incarnation"] == story.replaced + 1
    assert session["authenticated"] is story.signed_in
    failed = [e for e in events if e["type"] == "message.failed"]
    assert failed == []
    rows = [row for row in stage.control.transcript() if row["direction"] == "Outbound"]
    heard = [_text(e) for e in events if e["type"] == "message.received"]
    assert sorted(heard) == sorted(str(row["text"]) for row in rows if row["text"])
    for lived in guest_sessions(stage):
        if _says(lived[0], "Clear"):
            # Made by an attach after a clear whose process died: cleared once more, never used.
            continue
        joins = [row["seq"] for row in lived if _says(row, "Join")]
        assert joins == ([lived[0]["seq"]] if story.joins else []), lived
        assert story.signed_in or lived[0]["attributes"].get("order") == "7", lived


def _says(row: Json, presence: str) -> bool:
    return f'"{presence}"' in json.dumps(row["events"])


def guest_sessions(stage: Stage) -> list[list[Json]]:
    """What the guest said in each guest session, Joins included, as Genesys has it."""
    lives: dict[str, list[Json]] = {}
    for row in stage.control.transcript():
        if row["direction"] == "Inbound":
            lives.setdefault(str(row["session"]), []).append(dict(row))
    return list(lives.values())


def _text(event: Json) -> str:
    return str(event["data"]["message"]["text"])
