"""The courier's door of the zip, but webhooks may lead to receivers on this machine.

A function refuses addresses of its own, and tests have no others.
"""

from typing import Final

from service.config import LOOPBACK, FunctionSettings
from service.entrypoints._function.opening import begin_process
from service.entrypoints.courier import Environment


def _begin() -> FunctionSettings:
    return begin_process(FunctionSettings).model_copy(update={"webhook_allow": LOOPBACK})


handler: Final = Environment(_begin).invoke
