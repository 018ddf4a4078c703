"""Which HTTP path is answered by what.

The real service spreads these paths over several hosts; here one origin has them all.
"""

import re
from collections.abc import Callable
from http import HTTPStatus
from typing import Final

from service.simulator import login
from service.simulator.answers import Answer, bearer_of, error_answer, json_answer
from service.simulator.attachment import FileState
from service.simulator.conversations import conversation, message_details, oauth_token
from service.simulator.deployments import Deployment, config_json, domains_json
from service.simulator.events import HttpRequested
from service.simulator.files import take_upload
from service.simulator.history import read_history
from service.simulator.shapes import JsonObject, parse_object
from service.simulator.state import WorldState

Route = Callable[[WorldState, HttpRequested, str], Answer]


def answer_http(state: WorldState, request: HttpRequested) -> Answer:
    """Answer any request but those of the control API."""
    known_path = False
    for method, pattern, route in ROUTES:
        if match := re.fullmatch(pattern, request.path):
            known_path = True
            if method == request.method:
                return route(state, request, match[1] if match.re.groups else "")
    if known_path:
        return error_answer(state, 405, "method.not.allowed", "HTTP method not allowed.")
    return error_answer(state, 404, "not.found", "The requested resource was not found.")


def _socket(state: WorldState, request: HttpRequested, _: str) -> Answer:
    return error_answer(state, 426, "upgrade.required", f"{request.path} is a WebSocket.")


def _history(state: WorldState, request: HttpRequested, _: str) -> Answer:
    return read_history(state, request)


def _config(state: WorldState, request: HttpRequested, ident: str) -> Answer:
    deployment = state.deployments.get(ident)
    # The public files lie in a bucket that answers 403 for what it does not have.
    return _file(deployment, config_json(deployment, request.origin)) if deployment else FORBIDDEN


def _domains(state: WorldState, _: HttpRequested, ident: str) -> Answer:
    deployment = state.deployments.get(ident)
    return _file(deployment, domains_json(deployment)) if deployment else FORBIDDEN


def _file(deployment: Deployment, content: JsonObject) -> Answer:
    if deployment.files_status != HTTPStatus.OK:
        return Answer(status=deployment.files_status)
    if deployment.files_broken:
        return json_answer({"messenger": "on", "allowAllDomains": "yes"})
    return json_answer(content)


def _upload(state: WorldState, request: HttpRequested, ident: str) -> Answer:
    attachment = state.attachments.get(ident)
    if attachment is None or request.query.get("X-Sim-Signature") != attachment.signature:
        return FORBIDDEN
    if request.headers.get("x-amz-tagging") != attachment.tagging:
        return FORBIDDEN
    too_late = state.now > attachment.created_at + state.knobs.upload_seconds
    if attachment.state is FileState.SENT or too_late:
        return FORBIDDEN
    take_upload(state, attachment, request.body, request.origin)
    return Answer()


def _download(state: WorldState, _: HttpRequested, ident: str) -> Answer:
    download = state.downloads.get(ident)
    if download is None or download.expires_at <= state.now:
        return error_answer(state, 404, "resource.not.found", "Resource was not found.")
    headers = {"content-type": download.attachment.mime}
    return Answer(body=download.attachment.content, headers=headers)


def _oauth(state: WorldState, request: HttpRequested, _: str) -> Answer:
    return oauth_token(state, request)


def _exchange(state: WorldState, request: HttpRequested, _: str) -> Answer:
    return _signed_in(state, login.exchange(state, parse_object(request.body) or {}))


def _refresh(state: WorldState, request: HttpRequested, _: str) -> Answer:
    return _signed_in(state, login.refresh(state, parse_object(request.body) or {}))


def _signed_in(state: WorldState, body: JsonObject | None) -> Answer:
    if body is None:
        return error_answer(state, 401, "authentication.failed", "Authentication failed.")
    return json_answer(body)


def _revoke(state: WorldState, request: HttpRequested, _: str) -> Answer:
    if login.revoke(state, bearer_of(request.headers)):
        return Answer(status=204)
    return error_answer(state, 401, "bad.credentials", "Invalid login credentials.")


FORBIDDEN: Final = Answer(
    status=403,
    body=b"<Error><Code>AccessDenied</Code></Error>",
    headers={"content-type": "text/xml"},
)
ROUTES: Final[tuple[tuple[str, str, Route], ...]] = (
    ("GET", r"/v1/?", _socket),
    ("GET", r"/api/v2/webmessaging/messages", _history),
    ("GET", r"/webdeployments/v1/deployments/([^/]+)/config\.json", _config),
    ("GET", r"/webdeployments/v1/deployments/([^/]+)/domains\.json", _domains),
    ("PUT", r"/uploads/([^/]+)", _upload),
    ("GET", r"/api/v2/downloads/([^/]+)", _download),
    ("POST", r"/api/v2/webdeployments/token/oauthcodegrantjwtexchange", _exchange),
    ("POST", r"/api/v2/webdeployments/token/refresh", _refresh),
    ("DELETE", r"/api/v2/webdeployments/token/revoke", _revoke),
    ("POST", r"/oauth/token", _oauth),
    ("GET", r"/api/v2/conversations/messages/([^/]+)/details", message_details),
    ("GET", r"/api/v2/conversations/messages/([^/]+)", conversation),
    ("GET", r"/api/v2/conversations/([^/]+)", conversation),
)
