"""What each function asks AWS for over whole conversations is what its role allows, both ways.

What it asks KMS and the keepers of secrets for when it opens is compared by test_key_rights.py.
On a stand-in that looks at policies: a call without a right is refused there, as AWS would.
"""

import asyncio
import json
import re
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Final, cast

import pytest
import pytest_asyncio
from boto3.session import Session as AwsSession

from service.adapters.bell import InProcessBell
from service.adapters.system import SystemClock, SystemIds
from service.domain.ids import ListenerName, SessionId
from service.domain.session import Session
from service.ports import SessionStore
from service.usecases.authenticate import DEFAULT_TENANT
from service.usecases.erase_session import EraseSession
from tests.functions.conftest import Stage, eventually
from tests.functions.town import SIMULATED, Town, begun, town
from tests.support import stand_in
from tests.support.policies import CONVERSING, as_text, rights_of_role
from tests.support.recorder import Right
from tests.support.store_builders import an_api_key
from tests.support.terraform_files import FUNCTIONS
from tests.support.webhook_sink import answer

LIFE: Final = 30.0
"""Of a listener here: it holds for half of that."""
LEAD: Final = 3.0
"""How long before the end of a listener its heir begins."""
DOCUMENT: Final = Path(__file__).parents[2] / "openapi" / "openapi.json"


@pytest.fixture(scope="module")
def aws_endpoint() -> Iterator[str]:
    with stand_in.ministack("dynamodb,sqs,iam,sts", enforcing=True) as endpoint:
        yield endpoint


@pytest_asyncio.fixture(name="place")
async def _place(stage: Stage, aws_session: AwsSession) -> AsyncIterator[Town]:
    async with town(stage, aws_session) as made:
        yield made


@pytest.mark.timeout(240)
async def test_functions_ask_for_what_their_roles_allow_and_for_nothing_else(place: Town) -> None:
    try:
        await tell(place)
    except AssertionError as stuck:
        # Whoever lacks a right seldom says so: what it should have done does not come about.
        raise AssertionError([*refused(place), *await place.told()]) from stuck

    assert refused(place) == []
    assert operations_left(place) == set()
    asked = [right for name in FUNCTIONS for right in as_text(name, place.asked[name].rights)]
    allowed = [right for name in FUNCTIONS for right in as_text(name, conversing(name))]
    assert asked == allowed


async def tell(place: Town) -> None:
    """The whole story."""
    await manage(place)
    await talk_on_demand(place)
    async with place.stage.source.feeding(place.courier):
        await talk_while_held(place)
        await fail_and_come_back(place)
        await replay(place)
        await take_away(place)
    await sweep_up(place)


def refused(place: Town) -> list[str]:
    """What the stand-in said to calls without a right."""
    return [text for name in FUNCTIONS for text in place.asked[name].denied]


def conversing(function: str) -> set[Right]:
    """What a role allows for conversations."""
    return {each for each in rights_of_role(function) if each.action.startswith(CONVERSING)}


def operations_left(place: Town) -> set[str]:
    """Which operations of the API were never served."""
    document = json.loads(DOCUMENT.read_text(encoding="utf-8"))
    left = set()
    for path, methods in document["paths"].items():
        shape = re.compile(re.sub(r"{\w+}", "[^/]+", path))
        for method in methods:
            served = (
                method.upper() == done and shape.fullmatch(at) for done, at in place.operations
            )
            if not any(served):
                left.add(f"{method.upper()} {path}")
    return left


