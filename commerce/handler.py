"""How requests come in. The API has a way of its own: no signals, no sessions, no language, only what its answers need.

Django's handler asks all database connections, all caches and a dozen layers at the start and end of each request; for an
answer that takes 0.2 ms that is a third of the work. What these protect is kept: the request id, the security headers and
TLS redirect, and that a connection which broke is dropped before it is used again.
"""

from collections.abc import Callable, Iterable
from typing import Any

from django.core.handlers.exception import convert_exception_to_response
from django.core.handlers.wsgi import WSGIHandler
from django.db import connection
from django.http import HttpRequest, HttpResponse
from django.middleware.security import SecurityMiddleware
from django.urls import ResolverMatch, get_resolver, set_script_prefix

from commerce.middleware import API, RequestContextMiddleware

Environment = dict[str, Any]


class Handler(WSGIHandler):
    """Django's WSGI handler, with the short way for `/api/v1/`."""

    def load_middleware(self, is_async: bool = False) -> None:
        super().load_middleware(is_async)
        self._views = convert_exception_to_response(self._view)
        self._api = RequestContextMiddleware(convert_exception_to_response(self._over_tls))
        self._security = SecurityMiddleware(self._views)
        self._protecting: dict[bool, list[tuple[str, str]]] = {}
        self._fixed: dict[str, ResolverMatch] = {}

    def _over_tls(self, request: HttpRequest) -> HttpResponse:
        """Answer a request, or send it to TLS where that is asked for."""
        return self._security.process_request(request) or self._views(request)

    def _headers(self, request: HttpRequest, response: HttpResponse) -> list[tuple[str, str]]:
        """Return an answer's headers, and those that protect every answer: which these are is worked out once."""
        own = list(response.items())
        is_secure = request.is_secure()
        if is_secure not in self._protecting:
            blank = HttpResponse()
            del blank.headers["Content-Type"]
            self._protecting[is_secure] = list(self._security.process_response(request, blank).items())
        said = {name for name, _value in own}
        return own + [header for header in self._protecting[is_secure] if header[0] not in said]

    def _view(self, request: HttpRequest) -> HttpResponse:
        """Call the view of an address. Addresses without a variable part are searched once: there are a few dozen."""
        match = self._fixed.get(request.path_info)
        if match is None:
            match = get_resolver().resolve(request.path_info)
            if not match.args and not match.kwargs:
                self._fixed[request.path_info] = match
        request.resolver_match = match
        return match.func(request, *match.args, **match.kwargs)

    def __call__(self, environ: Environment, start_response: Callable[..., Any]) -> Iterable[bytes]:
        if not environ.get("PATH_INFO", "").startswith(API):
            return super().__call__(environ, start_response)
        connection.close_if_unusable_or_obsolete()
        request = self.request_class(environ)
        set_script_prefix(request.META["SCRIPT_NAME"])
        try:
            response = self._api(request)
            start_response(f"{response.status_code} {response.reason_phrase}", self._headers(request, response))
            return [response.content]
        finally:
            request.close()
