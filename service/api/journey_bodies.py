"""What a caller may tell of the customer's journey, as the Guest API takes it."""

from typing import Annotated, Any

from pydantic import Field

from service.api.inbound import Strict

Identity = Annotated[str, Field(min_length=1, max_length=256)]
Kind = Annotated[str, Field(min_length=1, max_length=64)]


class JourneyCustomer(Strict):
    """Who the customer is to Genesys's journey."""

    id: Annotated[Identity, Field(description="Such as the id in the visitor's cookie.")]
    id_type: Annotated[Kind, Field(description="Such as `cookie`.")]


class JourneySession(Strict):
    """The visit that the chat belongs to."""

    id: Annotated[str, Field(max_length=256, description="May be empty, as official clients do.")]
    type: Annotated[Kind, Field(description="Such as `web` or `app`.")]


class ActionMap(Strict):
    """The action map that offered the chat."""

    id: Identity
    version: Annotated[float, Field(ge=0, le=1e9)]


class TriggeringAction(Strict):
    """What led to the chat."""

    id: Identity
    action_map: ActionMap


class JourneyContext(Strict):
    """Goes to Genesys whenever a link to the guest session is opened; for routing and analytics."""

    customer: JourneyCustomer
    customer_session: JourneySession
    triggering_action: TriggeringAction | None = None

    def value(self) -> dict[str, Any]:
        """As it goes over the wire."""
        return self.model_dump(by_alias=True, exclude_none=True)
