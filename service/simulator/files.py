"""Attachments: upload addresses, what arrives at them, downloads, and their use in messages.

Bytes are kept in memory; there is no virus scan, only a delay that stands for one.
"""

from collections.abc import Iterable
from datetime import UTC, datetime
from fnmatch import fnmatchcase
from functools import partial
from typing import Final
from urllib.parse import urlencode

from service.simulator.attachment import Attachment, Download, FileState
from service.simulator.deployments import Deployment
from service.simulator.frames import Code, push, refusal, response
from service.simulator.outbox import deliver
from service.simulator.requests import Request, answer, refuse, reply, session_of
from service.simulator.session import Session
from service.simulator.shapes import JsonObject, int_at, iso, object_at, objects_at, text_at
from service.simulator.state import WorldState

UPLOAD_PATH: Final = "/uploads/"
DOWNLOAD_PATH: Final = "/api/v2/downloads/"
LONGEST_NAME: Final = 1023
BYTES_PER_KB: Final = 1000


def on_attachment(state: WorldState, request: Request) -> None:
    """Hand out an upload address, or say why not."""
    session = session_of(state, request)
    if session is None:
        return
    deployment = state.deployments[session.deployment]
    attachment_id = text_at(request.fields, "attachmentId") or state.ids.uuid()
    problem = _problem(deployment, request.fields)
    if problem is not None:
        _refuse_upload(state, request, attachment_id, problem)
        return
    attachment = _register(state, session, request, attachment_id)
    query = urlencode(
        {
            "X-Amz-Date": f"{datetime.fromtimestamp(state.now, UTC):%Y%m%dT%H%M%SZ}",
            "X-Amz-Expires": int(state.knobs.upload_seconds),
            "X-Sim-Signature": attachment.signature,
        }
    )
    body = {
        "attachmentId": attachment.id,
        "headers": {"x-amz-tagging": attachment.tagging},
        "url": f"{request.conn.origin}{UPLOAD_PATH}{attachment.id}?{query}",
    }
    reply(state, request, "PresignedUrlResponse", body)


def _register(
    state: WorldState, session: Session, request: Request, attachment_id: str
) -> Attachment:
    tags = {"organizationId": state.ids.uuid(), "originPlatform": "PureCloud"}
    attachment = Attachment(
        id=attachment_id,
        deployment=session.deployment,
        session=session.id,
        token=session.token,
        name=text_at(request.fields, "fileName") or "",
        mime=text_at(request.fields, "fileType") or "application/octet-stream",
        size=int_at(request.fields, "fileSize", 0),
        signature=state.ids.hexadecimal(),
        tagging=urlencode(tags),
        created_at=state.now,
    )
    state.attachments[attachment.id] = attachment
    return attachment


def keep_of_agent(state: WorldState, session: Session, content: Iterable[JsonObject]) -> None:
    """Keep the files that an agent sends; their bytes are their names."""
    for item in content:
        told = object_at(item, "attachment")
        ident = text_at(told, "id")
        if ident is None:
            continue
        name = text_at(told, "filename") or ident
        state.attachments[ident] = Attachment(
            id=ident,
            deployment=session.deployment,
            session=session.id,
            token=session.token,
            name=name,
            mime=text_at(told, "mime") or "application/octet-stream",
            size=int_at(told, "fileSize", len(name)),
            signature="",
            tagging="",
            created_at=state.now,
            state=FileState.SENT,
            content=name.encode(),
        )


def _problem(deployment: Deployment, fields: JsonObject) -> tuple[Code, str] | None:
    name = text_at(fields, "fileName") or ""
    size = int_at(fields, "fileSize", 0)
    extension = f".{name.rpartition('.')[2].lower()}" if "." in name else ""
    kind = text_at(fields, "fileType") or ""
    rules = (
        (deployment.attachments, Code.FEATURE_UNAVAILABLE, "Attachments are not enabled"),
        (extension != "", Code.FILE_NAME_INVALID, "File name has no extension"),
        (len(name) <= LONGEST_NAME, Code.FILE_NAME_TOO_LONG, "File name is too long"),
        (extension not in deployment.blocked_extensions, Code.FILE_TYPE_INVALID, "Blocked type"),
        (_type_allowed(deployment, kind), Code.FILE_TYPE_INVALID, "File type is not allowed"),
        (size > 0, Code.FILE_EMPTY, "File is empty"),
        (size <= deployment.max_file_kb * BYTES_PER_KB, Code.FILE_SIZE_INVALID, "Too large"),
    )
    return next(((code, text) for kept, code, text in rules if not kept), None)


def _type_allowed(deployment: Deployment, kind: str) -> bool:
    return any(fnmatchcase(kind, pattern) for pattern in deployment.file_types)


def _refuse_upload(
    state: WorldState, request: Request, attachment_id: str, problem: tuple[Code, str]
) -> None:
    code, text = problem
    if request.fields.get("errorsAsJson") is not True:
        answer(state, request, refusal(code, text, request.tracing_id))
        return
    body = {
        "attachmentId": attachment_id,
        "errorCode": int(code),
        "errorMessage": text,
        "timestamp": iso(state.now),
        "name": "GenerateUrlError",
        "message": text,
    }
    answer(state, request, response("GenerateUrlError", body, request.tracing_id, 400))


