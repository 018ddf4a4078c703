"""The console as people use it: a real browser and broker, the simulator as contact centre."""

import json

from tests.browser.conftest import Console
from tests.support.machine import Chat


async def test_the_key_is_asked_for_once_and_kept_in_the_tab_only(console: Console) -> None:
    page = console.page
    await page.go(f"{console.origin}/console")
    await page.until("document.activeElement.id === 'key'")

    await page.type("a key nobody made")
    await page.press("Enter")
    await page.sees("unauthorized", inside="[role=alert]")
    await page.run("document.getElementById('key').value = ''")
    await console.enter()
    await page.sees("No sessions here yet.")

    assert await page.run("localStorage.length + document.cookie.length") == 0
    await page.go(f"{console.origin}/console#/new")
    await page.command("Page.reload")
    await page.sees("New session")
    await page.click("#forget")
    await page.sees("API key")
    assert await page.run("sessionStorage.length") == 0


async def test_a_chat_is_started_and_carried_on_by_keyboard_alone(console: Console) -> None:
    page = console.page
    await console.enter("#/new")
    await page.until("document.getElementById('deployment').value === 'shop'")
    await page.press("Tab")
    await page.type("order 4711")
    await page.press("Tab")
    await page.type("Where is my parcel?")
    await page.press("Tab")

    await page.press("Enter")
    await page.until("document.querySelectorAll('.message.guest.confirmed').length === 1")
    await page.sees("order 4711", inside="#name")
    console.machine.control.run("knobs", answer_delay_seconds=0.7)
    await page.until("document.activeElement.id === 'text'")
    await page.type("Are you there?")
    await page.press("Enter")

    await page.until("document.querySelector('.message.guest.accepted')")
    await page.until("document.querySelectorAll('.message.guest.confirmed').length === 2")
    assert await page.run("document.querySelectorAll('.message').length") == 2
    assert await page.run("document.activeElement.id") == "text"
    assert console.machine.arrived() == ["Where is my parcel?", "Are you there?"]


async def test_what_an_agent_writes_is_text_and_never_markup(console: Console) -> None:
    page, evil = console.page, "<img src=x onerror=\"document.title='owned'\"><b>bold</b>"
    chat = await console.machine.open(externalId="<i>guest</i>", message={"text": "Hello"})
    await console.enter(f"#/s/{chat.id}")

    await chat.agent_says(evil, nickname="<u>Dana</u>")
    await page.sees(evil, inside="#rows")
    await page.sees("<u>Dana</u> (agent)", inside="#rows")
    await page.sees("<i>guest</i>", inside="#sessions")
    await page.click("#tab-events")
    await page.sees("message.received", inside="#log")

    assert await page.run("document.querySelectorAll('main img, main b b, u, i').length") == 0
    assert "owned" not in await page.run("document.title")
    assert page.complaints == []
    assert [url for url in page.requested if not url.startswith(console.origin)] == []


async def test_a_recovery_and_a_replacement_are_told_in_the_transcript(console: Console) -> None:
    page = console.page
    chat = await console.machine.open(message={"text": "Hello"})
    await console.enter(f"#/s/{chat.id}")
    await page.sees("Hello", inside="#rows")

    token = await chat.token()
    console.machine.control.drop(token=token)
    console.machine.control.say(token, "Said while nobody listened")
    await page.sees("Session recovered", inside="#rows .banner.good")
    await page.sees("1 message caught up", inside="#rows .banner.good")
    await page.sees("recovered", inside="#rows .message.agent .mark")
    console.machine.control.run("forget", token=await chat.token())
    await page.click("#text")
    await page.type("Still there?")
    await page.press("Enter")

    await page.sees("Guest session replaced", inside="#rows .banner.warn")
    await page.sees("Genesys no longer knew the guest session", inside="#rows .banner.warn")
    await page.sees("guest session 1 → 2", inside="#rows .banner.warn")
    await page.sees("Guest session 2", inside="#rows .seam")
    await page.until("document.querySelectorAll('.message.guest.confirmed').length === 2")


