"""What follows from an event, named: small pure functions `(session, event, given) -> Outcome`.

No reaction picks the next state: the transition table does. A reaction changes the session's facts,
writes its drafts and says what must be done.
"""
