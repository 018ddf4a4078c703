"""Paths: the public files, and what is not there."""

import json

import pytest

from service.simulator.deployments import Bot, Deployment, Disconnect
from tests.unit.simulator.stage import D, stage

FOLDER = f"/webdeployments/v1/deployments/{D}"


def test_the_configuration_names_this_origin_as_both_endpoints() -> None:
    here = stage(Deployment(auto_start=True, disconnect=Disconnect.SEND))

    config = json.loads(here.http("GET", f"{FOLDER}/config.json").body)

    conversations = config["messenger"]["apps"]["conversations"]
    assert config["apiEndpoint"] == "http://sim.test"
    assert conversations["messagingEndpoint"] == "ws://sim.test"
    assert conversations["autoStart"] == {"enabled": True}
    assert conversations["conversationDisconnect"] == {"enabled": True, "type": "Send"}


def test_a_silent_disconnect_has_no_type() -> None:
    here = stage(Deployment(disconnect=Disconnect.OFF, active=False))

    config = json.loads(here.http("GET", f"{FOLDER}/config.json").body)

    assert config["status"] == "Inactive"
    disconnect = config["messenger"]["apps"]["conversations"]["conversationDisconnect"]
    assert disconnect == {"enabled": False}


def test_the_allowed_domains_are_public() -> None:
    here = stage(
        Deployment(bot=Bot.SILENT, allow_all_domains=False, allowed_domains=("shop.test",))
    )

    domains = json.loads(here.http("GET", f"{FOLDER}/domains.json").body)

    assert domains == {"allowAllDomains": False, "allowedDomains": ["shop.test"]}


@pytest.mark.parametrize("name", ["config", "domains"])
def test_public_files_can_be_missing_or_broken(name: str) -> None:
    missing = stage(Deployment(files_status=503)).http("GET", f"{FOLDER}/{name}.json")
    broken = stage(Deployment(files_broken=True)).http("GET", f"{FOLDER}/{name}.json")

    assert (missing.status, missing.body) == (503, b"")
    assert json.loads(broken.body) == {"messenger": "on", "allowAllDomains": "yes"}


def test_languages_and_messaging_are_settings() -> None:
    here = stage(Deployment(languages=("de", "fr"), messaging=False))

    config = json.loads(here.http("GET", f"{FOLDER}/config.json").body)

    assert (config["languages"], config["defaultLanguage"]) == (["de", "fr"], "de")
    assert config["messenger"]["apps"]["conversations"]["enabled"] is False


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/webdeployments/v1/deployments/x/config.json", 403),
        ("GET", "/webdeployments/v1/deployments/x/domains.json", 403),
        ("GET", "/nowhere", 404),
        ("DELETE", "/oauth/token", 405),
        ("GET", "/v1", 426),
        ("GET", "/api/v2/downloads/x", 404),
    ],
)
def test_what_is_not_there_is_refused(method: str, path: str, status: int) -> None:
    assert stage().http(method, path).status == status


def test_answers_can_be_slow() -> None:
    here = stage(rest_delay_seconds=0.5)
    here.control.knobs()

    done = here.advance(0)
    assert done == []
    with pytest.raises(IndexError):
        here.http("GET", f"{FOLDER}/config.json")
    assert len(here.advance(0.5)) == 1
