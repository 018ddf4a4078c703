"""The ports of one process: which adapter stands behind each."""

from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace

from service.adapters.bell import InProcessBell
from service.adapters.dynamodb import DynamoSettings
from service.adapters.ed25519 import Ed25519Signer
from service.adapters.genesys_http import GenesysHttp
from service.adapters.guest_files import HttpGuestFiles
from service.adapters.guest_login import HttpGuestLogin
from service.adapters.guest_rest import HttpGuestRest
from service.adapters.guest_socket import WebsocketGuestSockets
from service.adapters.lambda_starter import LambdaSettings, LambdaStarter
from service.adapters.platform import GenesysPlatform
from service.adapters.ring_cipher import Depot
from service.adapters.sqs import SqsSettings
from service.adapters.storage import AwsStorage, Storage, open_aws, open_here
from service.adapters.system import OwnListener, SystemClock, SystemIds
from service.adapters.trust import trust
from service.adapters.webhook_http import WebhookSender
from service.bootstrap.keys import file_cipher, kms_keys, ring_cipher
from service.config import ListenerSettings, StoreKind
from service.domain.errors import ConfigurationError
from service.domain.region import Regions
from service.ports import Cipher, Clock, Deliveries, Mailboxes, Ports, Starter


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """Ports with what stands behind them: where hints come out, and how to close it all."""

    ports: Ports
    mailboxes: Mailboxes
    deliveries: Deliveries
    close: Callable[[], Awaitable[None]]


async def local_ports(settings: ListenerSettings) -> Opened:
    """The ports of one process.

    The embedded table in the data directory and hints in the process, or DynamoDB and SQS where the
    settings say so. Raises ConfigurationError, UnavailableError.
    """
    clock = SystemClock()
    if settings.store is StoreKind.EMBEDDED:
        _check_embedded(settings)
        storage = open_here(settings.data_dir, cipher=file_cipher(settings), clock=clock)
        return with_wires(settings, clock, storage, OwnListener())
    shared = await _shared_storage(settings, clock)
    if settings.listener_function is None:
        return with_wires(settings, clock, shared, OwnListener())
    wanted = LambdaSettings(
        function=settings.listener_function,
        endpoint_url=settings.lambda_endpoint_url or settings.aws_endpoint_url,
    )
    starter = LambdaStarter(wanted, shared.session)
    opened = with_wires(settings, clock, shared, starter)

    async def close() -> None:
        await starter.close()
        await opened.close()

    return replace(opened, close=close)


async def _shared_storage(settings: ListenerSettings, clock: Clock) -> AwsStorage:
    """Table and queues on AWS, with the cipher that the settings say."""
    if settings.kms_key is None:
        return await _open_aws(settings, clock, file_cipher(settings))
    cipher = ring_cipher(settings, clock)
    async with AsyncExitStack() as opened:
        storage = await _open_aws(settings, clock, cipher)
        opened.push_async_callback(storage.close)
        service = kms_keys(settings, settings.kms_key, storage)
        opened.push_async_callback(service.close)
        await cipher.begin(Depot(ring=storage.table.key_ring, service=service))
        return replace(storage, close=opened.pop_all().aclose)


async def _open_aws(settings: ListenerSettings, clock: Clock, cipher: Cipher) -> AwsStorage:
    url = settings.aws_endpoint_url
    return await open_aws(
        DynamoSettings(table=settings.table, endpoint_url=url),
        SqsSettings(prefix=settings.queue_prefix, shards=settings.shards, endpoint_url=url),
        cipher=cipher,
        clock=clock,
        create=url is not None,
    )


def _check_embedded(settings: ListenerSettings) -> None:
    faults = []
    if settings.listener_function is not None:
        faults.append(
            "BROKER_LISTENER_FUNCTION: no function can open the embedded table; "
            "set BROKER_STORE=dynamodb, or no function"
        )
    if settings.kms_key is not None:
        faults.append(
            "BROKER_KMS_KEY: the embedded table has the key of a file beside it; "
            "set BROKER_STORE=dynamodb, or no KMS key"
        )
    if faults:
        raise ConfigurationError(*faults)


def with_wires(
    settings: ListenerSettings, clock: Clock, storage: Storage, starter: Starter
) -> Opened:
    """The ports over that storage, with the wires of this process; they close together."""
    table, tls = storage.table, trust(settings.ca_file)
    regions, allowed = Regions(more=settings.allow_domains), settings.webhook_allow
    genesys = GenesysHttp(clock=clock, tls=tls, regions=regions)
    files = HttpGuestFiles(clock=clock, tls=tls, regions=regions, allowed_networks=allowed)
    webhooks = WebhookSender(clock=clock, allowed_networks=allowed, tls=tls)
    ports = Ports(
        clock=clock,
        ids=SystemIds(),
        sessions=table.sessions,
        shards=table.shards,
        lanes=table.lanes,
        tenants=table.tenants,
        budgets=table.budgets,
        healths=table.healths,
        attempts=table.attempts,
        timeline=table.timeline,
        tenant_log=table.tenant_log,
        replays=table.replays,
        drifts=table.drifts,
        attachments=table.attachments,
        hints=storage.hints,
        bell=InProcessBell(clock),
        sockets=WebsocketGuestSockets(clock=clock, tls=tls, regions=regions),
        guest_rest=HttpGuestRest(genesys),
        guest_files=files,
        platform=GenesysPlatform(genesys, clock=clock),
        login=HttpGuestLogin(genesys),
        signer=Ed25519Signer(),
        webhook_http=webhooks,
        starter=starter,
    )
    return Opened(
        ports=ports,
        mailboxes=storage.mailboxes,
        deliveries=storage.deliveries,
        close=_closing(webhooks.close, genesys.close, files.close, storage.close),
    )


def _closing(*parts: Callable[[], Awaitable[None]]) -> Callable[[], Awaitable[None]]:
    """One after the other."""

    async def close() -> None:
        for part in parts:
            await part()

    return close
