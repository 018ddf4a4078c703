"""JSON Merge Patch (RFC 7396): members that are named change, those named null go."""

from collections.abc import Mapping
from typing import Any


def patched(value: Any, patch: Any) -> Any:  # noqa: ANN401 - any JSON
    """The value as the patch leaves it. A patch that is no object takes the value's place."""
    if not isinstance(patch, Mapping):
        return patch
    result = dict(value) if isinstance(value, Mapping) else {}
    for name, change in patch.items():
        if change is None:
            result.pop(name, None)
        else:
            result[name] = patched(result.get(name), change)
    return result
