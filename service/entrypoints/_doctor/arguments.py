"""The command line of the doctor, as a deployment that is kept nowhere."""

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, NoReturn

from service.domain.deployment import Deployment, PlatformCredentials
from service.domain.finding import Feature
from service.domain.ids import DeploymentName, TenantName
from service.domain.region import SETTING, Regions, domains
from service.usecases.manage_deployments import deployment_faults, domain_faults

SECRET: Final = "DOCTOR_PLATFORM_CLIENT_SECRET"  # noqa: S105 - the name of a variable
"""A secret on a command line is seen by everybody who lists processes."""
NAME: Final = DeploymentName("command-line")
_TELLS: Final = (
    "Reads what Genesys publishes of a Messenger deployment and says in plain words what works, "
    "what does not, and how to mend it. Needs no broker."
)
_ENDS: Final = (
    "Ends with 0 where all features of the broker will work, with 1 where one will not or where it "
    "could not be told (--accept leaves one out), and with 2 for a command line that makes no "
    "sense. The OAuth client's "
    f"secret is taken from {SECRET}."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What the doctor is to do."""

    deployment: Deployment
    session: bool
    as_json: bool
    ca_file: Path | None
    accepted: frozenset[Feature]
    """What need not work."""
    regions: Regions
    """What the broker will allow."""


def parse(words: Sequence[str], environment: Mapping[str, str]) -> Order:
    """Read the command line. Ends the process with status 2 where it makes no sense."""
    parser = _parser()
    given = parser.parse_args(words)
    deployment = Deployment(
        tenant=TenantName("default"),
        name=NAME,
        deployment_id=given.deployment_id,
        domain=given.domain,
        endpoint=given.endpoint,
        origin=given.origin,
        locale=given.locale,
        platform=_credentials(parser, given.platform_client_id, environment),
    )
    regions = _regions(parser, environment)
    faults = deployment_faults(deployment, allow_endpoint=True)
    for fault in [*faults, *domain_faults(deployment, regions)]:
        _refuse(parser, fault.pointer, fault.detail)
    accepted = {Feature(name) for name in given.accept}
    if deployment.platform is None:
        # Nobody asked about them.
        accepted.add(Feature.CONVERSATION_IDS)
    return Order(
        deployment=deployment,
        session=given.session,
        as_json=given.json,
        ca_file=given.ca_file,
        accepted=frozenset(accepted),
        regions=regions,
    )


def _refuse(parser: argparse.ArgumentParser, pointer: str, detail: str) -> NoReturn:
    """Name the option by the place of the REST API's body: /deploymentId is --deployment-id."""
    spelled = "".join(f"-{sign.lower()}" if sign.isupper() else sign for sign in pointer[1:])
    # Both or neither of them is the only fault that has no place.
    parser.error(f"--{spelled}: {detail}" if spelled else "needs either --domain or --endpoint")


def _credentials(
    parser: argparse.ArgumentParser, client_id: str | None, environment: Mapping[str, str]
) -> PlatformCredentials | None:
    if client_id is None:
        return None
    secret = environment.get(SECRET, "")
    if not secret:
        parser.error(f"--platform-client-id: needs its secret in {SECRET}")
    return PlatformCredentials(client_id=client_id, client_secret=secret)


def _regions(parser: argparse.ArgumentParser, environment: Mapping[str, str]) -> Regions:
    try:
        return Regions(more=domains(environment.get(SETTING, "")))
    except ValueError as fault:
        parser.error(f"{SETTING}: {fault}")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="doctor", description=_TELLS, epilog=_ENDS, allow_abbrev=False
    )
    parser.add_argument("--deployment-id", required=True, metavar="ID")
    parser.add_argument("--domain", help="of your Genesys region, such as mypurecloud.de")
    parser.add_argument("--endpoint", metavar="URL", help="one origin for all, as a simulator has")
    parser.add_argument("--origin", metavar="URL", help="a page that the broker will come from")
    parser.add_argument("--locale", help="such as de-DE")
    parser.add_argument("--platform-client-id", metavar="ID", help="an OAuth client to try out")
    parser.add_argument(
        "--session", action="store_true", help="open a test session too, of which nothing is kept"
    )
    parser.add_argument(
        "--accept",
        action="append",
        default=[],
        choices=[feature.value for feature in Feature],
        metavar="FEATURE",
        help="need not work, nor be told, for the exit status; may be repeated: "
        + ", ".join(feature.value for feature in Feature),
    )
    parser.add_argument("--json", action="store_true", help="print what the REST API would answer")
    parser.add_argument("--ca-file", type=Path, metavar="FILE", help="authorities to trust besides")
    return parser
