"""An uploaded file outlives its guest session, or its loss is told; never is it silently gone."""

from dataclasses import replace
from typing import Any

import pytest

from service.domain.attachment import Attachment, AttachmentChange, AttachmentStatus
from service.domain.deployment import OnReadOnly
from service.domain.errors import FileTransferError
from service.domain.message import SendBody
from service.domain.session import Session
from service.simulator.deployments import Disconnect
from tests.support.file_stage import asked, attend, put, send, stored
from tests.support.virtual_time import UnhandledError, run_virtual
from tests.support.visit_stage import Stage, Watched, on_virtual_time, staged

S = AttachmentStatus


async def _up(stage: Stage, session: Session) -> Attachment:
    file = await attend(stage, await asked(stage, session))
    await put(stage, file)
    await stage.reconcile(session)
    stage.wires.sent.clear()
    return await stored(stage, file)


def _watch_files(stage: Stage) -> Watched:
    watched = Watched(stage.ports.guest_files)
    ports = replace(stage.ports, guest_files=watched)
    tools = replace(stage.assembly.visit.tools, ports=ports)
    visit = replace(stage.assembly.visit, tools=tools)
    stage.assembly = replace(stage.assembly, visit=visit)
    return watched


async def _replaced(stage: Stage, session: Session, *, seconds: float = 20.0) -> None:
    stage.control.forget(session.client_id)
    async with stage.held(session):
        await stage.clock.sleep(seconds)


async def _failure(stage: Stage, file: Attachment) -> tuple[str | None, str | None]:
    failure = (await stored(stage, file)).failure
    return (None, None) if failure is None else (failure.code, failure.provider_code)


@on_virtual_time
async def test_an_uploaded_file_is_carried_over_and_can_be_sent() -> None:
    async with staged() as stage:
        session = await stage.chatted()
        file = await _up(stage, session)
        await _replaced(stage, session)

        carried = await stored(stage, file)
        assert (carried.status, carried.incarnation) == (S.UPLOADED, 2)
        assert carried.guest_id != file.guest_id
        # It was told once that it is there; nothing changed for its caller.
        assert len(await stage.of(session, "attachment.uploaded")) == 1
        await send(stage, await stage.load(session), carried)
        await stage.attend(session)
        assert (await stored(stage, file)).status is S.SENT


@on_virtual_time
async def test_a_message_waits_for_its_file_and_those_behind_it_too() -> None:
    async with staged(knobs={"scan_seconds": 3}) as stage:
        session = await stage.chatted()
        file = await _up(stage, session)
        await send(stage, session, file, "With it")
        await stage.accept(session, "After it")
        await _replaced(stage, session)

        assert stage.arrived()[-2:] == ["With it", "After it"]
        assert (await stored(stage, file)).status is S.SENT


@on_virtual_time
async def test_a_file_whose_address_is_too_old_is_left_behind_and_told() -> None:
    async with staged() as stage:
        session = await stage.chatted()
        file = await _up(stage, session)
        await stage.clock.sleep(700)
        await _replaced(stage, session)

        assert await _failure(stage, file) == ("guest_session_replaced", None)
        assert len(await stage.of(session, "attachment.failed")) == 1


@on_virtual_time
async def test_a_file_that_waits_on_a_held_link_is_carried_over_for_an_hour() -> None:
    async with staged() as stage:
        session = await stage.chatted()
        file = await _up(stage, session)
        async with stage.held(session):
            await stage.clock.sleep(3000)
            asked_for = len(stage.frames("getAttachment"))
            stage.control.forget(session.client_id)
            stage.control.drop(session.client_id)
            await stage.clock.sleep(30)
            carried = await stored(stage, file)
            await stage.clock.sleep(3 * 3600)

        assert (carried.status, carried.incarnation) == (S.UPLOADED, 2)
        assert asked_for == 6
        # Who has not sent it by then seldom will: it costs a request and a write each time.
        assert len(stage.frames("getAttachment")) <= 8


