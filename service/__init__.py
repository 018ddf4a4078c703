"""The guest session broker: it keeps Genesys guest sessions open for other services.

Requests come in over REST, the agent's side comes back as webhooks. Start reading at
`domain.lifecycle`: the table there is the life of a session. Then `usecases.visit`, the one routine
that moves it forward.

Layers, each importing only what is below it; names on one line do not know each other:

    entrypoints                         the doors: one per process
    bootstrap | observability           wiring; log and metric formats
    api | console | adapters | config   HTTP in; the pages; everything outside; settings
    usecases                            one verb a file: load, decide, commit
    ports                               what the use cases need from outside
    guest | webhook                     the two wires, pure
    domain                              what a session is and how it may change, pure

`simulator`, `client` and `cli` stand beside this and import nothing of it.
`make check` proves all of that. Importing a module starts nothing, unless it is a door.
"""
