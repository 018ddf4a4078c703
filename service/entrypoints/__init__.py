"""The doors: each makes settings, ports and use cases, and hands over.

Nothing else happens here, but for what has to be said before any class is made.
"""

from pathlib import Path

from service.entrypoints._function.methods import use_compiled

use_compiled(Path(__file__).parent)