async def test_a_refusal_is_shown_with_its_code_and_the_text_comes_back(console: Console) -> None:
    page, text = console.page, "x" * 4097
    chat = await console.machine.open()
    await console.enter(f"#/s/{chat.id}")
    await page.click("#text")
    await page.type(text)

    await page.press("Enter")
    await page.sees("422 text_too_long", inside="[role=alert]")

    assert await page.run("document.getElementById('text').value") == text
    assert await page.run("document.querySelectorAll('.message').length") == 0


async def test_a_session_is_ended_after_a_question(console: Console) -> None:
    page = console.page
    chat = await console.machine.open(message={"text": "Hello"})
    await console.enter(f"#/s/{chat.id}")
    await page.sees("active", inside="#pill")

    await page.click("#end")
    await page.press("Escape")
    await page.until("!document.getElementById('ask').open")
    assert (await chat.read())["state"] == "active"
    await page.click("#end")
    await page.click("#ask button[value=leave]")

    await page.sees("ended", inside="#pill")
    await page.sees("Session ended by caller", inside="#rows")
    assert await page.run("document.getElementById('text').disabled")
    await page.sees("ended", inside="#sessions .pill")


async def test_the_events_tab_shows_the_log_as_it_is(console: Console) -> None:
    page = console.page
    chat = await console.machine.open(message={"text": "Hello"})
    await chat.agent_says("Welcome")
    await chat.wait_for_text("Welcome")
    log = await chat.events()
    await console.enter(f"#/s/{chat.id}")
    await page.sees(str(len(log)), inside="#count")
    await page.run("document.getElementById('tab-chat').focus()")

    await page.press("ArrowRight")
    await page.until("!document.getElementById('events').hidden")

    shown = await page.run("[...document.querySelectorAll('#log pre')].map((p) => p.textContent)")
    assert [json.loads(text) for text in shown] == log
    assert await page.run("document.activeElement.id") == "tab-events"


async def test_a_quick_reply_is_answered_with_its_payload(console: Console) -> None:
    page = console.page
    chat = await console.machine.open(message={"text": "Hello"})
    await console.enter(f"#/s/{chat.id}")
    reply = {"text": "Yes, please", "payload": "YES", "action": "Message"}
    content = [{"contentType": "QuickReply", "quickReply": reply}]
    console.machine.control.say(await chat.token(), "Shall I?", content=content)

    await page.click("#rows .reply")
    await page.until("document.querySelectorAll('.message.guest.confirmed').length === 2")

    assert console.machine.arrived()[-1] == "Yes, please"


async def test_on_a_phone_nothing_is_cut_off_and_the_way_back_is_there(console: Console) -> None:
    page = console.page
    chat = await _long_chat(console)
    await page.resize(width=360, height=640)
    await console.enter(f"#/s/{chat.id}")
    await page.sees("wwww", inside="#rows")

    for selector in ("#session", "#rows", "#composer", ".verbs"):
        right = f"document.querySelector('{selector}').getBoundingClientRect().right"
        assert await page.run(right) <= 360, selector
    for wide in ("document.documentElement", "document.getElementById('scroll')"):
        assert await page.run(f"{wide}.scrollWidth <= {wide}.clientWidth"), wide
    assert not await page.run("document.getElementById('side').checkVisibility()")
    await page.click("#session .back")
    await page.until("document.getElementById('side').checkVisibility()")


async def test_light_and_dark_follow_the_system(console: Console) -> None:
    page, ground = console.page, "getComputedStyle(document.body).backgroundColor"
    await page.go(f"{console.origin}/console")

    await page.scheme("light")
    light = await page.run(ground)
    await page.scheme("dark")

    assert await page.run(ground) != light


async def _long_chat(console: Console) -> Chat:
    chat = await console.machine.open(externalId="e" * 200, message={"text": "w" * 400})
    await chat.agent_says("<pre>" + "W" * 400)
    return chat
