"""The desk of a visit: sends by name, and the time of its clock."""

from dataclasses import replace

from service.domain.send import SendStatus
from tests.support.visit_stage import on_virtual_time, staged


@on_virtual_time
async def test_a_send_is_kept_as_it_is_now_until_it_is_settled() -> None:
    async with staged() as stage:
        session = await stage.made()
        send = await stage.accept(session, "Hello")
        desk = await stage.desk(session)
        later = replace(send, status=SendStatus.WRITTEN)
        desk.keep(send)
        desk.keep(later)
        kept = list(desk.sends.values())
        desk.forget(send)
        desk.forget(send)

        assert kept == [later]
        assert desk.sends == {}
        assert desk.now == stage.now