async def manage(place: Town) -> None:
    """Keys, deployments and endpoints."""
    for path in ("/healthz", "/readyz"):
        await place.call("GET", path)
    key = await place.call("POST", "/v1/api-keys", {"name": "ops", "scopes": ["*"]}, once="k")
    await place.call("GET", "/v1/api-keys")
    await place.call("DELETE", f"/v1/api-keys/{key['id']}")
    shop = {"deploymentId": SIMULATED.id, "endpoint": place.sim.origin, "historyLagSeconds": 0.3}
    await place.call("POST", "/v1/deployments", {"name": "shop", **shop})
    await place.call("POST", "/v1/deployments", {"name": "gone", **shop})
    await place.call("GET", "/v1/deployments")
    await place.call("GET", "/v1/deployments/gone")
    for one in ("check", "drift"):
        await place.call("GET", f"/v1/deployments/shop/{one}")
    await place.call("PATCH", "/v1/deployments/gone", {"historyLagSeconds": 1})
    await place.call("DELETE", "/v1/deployments/gone")
    wanted = {"url": place.sink.url, "eventTypes": ["*"], "maxConcurrency": 2}
    hook = await place.call("POST", "/v1/webhooks", wanted)
    path = f"/v1/webhooks/{hook['id']}"
    for one in ("/v1/webhooks", path, f"{path}/stats"):
        await place.call("GET", one)
    await place.call("PATCH", path, {"description": "all of it"})
    for verb in ("test", "verify", "rotate-secret", "disable", "enable"):
        await place.call("POST", f"{path}/{verb}", {} if verb == "rotate-secret" else None)


async def talk_on_demand(place: Town) -> None:
    """Nobody holds a link: the API opens one itself, and asks for a listener."""
    signed = await place.open()
    login = {"code": "code-ann", "redirectUri": "https://shop.example/back"}
    await place.call("POST", f"{signed}/authentication", login, wait=10)
    await place.call("DELETE", f"{signed}/authentication", wait=10)
    session = await place.open(message={"text": "hello"}, externalId="basket-7")
    await place.call("GET", "/v1/sessions")
    await place.call("GET", "/v1/sessions", externalId="basket-7")
    await place.call("PATCH", session, {"customAttributes": {"order": "8"}})
    await place.call("POST", f"{session}/messages", {"text": "anybody?"}, wait=10, once="m")
    await send_files(place, session)
    await place.call("POST", f"{session}/resume")
    assert place.asked["api"].calls["lambda:Invoke"] > 0


async def talk_while_held(place: Town) -> None:
    """A listener holds the link, hands it over, and its heir ends when there is nothing left."""
    first = await begun(place.listener, seconds=LIFE)
    await place.links(1)
    listed = await place.call("GET", "/v1/sessions")
    session = f"/v1/sessions/{listed['items'][0]['id']}"
    token = await place.token(session)
    place.sim.control.say(token, "how can I help?")
    await place.came("message.received", 1)
    await place.call("POST", f"{session}/messages", {"text": "my parcel"}, wait=10)
    await place.call("POST", f"{session}/typing")
    [lease] = await place.stage.table.shards.leases(1)
    assert lease.retires_at is not None
    await asyncio.sleep(max(0.0, lease.retires_at - LEAD - time.time()))
    second = await begun(place.heir, seconds=4 * LIFE)  # to become idle before that ends
    assert (await first)["reason"] == "retired"
    place.sim.control.say(token, "it is on its way")
    await place.came("message.received", 2)
    await place.call("POST", f"{session}/clear")
    await place.call("GET", f"{session}/events")
    await place.call("GET", f"{session}/messages")
    await place.call("GET", f"{session}/timeline")
    await place.call("POST", f"{session}/end")
    assert (await second)["reason"] == "idle"
    await give_back(place)


async def send_files(place: Town, session: str) -> None:
    """One is uploaded and sent, another one deleted."""
    wanted = {"fileName": "a.txt", "fileType": "text/plain", "fileSize": 5}
    for number in range(2):
        made = await place.call(
            "POST", f"{session}/attachments", wanted, wait=10, once=f"f{number}"
        )
        path = f"{session}/attachments/{made['id']}"
        await place.call("PUT", f"{path}/content", b"bytes", media="text/plain", wait=10)
        await place.call("GET", path)
        if number:
            await place.call("DELETE", path, wait=10)
        else:
            body = {"attachmentIds": [made["id"]]}
            await place.call("POST", f"{session}/messages", body, wait=10)
            await place.call("GET", f"{path}/content", redirect="false", wait=10)
    await place.call("GET", f"{session}/attachments")


async def give_back(place: Town) -> None:
    """What a poll receives whose listener has ended goes back into the mailbox."""
    mailbox = place.stage.queues.queues.mailbox(0)

    async def was_given_back() -> bool:
        return place.asked["listener"].calls["sqs:ChangeMessageVisibilityBatch"] > 0

    await place.stage.queues.queues.send(mailbox, "left over")
    await eventually(was_given_back)


