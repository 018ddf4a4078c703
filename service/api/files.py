"""Routes: files of a session."""

from typing import Annotated, Final
from urllib.parse import quote

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import JSONResponse

from service.api.door import call_of, guarded, respond
from service.api.file_shapes import (
    AttachmentOut,
    AttachmentsOut,
    AttachmentWithUploadOut,
    DownloadOut,
    UploadBody,
)
from service.api.following import at
from service.api.parameters import LIMIT, WAIT_SECONDS, Cursor, Limit, Wait
from service.api.requests import Nothing
from service.api.sessions import PREFIX
from service.api.shapes import errors_of, write_errors_of
from service.domain.access import Scope
from service.domain.ids import AttachmentId, SessionId
from service.domain.instants import rfc3339
from service.usecases.broker import Broker
from service.usecases.download_file import FRESH_SECONDS
from service.usecases.idempotency import Answer
from service.usecases.stream_file import Content
from service.usecases.upload_file import UploadRequest

BYTES: Final = {"*/*": {"schema": {"type": "string", "contentMediaType": "*/*"}}}
ADDRESS_SIGNS: Final = ":/?#[]@!$&'()*+,;=%"
"""RFC 3986, 2.2, and the sign that escapes; `quote` leaves the unreserved ones by itself."""
PRIVATE: Final = {"Cache-Control": "private, no-store", "Referrer-Policy": "no-referrer"}
"""The address is a secret: no cache keeps it, and no page that it leads to hears of us."""


def files_router(broker: Broker) -> APIRouter:
    """The routes, over the use cases."""
    router = _router(broker, raw=False)
    _add_create(router, broker)
    _add_read(router, broker)
    _add_delete(router, broker)
    _add_download(router, broker)
    return router


def file_content_router(broker: Broker) -> APIRouter:
    """The route that takes bytes: no JSON comes through its door."""
    router = _router(broker, raw=True)

    @router.put(
        "/{attachment_id}/content",
        response_model=None,
        responses={
            200: {"model": AttachmentOut, "description": "Uploaded, or `failure` says why not"},
            202: {"model": AttachmentOut, "description": "Genesys has not said which"},
            **write_errors_of(404, 502),
        },
        openapi_extra={"requestBody": {"required": True, "content": BYTES}},
        summary="Upload a file through the broker",
    )
    async def upload_content(
        request: Request, session_id: str, attachment_id: str, wait: Wait = WAIT_SECONDS
    ) -> Response:
        """The bytes as the body, the attachment's `fileType` as the Content-Type; up to 4.5 MB.

        For larger files, and to spare a detour, upload to `upload.url` yourself.
        """
        call = call_of(request)
        content = Content(type=request.headers.get("content-type", ""), body=await request.body())
        return await respond(
            broker.once.keeping(
                call.ticket,
                lambda: broker.files.stream(
                    call.key,
                    SessionId(session_id),
                    AttachmentId(attachment_id),
                    content,
                    patience=call.patience(wait),
                ),
            ),
            at(request, f"{PREFIX}/{session_id}/attachments/{attachment_id}"),
        )

    return router


def _router(broker: Broker, *, raw: bool) -> APIRouter:
    return APIRouter(
        prefix=f"{PREFIX}/{{session_id}}/attachments",
        tags=["attachments"],
        route_class=guarded(broker, read=Scope.SESSIONS_READ, write=Scope.SESSIONS_WRITE, raw=raw),
    )


def _add_download(router: APIRouter, broker: Broker) -> None:
    @router.get(
        "/{attachment_id}/content",
        status_code=302,
        response_model=None,
        responses={
            200: {"model": DownloadOut, "description": "Where it is, with `redirect=false`"},
            302: {"description": "It is at `Location`, for some minutes"},
            **errors_of(404, 409, 410, 422),
        },
        summary="Fetch a file",
    )
    async def fetch_attachment(
        request: Request,
        session_id: str,
        attachment_id: str,
        *,
        redirect: Annotated[bool, Query(description="Whether to answer 302.")] = True,
        wait: Wait = WAIT_SECONDS,
    ) -> Response:
        """A redirect to a fresh address of Genesys's: of your own files and of received ones.

        Do not send the API key on to that address; where a client cannot be told so, ask with
        `redirect=false` and get it as JSON.
        """
        call = call_of(request)
        found = await broker.files.download(
            call.key,
            SessionId(session_id),
            AttachmentId(attachment_id),
            patience=call.patience(wait),
        )
        if redirect:
            # A header takes no other signs; what is escaped already stays so.
            headers = {"Location": quote(found.url, safe=ADDRESS_SIGNS), **PRIVATE}
            return Response(status_code=302, headers=headers)
        body = {"url": found.url, "expiresAt": rfc3339(found.at + FRESH_SECONDS)}
        return JSONResponse(body, headers=PRIVATE)


