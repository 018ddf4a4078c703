"""The data directory: who may use it, and the SQLite connections to the file in it."""

import fcntl
import sqlite3
from pathlib import Path
from typing import Final, TextIO

from service.domain.errors import ConfigurationError

FILE_NAME: Final = "table.sqlite3"
LOCK_NAME: Final = "table.lock"
BUSY_SECONDS: Final = 10.0

HELD: Final = " OR ".join(
    f"instr(body, '\"{name}\":') > 0" for name in ("lock_token", "claim_token", "owner")
)
"""Items that a process holds.

(A name inside a JSON body has its quotes escaped, so it is not found.)
"""

SCHEMA: Final = f"""
CREATE TABLE IF NOT EXISTS items (
    pk TEXT NOT NULL, sk TEXT NOT NULL, body TEXT NOT NULL, size INTEGER NOT NULL,
    PRIMARY KEY (pk, sk)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS index_rows (
    name TEXT NOT NULL, ipk TEXT NOT NULL, isk NOT NULL, pk TEXT NOT NULL, sk TEXT NOT NULL,
    born REAL NOT NULL, body TEXT NOT NULL, size INTEGER NOT NULL, died REAL,
    PRIMARY KEY (name, ipk, isk, pk, sk, born)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS index_rows_of_item ON index_rows (pk, sk);
CREATE INDEX IF NOT EXISTS held_items ON items (pk, sk) WHERE {HELD};
"""


def lock_directory(directory: Path) -> TextIO:
    """Make the directory, for this user alone, and hold it until the file closes or we die.

    Raises ConfigurationError when another process holds it.
    """
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    held = (directory / LOCK_NAME).open("a", encoding="ascii")
    try:
        fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as exc:
        held.close()
        fault = f"another process has the data directory {directory}: stop it, or choose another"
        raise ConfigurationError(fault) from exc
    return held


def connect(directory: Path | None, *, durable: bool = True) -> sqlite3.Connection:
    """A connection to the file, or to a table in memory of its own.

    WAL lets readers read beside the writer; FULL syncs the log at every commit, so what was
    answered survives a power cut (with NORMAL, WAL loses the last commits then). What is not
    `durable` survives the end of its process and no more.
    """
    name = ":memory:" if directory is None else str(directory / FILE_NAME)
    connection = sqlite3.connect(
        name, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False
    )
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute(f"PRAGMA synchronous={'FULL' if durable else 'OFF'}")
    return connection
