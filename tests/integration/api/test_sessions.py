"""Sessions over HTTP: create, read, list, end, clear, resume, erase."""

from service.domain.events import LeaveRequested
from service.domain.ids import SessionId
from service.domain.session import FailureReason, State
from tests.support.api_bench import DEPLOYMENT, Bench


async def test_a_new_session_is_answered_active_with_its_client_id_masked(bench: Bench) -> None:
    read_only = await bench.key("sessions:read", "sessions:write")

    made = await bench.http.post(
        "/v1/sessions",
        json={
            "deployment": DEPLOYMENT,
            "externalId": "order 7",
            "customAttributes": {"tier": "gold"},
            "metadata": {"cart": [1, 2]},
        },
        headers=read_only,
    )

    session = made.json()
    assert made.status_code == 201
    assert session["state"] == "active"
    assert session["externalId"] == "order 7"
    assert session["customAttributes"] == {"tier": "gold"}
    assert session["metadata"] == {"cart": [1, 2]}
    assert session["clientId"].startswith("…")
    assert len(session["clientId"]) == 5
    assert session["lastSequence"] == 1
    assert "message" not in session


async def test_a_key_for_secrets_sees_the_whole_client_id(bench: Bench) -> None:
    made = await bench.session()

    stored = await bench.table.sessions.load(SessionId(made["id"]))
    assert made["clientId"] == stored.client_id


async def test_a_first_message_is_sent_and_comes_with_the_session(bench: Bench) -> None:
    made = await bench.session(message={"text": "hello"})

    assert made["message"]["text"] == "hello"
    assert made["message"]["status"] == "confirmed"
    assert made["message"]["sequence"] == 1


async def test_a_session_that_does_not_open_within_the_wait_is_answered_opening(
    bench: Bench,
) -> None:
    bench.visitor.opens = False
    bench.visitor.settles = False
    began = bench.clock.monotonic()

    made = await bench.http.post(
        "/v1/sessions?wait=2", json={"deployment": DEPLOYMENT, "message": {"text": "hi"}}
    )

    assert made.status_code == 201
    assert made.json()["state"] == "opening"
    assert made.json()["message"]["status"] == "accepted"
    assert 2 <= bench.clock.monotonic() - began < 3


async def test_the_wait_ends_when_the_session_opens_but_the_message_is_open_still(
    bench: Bench,
) -> None:
    bench.visitor.settles = False

    made = await bench.http.post(
        "/v1/sessions?wait=1", json={"deployment": DEPLOYMENT, "message": {"text": "hi"}}
    )

    assert made.json()["state"] == "active"
    assert made.json()["message"]["status"] == "accepted"


async def test_the_work_mark_is_made_with_the_session(bench: Bench) -> None:
    made = await bench.session()

    stored = await bench.table.sessions.load(SessionId(made["id"]))
    assert stored.look_at is not None
    assert stored.look_at >= bench.clock.now() + 30


async def test_a_failed_session_says_why(bench: Bench) -> None:
    made = await bench.session()
    await bench.put(
        made["id"], State.FAILED, failure=FailureReason(code="403", detail="origin not allowed")
    )

    read = await bench.http.get(f"/v1/sessions/{made['id']}")

    assert read.json()["state"] == "failed"
    assert read.json()["failure"] == {"code": "403", "detail": "origin not allowed"}


async def test_an_external_id_of_an_open_session_is_refused_and_names_it(bench: Bench) -> None:
    first = await bench.session(externalId="a")

    again = await bench.http.post(
        "/v1/sessions", json={"deployment": DEPLOYMENT, "externalId": "a"}
    )

    assert again.status_code == 409
    assert again.json()["code"] == "external_id_in_use"
    assert again.json()["sessionId"] == first["id"]
    assert await bench.count_sessions() == 1


async def test_an_external_id_is_free_again_when_its_session_has_ended(bench: Bench) -> None:
    first = await bench.session(externalId="a")
    await bench.change(SessionId(first["id"]), LeaveRequested())

    second = await bench.session(externalId="a")

    assert second["id"] != first["id"]


