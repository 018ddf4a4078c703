"""Whether a receiver that was asked to prove itself sent the challenge back. Pure."""

import json


def echoes(body: bytes, challenge: str) -> bool:
    """Whether an answer's body is the challenge: bare, as a JSON string, or `{"challenge": "…"}`.

    All three are met: what a framework makes of a returned text is not always its programmer's
    choice. Blanks around it and other members do no harm.
    """
    text = body.decode("utf-8", "replace").strip().removeprefix("\ufeff")
    if text == challenge:
        return True
    try:
        found: object = json.loads(text)
    except (ValueError, RecursionError):
        return False
    told = found.get("challenge") if isinstance(found, dict) else found
    return told == challenge
