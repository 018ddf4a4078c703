"""Secrets that settings name by reference. Only a door that needs one imports this."""

from service.adapters.secrets import SecretSettings, read_secret
from service.config import ApiFunctionSettings


async def first_key(settings: ApiFunctionSettings) -> str | None:
    """The key that the API makes known when it starts; None: those that are in the table.

    Raises ConfigurationError, UnavailableError.
    """
    if settings.admin_key is not None:
        return settings.admin_key.get_secret_value()
    if settings.admin_key_ref is None:
        return None
    wanted = SecretSettings(
        variable="BROKER_ADMIN_KEY_REF",
        reference=settings.admin_key_ref,
        endpoint_url=settings.aws_endpoint_url,
    )
    return await read_secret(wanted)
