"""The login port over the simulator in process, and one that answers what a test wrote down."""

from collections import deque
from dataclasses import dataclass, field

from service.domain.deployment import Deployment
from service.domain.errors import AuthenticationFailedError, LoginUnavailableError
from service.domain.sign_in import LoginProof, Tokens
from service.guest.login import exchange_document, provider_code, read_tokens, refresh_document
from service.simulator.in_process import InProcessSimulator

PATH = "/api/v2/webdeployments/token"
PROOF = LoginProof(code="code-ann", redirect_uri="https://shop.example/back")


def proof(code: str) -> LoginProof:
    """Another code."""
    return LoginProof(code=code, redirect_uri="https://shop.example/back")


@dataclass(frozen=True)
class SimulatedLogin:
    """GuestLogin over the simulator."""

    simulator: InProcessSimulator

    async def exchange(self, deployment: Deployment, proof: LoginProof) -> Tokens:
        document = exchange_document(deployment.deployment_id, proof)
        return await self._tokens(deployment, "oauthcodegrantjwtexchange", document)

    async def refresh(self, deployment: Deployment, *, refresh_token: str) -> Tokens:
        return await self._tokens(deployment, "refresh", refresh_document(refresh_token))

    async def revoke(self, deployment: Deployment, *, jwt: str) -> bool:
        url = f"{deployment.rest_base()}{PATH}/revoke"
        headers = {"Authorization": f"bearer {jwt}"}
        status, _, _ = await self.simulator.http("DELETE", url, headers)
        if status >= 500:
            raise LoginUnavailableError(status=status)
        return status == 204

    async def _tokens(self, deployment: Deployment, name: str, document: str) -> Tokens:
        url = f"{deployment.rest_base()}{PATH}/{name}"
        status, _, body = await self.simulator.http("POST", url, {}, document.encode())
        if status >= 500:
            raise LoginUnavailableError(status=status)
        if status != 200:
            code = provider_code(body.decode())
            raise AuthenticationFailedError(status=status, provider_code=code)
        return read_tokens(body.decode())


@dataclass
class ScriptedLogin:
    """Gives what was written down, one answer a question; then always the same tokens."""

    answers: deque[Tokens | bool | Exception] = field(default_factory=deque)
    asked: list[tuple[str, object]] = field(default_factory=list)

    async def exchange(self, deployment: Deployment, proof: LoginProof) -> Tokens:
        return self._tokens("exchange", proof)

    async def refresh(self, deployment: Deployment, *, refresh_token: str) -> Tokens:
        return self._tokens("refresh", refresh_token)

    async def revoke(self, deployment: Deployment, *, jwt: str) -> bool:
        return bool(self._answer("revoke", jwt, otherwise=True))

    def _tokens(self, what: str, asked: object) -> Tokens:
        given = self._answer(what, asked, otherwise=Tokens(jwt="jwt-1", refresh_token="refresh-1"))
        assert isinstance(given, Tokens)
        return given

    def _answer(self, what: str, asked: object, *, otherwise: Tokens | bool) -> Tokens | bool:
        self.asked.append((what, asked))
        given = self.answers.popleft() if self.answers else otherwise
        if isinstance(given, Exception):
            raise given
        return given
