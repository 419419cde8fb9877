"""How requests come in. The API has a way of its own: no signals, no sessions, no language, only what its answers need.

Django's handler asks all database connections, all caches and a dozen layers at the start and end of each request; for an
answer that takes 0.2 ms that is a third of the work. What these protect is kept: the request id, the security headers and
TLS redirect, and that a connection which broke is dropped before it is used again.
"""

from collections.abc import Callable, Iterable
from typing import Any

from django.core.handlers.exception import convert_exception_to_response
from django.core.handlers.wsgi import WSGIHandler, get_script_name
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
        views = convert_exception_to_response(self._view)
        self._api = RequestContextMiddleware(convert_exception_to_response(SecurityMiddleware(views)))
        self._fixed: dict[str, ResolverMatch] = {}

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
        set_script_prefix(get_script_name(environ))
        connection.close_if_unusable_or_obsolete()
        request = self.request_class(environ)
        try:
            response = self._api(request)
            start_response(f"{response.status_code} {response.reason_phrase}", list(response.items()))
            return [response.content]
        finally:
            request.close()
