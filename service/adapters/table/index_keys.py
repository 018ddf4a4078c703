"""Keys of the indexes: partitions, the buckets that spread them, and what sorts within them.

`schema` has the table of who reads which.
"""

import zlib
from datetime import UTC, datetime

from service.domain.ids import EndpointId, SessionId


def live_partition(shard: int) -> str:
    """In `live`: the sessions of a shard that want a link."""
    return f"LIVE#{shard}"


def due_sessions_partition(bucket: int) -> str:
    """In `due`: a sixteenth of the due sessions."""
    return f"DUE#SES#{bucket}"


def due_lanes_partition(bucket: int) -> str:
    """In `due`: a sixteenth of the due lanes."""
    return f"DUE#LANE#{bucket}"


def due_strands_partition(bucket: int) -> str:
    """In `due`: a sixteenth of the due strands of replays."""
    return f"DUE#RPL#{bucket}"


def endpoint_lanes_partition(endpoint_id: EndpointId, bucket: int) -> str:
    """In `lanes`: an eighth of the lanes of an endpoint."""
    return f"HOOK#{endpoint_id}#{bucket}"


def failed_attempts_partition(endpoint_id: EndpointId, day: str) -> str:
    """In `lanes`: the attempts of an endpoint that failed on that day."""
    return f"HOOK#{endpoint_id}#TRY#{day}"


def day_of(at: float) -> str:
    """The day of an instant in UTC; text order is time order."""
    return datetime.fromtimestamp(at, UTC).date().isoformat()


def created_sort(created_at: float, session_id: SessionId) -> str:
    """In `tenant`: the sort key that puts sessions in the order of their creation."""
    return f"{created_at:018.6f}#{session_id}"


def session_created(place: str) -> SessionId:
    """The session that a place in the order of creation names."""
    return SessionId(place.rpartition("#")[2])


def bucket(name: str, buckets: int) -> int:
    """Which bucket a name falls into, the same in every process and for ever."""
    return zlib.crc32(name.encode()) % buckets