@pytest.mark.parametrize(
    ("fault", "status", "asked_for"),
    [
        ({"kind": "refuse", "code": 4009, "count": 1}, S.FAILED, 1),
        ({"kind": "refuse", "code": 500, "count": 1}, S.UPLOADED, 1),
        ({"kind": "swallow_write", "count": 3}, S.UPLOADED, 3),
    ],
    ids=["gone", "refused", "silent"],
)
@on_virtual_time
async def test_a_link_that_does_not_tell_where_a_file_is_is_not_asked_again(
    fault: dict[str, Any], status: AttachmentStatus, asked_for: int
) -> None:
    async with staged() as stage:
        session = await stage.chatted()
        file = await _up(stage, session)
        stage.control.fault(**fault, action="getAttachment")
        async with stage.held(session):
            await stage.clock.sleep(3000)

        assert (await stored(stage, file)).status is status
        assert len(stage.frames("getAttachment")) == asked_for


@pytest.mark.parametrize("statuses", [(403,), (None, 503, 429)], ids=["refused", "thrice"])
@on_virtual_time
async def test_bytes_that_cannot_be_moved_are_left_behind_and_the_message_fails(
    statuses: tuple[int | None, ...],
) -> None:
    async with staged() as stage:
        session = await stage.chatted()
        file = await _up(stage, session)
        await send(stage, session, file, "With it")
        watched = _watch_files(stage)
        watched.fail("copy", *(FileTransferError(status=status) for status in statuses))
        await _replaced(stage, session)

        assert watched.calls["copy"] == len(statuses)
        assert await _failure(stage, file) == ("guest_session_replaced", None)
        [failed] = await stage.of(session, "message.failed")
        assert failed["message"]["failure"]["code"] == "attachment_failed"


@pytest.mark.parametrize("failures", [1, 2])
@on_virtual_time
async def test_what_hinders_it_for_a_moment_loses_neither_file_nor_message(failures: int) -> None:
    async with staged() as stage:
        session = await stage.chatted()
        file = await _up(stage, session)
        await send(stage, session, file, "With it")
        watched = _watch_files(stage)
        watched.fail("copy", *[FileTransferError(status=503)] * failures)
        await _replaced(stage, session)

        assert watched.calls["copy"] == failures + 1
        assert (await stored(stage, file)).status is S.SENT
        assert stage.arrived() == ["Hello", "With it"]


@pytest.mark.parametrize("why", ["elsewhere", "there already"])
@on_virtual_time
async def test_nobody_tries_again_to_move_what_need_not_be_moved(why: str) -> None:
    async with staged() as stage:
        session = await stage.chatted()
        file = await _up(stage, session)
        watched = _watch_files(stage)

        async def meanwhile() -> None:
            if why == "elsewhere":
                stage.control.forget(session.client_id)
                stage.control.drop(session.client_id)
                await stage.clock.sleep(1)
            else:
                # The bytes got there; the answer that says so is lost.
                await put(stage, await stored(stage, file))
            raise FileTransferError(status=None)

        watched.before("copy", meanwhile)
        await _replaced(stage, session, seconds=30)

        carried = await stored(stage, file)
        again = why == "elsewhere"
        assert (carried.status, carried.incarnation) == (S.UPLOADED, 3 if again else 2)
        assert watched.calls["copy"] == (2 if again else 1)


@pytest.mark.parametrize(
    ("fault", "code"),
    [
        ({"kind": "refuse", "action": "onAttachment", "code": 4000, "count": 1}, "4000"),
        ({"kind": "swallow_write", "action": "onAttachment", "count": 3}, None),
        ({"kind": "swallow_frame", "frame_class": "UploadSuccessEvent", "count": 1}, "found"),
    ],
    ids=["refused", "silent", "missed"],
)
@on_virtual_time
async def test_whatever_hinders_it_is_told(fault: dict[str, Any], code: str | None) -> None:
    async with staged(knobs={"upload_seconds": 30}) as stage:
        session = await stage.chatted()
        file = await _up(stage, session)
        stage.control.fault(**fault)
        await _replaced(stage, session, seconds=150)

        if code == "found":
            # The last look finds it.
            assert (await stored(stage, file)).status is S.UPLOADED
        else:
            assert await _failure(stage, file) == ("guest_session_replaced", code)


