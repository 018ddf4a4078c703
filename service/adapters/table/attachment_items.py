"""Attachments as items, and back; and the steps that change them.

The two addresses are bearer secrets and lie in one encrypted attribute.
"""

import json
from typing import Any, Final, cast

from service.adapters.table import schema
from service.adapters.table.conditions import (
    Absent,
    Equals,
    Item,
    Present,
    Put,
    Update,
    Value,
    all_of,
)
from service.adapters.table.records import plain_record, record, text_of
from service.adapters.table.steps import Step
from service.domain.attachment import KEPT_SECONDS, Attachment, AttachmentChange, kept
from service.domain.errors import BrokerError, NotFoundError, VersionConflictError
from service.domain.ids import SessionId
from service.ports import Cipher

SECRETS: Final = ("upload", "download")


def attachment_item(attachment: Attachment, cipher: Cipher) -> Item:
    """The whole item."""
    key = schema.attachment_key(attachment.session_id, attachment.id)
    return {
        schema.PK: key.pk,
        schema.SK: key.sk,
        schema.TTL: int(attachment.created_at) + int(KEPT_SECONDS),
        **_attributes(attachment, cipher),
    }


def read_attachment(item: Item, cipher: Cipher) -> Attachment:
    """The attachment of an item."""
    members = cast("dict[str, Any]", json.loads(str(item["body"])))
    if item.get("sealed"):
        opened = cipher.decrypt(str(item["sealed"]), context=_context(members["id"]))
        members |= json.loads(opened)
    return record(Attachment, {**members, "version": int(item["version"])})


def make_attachment(attachment: Attachment, cipher: Cipher, answer: str | None) -> Step:
    """A new one; it remembers the answer that was made with it, so that erasing finds that too."""
    item = dict(attachment_item(attachment, cipher))
    if answer is not None:
        item["answer"] = answer
    return Step(
        write=Put(item=item, condition=Absent()), refusal=_changed, identity=("version", "body")
    )


def move_attachment(change: AttachmentChange, cipher: Cipher) -> Step:
    """One moved on."""
    after = kept(change)
    return Step(
        write=Update(
            key=schema.attachment_key(after.session_id, after.id),
            put=_attributes(after, cipher),
            condition=Equals("version", change.before.version),
        ),
        refusal=_changed,
        identity=("version", "body"),
    )


def tell_session(session_id: SessionId, at: float) -> Step:
    """Let whoever visits the session see that a caller asked something of an attachment."""

    def refusal(_: Item | None) -> BrokerError:
        return NotFoundError(kind="session", name=session_id)

    update = Update(
        key=schema.session_key(session_id),
        put={"attachments_at": at},
        condition=all_of(Present(), Absent("erased")),
    )
    return Step(write=update, refusal=refusal)


def _attributes(attachment: Attachment, cipher: Cipher) -> dict[str, Value]:
    members = plain_record(attachment)
    del members["version"]
    secret = {name: members.pop(name) for name in SECRETS if name in members}
    # Put also where it is empty: what an address was good for is over.
    sealed = cipher.encrypt(text_of(secret), context=_context(attachment.id)) if secret else ""
    return {"version": attachment.version, "body": text_of(members), "sealed": sealed}


def _context(attachment_id: str) -> str:
    return f"attachment/{attachment_id}/addresses"


def _changed(_: Item | None) -> BrokerError:
    return VersionConflictError(item="attachment")
