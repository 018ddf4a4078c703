"""Drift as people read it."""

import pytest

from service.domain.drift import Drift
from service.domain.errors import NotFoundError
from service.domain.ids import DeploymentName
from service.usecases.read_drift import drift_view
from tests.support.api_bench import DEPLOYMENT, open_bench
from tests.support.store_builders import NOW, TENANT


def _drift(kind: str) -> Drift:
    return Drift(
        tenant=TENANT,
        deployment=DeploymentName(DEPLOYMENT),
        kind=kind,
        count=3,
        first_at=NOW,
        last_at=NOW + 60,
        sample={} if kind == "other" else {"class": "New"},
    )


def test_a_kind_with_its_sample() -> None:
    view = drift_view(_drift("class:New"))

    assert (view["kind"], view["name"], view["count"]) == ("class", "New", 3)
    assert view["sample"] == {"class": "New"}
    assert view["firstSeenAt"] < view["lastSeenAt"]


def test_the_others_have_no_name_and_no_sample() -> None:
    view = drift_view(_drift("other"))

    assert (view["kind"], view["name"], view["sample"]) == ("other", None, None)


@pytest.mark.parametrize("name", ["other", "no name at all"])
async def test_an_unknown_deployment_is_not_found(name: str) -> None:
    async with open_bench(serving=False) as bench:
        key = await bench.caller()
        with pytest.raises(NotFoundError):
            await bench.broker.read_drift(key, DeploymentName(name), cursor=None, limit=5)
