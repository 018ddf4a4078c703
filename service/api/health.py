"""Routes without a key: whether the process serves, the document, and a page that shows it."""

from typing import Any, Final

from fastapi import APIRouter, Request, Response
from fastapi.responses import HTMLResponse, JSONResponse

from service.api.docs_page import PAGE
from service.api.shapes import HealthOut, ReadyOut, errors_of
from service.usecases.broker import Broker

OK: Final = {"status": "ok"}
CONTENT_SECURITY: Final = (
    "default-src 'none'; connect-src 'self'; script-src 'unsafe-inline'; "
    "style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
"""The page brings everything it needs and reads the document from here."""


def health_router(broker: Broker) -> APIRouter:
    """The routes that need no key."""
    router = APIRouter(tags=["health"])

    @router.get(
        "/healthz",
        response_model=None,
        responses={200: {"model": HealthOut}},
        summary="Whether the process answers",
    )
    async def healthz() -> Response:
        """The process answers."""
        return JSONResponse(OK)

    @router.get(
        "/readyz",
        response_model=None,
        responses={200: {"model": ReadyOut}, **errors_of(503)},
        summary="Whether the table answers too",
    )
    async def readyz() -> Response:
        """The table answers too; `clockBehindSeconds` is null unless several clocks agree."""
        behind = await broker.check_ready()
        told = None if behind is None else round(behind)
        return JSONResponse({**OK, "clockBehindSeconds": told})

    @router.get("/openapi.json", include_in_schema=False)
    async def openapi_json(request: Request) -> Response:
        document: dict[str, Any] = request.app.openapi()
        return JSONResponse(document)

    @router.get("/docs", include_in_schema=False)
    async def docs() -> Response:
        return HTMLResponse(PAGE, headers={"Content-Security-Policy": CONTENT_SECURITY})

    return router
