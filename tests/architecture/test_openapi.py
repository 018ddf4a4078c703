"""The committed OpenAPI document is what the application generates."""

import subprocess
import sys

import pytest

from tests.architecture.tree import ROOT, SERVICE


def test_the_committed_document_is_fresh() -> None:
    if not (SERVICE / "api" / "openapi_document.py").exists():
        pytest.skip("the API is not written yet")
    committed = ROOT / "openapi" / "openapi.json"

    generated = subprocess.run(
        [sys.executable, "-m", "service.api.openapi_document"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout

    assert generated == committed.read_text(encoding="utf-8")
