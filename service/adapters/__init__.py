"""I/O: one outside thing per module, no decisions. Failures leave as the domain's errors."""
