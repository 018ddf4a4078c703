"""The Platform API: from a message to its conversation, with a deployment's OAuth credentials.

Never logs, keeps on disk or puts into an error a secret or a token.
"""

import asyncio
import base64
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Final
from urllib.parse import quote

from service.adapters.genesys_http import Answer, GenesysHttp, NoAnswerError, Request
from service.domain.deployment import PLATFORM_LOGIN, Deployment, PlatformCredentials
from service.domain.errors import PlatformUnavailableError
from service.ports.system import Clock

_EARLY_SECONDS: Final = 60.0
"""A token is given up so long before it expires, so that it does not expire on the way."""
_LONGEST_TOKEN_SECONDS: Final = 48 * 3600
"""The longest that the vendor lets an administrator choose."""
_MOST_ACCOUNTS: Final = 256
_MESSAGES_PATH: Final = "/api/v2/conversations/messages"
_DETAILS: Final = "the platform's message details"
_CONVERSATION: Final = "the platform's conversation"
_LOGIN: Final = PLATFORM_LOGIN
_REFUSALS: Final = {
    _DETAILS: frozenset({403}),
    _CONVERSATION: frozenset({403}),
    _LOGIN: frozenset({400, 401, 403}),
}
"""What a human has to change: the credentials are wrong, or may not ask."""
_BELIEVED_SECONDS: Final = 900.0
_UNTOLD_WAIT_SECONDS: Final = 60.0
"""The platform counts requests by the minute (300 for a token)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Account:
    """Whose token it is: the same client may exist in two regions."""

    domain: str | None
    login_base: str
    credentials: PlatformCredentials


@dataclass(slots=True)
class _Purse:
    """The token of one account; `turn` lets one request fetch it while others wait."""

    token: str | None = field(default=None, repr=False)
    good_until: float = 0.0
    wait_until: float = 0.0
    """The platform wants this account to be silent until then."""
    refused: dict[str, tuple[int, float]] = field(default_factory=dict)
    """What these credentials may not have: with which status, and until when that is believed."""
    turn: asyncio.Lock = field(default_factory=asyncio.Lock)


class GenesysPlatform:
    """The platform port on HTTP. Tokens are shared by all deployments with the same credentials."""

    def __init__(
        self, http: GenesysHttp, *, clock: Clock, most_accounts: int = _MOST_ACCOUNTS
    ) -> None:
        self._http = http
        self._most_accounts = most_accounts
        self._clock = clock
        self._purses: dict[_Account, _Purse] = {}

    async def conversation_of(
        self,
        deployment: Deployment,
        credentials: PlatformCredentials,
        *,
        body_id: str,
        afresh: bool = False,
    ) -> tuple[str, str | None] | None:
        """(conversation id, customer participant id) of a message; None while it is not indexed.

        The participant is None where the conversation may not be read with these credentials. A
        refusal is believed for a quarter of an hour, unless asked `afresh`; a wish to wait holds
        for all who use the account, in this process.
        Raises PlatformUnavailableError, with status None when no complete answer came.
        """
        account = _Account(
            domain=deployment.domain,
            login_base=deployment.login_base(),
            credentials=credentials,
        )
        if afresh:
            self._purse(account).refused.clear()
        base = f"{deployment.rest_base()}{_MESSAGES_PATH}"
        answer = await self._get(account, f"{base}/{quote(body_id, safe='')}/details", _DETAILS)
        if _not_found(answer):
            return None
        conversation = _parse(answer, _DETAILS).get("conversationId")
        if not isinstance(conversation, str) or not conversation:
            return None
        answer = await self._get(account, f"{base}/{quote(conversation, safe='')}", _CONVERSATION)
        if answer.status in {HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND}:
            return conversation, None
        return conversation, _customer(_parse(answer, _CONVERSATION), body_id)

    async def _get(self, account: _Account, url: str, what: str) -> Answer:
        """Ask with the account's token, and once more with a new one when that is refused."""
        purse = self._purse(account)
        token = await self._token(account, purse)
        answer = await self._heard(purse, _bearing(account, url, token), what)
        if answer.status != HTTPStatus.UNAUTHORIZED:
            return answer
        if purse.token == token:
            purse.token = None
        token = await self._token(account, purse)
        return await self._heard(purse, _bearing(account, url, token), what)

    async def _heard(self, purse: _Purse, request: Request, what: str) -> Answer:
        """Ask, unless it is known what would be answered; remember what holds for the account."""
        now = self._clock.now()
        if now < purse.wait_until:
            raise PlatformUnavailableError(
                what=what,
                status=HTTPStatus.TOO_MANY_REQUESTS,
                retry_after_seconds=purse.wait_until - now,
            )
        status, until = purse.refused.get(what, (0, 0.0))
        if now < until:
            return Answer(status=status, text="", retry_after_seconds=None)
        answer = await self._ask(request, what)
        if answer.status in _REFUSALS[what]:
            purse.refused[what] = answer.status, now + _BELIEVED_SECONDS
        if answer.status == HTTPStatus.TOO_MANY_REQUESTS:
            told = answer.retry_after_seconds
            purse.wait_until = now + (_UNTOLD_WAIT_SECONDS if told is None else told)
        return answer

    def _purse(self, account: _Account) -> _Purse:
        if account not in self._purses and len(self._purses) >= self._most_accounts:
            self._purses.pop(next(iter(self._purses)))
        return self._purses.setdefault(account, _Purse())

    async def _token(self, account: _Account, purse: _Purse) -> str:
        async with purse.turn:
            # The wall clock: a Lambda that was frozen must not trust a clock that stood still.
            now = self._clock.now()
            if purse.token is None or now >= purse.good_until:
                answer = await self._heard(purse, _login(account), _LOGIN)
                purse.token, seconds = _granted(_parse(answer, _LOGIN))
                purse.good_until = now + seconds - _EARLY_SECONDS
            return purse.token

    async def _ask(self, request: Request, what: str) -> Answer:
        try:
            return await self._http.ask(request)
        except NoAnswerError as exc:
            raise PlatformUnavailableError(what=what, status=None, failure=exc.failure) from exc


