"""Every refusal is a problem document (RFC 9457): what was wrong, where, and the way out. Never a word of our insides."""

from collections.abc import Callable
from typing import Any

from django.core.exceptions import PermissionDenied, RequestDataTooBig, SuspiciousOperation
from django.db import Error as DatabaseError
from django.db import InterfaceError, OperationalError
from django.http import Http404, HttpRequest, HttpResponse
from django.views import defaults
from rest_framework import exceptions

from commerce import context, integrity, logs
from commerce.api import bodies, rendering
from commerce.api.authentication import CHALLENGE
from commerce.api.throttling import headers as rate_limit_headers
from commerce.errors import (
    BodyTooLarge,
    Busy,
    CommerceError,
    InternalError,
    InvalidInput,
    MalformedJson,
    MethodNotAllowed,
    NotAllowed,
    NotFound,
    NotSignedIn,
    TooManyRequests,
    UnsupportedMediaType,
)

MEDIA_TYPE = "application/problem+json"
API = "/api/"
BUSY_RETRY_SECONDS = 1

log = logs.get(__name__)


def document(error: CommerceError, *, instance: str = "") -> dict[str, Any]:
    """Return the problem document of a refusal."""
    problem: dict[str, Any] = {
        "type": f"/problems/{error.code}",
        "title": error.title,
        "status": error.status,
        "detail": error.message,
        "instance": instance,
        "code": error.code,
        "request_id": context.request_id(),
    }
    if error.errors:
        problem["errors"] = [
            {"field": fault.get("field", ""), "value": fault.get("value"), "message": fault.get("message", "")}
            for fault in error.errors
        ]
    for name, fact in error.detail.items():
        problem.setdefault(name, fact)
    return problem


def respond(error: CommerceError, *, instance: str = "") -> HttpResponse:
    """Return the answer that tells a refusal, with the headers that belong to it."""
    response = HttpResponse(
        rendering.encode(document(error, instance=instance)), status=error.status, content_type=MEDIA_TYPE
    )
    if isinstance(error, NotSignedIn):
        response["WWW-Authenticate"] = CHALLENGE
    elif isinstance(error, MethodNotAllowed):
        response["Allow"] = ", ".join(error.detail["allowed"])
    elif isinstance(error, TooManyRequests):
        seconds = int(error.detail.get("retry_after_seconds", 60))
        for name, value in rate_limit_headers(int(error.detail.get("limit", 0)), 0, seconds).items():
            response[name] = value
    if error.status in (429, 503) or "retry_after_seconds" in error.detail:
        response["Retry-After"] = str(error.detail.get("retry_after_seconds", BUSY_RETRY_SECONDS))
    return response


def handle(fault: Exception, context_of_view: dict[str, Any]) -> HttpResponse | None:
    """Turn what a view raised into a problem; None for a fault of ours, which then is logged and told as a 500."""
    error = known(fault)
    if error is None:
        return None
    request = context_of_view.get("request")
    return respond(error, instance=request.path if request is not None else "")


def known(fault: Exception) -> CommerceError | None:
    """Return the refusal that an exception means, or None when it means a fault of ours."""
    if isinstance(fault, CommerceError):
        return fault
    if isinstance(fault, exceptions.MethodNotAllowed):
        return MethodNotAllowed("This address does not know the method.", allowed=[])
    for kind, make in _KNOWN:
        if isinstance(fault, kind):
            return make(fault)
    if isinstance(fault, DatabaseError):
        return _of_database(fault)
    return None


def _of_database(fault: DatabaseError) -> CommerceError | None:
    """A lost connection or a lock not to be had passes; everything else is a fault of ours."""
    code = getattr(fault.__cause__, "pgcode", None)
    if code in (integrity.LOCK_NOT_AVAILABLE, integrity.DEADLOCK_DETECTED):
        return Busy("Others are working on the same; please send the request again.")
    is_lost = code is None or code.startswith(("08", "57P"))
    if isinstance(fault, InterfaceError | OperationalError) and is_lost:
        log.error("database_unavailable", error=type(fault).__name__, code=code)
        return Busy("The service is not ready at the moment; please send the request again.", retry_after_seconds=2)
    return None


_KNOWN: list[tuple[type[Exception], Callable[[Any], CommerceError]]] = [
    (exceptions.ValidationError, lambda fault: bodies.refusal(fault.detail)),
    (exceptions.ParseError, lambda fault: MalformedJson(str(fault.detail))),
    (exceptions.NotAuthenticated, lambda fault: NotSignedIn("Send your key: Authorization: Bearer ko_…")),
    (exceptions.AuthenticationFailed, lambda fault: NotSignedIn("The key is unknown, revoked or expired.")),
    (exceptions.PermissionDenied, lambda fault: NotAllowed("This key may not do this.")),
    (exceptions.NotFound, lambda fault: NotFound("There is nothing at this address.")),
    (exceptions.UnsupportedMediaType, lambda fault: UnsupportedMediaType("The body must be sent as application/json.")),
    (
        exceptions.Throttled,
        lambda fault: TooManyRequests("Too many requests.", retry_after_seconds=int(fault.wait or 60)),
    ),
    (exceptions.APIException, lambda fault: InvalidInput(str(fault.detail))),
    (Http404, lambda fault: NotFound("There is nothing at this address.")),
    (PermissionDenied, lambda fault: NotAllowed("This key may not do this.")),
    (RequestDataTooBig, lambda fault: BodyTooLarge("The body is too large; send it in smaller parts.")),
    (SuspiciousOperation, lambda fault: InvalidInput("The request can't be served as it was sent.")),
]


# --- what no view answers: named in commerce/urls.py ------------------------------------------------------------------


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Answer 400 in the caller's own form."""
    if request.path_info.startswith(API):
        return respond(known(exception) or InvalidInput("The request can't be served."), instance=request.path)
    return defaults.bad_request(request, exception)


def permission_denied(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Answer 403 in the caller's own form."""
    if request.path_info.startswith(API):
        return respond(NotAllowed("This is not allowed."), instance=request.path)
    return defaults.permission_denied(request, exception)


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Answer 404 in the caller's own form."""
    if request.path_info.startswith(API):
        message = "There is nothing at this address; /api/docs/ lists what there is."
        return respond(NotFound(message), instance=request.path)
    return defaults.page_not_found(request, exception)


def server_error(request: HttpRequest) -> HttpResponse:
    """Answer 500 in the caller's own form. The request id leads to the log; nothing else leaves the house."""
    if request.path_info.startswith(API):
        message = "The fault is ours and nothing was changed. Quote the request id when you ask us about it."
        return respond(InternalError(message), instance=request.path)
    return defaults.server_error(request)
