"""What browsers may do with our pages: a strict Content-Security-Policy, and nothing kept of what staff see."""

from collections.abc import Callable
from typing import Any

from django.core.exceptions import BadRequest
from django.http import HttpRequest, HttpResponse, UnreadablePostError

API = "/api/v1/"
STAFF = "/staff/"

_COMMON = (
    "default-src 'self'; img-src 'self' data: blob:; object-src 'none'; base-uri 'self'; form-action 'self'; "
    "frame-ancestors 'none'; "
)
STRICT = _COMMON + "script-src 'self'; style-src 'self'"
# Two borrowed interfaces bring inline parts: the admin's components (they evaluate expressions) and the API docs.
BORROWED = {
    "/admin/": _COMMON + "script-src 'self' 'unsafe-inline' 'unsafe-eval'; style-src 'self' 'unsafe-inline'",
    "/api/docs/": _COMMON + "script-src 'self' 'unsafe-inline'; style-src 'self' 'unsafe-inline'",
}
PERMISSIONS = "camera=(self), microphone=(), geolocation=(), payment=(), usb=()"


class PageSecurityMiddleware:
    """Add the policy to every page outside the API, and keep staff pages out of every cache."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        path = request.path_info
        if path.startswith(API):
            return response
        policy = next((policy for prefix, policy in BORROWED.items() if path.startswith(prefix)), STRICT)
        response.setdefault("Content-Security-Policy", policy)
        response.setdefault("Permissions-Policy", PERMISSIONS)
        if path.startswith(STAFF):
            response.setdefault("Cache-Control", "private, no-store")
        return response

    def process_view(self, request: HttpRequest, view: Any, args: Any, kwargs: Any) -> None:
        """Refuse a form with a NUL in it: no keyboard types one, and PostgreSQL can't keep it. Raises: BadRequest."""
        if request.method != "POST" or request.path_info.startswith(API):
            return
        try:
            lists = request.POST.lists()
        except UnreadablePostError:  # whoever sent it is gone, so nobody is left to be told
            return
        if any("\x00" in value for _name, values in lists for value in values):
            raise BadRequest("A form holds a character that nobody can type.")