async def fail_and_come_back(place: Town) -> None:
    """An endpoint goes down over several sessions, and what waited comes when it is back."""
    [hook] = (await place.call("GET", "/v1/webhooks"))["items"]
    path = f"/v1/webhooks/{hook['id']}"
    place.sink.reply = answer(500)
    sessions = [await place.open(message={"text": f"no. {number}"}) for number in range(3)]

    async def is_down() -> bool:
        return (await place.stage.table.healths.health(hook["id"])).probe_at is not None

    async def is_up() -> bool:
        return not await is_down()

    await place.eventually(is_down)
    await place.call("GET", f"{path}/deliveries")
    await place.call("GET", f"{path}/stats")
    place.sink.reply = answer()
    await place.eventually(is_up)
    name = sessions[0].rpartition("/")[2]
    await place.call("POST", f"{path}/resend", {"sessionId": name, "sequence": 1})
    await place.call("GET", f"{path}/deliveries", sessionId=name)


async def replay(place: Town) -> None:
    """Of every session of the tenant, to its end; and one that is cancelled."""
    [hook] = (await place.call("GET", "/v1/webhooks"))["items"]
    path = f"/v1/webhooks/{hook['id']}"
    made = await place.call("POST", f"{path}/replay", {}, once="r")

    async def is_over() -> bool:
        told = await place.call("GET", f"{path}/replays/{made['id']}")
        return bool(told["state"] == "done")

    await place.eventually(is_over)
    other = await place.call("POST", f"{path}/replay", {})
    await place.call("POST", f"{path}/replays/{other['id']}/cancel")
    await place.call("GET", f"{path}/replays")


async def take_away(place: Town) -> None:
    """Erase a session; delete the endpoint, whose lanes a courier removes."""
    listed = await place.call("GET", "/v1/sessions")
    sessions = [SessionId(each["id"]) for each in listed["items"]]
    await place.call("DELETE", f"/v1/sessions/{sessions[-1]}")
    [hook] = (await place.call("GET", "/v1/webhooks"))["items"]
    await place.call("DELETE", f"/v1/webhooks/{hook['id']}")
    await place.stage.queues.hints.lane(hook["id"], sessions[0])

    async def is_gone() -> bool:
        return await place.stage.table.lanes.lane(hook["id"], sessions[0]) is None

    await place.eventually(is_gone)


async def sweep_up(place: Town) -> None:
    """What crashes left: a session erased by half, and a message that nobody sent."""
    table, now = place.stage.table, time.time()
    await place.call("POST", "/v1/webhooks", {"url": place.sink.url, "eventTypes": ["*"]})
    listed = await place.call("GET", "/v1/sessions")
    left, half = [SessionId(each["id"]) for each in listed["items"][:2]]
    key = an_api_key(tenant=DEFAULT_TENANT)
    erase = EraseSession(
        sessions=cast("SessionStore", _NeverPurging(table.sessions)),
        hints=place.stage.queues.hints,
        bell=InProcessBell(SystemClock()),
        clock=SystemClock(),
        ids=SystemIds(),
    )
    await erase(key, half)
    held = await table.shards.acquire(0, ListenerName("own_gone"), now=now, until=now + 60)
    assert held is not None
    await place.call("POST", f"/v1/sessions/{left}/messages", {"text": "anybody there?"}, wait=0)
    for each in (left, half):
        await table.sessions.mark_work(each, 1.0)
    # Its owner is told of one, as long as there is an owner; later nobody is.
    await place.sweeper()
    await table.shards.release(held)
    await place.sweeper()
    assert await table.sessions.open_sends(left) == []
    assert place.asked["sweeper"].calls["lambda:Invoke"] > 0


class _NeverPurging:
    """The sessions of a process that dies as soon as it has erased one."""

    def __init__(self, store: SessionStore) -> None:
        self._store = store

    def __getattr__(self, name: str) -> object:
        return getattr(self._store, name)

    async def purge(self, _: Session) -> bool:
        return True