@on_virtual_time
async def test_who_died_while_carrying_is_followed_by_the_next_visit() -> None:
    async with staged() as stage:
        session = await stage.chatted()
        file = await _up(stage, session)
        watched = _watch_files(stage)

        async def slow() -> None:
            await stage.clock.sleep(100)

        watched.before("copy", slow)
        await _replaced(stage, session, seconds=5)
        half = await stored(stage, file)
        assert (half.status, half.incarnation) == (S.RESTAGING, 2)
        async with stage.held(session):
            await stage.clock.sleep(10)

        carried = await stored(stage, file)
        assert (carried.status, carried.guest_id) == (S.UPLOADED, half.guest_id)


@on_virtual_time
async def test_who_died_after_the_bytes_arrived_is_followed_without_another_copy() -> None:
    async with staged() as stage:
        session = await stage.chatted()
        file = await _up(stage, session)
        stage.control.fault("swallow_frame", frame_class="UploadSuccessEvent", count=1)
        await _replaced(stage, session, seconds=5)
        assert (await stored(stage, file)).status is S.RESTAGING
        watched = _watch_files(stage)
        async with stage.held(session):
            await stage.clock.sleep(10)

        assert (await stored(stage, file)).status is S.UPLOADED
        assert watched.calls["copy"] == 0


@on_virtual_time
async def test_a_second_replacement_begins_anew() -> None:
    async with staged() as stage:
        session = await stage.chatted()
        file = await _up(stage, session)
        watched = _watch_files(stage)

        async def slow() -> None:
            await stage.clock.sleep(100)

        watched.before("copy", slow)
        await _replaced(stage, session, seconds=5)
        await _replaced(stage, session, seconds=20)

        carried = await stored(stage, file)
        assert (carried.status, carried.incarnation) == (S.UPLOADED, 3)


@on_virtual_time
async def test_a_carrying_that_nobody_can_finish_is_given_up_after_an_hour() -> None:
    async with staged(knobs={"upload_seconds": 30}) as stage:
        session = await stage.chatted()
        with_address, without = await _up(stage, session), await _up(stage, session)
        await stage.reconcile(session)
        for file, incarnation in ((with_address, 1), (without, None)):
            now = await stored(stage, file)
            upload = (await _address(stage, session)).upload if incarnation else None
            half = replace(
                now,
                status=S.RESTAGING,
                incarnation=incarnation,
                upload=upload,
                updated_at=stage.now,
            )
            await stage.ports.attachments.wish(AttachmentChange(before=now, after=half))
        stage.control.fault("deny_handshake", status=503, count=0)
        # Nobody tries meanwhile: a try every three seconds would take this test long.
        await stage.clock.sleep(3500)
        async with stage.held(session):
            await stage.clock.sleep(300)

        for file in (with_address, without):
            assert await _failure(stage, file) == ("guest_session_replaced", None)


async def _address(stage: Stage, session: Session) -> Attachment:
    return await attend(stage, await asked(stage, session))


@on_virtual_time
async def test_a_silent_last_look_leaves_it_behind() -> None:
    async with staged(knobs={"upload_seconds": 30}) as stage:
        session = await stage.chatted()
        file = await _up(stage, session)
        stage.control.fault("swallow_frame", frame_class="UploadSuccessEvent", count=1)
        stage.control.fault("swallow_write", action="getAttachment", count=3)
        await _replaced(stage, session, seconds=200)

        assert await _failure(stage, file) == ("guest_session_replaced", None)


@on_virtual_time
async def test_a_refused_last_look_leaves_it_behind() -> None:
    async with staged(knobs={"upload_seconds": 30}) as stage:
        session = await stage.chatted()
        file = await _up(stage, session)
        stage.control.fault("swallow_frame", frame_class="UploadSuccessEvent", count=1)
        stage.control.fault("refuse", action="getAttachment", code=4010, count=1)
        await _replaced(stage, session, seconds=200)

        assert await _failure(stage, file) == ("guest_session_replaced", None)


