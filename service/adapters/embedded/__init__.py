"""The store that needs nothing installed.

SQLite under the single table, and the in-process queue of hints.

Production code for one machine, held to the same contract suite as DynamoDB.
"""

from service.adapters.embedded.opening import EmbeddedTable, open_embedded

__all__ = ["EmbeddedTable", "open_embedded"]
