"""I/O, one outside thing each.

Moves bytes and items, translates what goes wrong, decides nothing.
"""
