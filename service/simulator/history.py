"""The history call: newest first, in pages, behind the short-lived JWT of the socket."""

from service.simulator.answers import Answer, bearer_of, error_answer, json_answer
from service.simulator.events import HttpRequested
from service.simulator.faults import FaultKind, Moment
from service.simulator.session import Session, Stored
from service.simulator.shapes import JsonObject, int_at
from service.simulator.state import Jwt, WorldState, whole_seconds

KEPT = ("id", "type", "text", "content", "events", "direction", "originatingEntity")


def read_history(state: WorldState, request: HttpRequested) -> Answer:
    """Answer `GET /api/v2/webmessaging/messages`."""
    jwt = _jwt(state, request)
    if jwt is None:
        return error_answer(state, 401, "bad.credentials", "Invalid login credentials.")
    session = jwt.session
    moment = Moment(deployment=session.deployment, token=session.token, action="history")
    if failed := state.strike(FaultKind.FAIL_HISTORY, moment):
        status = failed.status or 500
        answer = error_answer(state, status, "internal.server.error", "Simulated failure")
        return _retry_later(answer, failed.retry_after) if status in (429, 503) else answer
    if wait := session.history_reads.admit(state.now, state.knobs.history_reads_per_minute):
        answer = error_answer(state, 429, "too.many.requests", "Rate limit exceeded")
        return _retry_later(answer, whole_seconds(wait))
    state.journal.token(session.token).history_reads += 1
    state.journal.deployment(session.deployment).history_reads += 1
    lag = state.knobs.history_lag_seconds
    if lagging := state.strike(FaultKind.LAG_HISTORY, moment):
        lag = max(lag, lagging.seconds)
    return json_answer(_page(state, session, request, lag))


def _jwt(state: WorldState, request: HttpRequested) -> Jwt | None:
    jwt = state.jwts.get(bearer_of(request.headers))
    if jwt is None or jwt.session.gone or jwt.expires_at <= state.now:
        return None
    return jwt


def _retry_later(answer: Answer, seconds: int) -> Answer:
    headers = {**answer.headers, "retry-after": str(seconds)}
    return Answer(status=answer.status, body=answer.body, headers=headers)


def _page(state: WorldState, session: Session, request: HttpRequested, lag: float) -> JsonObject:
    visible = [each for each in session.messages if not lag or each.at <= state.now - lag]
    size = max(1, int_at(dict(request.query), "pageSize", 25))
    if most := state.knobs.history_max_page_size:
        size = min(size, most)
    number = max(1, int_at(dict(request.query), "pageNumber", 1))
    newest_first = visible[::-1][(number - 1) * size : number * size]
    return {
        "entities": [_entity(state, each) for each in newest_first],
        "pageSize": size if visible else 0,
        "pageNumber": number,
        "total": len(visible),
        "pageCount": -(-len(visible) // size),
    }


def _entity(state: WorldState, stored: Stored) -> JsonObject:
    entity: JsonObject = {"content": []}
    entity |= {key: stored.body[key] for key in KEPT if key in stored.body}
    channel = stored.body.get("channel")
    if isinstance(channel, dict):
        fields = {key: value for key, value in channel.items() if key not in ("type", "metadata")}
        entity["channel"] = fields if state.knobs.history_times else {**fields, "time": None}
    if state.knobs.history_metadata and "metadata" in stored.body:
        entity["metadata"] = stored.body["metadata"]
    if state.knobs.history_tracing_id and stored.tracing_id is not None:
        entity["tracingId"] = stored.tracing_id
    return entity
