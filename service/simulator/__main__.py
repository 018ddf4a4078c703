"""Start the simulator by itself: `python -m service.simulator`.

Prints one `ready` line, and ends with status 0 on SIGTERM or SIGINT.
"""

import argparse
import asyncio
import signal
import sys
from pathlib import Path

from service.simulator.deployments import DEFAULT_DEPLOYMENT_ID, Deployment
from service.simulator.server import Certificate, SimulatorServer
from service.simulator.settings import SettingError, changed
from service.simulator.shapes import JsonObject, parse_object
from service.simulator.state import WorldConfig


def _deployment(text: str) -> Deployment:
    fields: JsonObject | None = parse_object(text) if text.startswith("{") else {"id": text}
    if fields is None:
        raise argparse.ArgumentTypeError(text)
    try:
        return changed(Deployment(), fields)
    except SettingError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def arguments(argv: list[str]) -> argparse.Namespace:
    """Parse the command line; ends the process with status 2 when it makes no sense."""
    parser = argparse.ArgumentParser(prog="service.simulator", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0, help="0 takes a free port")
    parser.add_argument("--seed", type=int, help="the same seed makes the same run")
    parser.add_argument(
        "--deployment",
        type=_deployment,
        action="append",
        help=f"a UUID, or a JSON object of settings; may be repeated "
        f"(default: {DEFAULT_DEPLOYMENT_ID})",
    )
    parser.add_argument("--tls-cert", type=Path)
    parser.add_argument("--tls-key", type=Path)
    given = parser.parse_args(argv)
    if bool(given.tls_cert) != bool(given.tls_key):
        parser.error("--tls-cert and --tls-key belong together")
    return given


async def run(given: argparse.Namespace) -> None:
    """Serve until a signal comes."""
    stopped = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    deployments = tuple(given.deployment or (Deployment(),))
    certificate = None
    if given.tls_cert:
        certificate = Certificate(chain=given.tls_cert, key=given.tls_key)
    server = SimulatorServer(
        WorldConfig(deployments=deployments),
        host=given.host,
        port=given.port,
        seed=given.seed,
        certificate=certificate,
    )
    async with server:
        url = f"{server.ws_url}?deploymentId={deployments[0].id}"
        sys.stdout.write(f"ready {url}\n")
        sys.stdout.flush()
        await stopped.wait()


def main() -> None:
    """Parse the command line and run."""
    asyncio.run(run(arguments(sys.argv[1:])))


if __name__ == "__main__":
    main()
