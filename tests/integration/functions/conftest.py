"""Functions over whole conversations, on the stand-ins of AWS: they wait more than they work."""

from tests.contract.conftest import aws_endpoint, aws_session
from tests.contract.functions.conftest import faults, stage

__all__ = ["aws_endpoint", "aws_session", "faults", "stage"]
