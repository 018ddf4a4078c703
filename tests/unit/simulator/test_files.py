"""Attachments: asked for, uploaded, sent, fetched, refused."""

from urllib.parse import parse_qsl, urlsplit

import pytest

from service.simulator.deployments import Bot, Deployment
from service.simulator.events import HttpReply
from tests.unit.simulator.stage import Client, Frame, Stage, T, classes, stage

PHOTO = {"fileName": "photo.jpg", "fileType": "image/jpeg", "fileSize": 5}


def ask(client: Client, **fields: object) -> Frame:
    return client.send("onAttachment", **{"token": T, "errorsAsJson": True, **PHOTO, **fields})[0]


def put(
    here: Stage, grant: Frame, content: bytes = b"bytes", *, tagging: str | None = None
) -> HttpReply:
    parts = urlsplit(grant["body"]["url"])
    return here.http(
        "PUT",
        parts.path,
        query=dict(parse_qsl(parts.query)),
        headers={"x-amz-tagging": tagging} if tagging else grant["body"]["headers"],
        body=content,
    )


def uploaded(here: Stage, client: Client) -> str:
    grant = ask(client)
    assert put(here, grant).status == 200
    here.advance(1)
    client.inbox()
    return str(grant["body"]["attachmentId"])


def send_with(client: Client, attachment_id: str) -> Frame:
    content = [{"contentType": "Attachment", "attachment": {"id": attachment_id}}]
    message = {"type": "Text", "text": "", "content": content}
    return client.send("onMessage", token=T, message=message)[0]


def test_a_file_goes_up_and_out_in_a_message() -> None:
    here = stage()
    client = here.joined()
    grant = ask(client, attachmentId="b5d6e7f8-0000-4000-8000-000000000001")
    assert grant["class"] == "PresignedUrlResponse"

    assert put(here, grant).status == 200
    here.advance(1)
    [done] = client.inbox()
    echo = send_with(client, grant["body"]["attachmentId"])

    assert (done["type"], done["class"]) == ("message", "UploadSuccessEvent")
    [item] = echo["body"]["content"]
    assert item["attachment"] == {
        "id": "b5d6e7f8-0000-4000-8000-000000000001",
        "filename": "photo.jpg",
        "mediaType": "Image",
        "fileSize": 5,
        "mime": "image/jpeg",
        "url": done["body"]["downloadUrl"],
    }
    reply = here.http("GET", urlsplit(item["attachment"]["url"]).path)
    assert (reply.status, reply.body) == (200, b"bytes")
    assert reply.headers["content-type"] == "image/jpeg"


def test_the_legacy_way_to_name_an_attachment_works() -> None:
    here = stage()
    client = here.joined()
    ident = uploaded(here, client)

    [echo] = client.send(
        "onMessage", token=T, message={"type": "Text", "text": "look"}, attachmentIds=[ident]
    )

    assert echo["body"]["content"][0]["attachment"]["id"] == ident


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"fileName": "photo"}, 4004),
        ({"fileName": "x" * 1020 + ".jpg"}, 4005),
        ({"fileName": "run.exe"}, 4001),
        ({"fileType": "video/mp4"}, 4001),
        ({"fileSize": 0}, 4102),
        ({"fileSize": 1_000_001}, 4002),
    ],
)
def test_a_file_that_may_not_come_is_refused(fields: Frame, code: int) -> None:
    here = stage(Deployment(bot=Bot.SILENT, file_types=("image/*",), max_file_kb=1000))
    client = here.joined()

    as_json = ask(client, **fields)
    as_text = ask(client, **fields, errorsAsJson=False)

    assert (as_json["class"], as_json["body"]["errorCode"]) == ("GenerateUrlError", code)
    assert (as_text["class"], as_text["code"]) == ("string", code)


def test_files_can_be_switched_off() -> None:
    client = stage(Deployment(bot=Bot.SILENT, attachments=False)).joined()

    assert ask(client)["body"]["errorCode"] == 4000


def test_an_upload_needs_its_signature_and_its_headers() -> None:
    here = stage()
    grant = ask(here.joined())
    unsigned = {**grant["body"], "url": grant["body"]["url"].partition("?")[0]}

    assert put(here, {"body": unsigned}).status == 403
    assert put(here, grant, tagging="changed").status == 403
    assert here.http("PUT", "/uploads/unknown").status == 403


def test_an_upload_of_another_size_fails_on_the_socket() -> None:
    here = stage()
    client = here.joined()
    grant = ask(client)

    put(here, grant, b"other size")
    here.advance(1)

    [failed] = client.inbox()
    assert (failed["class"], failed["body"]["errorCode"]) == ("UploadFailureEvent", 4002)
    assert send_with(client, grant["body"]["attachmentId"])["code"] == 4010


def test_a_message_may_only_carry_what_is_there() -> None:
    here = stage(attachment_seconds=100)
    client = here.joined()

    assert send_with(client, "unknown")["code"] == 4009
    assert send_with(client, ask(client)["body"]["attachmentId"])["code"] == 4010
    ident = uploaded(here, client)
    stranger = here.joined("other")
    content = [{"contentType": "Attachment", "attachment": {"id": ident}}]
    stolen = stranger.send("onMessage", token="other", message={"content": content})
    assert stolen[0]["code"] == 4009
    two = client.send("onMessage", token=T, message={"content": content * 2})
    assert two[0]["code"] == 400
    here.advance(100)
    assert send_with(client, ident)["code"] == 4008


def test_a_download_address_dies_and_can_be_renewed() -> None:
    here = stage()
    client = here.joined()
    ident = uploaded(here, client)
    url = send_with(client, ident)["body"]["content"][0]["attachment"]["url"]
    here.advance(601)
    assert here.http("GET", urlsplit(url).path).status == 404

    [fresh] = client.send("getAttachment", token=T, attachmentId=ident)

    assert fresh["body"]["headers"] == {}
    assert fresh["body"]["fileSize"] == 5
    assert here.http("GET", urlsplit(fresh["body"]["url"]).path).body == b"bytes"


def test_an_unsent_file_can_be_deleted_and_a_sent_one_cannot() -> None:
    here = stage()
    client = here.joined()
    unsent, sent = uploaded(here, client), uploaded(here, client)
    send_with(client, sent)

    deleted = client.send("deleteAttachment", token=T, attachmentId=unsent)

    assert classes(deleted) == ["AttachmentDeletedResponse"]
    assert client.send("getAttachment", token=T, attachmentId=unsent)[0]["code"] == 4009
    assert client.send("deleteAttachment", token=T, attachmentId=sent)[0]["code"] == 400


def test_an_old_file_has_expired() -> None:
    here = stage(attachment_seconds=10)
    client = here.joined()
    ident = uploaded(here, client)
    here.advance(10)

    assert client.send("getAttachment", token=T, attachmentId=ident)[0]["code"] == 4008


def test_file_actions_need_a_session() -> None:
    client = stage().open()

    assert ask(client)["code"] == 4007
    assert client.send("getAttachment", token=T)[0]["code"] == 4007
    assert client.send("deleteAttachment", token=T)[0]["code"] == 4007


def test_the_outcome_of_an_upload_is_lost_with_the_session() -> None:
    here = stage()
    client = here.joined()
    put(here, ask(client))
    here.control.forget(T)

    assert here.advance(1) == []


def test_the_bot_names_a_file_it_got() -> None:
    here = stage(Deployment())
    client = here.joined()
    send_with(client, uploaded(here, client))
    here.advance(1)

    assert client.inbox()[-1]["body"]["text"] == "You sent: photo.jpg"
