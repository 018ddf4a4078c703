"""Certificates of an authority that lives as long as a test or a bench."""

from dataclasses import dataclass
from pathlib import Path

import trustme


@dataclass(frozen=True, slots=True, kw_only=True)
class Certificates:
    """Files: whom to trust, and what a server of this machine shows."""

    authority: Path
    chain: Path
    key: Path


def certificates(folder: Path) -> Certificates:
    """Make an authority and a certificate for 127.0.0.1 in that folder."""
    authority = trustme.CA()
    server = authority.issue_cert("127.0.0.1", "localhost")
    files = Certificates(
        authority=folder / "authority.pem", chain=folder / "chain.pem", key=folder / "key.pem"
    )
    authority.cert_pem.write_to_path(str(files.authority))
    for number, blob in enumerate(server.cert_chain_pems):
        blob.write_to_path(str(files.chain), append=number > 0)
    server.private_key_pem.write_to_path(str(files.key))
    return files
