"""The way of a frame out of the world: delayed, shuffled, doubled, lost."""

from service.simulator.events import SendFrame
from tests.unit.simulator.stage import D, T, classes, stage


def test_every_frame_waits_for_the_answer_delay_in_order() -> None:
    here = stage(answer_delay_seconds=0.025)
    client = here.open()

    client.raw(f'{{"action":"configureSession","deploymentId":"{D}","token":"{T}"}}')
    here.control.say(T, "one")
    here.control.say(T, "two")

    assert client.inbox() == []
    here.advance(0.02)
    assert client.inbox() == []
    here.advance(0.005)
    frames = client.inbox()
    assert [each["body"].get("text") for each in frames] == [None, "one", "two"]


def test_a_delayed_frame_is_overtaken() -> None:
    here = stage()
    client = here.joined()
    here.control.fault("delay", seconds=2, direction="Outbound")
    for text in ("one", "two"):
        here.control.say(T, text)
    here.advance(2)

    assert [each["body"]["text"] for each in client.inbox()] == ["two", "one"]


def test_reordered_frames_all_come_within_the_window() -> None:
    here = stage()
    client = here.joined()
    here.control.fault("reorder", seconds=1, count=0, frame_class="StructuredMessage")
    texts = [str(number) for number in range(20)]
    for text in texts:
        here.control.say(T, text)
    here.advance(1)

    arrived = [each["body"]["text"] for each in client.inbox()]
    assert arrived != texts
    assert sorted(arrived) == sorted(texts)
    assert [each["text"] for each in here.control.transcript(T)] == texts


def test_a_doubled_frame_has_the_same_id() -> None:
    here = stage()
    client = here.joined()
    here.control.fault("duplicate", times=2)

    here.control.say(T, "again")

    assert len({each["body"]["id"] for each in client.inbox()}) == 1
    assert here.control.counts()["tokens"][T]["frames_out"] == 1 + 3  # type: ignore[index]


def test_a_swallowed_frame_can_be_read_from_history() -> None:
    here = stage()
    client = here.joined()
    here.control.fault("swallow_frame", direction="Outbound")

    here.control.say(T, "lost on the way")

    assert client.inbox() == []
    assert b"lost on the way" in client.history().body


def test_an_unknown_class_and_broken_json_go_ahead_of_a_frame() -> None:
    here = stage()
    client = here.joined()
    here.control.fault("unknown_class", text="WeatherEvent")
    here.control.say(T, "one")
    assert classes(client.inbox()) == ["WeatherEvent", "StructuredMessage"]

    here.control.fault("malformed")
    here.control.say(T, "two")

    texts = [each.text for each in here.outputs if isinstance(each, SendFrame)]
    assert texts[-2] == '{"type":"message","class":'


def test_an_injected_text_arrives_as_it_is() -> None:
    here = stage()
    here.joined()

    assert here.control.inject(T, "not json at all") == 1
    assert here.control.inject("nobody", {"class": "X"}) == 0
    last = here.outputs[-1]
    assert isinstance(last, SendFrame)
    assert last.text == "not json at all"
