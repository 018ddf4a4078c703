"""Stories of sessions on real sockets: eviction, expiry, history, faults of frames."""

import asyncio
import time

import pytest
from websockets.exceptions import ConnectionClosed

from service.simulator.deployments import Bot, Deployment
from tests.integration.simulator.line import T, joined, opened, simulator


async def test_what_was_said_while_nobody_listened_is_in_history_only() -> None:
    async with simulator(Deployment()) as sim:
        async with joined(sim) as line:
            await line.say("Hi", tracingId="t2")
            echo, answer = await line.hear(), await line.hear()
        assert (echo["tracingId"], echo["body"]["direction"]) == ("t2", "Inbound")
        assert answer["body"]["text"] == "You said: Hi"

        told = sim.control.say(T, "Your order ships today", nickname="Dana")
        async with opened(sim) as line:
            assert (await line.configure())["body"]["newSession"] is False
            page = (await line.history(pageSize="25")).json()

        assert told["delivered"] == 0
        assert [each["text"] for each in page["entities"]] == [
            "Your order ships today",
            "You said: Hi",
            "Hi",
        ]
        assert [each["id"] for each in page["entities"][1:]] == [
            answer["body"]["id"],
            echo["body"]["id"],
        ]


async def test_the_fourth_socket_evicts_the_first_which_is_closed_after_a_while() -> None:
    async with (
        simulator(eviction_grace_seconds=0.2) as sim,
        joined(sim) as first,
        joined(sim),
        joined(sim),
        joined(sim) as fourth,
    ):
        event = await first.hear()
        with pytest.raises(ConnectionClosed) as closed:
            await first.hear()

        assert (event["class"], event["body"]) == ("ConnectionClosedEvent", {})
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == 1000
        await fourth.say("still here")
        assert (await fourth.hear())["code"] == 200


async def test_an_expired_session_is_replaced_silently() -> None:
    async with simulator() as sim, joined(sim) as line:
        await line.say("before")
        await line.hear()
        sim.control.expire(T)

        expired = await line.ask("echo", token=T, message={"type": "Text", "text": "ping"})
        again = await line.configure()

        assert expired["class"] == "SessionExpiredEvent"
        assert again["body"]["newSession"] is True
        assert (await line.history()).json()["entities"] == []


async def test_a_session_that_is_not_found_is_made_anew_on_a_new_socket() -> None:
    async with simulator(not_found_spelling="string_code") as sim, joined(sim) as line:
        sim.control.forget(T)

        refusal = None
        await line.say("lost")
        refusal = await line.hear()

        assert refusal["code"] == "session_not_found"
        async with opened(sim) as again:
            assert (await again.configure())["body"]["newSession"] is True
        assert [each["outcome"] for each in sim.control.configures(T)] == ["new", "new"]


async def test_a_read_only_session_is_left_by_starting_anew() -> None:
    async with simulator(Deployment(bot=Bot.SILENT)) as sim, joined(sim) as line:
        sim.control.disconnect(T)
        event = await line.hear()
        await line.say("hello?")
        refusal = await line.hear()
        closed = await line.ask("closeSession", token=T, closeAllConnections=True)
        fresh = await line.configure(startNew=True)

        assert event["body"]["metadata"]["readOnly"] == "true"
        assert refusal["code"] == 409
        assert closed["body"] == {"connected": False, "readOnly": True}
        assert fresh["body"]["newSession"] is True


async def test_every_answer_waits_for_the_ordered_delay() -> None:
    async with simulator(answer_delay_seconds=0.05) as sim, joined(sim) as line:
        began = time.monotonic()
        await line.say("slow")
        await line.hear()

        assert time.monotonic() - began >= 0.045


async def test_frames_are_shuffled_doubled_and_lost_and_history_has_them_all() -> None:
    async with simulator() as sim, joined(sim) as line:
        sim.control.fault("reorder", seconds=0.2, count=0, direction="Outbound")
        sim.control.fault("duplicate", direction="Outbound")
        sim.control.fault("swallow_frame", direction="Outbound")
        texts = [f"m{number}" for number in range(10)]
        for text in texts:
            sim.control.say(T, text)

        heard = [(await line.hear())["body"]["text"] for _ in range(10)]

        assert heard != sorted(heard)
        assert len(set(heard)) == 9
        assert "m0" not in heard
        page = (await line.history()).json()
        assert [each["text"] for each in page["entities"]] == texts[::-1]


async def test_a_swallowed_write_is_answered_by_silence() -> None:
    async with simulator() as sim, joined(sim) as line:
        sim.control.fault("swallow_write", action="onMessage")
        await line.say("lost")
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(line.socket.recv(), 0.2)

        assert sim.control.inbound() == []


async def test_strange_and_broken_frames_arrive() -> None:
    async with simulator() as sim, joined(sim) as line:
        sim.control.fault("unknown_class", text="WeatherEvent")
        sim.control.fault("malformed", text="{broken")
        sim.control.say(T, "then this")

        assert await line.socket.recv() == "{broken"
        assert (await line.hear())["class"] == "WeatherEvent"
        assert (await line.hear())["body"]["text"] == "then this"


async def test_many_guests_at_once_do_not_mix() -> None:
    async with simulator() as sim:

        async def guest(number: int) -> list[str]:
            token = f"guest-{number}"
            async with opened(sim) as line:
                await line.configure(token)
                heard = []
                for turn in range(5):
                    await line.say(f"{number}.{turn}", token)
                    heard.append((await line.hear())["body"]["text"])
            return heard

        all_heard = await asyncio.gather(*(guest(number) for number in range(40)))

        assert all_heard == [[f"{n}.{turn}" for turn in range(5)] for n in range(40)]
        assert all(each["arrived"] == each["stored"] == 1 for each in sim.control.inbound())


async def test_a_frame_in_fragments_is_one_frame() -> None:
    async with simulator() as sim, joined(sim) as line:
        await line.socket.send(['{"action":"echo","message":', '{"type":"Text","text":"ping"}}'])

        assert (await line.hear())["body"]["text"] == "ping"


async def test_bytes_that_are_no_text_are_refused_like_other_nonsense() -> None:
    async with simulator() as sim, joined(sim) as line:
        await line.socket.send(b"\xff\xfe")

        assert (await line.hear())["code"] == 400
        await line.say("still here")
        assert (await line.hear())["code"] == 200
