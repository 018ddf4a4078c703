"""Builds what AWS Lambda is given: one zip per function and architecture, the same bytes each time.

`python -m infra.bundle`. Needs no compiler and no container: it takes wheels that others built, as
the hashed lock names them. Knows nothing of what the code does; the graph of imports says what a
function needs.
"""
