"""What a guest sends: one frozen value per action. They carry data and know no JSON."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from service.guest.body import Channel, OutgoingMessage
from service.guest.values import JsonObject, kept


@dataclass(frozen=True, slots=True, kw_only=True)
class _Request:
    """What every request may carry."""

    tracing_id: str | None = None
    extras: JsonObject = kept()


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfigureSession(_Request):
    """Attach this connection to the guest session the token names."""

    token: str = field(repr=False)
    deployment_id: str
    start_new: bool = False
    journey_context: JsonObject | None = field(default=None, repr=False, hash=False)
    resume_token: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class AuthData:
    """The proof of an authenticated guest: the JWT of the exchange endpoint."""

    code: str = field(repr=False)
    extras: JsonObject = kept()


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfigureAuthenticatedSession(_Request):
    """Attach this connection to a signed-in guest's session."""

    token: str = field(repr=False)
    deployment_id: str
    data: AuthData
    start_new: bool = False
    journey_context: JsonObject | None = field(default=None, repr=False, hash=False)
    resume_token: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class OnMessage(_Request):
    """Send text, content or events.

    ``channel`` and ``attachment_ids`` beside the message are the older places of what now stands
    inside it.
    """

    token: str = field(repr=False)
    message: OutgoingMessage
    time: str | None = None
    channel: Channel | None = None
    attachment_ids: tuple[str, ...] = ()

    @property
    def custom_attributes(self) -> Mapping[str, str]:
        """The attributes sent along, in either place; the nested one wins."""
        for channel in (self.message.channel, self.channel):
            if channel and channel.metadata:
                return channel.metadata.custom_attributes
        return {}


@dataclass(frozen=True, slots=True, kw_only=True)
class Echo(_Request):
    """Health check. The service bears a missing token here."""

    token: str | None = field(default=None, repr=False)
    message: OutgoingMessage


@dataclass(frozen=True, slots=True, kw_only=True)
class GetJwt(_Request):
    """Ask for a short-lived bearer for history."""

    token: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class GetConfiguration(_Request):
    """Ask for the deployment's messaging settings."""

    token: str = field(repr=False)
    deployment_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OnAttachment(_Request):
    """Ask for an upload address. ``errors_as_json`` asks for GenerateUrlError on refusal."""

    token: str = field(repr=False)
    file_name: str = field(repr=False)
    file_type: str
    file_size: int
    attachment_id: str | None = None
    file_md5: str | None = None
    errors_as_json: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class GetAttachment(_Request):
    """Ask for a fresh download address."""

    token: str = field(repr=False)
    attachment_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DeleteAttachment(_Request):
    """Delete a file that is uploaded but not sent."""

    token: str = field(repr=False)
    attachment_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CloseSession(_Request):
    """First half of starting anew from a read-only session; not a way to disconnect."""

    token: str = field(repr=False)
    close_all_connections: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class DisconnectCustomer(_Request):
    """In the published schema by name only."""

    token: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class ResumeToken(_Request):
    """In the published schema by name only."""

    token: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class UnknownRequest:
    """An action this code does not know; ``raw`` is the frame without the action."""

    action: str
    raw: JsonObject = field(repr=False, hash=False)


Request: TypeAlias = (
    ConfigureSession
    | ConfigureAuthenticatedSession
    | OnMessage
    | Echo
    | GetJwt
    | GetConfiguration
    | OnAttachment
    | GetAttachment
    | DeleteAttachment
    | CloseSession
    | DisconnectCustomer
    | ResumeToken
    | UnknownRequest
)
