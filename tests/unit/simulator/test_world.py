"""The whole world: the same seed repeats a run exactly, and nothing a guest sends breaks it."""

from dataclasses import asdict

from hypothesis import given, settings
from hypothesis import strategies as st

from service.simulator.deployments import Deployment
from service.simulator.events import ConnectionLost, ConnId, Output, RequestId, TimerFired, TimerId
from service.simulator.events import HttpRequested as Http
from tests.unit.simulator.stage import ORIGIN, Client, Stage, entities, stage

TOKENS = ("ann", "bob")
STEPS = st.lists(
    st.tuples(
        st.sampled_from(
            (
                "open",
                "configure",
                "say",
                "echo",
                "agent",
                "lose",
                "drop",
                "fault",
                "expire",
                "end",
                "clear",
                "new",
                "wait",
            )
        ),
        st.integers(min_value=0, max_value=7),
    ),
    max_size=40,
)
FAULTS = ("drop", "duplicate", "reorder", "delay", "swallow_echo", "swallow_write", "forget")


def play(steps: list[tuple[str, int]], seed: int) -> Stage:
    """Play a story in which anything may happen."""
    here = stage(Deployment(), seed=seed)
    clients = [here.joined("ann")]
    for step, number in steps:
        token = TOKENS[number % 2]
        client = clients[number % len(clients)]
        if step == "open":
            clients.append(here.open())
        elif step == "wait":
            here.advance(number * 100)
        else:
            act(here, client, step, token, number)
    here.advance(10)
    return here


def act(here: Stage, client: Client, step: str, token: str, number: int) -> None:
    known = [each["token"] for each in here.control.sessions()]
    if step == "lose":
        client.lose()
    elif step == "drop":
        here.control.drop(token, how=("reset", "close", "half_open")[number % 3])
    elif step == "fault":
        kind = FAULTS[number % len(FAULTS)]
        here.control.fault(kind, seconds=1, probability=0.5, count=0)
    elif step in {"agent", "expire", "end"} and token in known:
        verb = {"agent": "say", "expire": "expire", "end": "disconnect"}[step]
        here.control.run(verb, token=token, text="agent" if step == "agent" else None)
    else:
        guest(client, step, token, number)


def guest(client: Client, step: str, token: str, number: int) -> None:
    if step in {"configure", "new"}:
        client.send(
            "configureSession",
            token=token,
            deploymentId=client.stage.control.deployments()[0]["id"],
            startNew=step == "new",
        )
    elif step == "say":
        client.say(f"m{number}", token=token, tracingId=f"t{number}")
    elif step == "echo":
        client.send("echo", message={"type": "Text", "text": "ping"})
    elif step == "clear":
        client.presence("Clear")


@settings(max_examples=25)
@given(STEPS)
def test_a_seeded_run_repeats_exactly(steps: list[tuple[str, int]]) -> None:
    first, second = play(steps, seed=7), play(steps, seed=7)

    assert first.outputs == second.outputs
    assert first.control.transcript() == second.control.transcript()


def test_another_seed_makes_other_ids() -> None:
    steps = [("say", 0)]

    first, second = play(steps, seed=1).outputs, play(steps, seed=2).outputs

    assert first != second


@settings(max_examples=25)
@given(STEPS)
def test_whatever_happens_the_books_agree(steps: list[tuple[str, int]]) -> None:
    here = play(steps, seed=3)

    state = here.world.state
    for session in state.sessions.values():
        assert len(session.connections) <= 3
        assert all(conn.session is session for conn in session.connections)
        assert all(conn.id in state.connections for conn in session.connections)
    stored = [entry for entry in here.control.transcript() if entry["direction"] == "Inbound"]
    texts = [entry for entry in stored if entry["text"]]
    assert sum(int(str(each["stored"])) for each in here.control.inbound()) == len(texts)
    assert all(
        int(str(each["stored"])) <= int(str(each["arrived"])) for each in here.control.inbound()
    )
    open_sockets = sum(asdict(each)["sockets"] for each in state.journal.by_deployment.values())
    assert open_sockets == len(here.control.connections())


@settings(max_examples=25)
@given(STEPS)
def test_history_is_the_transcript_of_the_session(steps: list[tuple[str, int]]) -> None:
    here = play(steps, seed=3)
    here.control.clear_faults()
    here.advance(60)
    client = here.joined("ann")
    here.advance(60)

    session = next(each for each in here.control.sessions() if each["token"] == "ann")
    entries = [e["message_id"] for e in here.control.transcript() if e["session"] == session["id"]]
    told = [each["id"] for each in entities(client.history("ann", pageSize="100"))]
    assert told == entries[::-1][:100]


@given(st.text())
def test_no_text_breaks_it(text: str) -> None:
    client = stage().joined()

    client.raw(text)

    assert client.say("still here")[0]["code"] == 200


def test_events_about_what_is_gone_do_nothing() -> None:
    here = stage()

    assert here.feed(ConnectionLost(conn=ConnId(99))) == []
    assert here.feed(TimerFired(timer=TimerId(99))) == []


def test_time_never_runs_backwards() -> None:
    here = stage()
    client = here.joined()
    here.now -= 100
    first = client.say("earlier")[0]["body"]["channel"]["time"]

    assert first == "2030-03-17T17:46:40.000Z"


def test_a_reply_may_come_later_than_its_request() -> None:
    here = stage(rest_delay_seconds=1)
    event = Http(request=RequestId(5), method="GET", path="/nowhere", origin=ORIGIN)

    now: list[Output] = here.feed(event)
    later = here.advance(1)

    assert now == []
    assert [type(each).__name__ for each in later] == ["HttpReply"]
