"""Which endpoints took something when this process tried them last. Never asked for the truth.

What is known to work comes first where the processor is scarce: to find out that an endpoint is
dead takes many lanes, none of which is urgent.
"""

from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Final

from service.domain.ids import EndpointId

KNOWN_MOST: Final = 10_000
"""Endpoints that are remembered; the one that took something longest ago goes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """What one process saw of its endpoints."""

    good: "OrderedDict[EndpointId, None]" = field(default_factory=OrderedDict)
    most: int = KNOWN_MOST

    def is_good(self, endpoint_id: EndpointId) -> bool:
        """Whether the last attempt there came through."""
        return endpoint_id in self.good

    def took(self, endpoint_id: EndpointId) -> None:
        """An attempt came through."""
        self.good[endpoint_id] = None
        self.good.move_to_end(endpoint_id)
        if len(self.good) > self.most:
            self.good.popitem(last=False)

    def failed(self, endpoint_id: EndpointId) -> None:
        """An attempt did not, or was the last for a while."""
        self.good.pop(endpoint_id, None)
