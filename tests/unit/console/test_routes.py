"""The console's files: what is served, as what, and under which rules of the browser."""

import re
from collections.abc import AsyncIterator
from typing import Final

import httpx2
import pytest
from fastapi import FastAPI

from service.console.routes import FILES, HOME, STATIC, console_router

PATHS: Final = [HOME if name == "index.html" else f"{HOME}/{name}" for name in FILES]
ELSEWHERE: Final = re.compile(
    r"""(?:src|href|action|url|from|import)\s*[=(]?\s*["'(]?\s*(?:https?:)?//"""
)
MARKUP: Final = re.compile(
    r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|DOMParser|\beval\b|new Function"
    r"|setHTMLUnsafe|createContextualFragment|srcdoc|localStorage"
)


@pytest.fixture(name="http")
async def _http() -> AsyncIterator[httpx2.AsyncClient]:
    app = FastAPI(openapi_url=None, redirect_slashes=False)
    app.include_router(console_router())
    transport = httpx2.ASGITransport(app=app)
    async with httpx2.AsyncClient(transport=transport, base_url="http://broker.test") as http:
        yield http


@pytest.mark.parametrize(
    ("path", "media_type"),
    [
        ("/console", "text/html; charset=utf-8"),
        ("/console/console.css", "text/css; charset=utf-8"),
        ("/console/console.js", "text/javascript; charset=utf-8"),
        ("/console/icon.svg", "image/svg+xml"),
    ],
)
async def test_each_file_says_what_it_is(
    http: httpx2.AsyncClient, path: str, media_type: str
) -> None:
    answer = await http.get(path)

    assert answer.status_code == 200
    assert answer.headers["content-type"] == media_type
    assert answer.content


@pytest.mark.parametrize("path", PATHS)
async def test_a_browser_may_run_and_ask_only_what_comes_from_here(
    http: httpx2.AsyncClient, path: str
) -> None:
    headers = (await http.get(path)).headers

    rules = dict(
        rule.strip().split(" ", 1) for rule in headers["content-security-policy"].split(";")
    )
    assert rules["default-src"] == "'none'"
    assert {rules["script-src"], rules["style-src"], rules["connect-src"]} == {"'self'"}
    assert rules["frame-ancestors"] == rules["base-uri"] == rules["form-action"] == "'none'"
    assert rules["require-trusted-types-for"] == "'script'"
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"


@pytest.mark.parametrize("path", PATHS)
async def test_a_file_that_the_browser_has_is_not_sent_again(
    http: httpx2.AsyncClient, path: str
) -> None:
    first = await http.get(path)

    again = await http.get(path, headers={"If-None-Match": f'"old", W/{first.headers["etag"]}'})

    assert first.headers["cache-control"] == "no-cache"
    assert (again.status_code, again.content) == (304, b"")
    assert again.headers["etag"] == first.headers["etag"]


async def test_a_file_that_has_changed_is_sent_whole(http: httpx2.AsyncClient) -> None:
    answer = await http.get("/console", headers={"If-None-Match": '"old"'})

    assert answer.status_code == 200
    assert answer.text.startswith("<!doctype html>")


async def test_head_is_answered_too(http: httpx2.AsyncClient) -> None:
    answer = await http.head("/console")

    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/html; charset=utf-8"


async def test_a_slash_too_many_leads_home(http: httpx2.AsyncClient) -> None:
    answer = await http.get("/console/", follow_redirects=True)

    assert str(answer.url) == "http://broker.test/console"
    assert answer.status_code == 200


@pytest.mark.parametrize(
    "path", ["/console/nothing.js", "/console/../routes.py", "/console/%2e%2e/routes.py"]
)
async def test_nothing_else_can_be_asked_for(http: httpx2.AsyncClient, path: str) -> None:
    assert (await http.get(path)).status_code == 404


def test_every_file_of_the_folder_is_served() -> None:
    assert {file.name for file in STATIC.iterdir()} == set(FILES)


@pytest.mark.parametrize("name", FILES)
def test_no_file_loads_anything_from_elsewhere(name: str) -> None:
    text = (STATIC / name).read_text(encoding="utf-8")

    assert ELSEWHERE.findall(text) == []


@pytest.mark.parametrize("name", [name for name in FILES if name.endswith((".js", ".html"))])
def test_nothing_is_made_from_markup_or_kept_beyond_the_tab(name: str) -> None:
    text = (STATIC / name).read_text(encoding="utf-8")

    assert MARKUP.findall(text) == []


def test_the_page_has_no_script_or_style_of_its_own() -> None:
    """The policy forbids them: they would silently do nothing."""
    page = (STATIC / "index.html").read_text(encoding="utf-8")

    assert re.findall(r"<style|\sstyle=|\son[a-z]+=|<script(?![^>]* src=)", page) == []


def test_the_page_asks_only_for_files_that_are_served() -> None:
    page = (STATIC / "index.html").read_text(encoding="utf-8")
    asked = {f"/{path}" for path in re.findall(r'(?:src|href)="(console/[^"]+)"', page)}

    assert asked
    assert asked <= set(PATHS)
