"""Where a file is stands in a header, whatever the address looks like."""

from service.domain.attachment import Attachment, AttachmentStatus, Download
from service.domain.ids import AttachmentId, SessionId
from tests.support.api_bench import Bench


async def test_an_address_of_odd_signs_makes_no_odd_header(bench: Bench) -> None:
    session = await bench.session()
    now = bench.clock.now()
    told = Attachment(
        id=AttachmentId("odd"),
        session_id=SessionId(session["id"]),
        file_name="a.jpg",
        file_type="image/jpeg",
        file_size=1,
        status=AttachmentStatus.RECEIVED,
        guest_id="odd",
        download=Download(url="https://down.test/\u2013\r\nx: y?a=%2F&b=c", at=now),
        created_at=now,
        updated_at=now,
    )
    await bench.table.attachments.create(told, None)
    path = f"/v1/sessions/{session['id']}/attachments/odd/content"
    # A redirect has no body that could be held to the document.
    bench.http.event_hooks = {}
    answer = await bench.http.get(path, follow_redirects=False)

    assert answer.status_code == 302
    assert answer.headers["location"] == "https://down.test/%E2%80%93%0D%0Ax:%20y?a=%2F&b=c"
