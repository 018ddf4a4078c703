"""Each error says one sentence made of its facts."""

import inspect

import pytest

from service.domain import errors as er


def said() -> list[tuple[er.BrokerError, str]]:
    """Each error, and words that it says. Made anew in a test, so that coverage sees them made."""
    return [
        (er.UnauthorizedError(), "Authorization: Bearer"),
        (er.InsufficientScopeError(scope="webhooks"), "this needs the scope webhooks"),
        (er.NotFoundError(kind="session", name="ses_1"), "no such session: ses_1"),
        (er.TextTooLongError(size=9, limit=8), "9 bytes of UTF-8; the limit is 8"),
        (er.AttributesTooLargeError(size=9, limit=8), "9 bytes (keys and values); the limit is 8"),
        (er.UnknownDeploymentError(name="shop"), "named shop"),
        (er.UnknownAttachmentError(attachment_id="a"), "no attachment a"),
        (
            er.UnknownMessageError(pointer="/form", name="msg_1"),
            "msg_1 is no message of this guest",
        ),
        (er.OptionNotOfferedError(pointer="/form", detail="no", offered=[]), "/form: no"),
        (er.AttachmentTypeNotAllowedError(pointer="/fileName", detail="no .exe"), "no .exe"),
        (er.AttachmentTooLargeError(size=9, limit=8), "9 bytes; the limit is 8"),
        (er.TooManyAttachmentsError(limit=3), "has 3 files that are not sent"),
        (er.AttachmentStateError(attachment_id="a", status="sent", wanted="x"), "a is sent: x"),
        (er.AttachmentGoneError(attachment_id="a"), "attachment a any more"),
        (er.BlockedTargetError(reason="private"), "not allowed: private"),
        (er.NameInUseError(name="shop", reason="taken"), "shop: taken"),
        (er.ExternalIdInUseError(external_id="e", session_id="ses_1"), "session ses_1 holds this"),
        (er.SessionReadOnlyError(session_id="ses_1"), "ses_1 is read-only"),
        (er.SessionEndedError(session_id="ses_1"), "ses_1 has ended"),
        (er.SessionFailedError(session_id="ses_1", detail="why"), "ses_1 has failed: why"),
        (er.EndpointUnverifiedError(endpoint_id="whk_1"), "whk_1 has not proved itself"),
        (er.EventNotWantedError(event_type="message.failed"), "does not take message.failed"),
        (er.IdempotencyMismatchError(), "a different request"),
        (er.IdempotencyInProgressError(), "still being handled"),
        (er.RateLimitedError(retry_after_seconds=3), "wait 3 s"),
        (er.GuestProtocolError(path="body", problem="no text"), "at body: no text"),
        (er.LinkDeniedError(status=403), "HTTP 403"),
        (er.LinkLostError(code=1006), "closed with 1006"),
        (er.HistoryUnavailableError(status=None), "HTTP None"),
        (
            er.PlatformUnavailableError(what="the configuration", status=500),
            "the configuration could",
        ),
        (er.FileTransferError(status=403), "could not be moved (HTTP 403)"),
        (er.RejectedByGenesysError(provider_code="4011", detail="long"), "(4011): long"),
        (er.ClearRefusedError(), "refused to clear"),
        (
            er.AuthenticationFailedError(status=400, provider_code="bad.code"),
            "(HTTP 400, bad.code)",
        ),
        (er.NotSignedInError(session_id="ses_1"), "ses_1 is anonymous"),
        (er.LoginUnavailableError(status=503), "HTTP 503"),
        (er.StepUpRefusedError(), "goes on anonymous"),
        (er.OutcomeUnknownError(), "can no longer be proven"),
        (er.PlaceTakenError(sequence=4), "sequence 4 is taken"),
        (er.VersionConflictError(item="ses_1"), "ses_1 changed meanwhile"),
        (er.SupersededError(session_id="ses_1"), "ses_1 changed under this visit"),
        (er.LockHeldError(until=1.0), "another visit is at work"),
        (er.IllegalTransitionError(state="live", event="X"), "X cannot happen in live"),
        (er.UnavailableError(what="the store"), "the store is not answering"),
        (er.TooLargeError(what="the item", limit=4), "the item is past the limit of 4"),
        (er.ConfigurationError("one", "two"), "one; two"),
        (
            er.InvalidRequestError(
                er.FieldFault(pointer="/a", detail="x"), er.FieldFault(pointer="/b", detail="y")
            ),
            "/a: x; /b: y",
        ),
    ]


@pytest.mark.parametrize(("error", "words"), said(), ids=lambda value: type(value).__name__)
def test_an_error_says_its_facts(error: er.BrokerError, words: str) -> None:
    assert words in str(error)


def test_a_login_is_refused_with_or_without_a_code_of_genesys() -> None:
    assert "(HTTP 401)" in str(er.AuthenticationFailedError(status=401))


def test_an_attachment_that_is_there_but_not_uploaded_is_told_with_its_status() -> None:
    error = er.UnknownAttachmentError(attachment_id="a", status="sent")

    assert str(error) == "attachment a is sent; only one that is uploaded is sent"


def test_a_fault_of_the_whole_body_names_no_field() -> None:
    error = er.InvalidRequestError(er.FieldFault(pointer="", detail="needs text"))

    assert str(error) == "needs text"


def test_every_error_is_said_and_nothing_is_missing_from_the_face() -> None:
    kinds = {
        kind
        for _, kind in inspect.getmembers(er, inspect.isclass)
        if issubclass(kind, er.BrokerError)
    }
    branches = {kind for kind in kinds if kind.__subclasses__()}

    assert {type(error) for error, _ in said()} == kinds - branches
    assert {kind.__name__ for kind in kinds} | {"FieldFault"} == set(er.__all__)


def test_waits_and_reasons_are_kept() -> None:
    assert er.LinkDeniedError(status=429, retry_after_seconds=2.0).retry_after_seconds == 2.0
    assert (
        er.HistoryUnavailableError(status=429, retry_after_seconds=2.0).retry_after_seconds == 2.0
    )
    assert er.UnavailableError(what="x").retry_after_seconds == 1
    assert er.LinkLostError(code=1001, reason="away").reason == "away"
    assert er.ExternalIdInUseError(external_id="e", session_id="s").external_id == "e"


@pytest.mark.parametrize(
    ("status", "passes"), [(None, True), (429, True), (408, True), (503, True), (403, False)]
)
def test_a_transfer_that_nobody_refused_may_go_well_a_moment_later(
    status: int | None, *, passes: bool
) -> None:
    assert er.FileTransferError(status=status).may_pass is passes
