"""Certificates are always checked, whoever else is trusted besides the system's authorities."""

import ssl
from pathlib import Path

import pytest

from service.adapters.trust import trust
from service.domain.errors import ConfigurationError


def test_certificates_and_host_names_are_checked() -> None:
    context = trust()

    assert (context.verify_mode, context.check_hostname) == (ssl.CERT_REQUIRED, True)
    assert context.minimum_version >= ssl.TLSVersion.TLSv1_2


@pytest.mark.parametrize("content", [None, "", "no certificate"])
def test_a_file_without_certificates_is_a_fault_of_the_settings(
    tmp_path: Path, content: str | None
) -> None:
    file = tmp_path / "ca.pem"
    if content is not None:
        file.write_text(content)

    with pytest.raises(ConfigurationError, match="BROKER_CA_FILE"):
        trust(file)
