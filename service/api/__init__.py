"""HTTP in: FastAPI over the use cases. One file per resource; decides nothing, stores nothing."""