@on_virtual_time
async def test_what_arrived_where_nobody_looks_any_more_is_carried_again() -> None:
    async with staged() as stage:
        session = await stage.chatted()
        file = await _up(stage, session)
        watched = _watch_files(stage)

        async def replaced_again() -> None:
            stage.control.forget(session.client_id)
            stage.control.drop(session.client_id)
            await stage.clock.sleep(10)

        watched.before("copy", replaced_again)
        await _replaced(stage, session, seconds=30)

        carried = await stored(stage, file)
        assert (carried.status, carried.incarnation) == (S.UPLOADED, 3)
        assert watched.calls["copy"] == 2


def test_a_fault_of_ours_while_carrying_is_reported_and_keeps_no_visit() -> None:
    ends: list[tuple[float, str | None]] = []

    async def story() -> None:
        async with staged() as stage:
            session = await stage.chatted()
            file = await _up(stage, session)
            _watch_files(stage).fail("copy", RuntimeError("odd"))
            stage.control.forget(session.client_id)
            begun = stage.now
            await stage.visit(session, reconcile=True)
            ends.append((stage.now - begun, (await _failure(stage, file))[0]))

    with pytest.raises(UnhandledError, match="odd"):
        run_virtual(story())
    [(seconds, code)] = ends
    assert (seconds < 15, code) == (True, "guest_session_replaced")


async def _leaves_a_closed_chat(stage: Stage, **fault: Any) -> Attachment:  # noqa: ANN401 - of the verb
    """Its file once a message has opened a new chat, long after Genesys told where the file is."""
    session = await stage.chatted()
    file = await _up(stage, session)
    stage.control.disconnect(session.client_id)
    await stage.reconcile(session)
    await stage.clock.sleep(700)
    body = SendBody(text="With it", attachment_ids=(file.id,))
    await stage.accept_body(await stage.load(session), body, on_read_only=OnReadOnly.START_NEW)
    if fault:
        stage.control.fault(**fault, action="getAttachment")
    async with stage.held(session):
        await stage.clock.sleep(60)
    return await stored(stage, file)


@on_virtual_time
async def test_a_message_takes_its_file_along_out_of_a_closed_chat_however_old() -> None:
    async with staged(simulated={"disconnect": Disconnect.READ_ONLY}) as stage:
        file = await _leaves_a_closed_chat(stage)

        assert (file.status, file.incarnation) == (S.SENT, 2)
        assert stage.arrived() == ["Hello", "With it"]


@pytest.mark.parametrize(
    "fault",
    [
        {"kind": "refuse", "code": 4009, "count": 1},
        {"kind": "refuse", "code": 403, "count": 1},
        {"kind": "swallow_write", "count": 3},
    ],
    ids=["gone", "refused", "silent"],
)
@on_virtual_time
async def test_a_closed_chat_that_does_not_tell_is_left_all_the_same(fault: dict[str, Any]) -> None:
    async with staged(simulated={"disconnect": Disconnect.READ_ONLY}) as stage:
        file = await _leaves_a_closed_chat(stage, **fault)

        assert (file.status, file.failure and file.failure.code) == (
            S.FAILED,
            "guest_session_replaced",
        )
        session = await stage.ports.sessions.load(file.session_id)
        [failed] = await stage.of(session, "message.failed")
        assert failed["message"]["failure"]["code"] == "attachment_failed"


@on_virtual_time
async def test_being_told_to_wait_for_where_a_file_is_keeps_nobody_in_a_closed_chat() -> None:
    async with staged(simulated={"disconnect": Disconnect.READ_ONLY}) as stage:
        file = await _leaves_a_closed_chat(stage, kind="throttle", retry_after=30, count=1)

        assert (file.status, file.incarnation) == (S.SENT, 2)
        assert stage.arrived() == ["Hello", "With it"]
