"""South wire: the Genesys Cloud Guest API as values. PURE: no socket, no clock, no log.

Where to start:

- ``requests``, ``messages``: what a guest sends, and what the service answers or pushes;
- ``body``, ``content``, ``chat_events``: the parts of a chat message, shared with history;
- ``rest``: the two documents read over HTTP (history page, deployment configuration);
- ``codec``: text to value and back;
- ``codes``, ``unknowns``, ``redaction``: what a caller asks of a value.

The codec's inside: ``json_text``, ``shapes``, ``scalars``, ``variants``, the ``*_wire`` tables.
"""
