"""What a visit notes: leases, the link's life, frames, decisions, sends; no words, no secrets."""

import json

from service.domain.errors import LinkDeniedError, LinkLostError
from service.domain.send import SendKind
from service.domain.session import Session
from service.domain.timeline import Kind, Note
from service.usecases.visit.noting import note_lease, note_send
from tests.support.store_builders import a_send
from tests.support.visit_stage import LISTENER, Stage, on_virtual_time, staged


async def _notes(stage: Stage, session: Session) -> list[Note]:
    pages = await stage.ports.timeline.pages(session.id, since=0.0, limit=50)
    waiting = stage.assembly.visit.tools.logbook.unwritten(session.id)
    found = {page.begun: page for page in (*pages, *waiting)}
    return [note for begun in sorted(found) for note in found[begun].notes]


async def _whats(stage: Stage, session: Session, kind: Kind) -> list[str]:
    return [note.what for note in await _notes(stage, session) if note.kind is kind]


@on_virtual_time
async def test_a_message_is_noted_on_its_way() -> None:
    async with staged() as stage:
        session = await stage.chatted("hello there")

        sent = [note for note in await _notes(stage, session) if note.message_id is not None]
        told = [(note.kind.value, note.what, note.facts.get("name")) for note in sent]
        assert told == [
            ("send", "written", None),
            ("frame", "sent", "onMessage"),
            ("frame", "received", "StructuredMessage"),
            ("send", "confirmed", None),
        ]
        assert len({note.facts["tracingId"] for note in sent}) == 1
        text = json.dumps([dict(note.facts) for note in await _notes(stage, session)])
        assert "hello" not in text
        assert session.client_id not in text
        assert "lck_" not in text


@on_virtual_time
async def test_a_link_is_noted_from_its_opening_to_its_end() -> None:
    async with staged() as stage:
        session = await stage.chatted()
        async with stage.held(session):
            stage.control.drop()
            await stage.clock.sleep(8)

        links = await _whats(stage, session, Kind.LINK)
        assert links[:3] == ["opened", "configured", "closed"]
        assert links[3:] == ["opened", "configured", "lost", "opened", "configured", "closed"]
        lost = next(n for n in await _notes(stage, session) if n.what == "lost")
        assert lost.facts["code"] == 1006


@on_virtual_time
async def test_decisions_are_noted_with_their_causes() -> None:
    async with staged() as stage:
        session = await stage.chatted()
        decisions = [n for n in await _notes(stage, session) if n.kind is Kind.DECISION]
        assert [note.what for note in decisions] == [
            "VisitBegan",
            "GuestSessionOpened",
            "VisitEnded",
        ]
        opened = decisions[1].facts
        assert (opened["before"], opened["after"], opened["events"]) == ("opening", "live", 1)


@on_virtual_time
async def test_a_replacement_is_noted_as_one() -> None:
    async with staged() as stage:
        session = await stage.chatted()
        stage.control.forget(session.client_id)
        async with stage.held(session):
            pass

        replaced = [n for n in await _notes(stage, session) if n.facts.get("replaced")]
        assert [note.facts["incarnation"] for note in replaced] == [2]


@on_virtual_time
async def test_who_answers_for_a_session_is_noted_by_name_unless_it_is_a_lock() -> None:
    async with staged() as stage:
        session = await stage.chatted()
        async with stage.held(session):
            pass
        desk = await stage.desk(session)
        note_lease(desk, "given", successor="own_2", fence_of=None)

        leases = [n for n in await _notes(stage, session) if n.kind is Kind.LEASE]
        assert [(n.what, n.facts["owner"]) for n in leases] == [
            ("visited", "request"),
            ("visited", LISTENER),
            ("given", LISTENER),
        ]
        assert leases[2].facts == {"owner": LISTENER, "successor": "own_2"}


@on_virtual_time
async def test_a_join_is_no_message_of_a_caller() -> None:
    async with staged() as stage:
        session = await stage.chatted()
        desk = await stage.desk(session)
        note_send(desk, a_send(session, 2, kind=SendKind.JOIN), "settled", retryAt=None)

        note = (await _notes(stage, session))[-1]
        assert (note.what, note.message_id, note.facts["kind"]) == ("settled", None, "join")
        assert "retryAt" not in note.facts


@on_virtual_time
async def test_a_frame_that_is_none_is_noted_by_its_size() -> None:
    async with staged() as stage:
        session = await stage.chatted()
        stage.control.fault("malformed", direction="Outbound", text="{secret words")
        async with stage.held(session):
            stage.say(session, "hi")
            await stage.clock.sleep(3)

        [broken] = [n for n in await _notes(stage, session) if n.what == "malformed"]
        assert broken.facts["size"] == len("{secret words")
        assert "secret" not in str(broken)


@on_virtual_time
async def test_a_link_that_does_not_come_about_is_noted() -> None:
    async with staged() as stage:
        session = await stage.chatted()
        stage.wires.denied.extend([LinkLostError(code=1006), LinkDeniedError(status=403)])
        await stage.accept(session, "more")
        await stage.attend(session)

        links = await _whats(stage, session, Kind.LINK)
        assert [what for what in links if what in {"failed", "denied"}] == ["failed", "denied"]


@on_virtual_time
async def test_a_link_that_waits_for_its_turn_is_noted() -> None:
    async with staged() as stage:
        session = await stage.chatted()
        await stage.clock.sleep(5)
        await stage.use_up(most=83)
        await stage.accept(session, "more")
        await stage.attend(session)

        waits = [n for n in await _notes(stage, session) if n.what == "waits"]
        assert [note.kind for note in waits] == [Kind.LINK] * len(waits) != []
        assert all("until" in note.facts for note in waits)


@on_virtual_time
async def test_what_waits_for_a_domain_that_is_not_allowed_is_told_and_goes_out_once_it_is() -> (
    None
):
    async with staged() as stage:
        session = await stage.chatted()
        stage.wires.denied.extend([LinkLostError(code=1006, reason="not_allowed")] * 99)
        await stage.accept(session, "more")
        await stage.attend(session)

        reasons = {
            n.facts.get("reason") for n in await _notes(stage, session) if n.what == "failed"
        }
        assert reasons == {"not_allowed"}
        assert "more" not in str(stage.control.transcript())

        stage.wires.denied.clear()
        await stage.clock.sleep(120)
        await stage.attend(session)
        assert "more" in str(stage.control.transcript())
