"""Middleware: a request id for all, and the staff stack only outside `/api/`.

The API authenticates each request by its key and needs no session, cookie, message or language; passing those by saves
more time than an availability answer costs.
"""

import re
from collections.abc import Callable

from django.contrib.auth.middleware import AuthenticationMiddleware
from django.contrib.messages.middleware import MessageMiddleware
from django.contrib.sessions.middleware import SessionMiddleware
from django.http import HttpRequest, HttpResponse
from django.middleware.common import CommonMiddleware
from django.middleware.csrf import CsrfViewMiddleware
from django.middleware.locale import LocaleMiddleware
from django.utils import translation
from django_htmx.middleware import HtmxMiddleware
from simple_history.middleware import HistoryRequestMiddleware
from whitenoise.middleware import WhiteNoiseMiddleware

from commerce import context, ids

API = "/api/v1/"
_SANE_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{8,64}")

GetResponse = Callable[[HttpRequest], HttpResponse]


class RequestContextMiddleware:
    """Give each request an id (the caller's own when it is sane) and answer with it."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        given = request.META.get("HTTP_X_REQUEST_ID", "")
        identifier = given if _SANE_REQUEST_ID.fullmatch(given) else ids.token()
        context.bind(identifier)
        response = self.get_response(request)
        response["X-Request-ID"] = identifier
        if not response.streaming and not response.has_header("Content-Length"):  # else the server has to send chunks
            response["Content-Length"] = str(len(response.content))
        return response


class _OutsideApi:
    """Step aside for the API. (The hooks of CSRF and authentication views are exempt there anyway.)"""

    get_response: GetResponse

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.path_info.startswith(API):
            return self.get_response(request)
        return super().__call__(request)  # type: ignore[misc]


class WhiteNoiseOutsideApi(_OutsideApi, WhiteNoiseMiddleware):
    pass


class SessionOutsideApi(_OutsideApi, SessionMiddleware):
    pass


class LocaleOutsideApi(_OutsideApi, LocaleMiddleware):
    pass


class CommonOutsideApi(_OutsideApi, CommonMiddleware):
    pass


class CsrfOutsideApi(_OutsideApi, CsrfViewMiddleware):
    pass


class AuthenticationOutsideApi(_OutsideApi, AuthenticationMiddleware):
    pass


class MessagesOutsideApi(_OutsideApi, MessageMiddleware):
    pass


class HtmxOutsideApi(_OutsideApi, HtmxMiddleware):
    pass


class HistoryOutsideApi:
    """Let the history of master data know who edits it in the admin."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response
        self.with_history = HistoryRequestMiddleware(get_response)

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request) if request.path_info.startswith(API) else self.with_history(request)


class StaffLanguageMiddleware(_OutsideApi):
    """Speak the language that the signed-in person chose."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if not request.path_info.startswith(API) and request.user.is_authenticated:
            translation.activate(request.user.language)
            request.LANGUAGE_CODE = request.user.language
        return self.get_response(request)
