"""The web application: a list of artifacts, and the pages of each.

Belongs here: addresses, response headers, which hosts are answered. Does not: signing or any other change; there is no
address that takes one.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import lru_cache
from typing import TYPE_CHECKING
from urllib.parse import quote, urlsplit

import sqlalchemy as sa

from finops_ai.artifacts import position, progress_of
from finops_ai.briefs import UnknownArtifact, artifact_keys
from finops_ai.desk.records import claims_in, dossier_of, sources_in, texts_of
from finops_ai.dossier import INDEX, Listed, artifacts_page, counts, message_page, pages, source_name
from finops_ai.policy import Policy, PolicyError
from finops_ai.store import Database, ObjectStore, StoreError

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}
LISTED_MAX = 100  # artifacts on one page of the list; a state costs some milliseconds
COUNTS_KEPT_MAX = 4096  # of the outputs that were counted for the list


def desk_app(*, database: Database, objects: ObjectStore, policy: Callable[[], Policy], desk_url: str) -> "ASGIApp":
    """`policy` is asked at every request: a state is one under the policy in force."""
    from starlette.applications import Starlette
    from starlette.exceptions import HTTPException
    from starlette.middleware import Middleware
    from starlette.middleware.trustedhost import TrustedHostMiddleware
    from starlette.routing import Route

    desk = _Desk(database, objects, policy)
    # a stranger's page whose name is made to lead here must not read what stands here
    hosts = [urlsplit(desk_url).hostname or "localhost", "localhost", "127.0.0.1"]
    app = Starlette(
        routes=[
            Route("/", desk.artifacts),
            Route("/evidence/{artifact}", _with_slash),
            Route("/evidence/{artifact}/", desk.evidence),
            Route("/evidence/{artifact}/{name}", desk.evidence),
        ],
        middleware=[Middleware(TrustedHostMiddleware, allowed_hosts=hosts, www_redirect=False)],
        exception_handlers={
            HTTPException: _refused,
            UnknownArtifact: _unknown,
            PolicyError: _broken,
            StoreError: _broken,
            Exception: _failed,
        },
    )
    app.router.redirect_slashes = False  # it would name scheme and host, which a proxy may have changed
    return _with_headers(app)


class _Desk:
    """The records of one deployment, page by page."""

    def __init__(self, database: Database, objects: ObjectStore, policy: Callable[[], Policy]) -> None:
        self._database = database
        self._objects = objects
        self._policy = policy
        # a digest never stands for another record
        self._counts = lru_cache(maxsize=COUNTS_KEPT_MAX)(lambda digest: counts(claims_in(objects, digest)))
        self._sources = lru_cache(maxsize=COUNTS_KEPT_MAX)(lambda digest: len(sources_in(objects, digest)))

    def artifacts(self, request: "Request") -> "Response":
        """Newest first, a page of them."""
        asked = request.query_params.get("page", "1")
        number = int(asked) if re.fullmatch("[1-9][0-9]{0,6}", asked) else 1
        first, policy = (number - 1) * LISTED_MAX, self._policy()
        with self._database.read() as connection:
            keys = artifact_keys(connection)[::-1]
            listed = [self._listed(connection, policy, key) for key in keys[first : first + LISTED_MAX]]
        newer = f"?page={number - 1}" if number > 1 else ""
        older = f"?page={number + 1}" if first + LISTED_MAX < len(keys) else ""
        return _html(artifacts_page(listed, newer=newer, older=older))

    def evidence(self, request: "Request") -> "Response":
        """One page of one artifact; the text of a source is read only for its own page."""
        artifact, name = request.path_params["artifact"], request.path_params.get("name", INDEX)
        with self._database.read() as connection:
            dossier = dossier_of(connection, self._objects, self._policy(), artifact, home=_home(request))
        shown = [source for number, source in enumerate(dossier.sources, start=1) if source_name(number) == name]
        page = pages(replace(dossier, texts=texts_of(self._objects, shown))).get(name)
        return _html(page()) if page else _message(request, 404, f"{artifact} has no page {name}")

    def _listed(self, connection: sa.Connection, policy: Policy, artifact: str) -> Listed:
        progress = progress_of(connection, policy, artifact)
        here = position(progress)
        return Listed(
            artifact=artifact,
            topic=progress.brief.topic,
            state=here.state,
            waiting_for=here.waiting_for,
            sources=self._sources(progress.output("sources")),
            claims=self._counts(progress.output("claims")),
            href=f"evidence/{quote(artifact, safe='')}/",
        )


def _with_slash(request: "Request") -> "Response":
    from starlette.responses import RedirectResponse

    return RedirectResponse(f"{quote(request.path_params['artifact'], safe='')}/")


def _refused(request: "Request", error: Exception) -> "Response":
    """What the router refuses: no such address, a method other than GET."""
    from starlette.exceptions import HTTPException

    assert isinstance(error, HTTPException)
    text = "Nothing stands at this address." if error.status_code == 404 else f"{error.detail}: the desk is read-only."
    return _message(request, error.status_code, text, error.headers)


def _unknown(request: "Request", error: Exception) -> "Response":
    return _message(request, 404, str(error))


def _broken(request: "Request", error: Exception) -> "Response":
    """Records or policy that cannot be read: the reason is the operator's business, and nobody else is here."""
    return _message(request, 500, str(error))


def _failed(request: "Request", error: Exception) -> "Response":
    """The server logs what was raised."""
    return _message(request, 500, f"{type(error).__name__}; the log of this process says more")


def _message(request: "Request", status: int, text: str, headers: Mapping[str, str] | None = None) -> "Response":
    title = "Not found" if status == 404 else f"Error {status}"
    return _html(message_page(title, text, home=_home(request)), status, headers)


def _html(page: str, status: int = 200, headers: Mapping[str, str] | None = None) -> "Response":
    from starlette.responses import HTMLResponse

    return HTMLResponse(page, status, headers)


def _home(request: "Request") -> str:
    """Relative, so that it holds behind a proxy that serves the desk below a path of its own."""
    return "../" * (request.url.path.count("/") - 1) or "./"


def _with_headers(app: "ASGIApp") -> "ASGIApp":
    """Around everything: a refusal carries them too."""
    encoded = [(name.lower().encode(), value.encode()) for name, value in HEADERS.items()]

    async def wrapped(scope: "Scope", receive: "Receive", send: "Send") -> None:
        async def send_with_headers(message: "Message") -> None:
            if message["type"] == "http.response.start":
                message = {**message, "headers": [*message.get("headers", []), *encoded]}
            await send(message)

        await app(scope, receive, send_with_headers)

    return wrapped
