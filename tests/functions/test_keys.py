"""Functions whose keys KMS wraps: no file, rotation under way, KMS away, a move from the file."""

import json
import time
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from boto3.session import Session as AwsSession

from service.adapters.kms import KmsKeys, KmsSettings
from service.adapters.ring_cipher import Depot, RingCipher
from service.adapters.sqs.bodies import lane_body
from service.adapters.system import SystemClock
from service.adapters.table.schema import endpoint_key
from service.adapters.table.stores import stores_over
from service.config import LAYER_DIR, LOOPBACK, ApiFunctionSettings
from service.domain.data_keys import ANNOUNCED_SECONDS
from service.domain.errors import ConfigurationError
from service.domain.ids import EndpointId
from service.domain.session import State
from service.entrypoints import api
from service.ports import LaneHint
from service.usecases.authenticate import DEFAULT_TENANT
from tests.functions.conftest import SECRET, UNHURRIED, Stage, function
from tests.support.event_source import Function, a_batch
from tests.support.fault_proxy import FaultProxy, Refusal
from tests.support.gateway_event import a_request, body_of
from tests.support.store_builders import a_session, unique

KEY = "the-admin-key-of-the-function"


@pytest.fixture
def kms(aws_session: AwsSession, aws_endpoint: str) -> Any:  # noqa: ANN401 - boto3 makes it
    return aws_session.client("kms", endpoint_url=aws_endpoint)


@pytest.fixture
def secret(aws_session: AwsSession, aws_endpoint: str) -> str:
    client = aws_session.client("secretsmanager", endpoint_url=aws_endpoint)
    text = json.dumps({"admin": KEY})
    return str(client.create_secret(Name=unique("broker"), SecretString=text)["ARN"]) + "#admin"


@pytest_asyncio.fixture
async def faults(faults: FaultProxy) -> AsyncIterator[FaultProxy]:
    yield faults
    faults.heal()


class Site:
    """A broker whose functions have a KMS key, and no file unless it is said."""

    def __init__(self, stage: Stage, kms: Any, reference: str) -> None:  # noqa: ANN401 - boto3's
        self.stage = stage
        self.kms = kms
        self.key = str(kms.create_key()["KeyMetadata"]["Arn"])
        self.reference = reference

    def api(self, *, with_file: bool = False, **changes: Any) -> api.Environment:  # noqa: ANN401 - fields of any type
        given = {
            "table": self.stage.settings.table,
            "queue_prefix": self.stage.settings.queue_prefix,
            "shards": 1,
            "kms_key": self.key,
            "admin_key_ref": self.reference,
            "AWS_ENDPOINT_URL": self.stage.settings.aws_endpoint_url,
        }
        if with_file:
            given["data_dir"] = self.stage.settings.data_dir
        made = ApiFunctionSettings.model_validate(given).model_copy(
            update={"webhook_allow": LOOPBACK, **changes}
        )
        return api.Environment(lambda: made, **UNHURRIED)


@pytest.fixture
def site(stage: Stage, kms: Any, secret: str) -> Site:  # noqa: ANN401 - boto3 makes it
    return Site(stage, kms, secret)


async def webhook_of(site: Site, answered: Function) -> EndpointId:
    wanted = {"url": site.stage.sink.url, "eventTypes": ["*"], "secret": SECRET}
    made = await answered(a_request("POST", "/v1/webhooks", wanted, key=KEY))
    assert made["statusCode"] == 201, made
    return EndpointId(body_of(made)["id"])


async def status_of(answered: Function, webhook: EndpointId) -> int:
    got = await answered(a_request("GET", f"/v1/webhooks/{webhook}", key=KEY))
    return int(got["statusCode"])


async def kept(site: Site, webhook: EndpointId) -> str:
    item = await site.stage.table.driver.get(endpoint_key(webhook))
    assert item is not None
    return str(item["body"])


async def test_what_one_environment_encrypts_another_opens(site: Site) -> None:
    async with function(site.api()) as answered:
        webhook = await webhook_of(site, answered)
    async with function(site.api()) as answered:
        assert await status_of(answered, webhook) == 200

    assert '"secret":"v2.' in await kept(site, webhook)
    assert SECRET not in await kept(site, webhook)


