"""`make infra-check` lets no change of a second plan pass, but for what a stand-in never keeps."""

from typing import Any, TypeAlias

import pytest

from tests.infra_check import ALARM, expect_no_change
from tests.support.terraform_runs import FailedError

Block: TypeAlias = dict[str, Any]


def _plan(kind: str, before: Block | None, after: Block, **unknown: bool) -> Block:
    change = {
        "actions": ["no-op"] if before == after and not unknown else ["update"],
        "before": before,
        "after": after,
        "after_unknown": unknown,
    }
    return {"resource_changes": [{"address": f"{kind}.this", "type": kind, "change": change}]}


@pytest.mark.parametrize(
    "plan",
    [
        _plan("aws_sqs_queue", {"name": "a"}, {"name": "a"}),
        _plan(ALARM, {"period": 0, "threshold": 1}, {"period": 60, "threshold": 1}),
    ],
    ids=["nothing", "what an alarm lost"],
)
def test_a_plan_without_changes_passes(plan: Block) -> None:
    expect_no_change(plan)


@pytest.mark.parametrize(
    "plan",
    [
        _plan("aws_sqs_queue", {"period": 0}, {"period": 60}),
        _plan(ALARM, {"threshold": 1}, {"threshold": 2}),
        _plan(ALARM, None, {"period": 60, "threshold": 1}),
        _plan("aws_sqs_queue", {"name": "a"}, {"name": "a"}, arn=True),
    ],
    ids=["of something else", "of an alarm's threshold", "a new alarm", "what is not known yet"],
)
def test_a_plan_with_a_change_does_not(plan: Block) -> None:
    with pytest.raises(FailedError, match="this: "):
        expect_no_change(plan)
