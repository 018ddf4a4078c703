"""Parts of the listener's own door: what it serves, its liveness endpoint, its descriptors."""