async def test_a_courier_signs_with_what_it_opens(site: Site) -> None:
    stage, now = site.stage, time.time()
    async with function(site.api()) as answered:
        webhook = await webhook_of(site, answered)
    session = a_session(
        tenant=DEFAULT_TENANT, state=State.ENDED, shard=0, created_at=now, updated_at=now
    )
    # A session is read too, so it is kept by somebody who has no file either.
    keys = KmsKeys(
        KmsSettings(
            key=site.key,
            broker=stage.settings.table,
            endpoint_url=stage.settings.aws_endpoint_url,
        )
    )
    cipher = RingCipher(clock=SystemClock(), rotation_days=30, before=None)
    await cipher.begin(Depot(ring=stage.table.key_ring, service=keys))
    await stores_over(stage.table.driver, cipher).sessions.create(
        session, events=(), sends=(), idempotency=None, may_replace=None
    )
    await keys.close()
    for sequence in (1, 2):
        await stage.append(session, sequence)
    batch = a_batch(lane_body(LaneHint(webhook, session.id)))
    without_file = stage.courier(kms_key=site.key, data_dir=LAYER_DIR)
    async with function(without_file) as courier:
        assert await courier(batch) == {"batchItemFailures": []}

    assert len(stage.sink.events) == 2
    stage.sink.verify_all(SECRET)


async def test_a_key_of_another_broker_is_told_at_the_start(site: Site) -> None:
    async with function(site.api()) as answered:
        await webhook_of(site, answered)
    async with function(site.api(kms_context="another")) as answered:
        with pytest.raises(ConfigurationError, match=r"BROKER_KMS_KEY: .*InvalidCiphertext"):
            await answered(a_request("GET", "/healthz"))


async def test_kms_that_is_away_at_the_start_is_there_for_the_next(
    site: Site, faults: FaultProxy, caplog: pytest.LogCaptureFixture
) -> None:
    async with function(site.api()) as answered:
        webhook = await webhook_of(site, answered)
    faults.fail("Decrypt", Refusal(code="ThrottlingException"))
    async with function(site.api(aws_endpoint_url=faults.endpoint)) as answered:
        told = await answered(a_request("GET", "/healthz"))
        faults.heal()
        first = await status_of(answered, webhook)
        # What is open stays open.
        faults.fail("Decrypt", Refusal(code="ThrottlingException"))
        assert (first, await status_of(answered, webhook)) == (200, 200)
    assert told["statusCode"] == 503
    assert "KMS" not in told["body"]
    [line] = [each for each in caplog.records if each.msg == "function.not_open"]
    assert vars(line)["error"] == "KMS (ThrottlingException) is not answering"


async def test_a_broker_moves_from_the_file_to_kms(site: Site) -> None:
    """The file goes on encrypting for a day, so that what still runs with it alone can read."""
    before = await site.stage.endpoint(tenant=DEFAULT_TENANT)
    async with function(site.api(with_file=True)) as answered:
        webhook = await webhook_of(site, answered)
        assert await status_of(answered, before.id) == 200

    [key] = (await site.stage.table.key_ring.load()).keys
    assert key.used_from - key.made_at == ANNOUNCED_SECONDS
    assert '"secret":"v1.' in await kept(site, webhook)
    assert (await site.stage.table.tenants.endpoint(webhook)).secrets[0].secret == SECRET


async def test_all_faults_are_told_at_once(site: Site) -> None:
    wrong = site.api(kms_key="alias/nowhere", admin_key_ref="ssm:/nowhere/at/all")
    async with function(wrong) as answered:
        with pytest.raises(ConfigurationError) as caught:
            await answered(a_request("GET", "/healthz"))

    assert [fault.split(":")[0] for fault in caught.value.faults] == [
        "BROKER_KMS_KEY",
        "BROKER_ADMIN_KEY_REF",
    ]


async def test_a_secret_that_is_not_there_lets_nothing_open(site: Site) -> None:
    async with function(site.api(admin_key_ref="ssm:/nowhere/at/all")) as answered:
        with pytest.raises(ConfigurationError, match=r"BROKER_ADMIN_KEY_REF: .*ParameterNotFound"):
            await answered(a_request("GET", "/healthz"))


async def test_a_secret_that_cannot_be_read_now_adds_no_fault(
    site: Site, faults: FaultProxy
) -> None:
    faults.fail("GetSecretValue", Refusal(code="ThrottlingException"))
    wrong = site.api(kms_key="alias/nowhere", aws_endpoint_url=faults.endpoint)
    async with function(wrong) as answered:
        with pytest.raises(ConfigurationError) as caught:
            await answered(a_request("GET", "/healthz"))

    assert [fault.split(":")[0] for fault in caught.value.faults] == ["BROKER_KMS_KEY"]
