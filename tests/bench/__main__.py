"""`make bench`: every measurement, or those that are named. BENCH="links talk" are some.

Prints tables and writes `.reports/bench-<name>.json`.
"""

import asyncio
import json
import os
import platform
import sys
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

import uvloop

from tests.bench import deliveries, imports, links, sends, table, talk

REPORTS = Path(".reports")
BENCHES = {
    "sends": sends,
    "links": links,
    "talk": talk,
    "deliveries": deliveries,
    "table": table,
    "imports": imports,
}


def machine() -> dict[str, object]:
    """Where and when, and how busy others kept it."""
    return {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        "cores": len(os.sched_getaffinity(0)),
        "load": [round(load, 2) for load in os.getloadavg()],
    }


def main(wanted: list[str]) -> int:
    """Measure, print, keep; the exit status."""
    unknown = [name for name in wanted if name not in BENCHES]
    if unknown:
        print(f"no bench {', '.join(unknown)}; there are {', '.join(BENCHES)}", file=sys.stderr)
        return 2
    REPORTS.mkdir(exist_ok=True)
    for name in wanted or BENCHES:
        bench = BENCHES[name]
        where = machine()
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            rows = runner.run(bench.run())
        print(f"{name}: {where['python']}, {where['cores']} cores, load {where['load']}")
        print(f"{bench.show(rows)}\n", flush=True)
        report = {**where, "rows": [asdict(row) for row in rows]}
        path = REPORTS / f"bench-{name}.json"
        path.write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
