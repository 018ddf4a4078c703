"""What the sessions' table does between two requests of its own."""

from dataclasses import dataclass

from service.adapters.cipher import AesCipher
from service.adapters.embedded import EmbeddedTable, open_embedded
from service.adapters.table.driver import Found, Query
from service.adapters.table.sessions import SessionTable
from service.domain.log import LogEvent
from tests.support.store_builders import NOW, a_session, an_event
from tests.support.virtual_time import InlineExecutor, run_virtual


@dataclass
class AppendsAfterQuery:
    """A driver under which somebody appends right after the first page was read."""

    table: EmbeddedTable
    event: LogEvent
    done: bool = False

    async def query(self, query: Query) -> Found:
        found = await self.table.driver.query(query)
        if not self.done:
            self.done = True
            await self.table.sessions.append(self.event)
        return found


def test_what_is_appended_while_an_empty_page_is_read_is_not_skipped() -> None:
    async def story() -> None:
        cipher = AesCipher(bytes(32))
        table = open_embedded(None, cipher=cipher, clock_now=lambda: NOW, executor=InlineExecutor())
        session = a_session()
        await table.sessions.append(an_event(session, 1))
        late = an_event(session, 2)
        driver = AppendsAfterQuery(table=table, event=late)

        page = await SessionTable(driver, cipher).read_log(session.id, after=1, limit=5)  # type: ignore[arg-type]  # only queries are made

        assert (list(page.events), page.last_sequence) == ([late], 2)

    run_virtual(story())
