"""The links of files, and the list of them."""

from dataclasses import replace
from typing import Any

import pytest

from service.domain.attachment import Attachment, AttachmentStatus, Download
from service.domain.ids import AttachmentId, SessionId
from tests.support.api_bench import Bench


def _file(bench: Bench, session: dict[str, Any], name: str) -> Attachment:
    now = bench.clock.now()
    return Attachment(
        id=AttachmentId(name),
        session_id=SessionId(session["id"]),
        file_name="a.jpg",
        file_type="image/jpeg",
        file_size=1,
        status=AttachmentStatus.UPLOADED,
        created_at=now,
        updated_at=now,
    )


async def test_files_are_listed_oldest_first_page_by_page(bench: Bench) -> None:
    session = await bench.session()
    names = [f"att_{number}" for number in range(3)]
    for name in names:
        await bench.table.attachments.create(_file(bench, session, name), None)
    path = f"/v1/sessions/{session['id']}/attachments"
    first = (await bench.http.get(path, params={"limit": 2})).json()
    rest = (await bench.http.get(path, params={"limit": 2, "cursor": first["nextCursor"]})).json()

    assert [file["id"] for file in first["items"] + rest["items"]] == names
    assert (len(first["items"]), rest["nextCursor"]) == (2, None)


@pytest.mark.parametrize("query", ["cursor=x", "limit=0", "limit=201"])
async def test_a_page_of_files_that_can_be_none_is_refused(bench: Bench, query: str) -> None:
    session = await bench.session()
    answer = await bench.http.get(f"/v1/sessions/{session['id']}/attachments?{query}")

    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"] == f"/query/{query.partition('=')[0]}"


async def test_an_address_of_odd_signs_makes_no_odd_header(bench: Bench) -> None:
    session = await bench.session()
    told = replace(
        _file(bench, session, "odd"),
        status=AttachmentStatus.RECEIVED,
        guest_id="odd",
        download=Download(url="https://down.test/\u2013\r\nx: y?a=%2F&b=c", at=bench.clock.now()),
    )
    await bench.table.attachments.create(told, None)
    path = f"/v1/sessions/{session['id']}/attachments/odd/content"
    # A redirect has no body that could be held to the document.
    bench.http.event_hooks = {}
    answer = await bench.http.get(path, follow_redirects=False)

    assert answer.status_code == 302
    assert answer.headers["location"] == "https://down.test/%E2%80%93%0D%0Ax:%20y?a=%2F&b=c"


async def test_a_file_that_has_no_address_yet_says_where_it_will_be_told(bench: Bench) -> None:
    session = await bench.session()
    body = {"fileName": "a.jpg", "fileType": "image/jpeg", "fileSize": 1}
    path = f"/v1/sessions/{session['id']}/attachments"
    asked = await bench.http.post(f"{path}?wait=0", json=body)

    assert (asked.status_code, asked.headers["location"]) == (202, f"{path}/{asked.json()['id']}")
    found = await bench.http.get(asked.headers["location"])
    assert (found.status_code, found.json()["id"]) == (200, asked.json()["id"])
