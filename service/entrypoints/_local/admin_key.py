"""The admin key of a local broker: given, or made up once.

A made-up one is kept where only this user can read it.
"""

import os
from typing import Final

from service.config import LocalSettings
from service.ports import Ids

FILE: Final = "admin.key"


def admin_key(settings: LocalSettings, ids: Ids) -> tuple[str, bool]:
    """The key, and whether it was made up: then it must be printed to be known."""
    if settings.admin_key is not None:
        return settings.admin_key.get_secret_value(), False
    path = settings.data_dir / FILE
    if path.exists():
        return path.read_text(encoding="ascii").strip(), True
    key = f"gsb_{ids.secret()}"
    draft = path.with_suffix(".new")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.write(key + "\n")
        file.flush()
        os.fsync(file.fileno())
    # Renamed whole, so that a crash leaves either no key or a good one.
    draft.replace(path)
    return key, True
