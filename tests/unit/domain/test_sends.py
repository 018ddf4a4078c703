"""When a send may go out, and what proves or refutes that it arrived."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.domain.answered import content_of
from service.domain.message import ButtonReply, Failure, SendBody
from service.domain.said import Refusal, Said
from service.domain.send import PendingSend, SendKind, SendStatus
from service.domain.sends import (
    ATTEMPTS_MAX,
    CLOCK_SKEW_SECONDS,
    MARK_LIFE_SECONDS,
    Read,
    absence_known_at,
    absent_after,
    doubted,
    given_up,
    in_flight,
    in_order,
    is_retryable,
    marked,
    next_to_write,
    not_sent,
    proven_by,
    refused_by,
    rejection,
    undelivered,
    unprovable,
)
from tests.support.playbook import NOON, by_agent, by_guest, pending

LAG: Final = 5.0


def written(sequence: int = 2, *, link: str = "l1", **facts: object) -> PendingSend:
    """A send that was marked at noon in incarnation 1."""
    send = pending(sequence, **facts)
    return marked(send, now=NOON, incarnation=1, writer="w", link=link)


def with_files(send: PendingSend, ids: Sequence[str]) -> PendingSend:
    """The same, its files marked by Genesys's own ids."""
    assert send.written is not None
    return replace(send, written=replace(send.written, attachment_ids=tuple(ids)))


def test_sends_go_out_as_accepted_after_what_opens_the_guest_session() -> None:
    sends = [
        pending(2),
        pending(7),
        pending(5),
        pending(6, kind=SendKind.RECAP),
        pending(6, kind=SendKind.JOIN),
    ]

    order = [(send.kind.value, send.sequence) for send in in_order(sends)]

    assert order == [("join", 6), ("recap", 6), ("message", 2), ("message", 5), ("message", 7)]


@pytest.mark.parametrize(
    ("sends", "sequence"),
    [
        ([], None),
        ([pending(2), pending(3)], 2),
        ([written(2), pending(3)], 3),
        ([written(2), written(3)], None),
        ([written(2, link="another"), pending(3)], None),
        ([doubted(written(2), now=NOON), pending(3)], None),
        ([pending(2, retry_at=NOON + 1), pending(3)], None),
        ([pending(2, retry_at=NOON), pending(3)], 2),
    ],
    ids=[
        "nothing waits",
        "the first",
        "behind one on this link",
        "all are out",
        "not behind one on another link",
        "not behind one in doubt",
        "not past one that has to wait",
        "the wait is over",
    ],
)
def test_the_next_to_write(sends: list[PendingSend], sequence: int | None) -> None:
    send = next_to_write(sends, link="l1", now=NOON)

    assert (send.sequence if send else None) == sequence


def test_a_mark_says_who_wrote_it_where_and_when() -> None:
    send = marked(pending(retry_at=NOON), now=NOON + 1, incarnation=2, writer="w", link="l")

    assert (send.status, send.attempt, send.retry_at) == (SendStatus.WRITTEN, 1, None)
    assert send.written is not None
    assert (send.written.at, send.written.incarnation) == (NOON + 1, 2)
    assert (send.written.writer, send.written.link) == ("w", "l")
    assert send.written.doubt_at is None


def test_doubt_begins_once_and_only_after_a_mark() -> None:
    twice = doubted(doubted(written(), now=NOON + 1), now=NOON + 9)

    assert twice.status is SendStatus.UNKNOWN
    assert twice.written is not None
    assert twice.written.doubt_at == NOON + 1
    assert doubted(pending(), now=NOON) == pending()


def test_what_did_not_arrive_may_go_out_again_and_counts_its_attempts() -> None:
    again = undelivered(doubted(written(), now=NOON), retry_at=NOON + 3)

    assert (again.status, again.written) == (SendStatus.ACCEPTED, None)
    assert (again.attempt, again.retry_at) == (1, NOON + 3)


