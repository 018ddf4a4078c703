"""HTTP in: FastAPI over the use cases. One file per resource; decides nothing, stores nothing."""

from pydantic import BaseModel

# FastAPI has 40 models of its own for the OpenAPI document, and every start would build them. Said
# before it is imported; models of ours say for themselves when they are built.
BaseModel.model_config["defer_build"] = True
