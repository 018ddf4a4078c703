"""What each function asks KMS and the keepers of secrets for is what its role allows, both ways.

All of it is asked while a function opens. What it asks for later is compared by test_rights.py.
"""

import base64
import json
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

import pytest
from boto3.session import Session as AwsSession

from service.adapters.aws import Clients
from service.adapters.kms import CONTEXT
from service.config import (
    LAYER_DIR,
    ApiFunctionSettings,
    FunctionSettings,
    ListenerFunctionSettings,
)
from service.domain.data_keys import DAY, DataKey, KeyRing
from service.domain.errors import ConfigurationError
from service.entrypoints import api, courier, listener, sweeper
from tests.functions.conftest import UNHURRIED, Stage, function
from tests.functions.roles import Role, taken
from tests.support import stand_in
from tests.support.event_source import a_batch
from tests.support.gateway_event import a_request
from tests.support.policies import CONVERSING, as_text, rights_of_role
from tests.support.recorder import Recorder, Right, recorder
from tests.support.store_builders import unique
from tests.support.terraform_files import FUNCTIONS

KEY: Final = "the-first-key-of-the-broker"
EVENTS: Final[Mapping[str, tuple[object, ...]]] = {
    "api": (a_request("GET", "/v1/webhooks", key=KEY),),
    "courier": (a_batch(),),
    "listener": (),
    "sweeper": (),
}
Environment: TypeAlias = (
    api.Environment | courier.Environment | listener.Environment | sweeper.Environment
)


@pytest.fixture(scope="module")
def aws_endpoint() -> Iterator[str]:
    services = "dynamodb,iam,kms,secretsmanager,sqs,ssm,sts"
    with stand_in.ministack(services, enforcing=True) as endpoint:
        yield endpoint


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """A broker with a KMS key, and who may do everything."""

    stage: Stage
    aws: AwsSession
    key: str

    def client(self, service: str) -> Any:  # noqa: ANN401 - boto3 makes it
        clients: Clients = self.aws
        return clients.client(service, endpoint_url=self.stage.settings.aws_endpoint_url)

    async def begin_ring(self) -> None:
        """A data key that has served for so long that whoever opens it announces the next one."""
        made = self.client("kms").generate_data_key(
            KeyId=self.key,
            NumberOfBytes=32,
            EncryptionContext={CONTEXT: self.stage.settings.table},
        )
        begun = time.time() - 30 * DAY
        wrapped = base64.b64encode(made["CiphertextBlob"]).decode()
        old = DataKey(id="old", wrapped=wrapped, made_at=begun, used_from=begun)
        await self.stage.table.key_ring.add(KeyRing(), old)

    def first_key(self, kind: str) -> str:
        """Keep it as that, if any; its reference."""
        name = f"/{unique('broker')}/admin"
        match kind:
            case "secret":
                text = json.dumps({"admin": KEY})
                kept = self.client("secretsmanager").create_secret(Name=name, SecretString=text)
                return f"{kept['ARN']}#admin"
            case "parameter":
                self.client("ssm").put_parameter(Name=name, Value=KEY, Type="SecureString")
                return f"ssm:{name}"
            case _:
                return ""

    async def opened(
        self, name: str, asked: Recorder, *, first_key: str = "", without: str = ""
    ) -> Mapping[str, object]:
        """Open a function in its role, and what it answers then."""
        role = Role(
            stage=self.stage,
            aws=self.aws,
            function=name,
            kms_key=self.key,
            first_key=first_key,
            without=without,
        )
        with taken(role, asked.endpoint):
            async with function(self._environment(name, first_key)) as made:
                return await made(*EVENTS[name])

    def _environment(self, name: str, first_key: str) -> Environment:
        given = self.stage.settings.model_dump() | {
            "aws_endpoint_url": None,
            "data_dir": LAYER_DIR,
            "kms_key": self.key,
        }
        match name:
            case "api":
                reference = first_key or None
                return api.Environment(
                    lambda: ApiFunctionSettings.model_construct(**given, admin_key_ref=reference),
                    **UNHURRIED,
                )
            case "listener":
                return listener.Environment(
                    lambda: ListenerFunctionSettings.model_construct(**given, idle_seconds=0.1),
                    **UNHURRIED,
                )
            case "courier":
                return courier.Environment(
                    lambda: FunctionSettings.model_construct(**given), **UNHURRIED
                )
            case _:
                return sweeper.Environment(
                    lambda: FunctionSettings.model_construct(**given), **UNHURRIED
                )


@pytest.fixture
def site(stage: Stage, aws_session: AwsSession) -> Site:
    kms = aws_session.client("kms", endpoint_url=stage.settings.aws_endpoint_url)
    return Site(stage=stage, aws=aws_session, key=kms.create_key()["KeyMetadata"]["Arn"])


@pytest.fixture
def asked(aws_endpoint: str) -> Iterator[Recorder]:
    with recorder(aws_endpoint) as made:
        yield made


def opening(rights: Iterable[Right]) -> list[Right]:
    """Those that only opening wants."""
    return [each for each in rights if not each.action.startswith(CONVERSING)]


@pytest.mark.parametrize(
    ("name", "kind"),
    # The role of a function that needs no first key is that of a broker with one all the same.
    [("api", ""), ("api", "parameter"), *((name, "secret") for name in FUNCTIONS)],
)
async def test_a_function_opens_with_the_rights_of_its_role_and_uses_all_of_them(
    site: Site, asked: Recorder, name: str, kind: str
) -> None:
    await site.begin_ring()
    first_key = site.first_key(kind)

    answer = await site.opened(name, asked, first_key=first_key)

    if name == "api":
        assert answer["statusCode"] == (200 if kind else 401)
    assert asked.denied == []
    allowed = rights_of_role(name, first_key=first_key)
    assert as_text(name, opening(asked.rights)) == as_text(name, opening(allowed))


@pytest.mark.parametrize("name", FUNCTIONS)
async def test_a_function_without_the_rights_to_data_keys_does_not_open(
    site: Site, asked: Recorder, name: str
) -> None:
    refusal = "BROKER_KMS_KEY: KMS refuses: AccessDenied"
    with pytest.raises(ConfigurationError, match=refusal):
        await site.opened(name, asked, without="MakeDataKeys")
    await site.begin_ring()
    with pytest.raises(ConfigurationError, match=refusal):
        await site.opened(name, asked, without="OpenDataKeys")

    assert [each.partition("perform: ")[2].split()[0] for each in asked.denied] == [
        "kms:GenerateDataKey",
        "kms:Decrypt",
    ]


@pytest.mark.parametrize(
    ("kind", "sid"), [("secret", "ReadFirstKey"), ("parameter", "ReadFirstKeyParameter")]
)
async def test_the_api_without_the_right_to_its_first_key_does_not_open(
    site: Site, asked: Recorder, kind: str, sid: str
) -> None:
    refusal = "BROKER_ADMIN_KEY_REF: AWS refuses the secret: AccessDenied"
    with pytest.raises(ConfigurationError, match=refusal):
        await site.opened("api", asked, first_key=site.first_key(kind), without=sid)
