"""Every error as a problem: one table from error class to status and code, and its handlers.

Says nothing of our own faults but that there was one: details are for the log.
"""

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any, Final

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.routing import compile_path

from service.api.problems import (
    CODE_BY_STATUS,
    FailedError,
    Problem,
    RefusedError,
    answer,
    faults_of,
)
from service.domain import errors as er

# fmt: off
STATUS_BY_ERROR: Final[Mapping[type[er.BrokerError], tuple[int, str]]] = {
    # the caller's
    er.UnauthorizedError:           (401, "unauthorized"),
    er.InsufficientScopeError:      (403, "insufficient_scope"),
    er.NotFoundError:               (404, "not_found"),
    er.InvalidRequestError:         (422, "invalid_request"),
    er.AuthenticationFailedError:   (422, "authentication_failed"),
    er.TextTooLongError:            (422, "text_too_long"),
    er.AttributesTooLargeError:     (422, "attributes_too_large"),
    er.UnknownDeploymentError:      (422, "unknown_deployment"),
    er.UnknownAttachmentError:      (422, "unknown_attachment"),
    er.UnknownMessageError:         (422, "unknown_message"),
    er.OptionNotOfferedError:       (422, "option_not_offered"),
    er.AttachmentTypeNotAllowedError: (422, "attachment_type_not_allowed"),
    er.AttachmentTooLargeError:     (422, "attachment_too_large"),
    er.TooManyAttachmentsError:     (409, "too_many_attachments"),
    er.AttachmentStateError:        (409, "attachment_state"),
    er.AttachmentGoneError:         (410, "attachment_gone"),
    er.BlockedTargetError:          (422, "blocked_target"),
    er.NameInUseError:              (409, "name_in_use"),
    er.ExternalIdInUseError:        (409, "external_id_in_use"),
    er.SessionReadOnlyError:        (409, "session_read_only"),
    er.SessionEndedError:           (409, "session_ended"),
    er.SessionFailedError:          (409, "session_failed"),
    er.NotSignedInError:            (409, "not_signed_in"),
    er.EventNotWantedError:         (409, "event_not_wanted"),
    er.EndpointUnverifiedError:     (409, "webhook_unverified"),
    er.IdempotencyMismatchError:    (409, "idempotency_mismatch"),
    er.IdempotencyInProgressError:  (409, "idempotency_in_progress"),
    er.RateLimitedError:            (429, "rate_limited"),
    # the contact centre's
    er.RejectedByGenesysError:      (502, "rejected_by_genesys"),
    er.ClearRefusedError:           (502, "rejected_by_genesys"),
    er.StepUpRefusedError:          (502, "rejected_by_genesys"),
    er.OutcomeUnknownError:         (502, "outcome_unknown"),
    er.GuestProtocolError:          (503, "unavailable"),
    er.LinkDeniedError:             (503, "unavailable"),
    er.LinkLostError:               (503, "unavailable"),
    er.HistoryUnavailableError:     (503, "unavailable"),
    er.PlatformUnavailableError:    (503, "unavailable"),
    er.LoginUnavailableError:       (503, "unavailable"),
    er.FileTransferError:           (502, "transfer_failed"),
    # lost races that were lost too often
    er.PlaceTakenError:             (503, "unavailable"),
    er.VersionConflictError:        (503, "unavailable"),
    er.LockHeldError:               (503, "unavailable"),
    er.SupersededError:             (503, "unavailable"),
    # ours
    er.UnavailableError:            (503, "unavailable"),
    er.TooLargeError:               (413, "body_too_large"),
    er.IllegalTransitionError:      (500, "internal_error"),
    er.ConfigurationError:          (500, "internal_error"),
}
# fmt: on

STATUS_BY_CODE: Final[Mapping[str, int]] = {
    code: status for status, code in STATUS_BY_ERROR.values()
}
FAILED_SEND_STATUS: Final = 502
"""For a failure whose code is Genesys's or otherwise not in the table."""

INTERNAL: Final = Problem(
    status=500, code="internal_error", detail="the broker made a mistake; it is in its log"
)
CUT_SHORT: Final = Problem(status=400, code="malformed_json", detail="the body was cut short")
FOR_THE_LOG_MOST: Final = 1000
BUSY: Final = "busy; please try again"
NO_ROUTE: Final = {404: "there is nothing at this path", 405: "this path does not take the method"}


def problem_of(error: er.BrokerError) -> Problem:
    """What a caller is told of an error."""
    status, code = STATUS_BY_ERROR.get(type(error), (INTERNAL.status, INTERNAL.code))
    if status == INTERNAL.status:
        return INTERNAL
    hidden = isinstance(error, er.LostRaceError | er.PeerError) and code == "unavailable"
    return Problem(
        status=status,
        code=code,
        detail=BUSY if hidden else str(error),
        extra=_extra(error),
        headers=_headers(error, status),
    )


def for_the_log(error: Exception) -> str:
    """What our log says of an error: its class, and of our own faults what they say.

    Those name settings, tables, queues and states. The text of any other may hold what people
    wrote, or what the contact centre said of it.
    """
    name = type(error).__name__
    match error:
        case (
            er.ConfigurationError()
            | er.IllegalTransitionError()
            | er.TooLargeError()
            | er.UnavailableError()
        ):
            return f"{name}: {error}"[:FOR_THE_LOG_MOST]
        case er.RejectedByGenesysError():
            return f"{name}: {error.provider_code}"[:FOR_THE_LOG_MOST]
        case _:
            return name