def test_in_flight_is_what_was_written() -> None:
    unknown = doubted(written(4), now=NOON)

    assert in_flight([unknown, pending(3), written(2)]) == [written(2), unknown]


def test_a_message_that_carries_its_tracing_id_proves_it_before_anything_else() -> None:
    echo = by_guest("x", tracing_id="trace-3", metadata_id="meta-2")

    assert proven_by(echo, [written(2), written(3)], incarnation=1) == written(3)


def test_a_message_that_carries_its_metadata_id_proves_it() -> None:
    entry = by_guest("x", metadata_id="meta-3")

    assert proven_by(entry, [written(2), written(3)], incarnation=1) == written(3)


@pytest.mark.parametrize(
    "said",
    [
        by_guest("x", tracing_id="somebody", text="hello", channel_time=NOON),
        by_guest("x", metadata_id="somebody", text="hello", channel_time=NOON),
        by_guest("x", text="other words", channel_time=NOON),
        by_guest("x", text="hello", channel_time=NOON - CLOCK_SKEW_SECONDS - 0.1),
        by_guest("x", text="other words"),
        by_guest("x", is_join=True, channel_time=NOON),
        by_agent("x", text="hello", channel_time=NOON),
        by_agent("x", tracing_id="trace-2"),
    ],
    ids=[
        "another tracing id",
        "another metadata id",
        "other words",
        "said before the mark",
        "other words at no known time",
        "a join",
        "said by an agent",
        "an answer of an agent",
    ],
)
def test_what_proves_nothing(said: object) -> None:
    assert proven_by(said, [written(2)], incarnation=1) is None  # type: ignore[arg-type] # a Said


@pytest.mark.parametrize("channel_time", [NOON - CLOCK_SKEW_SECONDS, None])
def test_a_nameless_message_proves_the_first_that_fits(channel_time: float | None) -> None:
    sends = [written(2), written(3), written(4, body=SendBody(text="bye"))]
    nameless = by_guest("x", channel_time=channel_time)

    proven = [
        proven_by(replace(nameless, text=words), sends, incarnation=1) for words in ("hello", "bye")
    ]

    assert proven == [sends[0], sends[2]]


@pytest.mark.parametrize(
    ("body", "text"),
    [
        (SendBody(attachment_ids=("a",)), None),
        (SendBody(attachment_ids=("a",)), ""),
        (SendBody(button=ButtonReply(type="QuickReply", text="Yes", payload="y")), "Yes"),
        (SendBody(button=ButtonReply(type="QuickReply", text="Yes", payload="y")), None),
    ],
)
def test_a_label_or_no_words_fit_as_well(body: SendBody, text: str | None) -> None:
    send = with_files(written(2, body=body), body.attachment_ids)
    entry = by_guest("x", text=text, content=content_of(body), channel_time=NOON)

    assert proven_by(entry, [send], incarnation=1) == send
    bare = replace(entry, content=())
    assert proven_by(bare, [send], incarnation=1) is None


@pytest.mark.parametrize("channel_time", [None, NOON])
def test_a_join_proves_the_pending_join(channel_time: float | None) -> None:
    join = written(1, kind=SendKind.JOIN, body=SendBody())
    entry = by_guest("x", is_join=True, channel_time=channel_time)

    assert proven_by(entry, [written(2), join], incarnation=1) == join


def test_nothing_proves_what_was_never_written_or_written_to_another_guest_session() -> None:
    echo = by_guest("x", tracing_id="trace-2")

    assert proven_by(echo, [pending(2)], incarnation=1) is None
    assert proven_by(echo, [written(2)], incarnation=2) is None


@pytest.mark.parametrize(
    ("late", "is_proof"),
    [
        (by_guest("x", tracing_id="trace-2"), True),
        (by_guest("x", metadata_id="meta-2"), True),
        (by_guest("x", text="hello", channel_time=NOON), False),
    ],
    ids=["by tracing id", "by metadata id", "only by its words"],
)
def test_what_was_put_back_and_had_arrived_all_the_same_is_proven_by_name(
    late: Said, *, is_proof: bool
) -> None:
    again = undelivered(written(2))

    assert proven_by(late, [again], incarnation=1) == (again if is_proof else None)


