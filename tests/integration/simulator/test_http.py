"""Plain HTTP on the port of the socket: control, files, keep-alive, nonsense."""

import asyncio
import json

import httpx2

from tests.integration.simulator.line import PATIENCE, D, T, joined, simulator

PHOTO = {"fileName": "photo.jpg", "fileType": "image/jpeg"}


async def test_orders_and_files_share_one_kept_alive_connection() -> None:
    async with simulator() as sim, joined(sim) as line:
        async with httpx2.AsyncClient(base_url=sim.origin, timeout=PATIENCE) as http:
            said = await http.post("/__sim__/say", json={"token": T, "text": "Grüße"})
            config = await http.get(f"/webdeployments/v1/deployments/{D}/config.json")
            counts = await http.get("/__sim__/counts")

        assert said.json()["delivered"] == 1
        assert (await line.hear())["body"]["text"] == "Grüße"
        assert config.json()["apiEndpoint"] == sim.origin
        assert counts.json()["tokens"][T]["sockets"] == 1


async def test_an_attachment_of_a_megabyte_travels_up_and_down() -> None:
    content = bytes(range(256)) * 4096
    async with (
        simulator() as sim,
        joined(sim) as line,
        httpx2.AsyncClient(timeout=PATIENCE) as http,
    ):
        grant = await line.ask("onAttachment", token=T, fileSize=len(content), **PHOTO)
        headers = {**grant["body"]["headers"], "Content-Type": "image/jpeg"}
        put = await http.put(grant["body"]["url"], content=content, headers=headers)
        done = await line.hear()
        got = await http.get(done["body"]["downloadUrl"])

    assert put.status_code == 200
    assert done["class"] == "UploadSuccessEvent"
    assert got.content == content
    assert got.headers["content-type"] == "image/jpeg"


async def test_platform_credentials_open_the_lookup() -> None:
    async with simulator() as sim, joined(sim) as line:
        await line.say("hi")
        ident = (await line.hear())["body"]["id"]
        async with httpx2.AsyncClient(base_url=sim.origin, timeout=PATIENCE) as http:
            form = {"grant_type": "client_credentials"}
            token = await http.post(
                "/oauth/token", data=form, auth=("simulator", "simulator-secret")
            )
            headers = {"Authorization": f"bearer {token.json()['access_token']}"}
            path = f"/api/v2/conversations/messages/{ident}/details"
            details = await http.get(path, headers=headers)

    assert details.json()["normalizedMessage"]["text"] == "hi"


async def talk(origin: str, request: bytes) -> bytes:
    host, port = origin.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(request)
    async with asyncio.timeout(PATIENCE):
        answer = await reader.read(4096)
    writer.close()
    await writer.wait_closed()
    return answer


async def test_nonsense_on_the_port_is_hung_up_on() -> None:
    async with simulator() as sim:
        assert await talk(sim.origin, b"\x16\x03\x01 nonsense\r\n\r\n") == b""
        answer = await talk(sim.origin, b"GET /v1 HTTP/1.1\r\nHost: x\r\n\r\n")

        assert answer.startswith(b"HTTP/1.1 426")


async def test_pipelined_requests_are_answered_in_order() -> None:
    one = b"GET /__sim__/health HTTP/1.1\r\nHost: x\r\n\r\n"
    last = b"GET /nowhere HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
    async with simulator() as sim:
        answer = await talk(sim.origin, one + last)

    assert answer.startswith(b"HTTP/1.1 200")
    assert b"HTTP/1.1 404" in answer


async def test_a_client_that_expects_to_be_asked_is_asked() -> None:
    body = json.dumps({"token": T, "text": "hi"}).encode()
    head = (
        b"POST /__sim__/health HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\n"
        b"Content-Length: " + str(len(body)).encode() + b"\r\n\r\n"
    )
    async with simulator() as sim:
        assert (await talk(sim.origin, head)).startswith(b"HTTP/1.1 100")


async def test_who_asks_for_the_head_only_gets_no_body_and_may_ask_on() -> None:
    async with (
        simulator() as sim,
        httpx2.AsyncClient(base_url=sim.origin, timeout=PATIENCE) as http,
    ):
        head = await http.head(f"/webdeployments/v1/deployments/{D}/config.json")
        health = await http.get("/__sim__/health")

    assert (head.status_code, head.content) == (405, b"")
    assert health.json()["status"] == "ok"
