"""Parts of the listener's own door: what it serves, and its liveness endpoint."""
