"""I/O, one outside thing each: moves bytes and items, translates what goes wrong, decides nothing."""
