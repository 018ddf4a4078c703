"""What belongs to a tenant as items, and back.

Secrets are encrypted here, bound to what they belong to.
"""

import json
from collections.abc import Callable
from functools import lru_cache
from typing import Any, Final, cast

from service.adapters.table import schema
from service.adapters.table.conditions import Item, Key, Value
from service.adapters.table.records import plain_record, record, text_of
from service.domain.access import ApiKey, IdempotencyRecord
from service.domain.deployment import Deployment
from service.domain.endpoint import Endpoint
from service.ports import Cipher

READ_MOST: Final = 1_000
"""Endpoints that are remembered as they were read."""


def api_key_item(key: ApiKey, at: Key) -> Item:
    """One of the copies of an API key."""
    return {"pk": at.pk, "sk": at.sk, "body": text_of(plain_record(key))}


def read_api_key(item: Item) -> ApiKey:
    """The API key of an item."""
    return record(ApiKey, json.loads(str(item["body"])))


def deployment_item(deployment: Deployment, cipher: Cipher) -> Item:
    """A deployment; the secret of its platform credentials encrypted."""
    key = schema.deployment_key(deployment.tenant, deployment.name)
    members = plain_record(deployment)
    if deployment.platform is not None:
        secret = cipher.encrypt(
            deployment.platform.client_secret, context=_platform(deployment.tenant, deployment.name)
        )
        members["platform"] = {"client_id": deployment.platform.client_id, "client_secret": secret}
    return {"pk": key.pk, "sk": key.sk, "version": deployment.version, "body": text_of(members)}


def read_deployment(item: Item, cipher: Cipher) -> Deployment:
    """The deployment of an item."""
    members = _members(item)
    platform = members.get("platform")
    if platform is not None:
        context = _platform(members["tenant"], members["name"])
        platform["client_secret"] = cipher.decrypt(platform["client_secret"], context=context)
    return record(Deployment, members)


def _platform(tenant: str, name: str) -> str:
    return f"deployment/{tenant}/{name}/platform"


def endpoint_item(endpoint: Endpoint, at: Key, cipher: Cipher) -> Item:
    """One of the copies of an endpoint.

    Signing secrets and header values (they may hold tokens) encrypted.
    """
    members = plain_record(endpoint)
    members["headers"] = {
        name: cipher.encrypt(value, context=_endpoint(endpoint.id, "header"))
        for name, value in endpoint.headers.items()
    }
    members["secrets"] = [
        {
            **plain_record(secret),
            "secret": cipher.encrypt(secret.secret, context=_endpoint(endpoint.id, "secret")),
        }
        for secret in endpoint.secrets
    ]
    return {"pk": at.pk, "sk": at.sk, "version": endpoint.version, "body": text_of(members)}


def endpoint_reader(cipher: Cipher) -> Callable[[Item], Endpoint]:
    """Reads the endpoint of an item, and remembers the latest: couriers see the same ones again."""

    @lru_cache(maxsize=READ_MOST)
    def read(body: str, version: int) -> Endpoint:
        return _endpoint_of({**json.loads(body), "version": version}, cipher)

    return lambda item: read(str(item["body"]), int(item["version"]))


def _endpoint_of(members: dict[str, Any], cipher: Cipher) -> Endpoint:
    for name, value in members["headers"].items():
        members["headers"][name] = cipher.decrypt(value, context=_endpoint(members["id"], "header"))
    for secret in members["secrets"]:
        secret["secret"] = cipher.decrypt(
            secret["secret"], context=_endpoint(members["id"], "secret")
        )
    return record(Endpoint, members)


def _endpoint(endpoint_id: str, name: str) -> str:
    return f"endpoint/{endpoint_id}/{name}"


def idempotency_item(answer: IdempotencyRecord, cipher: Cipher) -> Item:
    """What one Idempotency-Key did. DynamoDB removes it some time after it has expired."""
    key = schema.idempotency_key(answer.tenant, answer.key)
    members = plain_record(answer)
    if answer.secret_answer is not None:
        members["secret_answer"] = cipher.encrypt(answer.secret_answer, context=_answer(answer))
    item: dict[str, Value] = {"pk": key.pk, "sk": key.sk, "body": text_of(members)}
    return {**item, "expires_at": answer.expires_at, schema.TTL: int(answer.expires_at) + 1}


def read_idempotency(item: Item, cipher: Cipher) -> IdempotencyRecord:
    """The record of an item."""
    answer = record(IdempotencyRecord, json.loads(str(item["body"])))
    if answer.secret_answer is None:
        return answer
    members = plain_record(answer)
    opened = cipher.decrypt(answer.secret_answer, context=_answer(answer))
    return record(IdempotencyRecord, {**members, "secret_answer": opened})


def _answer(answer: IdempotencyRecord) -> str:
    return f"answer/{answer.tenant}/{answer.key}"


def _members(item: Item) -> dict[str, Any]:
    members = cast("dict[str, Any]", json.loads(str(item["body"])))
    return {**members, "version": int(item["version"])}
