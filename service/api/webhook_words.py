"""What the document says of a webhook: its limits and waits, asked for or answered."""

from typing import Final

EVENT_TYPES: Final = (
    "Types, families such as `message.*`, or `*`: all of a session's log. `typing.*` and "
    "`webhook.*` come only if asked for by name; the latter tell of your other webhooks."
)
RATE_LIMIT: Final = "Deliveries a second at most, all sessions together; 1 to 1000. Null: no limit."
MAX_CONCURRENCY: Final = (
    "Deliveries at a time at most, all sessions together; 1 to 100. Null: one a session."
)
TIMEOUT_SECONDS: Final = (
    "The deadline of one attempt, from the name's lookup to the answer's head; 1 to 30."
)
RETRY_SCHEDULE: Final = (
    "Seconds to wait after each failed attempt: `default` (16 attempts in 76 hours, seven of them "
    "in the first), `standard` (the example of Standard Webhooks: 10 attempts in 76 hours), or 1 "
    "to 20 numbers from 1 to 86400. Afterwards an event is tried every twelve hours."
)
ON_EXHAUSTED: Final = (
    "What becomes of an event that keeps failing while the webhook is well. `block`: it is tried "
    "again and the session's later events wait. `skip`: after `skipAfterSeconds` it is left behind "
    "(others get through, or the answer is 400, 413, 415 or 422), which `broker-gap` tells."
)
ERROR: Final = (
    "The class of what went wrong: `dns`, `refused`, `reset`, `timeout`, `tls`, `protocol`, "
    "`blocked_target`, or `status` where an answer came and was no 2xx. Null for a delivery."
)
VERIFY: Final = (
    "Whether the URL must prove itself: it is `paused` and keeps its backlog until its answer to a "
    "`webhook.challenge` event, sent at once and with each `/verify`, has `data.challenge` as its "
    'body: bare, or as `{"challenge": "…"}`, within a second of its head. Another URL must prove '
    "itself anew."
)
