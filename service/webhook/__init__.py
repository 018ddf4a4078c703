"""The north wire: what endpoints receive, how it is signed and retried, where it may go. Pure."""
