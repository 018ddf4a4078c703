"""The API's door of the zip, but webhooks may lead to receivers on this machine.

A function refuses addresses of its own, and tests have no others.
"""

from typing import Final

from service.config import LOOPBACK, ApiFunctionSettings
from service.entrypoints._function.opening import begin_process
from service.entrypoints.api import Environment


def _begin() -> ApiFunctionSettings:
    return begin_process(ApiFunctionSettings).model_copy(update={"webhook_allow": LOOPBACK})


handler: Final = Environment(_begin).invoke