GONE: Final = Refusal(code="4007", certain=True, session_gone=True)


@pytest.mark.parametrize(
    ("refusal", "sends", "link", "sequence"),
    [
        (Refusal(code="4011", certain=True, tracing_id="trace-3"), (2, 3), "l1", 3),
        (Refusal(code="4011", certain=True, tracing_id="other"), (2, 3), "l1", None),
        (Refusal(code="4011", certain=True), (2,), "l1", None),
        (GONE, (2,), "l1", 2),
        (GONE, (2,), None, None),
        (GONE, (2, 3), "l1", None),
        (GONE, (), "l1", None),
        (GONE, (2,), "l2", None),
    ],
)
def test_the_send_that_an_error_speaks_of(
    refusal: Refusal, sends: tuple[int, ...], link: str | None, sequence: int | None
) -> None:
    flying = [written(number) for number in sends]

    refused = refused_by(refusal, [*flying, pending(9)], link=link)

    assert (refused.sequence if refused else None) == sequence


def test_an_error_without_a_name_does_not_speak_of_what_is_in_doubt_already() -> None:
    doubtful = doubted(written(2), now=NOON + 4)

    assert refused_by(GONE, [doubtful], link="l1") is None


DOUBT: Final = NOON + 1
LATE: Final = DOUBT + LAG


@pytest.mark.parametrize(
    ("reads", "absent"),
    [
        ([Read(at=NOON + 1, since=None), Read(at=LATE, since=None)], True),
        ([Read(at=NOON, since=NOON - CLOCK_SKEW_SECONDS), Read(at=LATE, since=None)], True),
        ([Read(at=LATE, since=None)], False),
        ([Read(at=NOON + 1, since=None), Read(at=LATE - 0.1, since=None)], False),
        ([Read(at=NOON - 1, since=None), Read(at=LATE, since=None)], False),
        ([Read(at=NOON + 1, since=NOON), Read(at=LATE, since=None)], False),
        ([], False),
    ],
    ids=[
        "two reads, one late",
        "reaching just far enough back",
        "one read",
        "both too early for a history that lags",
        "one before the mark",
        "one that did not reach back",
        "none",
    ],
)
def test_two_reads_prove_absence(reads: list[Read], *, absent: bool) -> None:
    send = doubted(written(), now=DOUBT)

    assert absent_after(send, reads, lag=LAG) is absent


def test_absence_is_never_proven_before_a_written_frame_could_have_arrived() -> None:
    """The mark may be followed by the write for two seconds, on a clock that differs by two."""
    send = doubted(written(), now=NOON)
    late = NOON + MARK_LIFE_SECONDS + CLOCK_SKEW_SECONDS
    first = Read(at=NOON, since=None)

    assert absence_known_at(send, lag=0.0) == late
    assert not absent_after(send, [first, Read(at=late - 0.1, since=None)], lag=0.0)
    assert absent_after(send, [first, Read(at=late, since=None)], lag=0.0)


@pytest.mark.parametrize("send", [pending(), written()])
def test_what_is_not_in_doubt_is_never_called_absent(send: PendingSend) -> None:
    reads = [Read(at=NOON + 100, since=None), Read(at=NOON + 200, since=None)]

    assert not absent_after(send, reads, lag=LAG)
    assert absence_known_at(send, lag=LAG) is None


@pytest.mark.parametrize(
    ("refusal", "retryable"),
    [
        (GONE, True),
        (Refusal(code="4029", certain=True), True),
        (Refusal(code="429", certain=True), True),
        (Refusal(code="4011", certain=True), False),
    ],
)
def test_a_refusal_that_passes_lets_the_send_go_out_again(
    refusal: Refusal, *, retryable: bool
) -> None:
    assert is_retryable(refusal) is retryable


