"""The AttachmentStore of the single table."""

import json
from collections.abc import Sequence

from service.adapters.table import schema
from service.adapters.table.attachment_items import (
    make_attachment,
    move_attachment,
    read_attachment,
    tell_session,
)
from service.adapters.table.conditions import Item, Put
from service.adapters.table.driver import Driver
from service.adapters.table.paging import below, every_item, one_page
from service.adapters.table.records import plain_record, record, text_of
from service.adapters.table.session_steps import keep_answer
from service.adapters.table.steps import run
from service.adapters.table.unsealing import unsealed
from service.domain.access import IdempotencyRecord
from service.domain.attachment import Attachment, AttachmentChange, kept
from service.domain.deployment import Deployment
from service.domain.ids import AttachmentId, SessionId
from service.domain.media import MediaRules
from service.ports import Cipher, Page


class AttachmentTable:
    """Attachments in the partitions of their sessions."""

    def __init__(self, driver: Driver, cipher: Cipher) -> None:
        self._driver = driver
        self._cipher = cipher

    async def create(self, attachment: Attachment, idempotency: IdempotencyRecord | None) -> None:
        """The attachment, its mark on the session and the answer in one transaction."""
        answer = None if idempotency is None else idempotency.key
        await run(
            self._driver,
            make_attachment(attachment, self._cipher, answer),
            *keep_answer(idempotency, self._cipher),
            tell_session(attachment.session_id, attachment.created_at),
        )

    async def attachment(
        self, session_id: SessionId, attachment_id: AttachmentId
    ) -> Attachment | None:
        """As it is."""
        item = await self._driver.get(schema.attachment_key(session_id, attachment_id))
        return None if item is None else await self._read(item)

    async def of_session(self, session_id: SessionId) -> Sequence[Attachment]:
        """All of a session, oldest first."""
        query = below(schema.session_partition(session_id), schema.ATTACHMENTS)
        return [await self._read(item) async for item in every_item(self._driver, query)]

    async def page_of_session(
        self, session_id: SessionId, *, cursor: str | None, limit: int
    ) -> Page[Attachment]:
        """Some of a session, oldest first: their ids rise with time."""

        def read(item: Item) -> Attachment:
            return read_attachment(item, self._cipher)

        query = below(schema.session_partition(session_id), schema.ATTACHMENTS)
        return await one_page(self._driver, query, cursor=cursor, limit=limit, read=read)

    async def _read(self, item: Item) -> Attachment:
        return await unsealed(lambda: read_attachment(item, self._cipher))

    async def change(self, change: AttachmentChange) -> Attachment:
        """Moved on. Raises VersionConflictError."""
        await run(self._driver, move_attachment(change, self._cipher))
        return kept(change)

    async def wish(self, change: AttachmentChange) -> Attachment:
        """Moved on, and told on the session. Raises VersionConflictError, NotFoundError."""
        await run(
            self._driver,
            move_attachment(change, self._cipher),
            tell_session(change.after.session_id, change.after.updated_at),
        )
        return kept(change)

    async def learn(self, deployment: Deployment, rules: MediaRules) -> None:
        """Whoever learned last is right: they all heard it from Genesys."""
        key = schema.media_key(deployment.tenant, deployment.name)
        body = text_of(plain_record(rules))
        item = {"pk": key.pk, "sk": key.sk, "of": deployment.deployment_id, "body": body}
        await self._driver.write(Put(item=item))

    async def rules(self, deployment: Deployment) -> MediaRules | None:
        """What was kept, unless the name stands for another deployment by now."""
        item = await self._driver.get(schema.media_key(deployment.tenant, deployment.name))
        if item is None or item["of"] != deployment.deployment_id:
            return None
        return record(MediaRules, json.loads(str(item["body"])))