def _add_create(router: APIRouter, broker: Broker) -> None:
    @router.post(
        "",
        status_code=201,
        response_model=None,
        responses={
            201: {
                "model": AttachmentWithUploadOut,
                "description": "`upload` says where, or `failure` why not",
            },
            202: {"model": AttachmentWithUploadOut, "description": "Genesys has not said where"},
            **write_errors_of(404),
        },
        summary="Ask where to upload a file",
    )
    async def request_upload(
        request: Request, session_id: str, body: UploadBody, wait: Wait = WAIT_SECONDS
    ) -> Response:
        """Check the file against what the deployment takes, and get an address for it.

        Upload it there by `PUT`, with every header of `upload.headers` and no other credentials;
        once `attachment.uploaded` was told, send a message with its id in `attachmentIds`.
        """
        call = call_of(request)
        wanted = UploadRequest(
            key=call.key,
            session_id=SessionId(session_id),
            file=body.value(),
            patience=call.patience(wait),
            ticket=call.ticket,
            trace=call.trace,
        )
        return await respond(
            broker.once(
                call.ticket,
                act=lambda: broker.files.upload(wanted),
                replay=lambda record: broker.files.upload.replay(call.key, record),
            ),
            at(request, f"{PREFIX}/{session_id}/attachments/{{id}}"),
        )


def _add_read(router: APIRouter, broker: Broker) -> None:
    @router.get(
        "",
        response_model=None,
        responses={200: {"model": AttachmentsOut}, **errors_of(404, 422)},
        summary="List the files of a session",
    )
    async def list_attachments(
        request: Request, session_id: str, cursor: Cursor = None, limit: Limit = LIMIT
    ) -> Response:
        """Oldest first, for as long as Genesys keeps files: 15 days. A page may be short."""
        key = call_of(request).key

        async def read() -> Answer:
            found = await broker.files.read(key, SessionId(session_id), cursor=cursor, limit=limit)
            return Answer(status=200, body=found)

        return await respond(read())

    @router.get(
        "/{attachment_id}",
        response_model=None,
        responses={200: {"model": AttachmentWithUploadOut}, **errors_of(404)},
        summary="Read a file's status",
    )
    async def read_attachment(request: Request, session_id: str, attachment_id: str) -> Response:
        """As it is now. After the guest session was replaced, `upload` may be another one."""
        key = call_of(request).key

        async def read() -> Answer:
            body = await broker.files.read.one(
                key, SessionId(session_id), AttachmentId(attachment_id)
            )
            return Answer(status=200, body=body)

        return await respond(read())


def _add_delete(router: APIRouter, broker: Broker) -> None:
    @router.delete(
        "/{attachment_id}",
        status_code=204,
        response_model=None,
        responses={202: {"description": "Under way"}, **write_errors_of(404)},
        summary="Delete a file that was not sent",
    )
    async def delete_attachment(
        request: Request,
        session_id: str,
        attachment_id: str,
        _: Nothing | None = None,
        wait: Wait = WAIT_SECONDS,
    ) -> Response:
        """Only one that is uploaded and not sent; Genesys deletes its copy too."""
        call = call_of(request)
        return await respond(
            broker.once.keeping(
                call.ticket,
                lambda: broker.files.delete(
                    call.key,
                    SessionId(session_id),
                    AttachmentId(attachment_id),
                    patience=call.patience(wait),
                ),
            ),
            at(request, f"{PREFIX}/{session_id}/attachments/{attachment_id}"),
        )
