"""Prints the OpenAPI document: `python -m service.api.openapi_document > openapi/openapi.json`.

Needs no environment, no store and no network: the routes stand over a broker that is never called.
"""

import json
import sys
from typing import Any, cast

from service.api.app import create_app
from service.usecases.broker import Broker


class _Unused:
    """Stands for every part of a broker while only its routes are looked at."""

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - stands for anything
        return self


def openapi_text() -> str:
    """The document as it is committed: sorted, indented, with a newline at the end."""
    document = create_app(cast("Broker", _Unused())).openapi()
    return json.dumps(document, indent=2, sort_keys=True, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    sys.stdout.write(openapi_text())
