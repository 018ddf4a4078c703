"""The composition root: which adapter stands behind which port, and how the use cases are wired.

Entry points and tests call the same functions. Nothing here decides anything.
"""

from service.bootstrap.assembly import Assembly, assemble
from service.bootstrap.outside import Opened, local_ports, with_wires

__all__ = ["Assembly", "Opened", "assemble", "local_ports", "with_wires"]
