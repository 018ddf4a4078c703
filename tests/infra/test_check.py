"""`make infra-check` lets no change of a second plan pass, but for what a stand-in never keeps."""

from pathlib import Path
from typing import Any, TypeAlias

import pytest

from tests.infra_check import ALARM, REQUIRED, ROOT, STAND_IN_ROOT, expect_no_change, not_run
from tests.support.stand_in_state import LISTINGS, expect_as_before, expect_every_kind
from tests.support.terraform_files import Files, Module
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


def test_what_destroy_left_behind_is_told() -> None:
    before = frozenset({"keys: 1"})
    expect_as_before(before, frozenset())

    with pytest.raises(FailedError, match="queues: a"):
        expect_as_before(before, frozenset({"keys: 1", "queues: a"}))


def test_a_kind_of_which_nothing_is_seen_is_told() -> None:
    every = frozenset(f"{kind}: a" for each in LISTINGS.values() for kind, _ in each)
    expect_every_kind(frozenset(), every)

    with pytest.raises(FailedError, match="these: queues"):
        expect_every_kind(frozenset({"queues: a"}), every)


def test_what_is_not_run_is_a_failure_where_all_is_wanted(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(REQUIRED, raising=False)
    not_run("no Terraform")
    assert "NOT RUN: infra-check: no Terraform" in capsys.readouterr().out

    monkeypatch.setenv(REQUIRED, "1")
    with pytest.raises(FailedError, match="no Terraform"):
        not_run("no Terraform")


def test_every_root_gives_the_module_variables_that_it_has() -> None:
    """Terraform says so too, but where there is none nobody would hear it."""
    has = Module("broker").variables
    for root in (STAND_IN_ROOT, Path("infra/envs/dev"), Path("infra/envs/prod")):
        given = set(Files(ROOT / root).module("broker")) - {"source"}

        assert given <= set(has), root
        assert {name for name, each in has.items() if "default" not in each} <= given, root
