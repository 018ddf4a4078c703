"""What a session is and how it may change: pure values and decisions.

No I/O, no clock, no ids of its own.
"""
