"""The root of the error tree and its first split: by whose fault it is. None of these is raised."""


class BrokerError(Exception):
    """Root of the tree; never raised itself."""


class CallerError(BrokerError):
    """The caller's fault: repeating the same request cannot help."""


class PeerError(BrokerError):
    """The contact centre's or the network's doing."""


class LostRaceError(BrokerError):
    """Another writer won. Nothing is broken: reload, see what happened, decide again."""


class FaultError(BrokerError):
    """Our own fault, or that of what we run on."""