def test_failures_have_stable_codes() -> None:
    refused = rejection(Refusal(code="4011", certain=True))

    assert (refused.code, refused.provider_code) == ("rejected_by_genesys", "4011")
    assert (given_up().code, given_up().provider_code) == ("rejected_by_genesys", None)
    assert str(ATTEMPTS_MAX) in given_up().detail
    assert unprovable().code == "outcome_unknown"
    assert not_sent("session_ended", "over") == Failure(code="session_ended", detail="over")


STEPS: Final = st.lists(
    st.sampled_from(["write", "drop", "wait", "read", "read since mark", "refuse", "prove"]),
    max_size=60,
)


@given(STEPS)
def test_no_story_writes_a_send_twice_without_knowing_that_it_did_not_arrive(
    steps: list[str],
) -> None:
    story = _Writer()

    for step in steps:
        story.take(step)

    assert story.order == sorted(story.order)


class _Writer:
    """Three sends on one link after another, driven by the module's own decisions."""

    def __init__(self) -> None:
        self.sends = {number: pending(number) for number in (2, 3, 4)}
        self.now, self.links, self.order = NOON, 1, list[int]()
        self.reads: list[Read] = []
        self.entitled = set(self.sends)

    def take(self, step: str) -> None:
        self.now += 0.5
        match step:
            case "write":
                self._write()
            case "drop":
                self.links += 1
                for send in in_flight(self.sends.values()):
                    self.sends[send.sequence] = doubted(send, now=self.now)
            case "wait":
                self.now += LAG
            case "read" | "read since mark":
                since = None if step == "read" else self.now - 1
                self._read(Read(at=self.now, since=since))
            case _:
                self._settle_first(refused=step == "refuse")

    def _write(self) -> None:
        send = next_to_write(self.sends.values(), link=f"l{self.links}", now=self.now)
        if send is None:
            return
        assert send.sequence in self.entitled
        self.entitled.remove(send.sequence)
        if send.attempt == 0:
            self.order.append(send.sequence)
        assert all(
            other.sequence > send.sequence
            or (other.written is not None and other.written.link == f"l{self.links}")
            for other in self.sends.values()
            if other is not send
        )
        self.sends[send.sequence] = marked(
            send, now=self.now, incarnation=1, writer="w", link=f"l{self.links}"
        )

    def _read(self, read: Read) -> None:
        self.reads.append(read)
        for send in in_flight(self.sends.values()):
            if not absent_after(send, self.reads, lag=LAG):
                continue
            assert send.written is not None
            assert sum(r.at >= send.written.at and r.since is None for r in self.reads) > 1
            self._again(send)

    def _settle_first(self, *, refused: bool) -> None:
        for send in in_flight(self.sends.values())[:1]:
            if refused:
                self._again(send)
            else:
                del self.sends[send.sequence]

    def _again(self, send: PendingSend) -> None:
        self.sends[send.sequence] = undelivered(send)
        self.entitled.add(send.sequence)


def test_a_nameless_message_proves_only_the_send_that_has_its_file() -> None:
    """History may have no name of ours: then text and file must both fit."""
    body = SendBody(text="", attachment_ids=("att_1",))
    plain = written(2, body=SendBody(text=""))
    mark = written(3, body=body)
    assert mark.written is not None
    with_file = replace(mark, written=replace(mark.written, attachment_ids=("g1",)))
    sends = [plain, with_file]
    content = ({"contentType": "Attachment", "attachment": {"id": "g1"}}, {"contentType": "Card"})
    said = replace(by_guest(""), tracing_id=None, metadata_id=None)

    assert proven_by(replace(said, content=content), sends, incarnation=1) == with_file
    assert proven_by(said, sends, incarnation=1) == plain
    other = ({"contentType": "Attachment", "attachment": {"id": "g2"}},)
    assert proven_by(replace(said, content=other), sends, incarnation=1) is None
