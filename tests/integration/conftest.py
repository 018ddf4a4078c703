"""Whom every process of these stories trusts: nobody out there is talked to."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.certificates import certificates


@pytest.fixture(scope="session", autouse=True)
def _one_authority(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """To read the system's hundreds of authorities, for each broker anew, takes long."""
    folder: Path = tmp_path_factory.mktemp("trust")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SSL_CERT_FILE", str(certificates(folder).authority))
        patch.setenv("SSL_CERT_DIR", str(folder / "none"))
        yield