def _bearing(account: _Account, url: str, token: str) -> Request:
    headers = {"authorization": f"Bearer {token}"}
    return Request(domain=account.domain, url=url, headers=headers)


def _login(account: _Account) -> Request:
    """Client credentials grant (RFC 6749, 4.4), the client known by HTTP Basic."""
    pair = f"{account.credentials.client_id}:{account.credentials.client_secret}"
    basic = base64.b64encode(pair.encode()).decode()
    return Request(
        domain=account.domain,
        url=f"{account.login_base}/oauth/token",
        headers={"authorization": f"Basic {basic}"},
        form={"grant_type": "client_credentials"},
    )


def _granted(body: Mapping[str, object]) -> tuple[str, float]:
    token, seconds = body.get("access_token"), body.get("expires_in")
    if not isinstance(token, str) or not token:
        raise PlatformUnavailableError(what=_LOGIN, status=HTTPStatus.OK)
    # RFC 6749, 5.1 only recommends to say how long; without it the token serves once. A number too
    # long for a float, or NaN, is cut the same.
    if not isinstance(seconds, int | float):
        return token, 0.0
    return token, float(max(0, min(seconds, _LONGEST_TOKEN_SECONDS)))


def _parse(answer: Answer, what: str) -> Mapping[str, object]:
    if not answer.good:
        raise PlatformUnavailableError(
            what=what, status=answer.status, retry_after_seconds=answer.retry_after_seconds
        )
    body = _as_object(answer.text)
    if body is None:
        raise PlatformUnavailableError(what=what, status=answer.status)
    return body


def _not_found(answer: Answer) -> bool:
    """The id is unknown or not indexed yet. A 404 of anything else is no such answer."""
    if answer.status != HTTPStatus.NOT_FOUND:
        return False
    return (_as_object(answer.text) or {}).get("code") == "not.found"


def _as_object(text: str) -> Mapping[str, object] | None:
    try:
        body: object = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return body if isinstance(body, dict) else None


def _customer(conversation: Mapping[str, object], body_id: str) -> str | None:
    """The customer who wrote that message, else the latest: threading can add one per visit."""
    listed = conversation.get("participants")
    customers = [
        person
        for person in (listed if isinstance(listed, list) else [])
        if isinstance(person, dict)
        and person.get("purpose") == "customer"
        and isinstance(person.get("id"), str)
    ]
    author = [person for person in customers if body_id in _message_ids(person)]
    return str((author or customers)[-1]["id"]) if customers else None


def _message_ids(person: Mapping[str, object]) -> Sequence[object]:
    messages = person.get("messages")
    return [
        message.get("messageId")
        for message in (messages if isinstance(messages, list) else [])
        if isinstance(message, dict)
    ]
