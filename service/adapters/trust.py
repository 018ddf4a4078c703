"""Whom the broker's TLS connections trust. Verification is never off; nothing here turns it off."""

import ssl
from pathlib import Path

from service.domain.errors import ConfigurationError


def trust(ca_file: Path | None = None) -> ssl.SSLContext:
    """Make one client context to share: the system's authorities, and those of `ca_file` besides.

    Costs milliseconds and memory, so make it once per process. Raises ConfigurationError for a
    file that cannot be read or holds no certificate.
    """
    context = ssl.create_default_context()
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if ca_file is not None:
        # Python 3.13 became strict about extensions that home-made authorities often lack. Chain,
        # dates and host name are checked as before.
        context.verify_flags &= ~ssl.VERIFY_X509_STRICT
        try:
            context.load_verify_locations(cafile=ca_file)
        except OSError as exc:  # ssl.SSLError is one
            fault = f"BROKER_CA_FILE: no certificates in {ca_file}"
            raise ConfigurationError(fault) from exc
    return context
