"""What the API says and takes of files."""

from datetime import datetime
from typing import Annotated

from pydantic import Field

from service.api.requests import Inbound
from service.api.shapes import MessageFailureOut, Outbound
from service.domain.attachment import AttachmentStatus
from service.domain.media import FileFacts


class UploadBody(Inbound):
    """A file that is to be uploaded."""

    file_name: Annotated[str, Field(description="With its extension; less than 1024 characters.")]
    file_type: Annotated[str, Field(description="The media type, as in `image/jpeg`.")]
    file_size: Annotated[int, Field(description="In bytes, exactly.")]

    def value(self) -> FileFacts:
        """As the core knows it."""
        return FileFacts(name=self.file_name, type=self.file_type, size=self.file_size)


class UploadOut(Outbound):
    """Where to put the bytes. The address is a secret, and each header belongs to its signature."""

    method: str
    url: str
    headers: dict[str, str]
    expires_at: datetime


class AttachmentOut(Outbound):
    """A file on its way into the chat."""

    id: str
    session_id: str
    status: AttachmentStatus
    file_name: str
    file_type: str
    file_size: int
    message_id: str | None
    failure: MessageFailureOut | None
    href: str
    created_at: datetime
    updated_at: datetime


class AttachmentWithUploadOut(AttachmentOut):
    """The same with where to upload it, while it waits for that."""

    upload: UploadOut | None


class DownloadOut(Outbound):
    """Where a file can be fetched, without any credentials, for some minutes. A secret."""

    url: str
    expires_at: datetime


class AttachmentsOut(Outbound):
    """A page of a session's files, oldest first."""

    items: list[AttachmentOut]
    next_cursor: str | None
