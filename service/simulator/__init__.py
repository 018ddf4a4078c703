"""A stand-in for the Genesys Cloud Guest API, on one origin, that can misbehave on order.

It must not import anything else of `service`: people use it to test clients of their own.

Where to start reading: `events` is what goes in and comes out of the pure core, `world` routes it,
`guest_actions` and `inbound` are the rules of the wire, `rest` is everything asked over HTTP,
`control` is what a test may order. `server` (sockets) and `in_process` (no sockets) are the two
shells around that one core. `docs/simulator.md` is the manual.
"""
