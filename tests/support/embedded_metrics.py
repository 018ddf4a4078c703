"""What CloudWatch says a document of its embedded metric format is.

The schema of the user guide, "Specification: Embedded metric format", section "Embedded metric
format JSON schema", without its titles and examples; and what its text adds.
"""

from collections.abc import Mapping
from typing import Any, Final

import jsonschema

METRICS_MOST: Final = 100
"""A directive "MUST NOT contain more than 100" of them."""

_RATES: Final = [
    f"{prefix}{unit}"
    for unit in ("bytes", "bits")
    for prefix in ("", "kilo", "mega", "giga", "tera")
]
_UNITS: Final = "|".join(
    [
        *("Seconds", "Microseconds", "Milliseconds", "Percent", "Count", "None"),
        *(rate.capitalize() for rate in _RATES),
        *(f"{rate.capitalize()}\\/Second" for rate in [*_RATES, "count"]),
    ]
)

_TEXT: Final = {"type": "string", "minLength": 1, "maxLength": 1024}
_METRIC: Final = {
    "type": "object",
    "required": ["Name"],
    "properties": {
        "Name": _TEXT,
        "Unit": {"type": "string", "pattern": f"^({_UNITS})$"},
        "StorageResolution": {"type": "integer"},
    },
}
_DIMENSIONS: Final = {
    "type": "array",
    "minItems": 1,
    "items": {
        "type": "array",
        "maxItems": 30,
        "items": {"type": "string", "minLength": 1, "maxLength": 250},
    },
}
_DIRECTIVE: Final = {
    "type": "object",
    "required": ["Namespace", "Dimensions", "Metrics"],
    "properties": {
        "Namespace": _TEXT,
        "Dimensions": _DIMENSIONS,
        "Metrics": {"type": "array", "items": _METRIC},
    },
}
SCHEMA: Final = {
    "type": "object",
    "required": ["_aws"],
    "properties": {
        "_aws": {
            "type": "object",
            "required": ["Timestamp", "CloudWatchMetrics"],
            "properties": {
                "Timestamp": {"type": "integer"},
                "CloudWatchMetrics": {"type": "array", "items": _DIRECTIVE},
            },
        }
    },
}


def measured(line: Mapping[str, Any]) -> dict[str, float]:
    """The metrics of a line by name, as CloudWatch would read them; none where it has none.

    Raises what a document that it would pass over raises.
    """
    if "_aws" not in line:
        return {}
    jsonschema.validate(line, SCHEMA)
    values: dict[str, float] = {}
    for directive in line["_aws"]["CloudWatchMetrics"]:
        assert len(directive["Metrics"]) <= METRICS_MOST
        for dimensions in directive["Dimensions"]:
            # References of dimensions are names of members of the root whose values are text.
            assert all(isinstance(line[name], str) and line[name] for name in dimensions)
        for metric in directive["Metrics"]:
            value = line[metric["Name"]]
            assert isinstance(value, int | float)
            values[metric["Name"]] = value
    return values
