"""Where a deployment's addresses are."""

from service.domain.deployment import PlatformCredentials
from tests.support.playbook import deployment


def test_a_region_has_an_address_for_each_purpose() -> None:
    here = deployment(domain="mypurecloud.de", deployment_id="d 1&x")

    assert here.socket_url() == "wss://webmessaging.mypurecloud.de/v1?deploymentId=d%201%26x"
    assert here.rest_base() == "https://api.mypurecloud.de"
    assert here.config_base() == "https://api-cdn.mypurecloud.de"
    assert here.login_base() == "https://login.mypurecloud.de"


def test_one_endpoint_stands_for_all_of_them() -> None:
    here = deployment(domain=None, endpoint="http://127.0.0.1:9000/")

    assert here.socket_url() == "ws://127.0.0.1:9000/v1?deploymentId=d-1"
    assert {here.rest_base(), here.config_base(), here.login_base()} == {"http://127.0.0.1:9000"}


def test_a_secure_endpoint_has_a_secure_socket() -> None:
    here = deployment(domain=None, endpoint="https://genesys.test")

    assert here.socket_url() == "wss://genesys.test/v1?deploymentId=d-1"


def test_credentials_do_not_show_their_secret() -> None:
    shown = repr(PlatformCredentials(client_id="me", client_secret="hush"))

    assert "me" in shown
    assert "hush" not in shown
