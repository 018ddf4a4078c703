"""The doctor of a deployment by itself: `python -m service.entrypoints.doctor --help`.

For pipelines, and for before there is a broker. Prints what works, what does not and how to mend
it; ends with 0, with 1 where a feature of the broker that is not accepted will not work or could
not be told, with 2 where the command line is wrong.
"""

import asyncio
import io
import json
import logging
import os
import sys
from collections.abc import Mapping, Sequence

from service.domain.errors import ConfigurationError
from service.entrypoints._doctor.arguments import Order, parse
from service.entrypoints._doctor.examination import Strange, examination
from service.entrypoints._doctor.report import exit_status, report


def main(words: Sequence[str], environment: Mapping[str, str]) -> int:
    """Examine and print; the exit status."""
    order = parse(words, environment)
    try:
        return asyncio.run(_examine(order))
    except ConfigurationError:
        print(f"doctor: error: --ca-file: no certificates in {order.ca_file}", file=sys.stderr)
        return 2


async def _examine(order: Order) -> int:
    strange = Strange()
    async with examination(order.ca_file, order.regions, strange) as examine:
        view = await examine(order.deployment, session=order.session)
    if order.as_json:
        print(json.dumps(view, indent=2, ensure_ascii=False))
    else:
        print("\n".join(report(order.deployment, view, strange.kinds, order.accepted)))
    return exit_status(view, order.accepted)


if __name__ == "__main__":
    # Whatever the adapters have to say is a finding.
    logging.disable(logging.CRITICAL)
    if isinstance(sys.stdout, io.TextIOWrapper):
        # What Genesys says may have letters that a pipeline's log has not.
        sys.stdout.reconfigure(errors="backslashreplace")
    sys.exit(main(sys.argv[1:], os.environ))