def failed_send(message: Mapping[str, Any]) -> Problem:
    """The problem of a message that failed for good; the message itself stays in the transcript."""
    failure: Mapping[str, Any] = message["failure"] or {"code": "outcome_unknown", "detail": ""}
    return Problem(
        status=STATUS_BY_CODE.get(failure["code"], FAILED_SEND_STATUS),
        code=failure["code"],
        detail=failure["detail"] or "the message failed",
        extra={
            "messageId": message["id"],
            "sequence": message["sequence"],
            "providerCode": failure.get("providerCode"),
        },
    )


def install(app: FastAPI) -> None:
    """Answer every error of the application as a problem."""
    app.add_exception_handler(er.BrokerError, _broker_error)
    app.add_exception_handler(RefusedError, _refused)
    app.add_exception_handler(FailedError, _failed)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _framework)
    app.add_exception_handler(ClientDisconnect, _gone)
    app.add_exception_handler(Exception, _mistake)


def _told(request: Request, problem: Problem) -> JSONResponse:
    """The answer; its code stands in the request's line too."""
    request.state.code = problem.code
    return answer(problem)


async def _broker_error(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, er.BrokerError)  # noqa: S101 - registered for it
    problem = problem_of(error)
    if problem.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        request.state.error = for_the_log(error)
    return _told(request, problem)


async def _refused(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RefusedError)  # noqa: S101 - registered for it
    return _told(request, error.problem)


async def _failed(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, FailedError)  # noqa: S101 - registered for it
    request.state.error = f"message: {error.problem.code}"
    return _told(request, error.problem)


async def _invalid(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)  # noqa: S101 - registered for it
    faults = [
        er.FieldFault(pointer=pointer_of(fault["loc"]), detail=_plain(fault))
        for fault in error.errors()
    ]
    return _told(request, problem_of(er.InvalidRequestError(*faults)))


async def _framework(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)  # noqa: S101 - registered for it
    code = CODE_BY_STATUS.get(error.status_code, INTERNAL.code)
    detail = NO_ROUTE.get(error.status_code) or HTTPStatus(error.status_code).phrase
    headers = dict(error.headers or {})
    if error.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
        headers |= _allow(request)
    return _told(
        request, Problem(status=error.status_code, code=code, detail=detail, headers=headers)
    )


def _allow(request: Request) -> dict[str, str]:
    """Every method of the path (RFC 9110, 15.5.6); the framework names those of one route only."""
    methods = {
        method.upper()
        for path, operations in request.app.openapi()["paths"].items()
        if compile_path(path)[0].match(request.url.path)
        for method in operations
    }
    return {"Allow": ", ".join(sorted(methods))} if methods else {}


async def _gone(request: Request, _: Exception) -> JSONResponse:
    # Nobody reads it; without an answer the server would log a mistake of ours.
    return _told(request, CUT_SHORT)


async def _mistake(request: Request, _: Exception) -> JSONResponse:
    # The server logs the error itself: it is raised on after this answer.
    return _told(request, INTERNAL)


def pointer_of(place: Sequence[int | str]) -> str:
    """A JSON pointer (RFC 6901) into the body; a parameter is named by its place, then by name."""
    where, *rest = place
    parts = rest if where == "body" else place
    return "".join(f"/{str(part).replace('~', '~0').replace('/', '~1')}" for part in parts)


def _plain(fault: Mapping[str, Any]) -> str:
    if fault["type"] == "extra_forbidden":
        return "is not a field of this request"
    text: str = fault["msg"]
    return text[:1].lower() + text[1:]


def _extra(error: er.BrokerError) -> dict[str, Any]:
    faults = _faults(error)
    return (faults_of(faults) if faults else {}) | _named(error)


def _faults(error: er.BrokerError) -> Sequence[er.FieldFault]:
    """The places in the body that it speaks of."""
    match error:
        case er.InvalidRequestError():
            return error.faults
        case er.AttachmentTypeNotAllowedError() | er.OptionNotOfferedError():
            return [er.FieldFault(pointer=error.pointer, detail=error.detail)]
        case er.AttachmentTooLargeError():
            return [er.FieldFault(pointer="/fileSize", detail=str(error))]
        case er.UnknownMessageError():
            return [er.FieldFault(pointer=error.pointer, detail=str(error))]
        case _:
            return []


def _named(error: er.BrokerError) -> dict[str, Any]:
    """Members of the problem beside the usual ones."""
    match error:
        case er.AttachmentStateError():
            return {"attachmentId": error.attachment_id, "attachmentStatus": error.status}
        case er.ExternalIdInUseError():
            return {"sessionId": error.session_id}
        case er.OptionNotOfferedError():
            return {"offered": list(error.offered)}
        case er.RejectedByGenesysError() | er.AuthenticationFailedError():
            return {"providerCode": error.provider_code}
        case _:
            return {}


def _headers(error: er.BrokerError, status: int) -> dict[str, str]:
    match error:
        case er.UnauthorizedError():
            return {"WWW-Authenticate": "Bearer"}
        case er.RateLimitedError() | er.UnavailableError():
            return {"Retry-After": str(error.retry_after_seconds)}
        case er.IdempotencyInProgressError():
            return {"Retry-After": "1"}
        case _:
            return {"Retry-After": "1"} if status == HTTPStatus.SERVICE_UNAVAILABLE else {}
