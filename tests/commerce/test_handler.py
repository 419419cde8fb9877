"""The API's own way in finds the same views and keeps the same manners as Django's."""

import io
import json
from typing import Any

import pytest
from django.http import HttpRequest

from commerce.api import authentication, throttling
from commerce.handler import Handler
from inventory.api import views
from tests.factories import commerce as factories

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(scope="module")
def handler() -> Handler:
    return Handler()


def ask(handler: Handler, path: str, method: str = "GET", **headers: str) -> tuple[int, dict[str, str], Any]:
    seen: list[Any] = []
    environment = {
        "REQUEST_METHOD": method, "PATH_INFO": path, "QUERY_STRING": "", "SERVER_NAME": "localhost", "SERVER_PORT": "80",
        "SERVER_PROTOCOL": "HTTP/1.1", "wsgi.input": io.BytesIO(), "wsgi.url_scheme": "http", "CONTENT_LENGTH": "0", **headers,
    }  # fmt: skip
    body = b"".join(handler(environment, lambda status, fields: seen.extend([status, fields])))
    answered = dict(seen[1])
    assert answered["Content-Length"] == str(len(body))
    return int(seen[0].split()[0]), answered, json.loads(body) if body else None


@pytest.fixture
def key() -> dict[str, str]:
    authentication.forget()
    throttling.forget()
    return factories.key().headers


def test_an_address_is_found_each_time_with_and_without_a_variable_part(handler: Handler, key: dict[str, str]) -> None:
    nobody = "/api/v1/reservations/00000000-0000-7000-8000-000000000000"
    for _ in range(2):
        assert ask(handler, "/api/v1/locations", **key)[0] == 200
        assert ask(handler, nobody, **key)[2]["code"] == "hold_not_found"


def test_what_is_not_there_is_a_problem_and_stays_one(handler: Handler, key: dict[str, str]) -> None:
    for _ in range(2):
        status, headers, document = ask(handler, "/api/v1/nowhere", **key)
        assert (status, document["status"]) == (404, 404)
        assert headers["Content-Type"] == "application/problem+json"


def test_answers_bear_the_request_id_and_the_headers_that_protect(handler: Handler, key: dict[str, str]) -> None:
    _, headers, _ = ask(handler, "/api/v1/locations", HTTP_X_REQUEST_ID="checkout-4711", **key)
    assert headers["X-Request-ID"] == "checkout-4711"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Cross-Origin-Opener-Policy"] == "same-origin"
    assert "Strict-Transport-Security" not in headers


def test_over_tls_and_without_it_each_answer_says_what_it_should(settings: Any, key: dict[str, str]) -> None:
    settings.SECURE_HSTS_SECONDS = 3600
    settings.SECURE_SSL_REDIRECT = True
    handler = Handler()
    for _ in range(2):
        status, headers, _ = ask(handler, "/api/v1/locations", **key, **{"wsgi.url_scheme": "https"})
        assert (status, headers["Strict-Transport-Security"]) == (200, "max-age=3600")
        status, headers, _ = ask(handler, "/api/v1/locations", **key)
        assert (status, headers["Location"]) == (301, "https://localhost/api/v1/locations")


def test_a_fault_in_a_view_is_a_problem_without_a_trace(
    handler: Handler, key: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(self: Any, request: HttpRequest) -> None:
        raise ZeroDivisionError("seven by nothing")

    monkeypatch.setattr(views.LocationsView, "get", broken)
    status, _, document = ask(handler, "/api/v1/locations", HTTP_X_REQUEST_ID="checkout-4712", **key)
    assert (status, document["request_id"]) == (500, "checkout-4712")
    assert "seven by" not in str(document)


def test_pages_go_the_long_way(handler: Handler) -> None:
    assert ask(handler, "/staff/", HTTP_ACCEPT="text/html")[0] == 302
