"""Reading config.json: everything may be absent, nothing may be of another type."""

import pytest

from service.domain.errors import GuestProtocolError
from service.guest.rest import DeploymentConfig
from service.guest.rest_wire import read_deployment_config


@pytest.mark.parametrize(
    "document", [{}, {"messenger": None}, {"messenger": {"apps": {"conversations": {}}}}]
)
def test_settings_that_are_absent_are_none(document: dict[str, object]) -> None:
    assert read_deployment_config(document) == DeploymentConfig()


@pytest.mark.parametrize(
    ("document", "path"),
    [
        ({"status": 1}, "status"),
        ({"messenger": []}, "messenger"),
        (
            {"messenger": {"apps": {"conversations": {"autoStart": {"enabled": "yes"}}}}},
            "messenger.apps.conversations.autoStart.enabled",
        ),
    ],
)
def test_a_setting_of_another_type_is_refused_by_its_place(
    document: dict[str, object], path: str
) -> None:
    with pytest.raises(GuestProtocolError) as refusal:
        read_deployment_config(document)

    assert refusal.value.path == path
