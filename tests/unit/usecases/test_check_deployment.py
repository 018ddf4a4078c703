"""The doctor of a deployment that is kept here."""

import pytest

from service.domain.errors import NotFoundError
from service.domain.ids import DeploymentName
from tests.support.store_builders import TENANT, an_api_key
from tests.support.visit_stage import NAME, on_virtual_time, staged

_KEY = an_api_key(tenant=TENANT)


@on_virtual_time
async def test_a_deployment_is_examined_as_it_is_kept() -> None:
    async with staged(organization_id="org", locale="fr") as stage:
        answer = await stage.assembly.broker.check_deployment(_KEY, NAME, session=False)

        assert answer.status == 200
        assert answer.body is not None
        assert (answer.body["deployment"], answer.body["organizationId"]) == (NAME, "org")
        assert "locale_not_listed" in {each["code"] for each in answer.body["findings"]}


@pytest.mark.parametrize("name", ["other", "no name at all"])
def test_an_unknown_deployment_is_not_found(name: str) -> None:
    @on_virtual_time
    async def story() -> None:
        async with staged() as stage:
            with pytest.raises(NotFoundError):
                await stage.assembly.broker.check_deployment(
                    _KEY, DeploymentName(name), session=False
                )

    story()