async def test_sessions_are_listed_newest_first_in_pages(bench: Bench) -> None:
    made = []
    for _ in range(3):
        bench.clock.at += 1
        made.append((await bench.session())["id"])

    first = (await bench.http.get("/v1/sessions?limit=2")).json()
    rest = (await bench.http.get(f"/v1/sessions?limit=2&cursor={first['nextCursor']}")).json()

    assert [one["id"] for one in first["items"]] == [made[2], made[1]]
    assert [one["id"] for one in rest["items"]] == [made[0]]
    assert rest["nextCursor"] is None


async def test_sessions_are_found_by_external_id_state_and_deployment(bench: Bench) -> None:
    wanted = await bench.session(externalId="find me")
    other = await bench.session(externalId="not me")
    await bench.change(SessionId(other["id"]), LeaveRequested())

    found = [
        (await bench.http.get(f"/v1/sessions?{query}")).json()["items"]
        for query in ("externalId=find me", "state=active", f"deployment={DEPLOYMENT}")
    ]

    assert [one["id"] for one in found[0]] == [wanted["id"]]
    assert [one["id"] for one in found[1]] == [wanted["id"]]
    assert {one["id"] for one in found[2]} == {wanted["id"], other["id"]}


async def test_another_tenants_session_is_not_found(bench: Bench) -> None:
    session = await bench.session()
    stranger = await bench.key("*", tenant="other")
    path = f"/v1/sessions/{session['id']}"

    answers = [
        await bench.http.get(path, headers=stranger),
        await bench.http.get(f"{path}/messages", headers=stranger),
        await bench.http.get(f"{path}/events", headers=stranger),
        await bench.http.post(f"{path}/messages", json={"text": "x"}, headers=stranger),
        await bench.http.post(f"{path}/typing", headers=stranger),
        await bench.http.post(f"{path}/end", headers=stranger),
        await bench.http.post(f"{path}/clear", headers=stranger),
        await bench.http.post(f"{path}/resume", headers=stranger),
        await bench.http.delete(path, headers=stranger),
    ]

    assert [answer.status_code for answer in answers] == [404] * len(answers)
    assert {answer.json()["code"] for answer in answers} == {"not_found"}
    assert await bench.log_length(session["id"]) == 1


async def test_ids_that_cannot_be_any_are_not_found(bench: Bench) -> None:
    answers = [
        await bench.http.get(f"/v1/sessions/{name}")
        for name in ("ses_unknown", "x" * 3000, "a%23META", "%00")
    ]

    assert [answer.status_code for answer in answers] == [404] * 4


async def test_ending_leaves_where_nobody_says_that_clearing_is_allowed(bench: Bench) -> None:
    session = await bench.session()

    ended = await bench.http.post(f"/v1/sessions/{session['id']}/end")

    assert ended.status_code == 200
    assert ended.json()["state"] == "ended"
    assert ended.json()["endedBy"] == "caller"
    assert ended.json()["ended"] == {"mode": "leave", "verified": False}


async def test_ending_by_clearing_is_verified(bench: Bench) -> None:
    session = await bench.session()

    ended = await bench.http.post(f"/v1/sessions/{session['id']}/end", json={"mode": "clear"})

    assert ended.status_code == 200
    assert ended.json()["ended"] == {"mode": "clear", "verified": True}


async def test_an_end_that_is_not_verified_in_time_is_answered_as_under_way(bench: Bench) -> None:
    session = await bench.session()
    bench.visitor.clears = False

    ended = await bench.http.post(
        f"/v1/sessions/{session['id']}/end?wait=1", json={"mode": "clear"}
    )

    assert ended.status_code == 202
    assert ended.json()["ended"] is None


async def test_ending_twice_changes_nothing(bench: Bench) -> None:
    session = await bench.session()
    await bench.http.post(f"/v1/sessions/{session['id']}/end")
    length = await bench.log_length(session["id"])

    again = await bench.http.post(f"/v1/sessions/{session['id']}/end")

    assert again.status_code == 200
    assert await bench.log_length(session["id"]) == length


