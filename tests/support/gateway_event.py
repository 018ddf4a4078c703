"""A request as API Gateway's HTTP API hands it to a function, and how its answer reads.

The shape is that of the developer guide, "Create AWS Lambda proxy integrations for HTTP APIs",
payload format version 2.0, example.
"""

import base64
import json
import time
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import urlencode

Event = dict[str, Any]
HOST: Final = "d1ab2c3def.execute-api.eu-central-1.amazonaws.com"


def a_request(
    method: str,
    path: str,
    body: object = None,
    *,
    key: str | None = None,
    age: float = 0.0,
    query: Mapping[str, str | float] | None = None,
    wrapped: bool = False,
    headers: Mapping[str, str] | None = None,
) -> Event:
    """One that the gateway took `age` seconds ago; `wrapped`: with its body in base64."""
    asked = {
        "accept": "*/*",
        "host": HOST,
        "user-agent": "curl/8.5.0",
        "x-forwarded-proto": "https",
    }
    asked |= {"x-forwarded-for": "203.0.113.7", "x-forwarded-port": "443", **(headers or {})}
    if key is not None:
        asked["authorization"] = f"Bearer {key}"
    event: Event = {
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": path,
        "rawQueryString": urlencode(query or {}),
        "headers": asked,
        "requestContext": {
            "accountId": "123456789012",
            "apiId": "d1ab2c3def",
            "domainName": HOST,
            "domainPrefix": "d1ab2c3def",
            "http": {
                "method": method,
                "path": path,
                "protocol": "HTTP/1.1",
                "sourceIp": "203.0.113.7",
                "userAgent": "curl/8.5.0",
            },
            "requestId": "JKJaXmPLvHcESHA=",
            "routeKey": "$default",
            "stage": "$default",
            "time": "12/Mar/2020:19:03:58 +0000",
            "timeEpoch": int(1000 * (time.time() - age)),
        },
        "isBase64Encoded": False,
    }
    if query:
        event["queryStringParameters"] = {name: str(value) for name, value in query.items()}
    if isinstance(body, bytes):
        # What is no text comes in base64, whoever sent it.
        asked |= {"content-length": str(len(body))}
        event["body"] = base64.b64encode(body).decode()
        event["isBase64Encoded"] = True
    elif body is not None:
        text = json.dumps(body)
        asked |= {"content-type": "application/json", "content-length": str(len(text))}
        event["body"] = base64.b64encode(text.encode()).decode() if wrapped else text
        event["isBase64Encoded"] = wrapped
    return event


def body_of(answer: Mapping[str, Any]) -> Any:  # noqa: ANN401 - any JSON
    """What the caller gets. It travels as text: base64 would only cost."""
    assert answer["isBase64Encoded"] is False
    return json.loads(answer["body"])