def get_attachment(state: WorldState, request: Request) -> None:
    """Hand out a fresh download address."""
    attachment = _own_attachment(state, request)
    if attachment is None:
        return
    if attachment.state in (FileState.PENDING, FileState.FAILED):
        refuse(state, request, Code.ATTACHMENT_NOT_UPLOADED, "Attachment is not uploaded")
        return
    body = {
        "attachmentId": attachment.id,
        "headers": {},
        "url": download_url(state, attachment, request.conn.origin),
        "fileName": attachment.name,
        "fileSize": attachment.size,
        "fileType": attachment.mime,
    }
    reply(state, request, "PresignedUrlResponse", body)


def delete_attachment(state: WorldState, request: Request) -> None:
    """Delete a file that is uploaded and not yet sent."""
    attachment = _own_attachment(state, request)
    if attachment is None:
        return
    if attachment.state is FileState.SENT:
        refuse(state, request, Code.BAD_REQUEST, "Attachment is already sent")
        return
    del state.attachments[attachment.id]
    body = {"attachmentId": attachment.id}
    answer(state, request, push("AttachmentDeletedResponse", body, request.tracing_id))


def _own_attachment(state: WorldState, request: Request) -> Attachment | None:
    session = session_of(state, request)
    if session is None:
        return None
    attachment = state.attachments.get(text_at(request.fields, "attachmentId") or "")
    if attachment is None or attachment.session != session.id:
        refuse(state, request, Code.ATTACHMENT_NOT_FOUND, "Attachment not found")
        return None
    if _too_old(state, attachment):
        refuse(state, request, Code.ATTACHMENT_EXPIRED, "Attachment has expired")
        return None
    return attachment


def _too_old(state: WorldState, attachment: Attachment) -> bool:
    return state.now > attachment.created_at + state.knobs.attachment_seconds


def download_url(state: WorldState, attachment: Attachment, origin: str) -> str:
    """Make a download address that works for a while."""
    download_id = state.ids.hexadecimal()
    expires_at = state.now + state.knobs.download_seconds
    state.downloads[download_id] = Download(attachment=attachment, expires_at=expires_at)
    return f"{origin}{DOWNLOAD_PATH}{download_id}"


def take_upload(state: WorldState, attachment: Attachment, content: bytes, origin: str) -> None:
    """Keep what was uploaded; the outcome goes to the guest's sockets a little later."""
    attachment.content = content
    state.after(state.knobs.scan_seconds, partial(_scan, state, attachment, origin))


def _scan(state: WorldState, attachment: Attachment, origin: str) -> None:
    body: JsonObject = {"attachmentId": attachment.id, "timestamp": iso(state.now)}
    if len(attachment.content) == attachment.size:
        attachment.state = FileState.UPLOADED
        attachment.url = download_url(state, attachment, origin)
        frame = push("UploadSuccessEvent", {**body, "downloadUrl": attachment.url})
    else:
        attachment.state = FileState.FAILED
        code = int(Code.FILE_SIZE_INVALID)
        told = "File size differs from the announced size"
        frame = push("UploadFailureEvent", {**body, "errorCode": code, "errorMessage": told})
    session = state.sessions.get((attachment.deployment, attachment.token))
    if session is not None:
        deliver(state, session, frame)


def _attachment_ids(fields: JsonObject) -> list[str]:
    legacy = fields.get("attachmentIds")
    ids = [str(each) for each in legacy] if isinstance(legacy, list) else []
    content = objects_at(object_at(fields, "message"), "content")
    named = [object_at(item, "attachment") for item in content if "attachment" in item]
    return ids + [text_at(each, "id") or "" for each in named]


def refusal_of_attachments(
    state: WorldState, session: Session, fields: JsonObject
) -> tuple[int, str] | None:
    """Say why a message may not carry the attachments it names, or return None."""
    ids = _attachment_ids(fields)
    if len(ids) > 1:
        return Code.BAD_REQUEST, "Only one attachment is allowed"
    for attachment_id in ids:
        attachment = state.attachments.get(attachment_id)
        if attachment is None or attachment.session != session.id:
            return Code.ATTACHMENT_NOT_FOUND, "Attachment not found"
        if attachment.state in (FileState.PENDING, FileState.FAILED):
            return Code.ATTACHMENT_NOT_UPLOADED, "Attachment is not uploaded"
        if _too_old(state, attachment):
            return Code.ATTACHMENT_EXPIRED, "Attachment has expired"
    return None


def resolved_content(state: WorldState, fields: JsonObject) -> list[JsonObject]:
    """Return the content of a message with its attachments filled in."""
    content = objects_at(object_at(fields, "message"), "content")
    kept = [item for item in content if "attachment" not in item]
    for attachment_id in _attachment_ids(fields):
        attachment = state.attachments[attachment_id]
        attachment.state = FileState.SENT
        kept.append(attachment_content(attachment))
    return kept


def attachment_content(attachment: Attachment) -> JsonObject:
    """Write an attachment as a content item."""
    family = attachment.mime.partition("/")[0].capitalize()
    body = {
        "id": attachment.id,
        "filename": attachment.name,
        "mediaType": family if family in {"Image", "Video", "Audio"} else "File",
        "fileSize": attachment.size,
        "mime": attachment.mime,
        "url": attachment.url,
    }
    return {"contentType": "Attachment", "attachment": body}