async def test_clearing_goes_on_and_is_refused_once_the_session_is_over(bench: Bench) -> None:
    session = await bench.session()
    path = f"/v1/sessions/{session['id']}"

    cleared = await bench.http.post(f"{path}/clear")
    await bench.http.post(f"{path}/end")
    refused = await bench.http.post(f"{path}/clear")

    assert cleared.status_code == 200
    assert cleared.json()["state"] == "active"
    assert refused.status_code == 409
    assert refused.json()["code"] == "session_ended"


async def test_clearing_that_is_not_done_in_time_is_answered_as_under_way(bench: Bench) -> None:
    session = await bench.session()
    bench.visitor.clears = False

    cleared = await bench.http.post(f"/v1/sessions/{session['id']}/clear?wait=0")

    assert cleared.status_code == 202


async def test_clearing_that_genesys_refuses_is_told_and_the_session_goes_on(bench: Bench) -> None:
    session = await bench.session()
    path = f"/v1/sessions/{session['id']}"
    bench.visitor.refuses_to_clear = True

    cleared = await bench.http.post(f"{path}/clear")

    assert (cleared.status_code, cleared.json()["code"]) == (502, "rejected_by_genesys")
    assert (await bench.http.get(path)).json()["state"] == "active"


async def test_clearing_a_failed_session_is_refused(bench: Bench) -> None:
    session = await bench.session()
    await bench.put(session["id"], State.FAILED)

    cleared = await bench.http.post(f"/v1/sessions/{session['id']}/clear")

    assert cleared.status_code == 409
    assert cleared.json()["code"] == "session_failed"


async def test_resuming_a_live_session_answers_it(bench: Bench) -> None:
    session = await bench.session()

    resumed = await bench.http.post(f"/v1/sessions/{session['id']}/resume")

    assert resumed.status_code == 200
    assert resumed.json()["state"] == "active"


async def test_resuming_tries_a_failed_session_again(bench: Bench) -> None:
    opened = await bench.session(externalId="a")
    never = await bench.session()
    await bench.put(opened["id"], State.FAILED)
    await bench.put(never["id"], State.FAILED, opened_at=None)

    revived = await bench.http.post(f"/v1/sessions/{opened['id']}/resume?wait=0")
    reopened = await bench.http.post(f"/v1/sessions/{never['id']}/resume")

    assert revived.json()["state"] == "recovering"
    assert reopened.json()["state"] == "active"


async def test_resuming_is_refused_when_another_session_took_the_name(bench: Bench) -> None:
    first = await bench.session(externalId="a")
    await bench.put(first["id"], State.FAILED)
    second = await bench.session(externalId="a")

    resumed = await bench.http.post(f"/v1/sessions/{first['id']}/resume")

    assert resumed.status_code == 409
    assert resumed.json()["code"] == "external_id_in_use"
    assert resumed.json()["sessionId"] == second["id"]


async def test_resuming_an_ended_session_is_refused(bench: Bench) -> None:
    session = await bench.session()
    await bench.http.post(f"/v1/sessions/{session['id']}/end")

    resumed = await bench.http.post(f"/v1/sessions/{session['id']}/resume")

    assert resumed.status_code == 409
    assert resumed.json()["code"] == "session_ended"


async def test_erasing_removes_every_stored_byte_and_is_not_found_again(bench: Bench) -> None:
    session = await bench.session(externalId="a", metadata={"k": "v"}, message={"text": "hello"})
    path = f"/v1/sessions/{session['id']}"

    erased = await bench.http.delete(path)
    again = await bench.http.delete(path)
    free = await bench.session(externalId="a")

    assert erased.status_code == 204
    assert erased.content == b""
    assert again.status_code == 404
    assert (await bench.http.get(f"{path}/events")).status_code == 404
    page = await bench.table.sessions.read_log(SessionId(session["id"]), after=0, limit=10)
    assert len(page.events) == 0
    assert free["id"] != session["id"]
    assert session["id"] in bench.hints.sessions


async def test_a_session_erased_while_its_creator_waits_is_not_found(bench: Bench) -> None:
    async def erase(session_id: SessionId) -> None:
        bench.visitor.before = None
        await bench.http.delete(f"/v1/sessions/{session_id}")

    bench.visitor.before = erase

    made = await bench.http.post(
        "/v1/sessions", json={"deployment": DEPLOYMENT, "message": {"text": "hello"}}
    )

    assert made.status_code == 404
