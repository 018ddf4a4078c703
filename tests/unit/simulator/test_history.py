"""History: newest first, in pages, late when ordered."""

import json

import pytest

from tests.unit.simulator.stage import Stage, T, entities, stage

PATH = "/api/v2/webmessaging/messages"


def told(here: Stage, count: int) -> list[str]:
    here.joined()
    return [str(here.control.say(T, f"m{number}")["messageId"]) for number in range(count)]


def test_pages_are_newest_first_and_numbered_from_one() -> None:
    here = stage()
    ids = told(here, 5)
    client = here.joined()

    pages = [
        json.loads(client.history(pageSize="2", pageNumber=str(number)).body)
        for number in range(1, 5)
    ]

    seen = [[each["id"] for each in page["entities"]] for page in pages]
    assert seen == [[ids[4], ids[3]], [ids[2], ids[1]], [ids[0]], []]
    counts = [(page["total"], page["pageCount"], page["pageNumber"]) for page in pages]
    assert counts == [(5, 3, 1), (5, 3, 2), (5, 3, 3), (5, 3, 4)]


def test_an_empty_history_has_an_empty_page() -> None:
    reply = stage().joined().history()

    assert json.loads(reply.body) == {
        "entities": [],
        "pageSize": 0,
        "pageNumber": 1,
        "total": 0,
        "pageCount": 0,
    }


def test_an_entity_is_what_was_pushed_without_the_tracing_id() -> None:
    here = stage()
    client = here.joined()
    message = {"type": "Text", "text": "hi", "metadata": {"id": "m-1"}}
    [echo] = client.send("onMessage", token=T, tracingId="t", message=message)

    [entity] = entities(client.history())

    assert entity == {**echo["body"], "content": []}


def test_knobs_decide_what_an_entity_tells() -> None:
    here = stage(history_metadata=False, history_tracing_id=True, history_times=False)
    client = here.joined()
    client.say("hi", tracingId="t")

    [entity] = entities(client.history())

    assert "metadata" not in entity
    assert entity["tracingId"] == "t"
    assert entity["channel"]["time"] is None


@pytest.mark.parametrize("headers", [{}, {"authorization": "bearer x"}, {"authorization": "x"}])
def test_without_a_good_bearer_nothing_is_told(headers: dict[str, str]) -> None:
    reply = stage().http("GET", PATH, headers=headers)

    assert reply.status == 401
    assert json.loads(reply.body)["code"] == "bad.credentials"


def test_a_bearer_of_a_replaced_session_is_dead() -> None:
    here = stage()
    client, other = here.joined(), here.joined()
    bearer = {"authorization": f"bearer {client.jwt()}"}
    other.configure(startNew=True)

    assert here.http("GET", PATH, headers=bearer).status == 401


def test_a_read_only_session_can_still_be_read() -> None:
    here = stage()
    client = here.joined()
    client.say("hi")
    here.control.disconnect(T)

    assert len(entities(client.history())) == 2


def test_the_eleventh_read_in_a_minute_is_throttled() -> None:
    here = stage()
    client = here.joined()
    for _ in range(10):
        assert client.history().status == 200
    here.advance(20)

    reply = client.history()

    assert (reply.status, reply.headers["retry-after"]) == (429, "40")
    here.advance(40)
    assert client.history().status == 200


def test_history_lags_when_ordered() -> None:
    here = stage(history_lag_seconds=2)
    client = here.joined()
    client.say("hi")

    assert entities(client.history()) == []
    here.advance(2)
    assert len(entities(client.history())) == 1


def test_history_lags_once_by_a_fault() -> None:
    here = stage()
    client = here.joined()
    client.say("hi")
    here.control.fault("lag_history", seconds=60)

    assert entities(client.history()) == []
    assert len(entities(client.history())) == 1


@pytest.mark.parametrize("status", [401, 429, 500, 503])
def test_history_fails_when_ordered(status: int) -> None:
    here = stage()
    client = here.joined()
    here.control.fault("fail_history", status=status, retry_after=4, token=T)

    reply = client.history()

    assert reply.status == status
    assert reply.headers.get("retry-after") == ("4" if status in (429, 503) else None)
    assert client.history().status == 200


def test_page_size_is_capped() -> None:
    here = stage(history_max_page_size=3)
    told(here, 5)

    assert len(entities(here.joined().history(pageSize="100"))) == 3
