"""The coverage that must hold, measured by branch over the suites that say `covered`.

The numbers are here and nowhere else. Killed processes write no coverage, so the chaos suite is not
counted; stories over sockets are not, since the numbers hold without them and tracing doubles them.
"""

import sys
from pathlib import Path
from typing import Final

from coverage import Coverage
from coverage.exceptions import NoDataError

THRESHOLDS: Final = (
    ("service/domain/*", 100.0),
    ("service/guest/*", 100.0),
    ("service/webhook/*", 100.0),
    ("service/usecases/*", 100.0),
    ("service/*", 95.0),
)


def passes(reports: Path) -> bool:
    """Combine the data files in `reports`; say what is below its threshold and whether all hold."""
    measured = sorted(reports.glob(".coverage.*"))
    if not measured:
        print("coverage: nothing was measured")
        return False
    data = Coverage(data_file=str(reports / "coverage"))
    data.combine([str(file) for file in measured], keep=True)
    data.save()
    verdicts = [_holds(data, pattern, threshold) for pattern, threshold in THRESHOLDS]
    return all(verdicts)


def _holds(data: Coverage, pattern: str, threshold: float) -> bool:
    with (Path(data.config.data_file).parent / "coverage.txt").open("w+") as listing:
        try:
            reached = data.report(include=[pattern], file=listing)
        except NoDataError:
            return True  # no such package yet
        print(f"coverage {pattern}: {reached:.2f} % (at least {threshold:.0f} %)")
        if reached >= threshold:
            return True
        listing.seek(0)
        sys.stdout.writelines(listing)
        return False
