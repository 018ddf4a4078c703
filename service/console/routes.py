"""Serves the console's files under /console.

Knows nothing of sessions: the page uses the REST API like anybody else.
The files are read once, when the router is made. No key is needed to load them: they hold nothing.
"""

from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Final

from fastapi import APIRouter, Request, Response

STATIC: Final = Path(__file__).parent / "static"
HOME: Final = "/console"
PAGE: Final = "index.html"
FILES: Final = {
    PAGE: "text/html; charset=utf-8",
    "console.css": "text/css; charset=utf-8",
    "api.js": "text/javascript; charset=utf-8",
    "story.js": "text/javascript; charset=utf-8",
    "rows.js": "text/javascript; charset=utf-8",
    "console.js": "text/javascript; charset=utf-8",
    "icon.svg": "image/svg+xml",
}
"""What there is to serve, and as what; nothing else in the folder can be asked for."""

HEADERS: Final = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
        "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
        "require-trusted-types-for 'script'; trusted-types 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    # Kept, but asked for again each time: page and scripts must always be of one version.
    "Cache-Control": "no-cache",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class _File:
    body: bytes
    media_type: str
    tag: str


def console_router() -> APIRouter:
    """The routes of the console. Raises OSError when one of its files is missing."""
    router = APIRouter(include_in_schema=False)
    for name, media_type in FILES.items():
        _serve(router, HOME if name == PAGE else f"{HOME}/{name}", _read(name, media_type))

    @router.get(f"{HOME}/")
    async def home() -> Response:
        # The page names its files relative to /console.
        return Response(status_code=308, headers={"Location": "../console"})

    return router


def _read(name: str, media_type: str) -> _File:
    body = (STATIC / name).read_bytes()
    return _File(body=body, media_type=media_type, tag=f'"{sha256(body).hexdigest()[:32]}"')


def _serve(router: APIRouter, path: str, file: _File) -> None:
    @router.api_route(path, methods=["GET", "HEAD"])
    async def serve(request: Request) -> Response:
        headers = {**HEADERS, "ETag": file.tag}
        if _is_known(request.headers.get("if-none-match", ""), file.tag):
            return Response(status_code=304, headers=headers)
        return Response(file.body, media_type=file.media_type, headers=headers)


def _is_known(if_none_match: str, tag: str) -> bool:
    """Weak comparison, RFC 9110 section 13.1.2: a proxy that compresses marks the tag as weak."""
    known = {each.strip().removeprefix("W/") for each in if_none_match.split(",")}
    return tag in known or "*" in known
