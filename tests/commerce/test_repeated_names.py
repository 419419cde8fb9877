"""What a JSON object says twice: refused by its name, whatever else is in the body."""

import pytest
from django.test import Client

from commerce.api import authentication, throttling
from tests.commerce.test_api_base import post, problem
from tests.factories import commerce as factories

pytestmark = [pytest.mark.django_db, pytest.mark.urls("tests.commerce.test_api_base")]


@pytest.fixture(autouse=True)
def _nothing_remembered() -> None:
    authentication.forget()
    throttling.forget()


@pytest.fixture
def key() -> factories.IssuedKey:
    return factories.key()


@pytest.mark.parametrize(
    ("body", "name"),
    [
        (b'{"name": "a", "name": "b"}', "name"),
        (b'{"name": "a", "ttl_seconds": 900, "ttl_seconds" : 900}', "ttl_seconds"),
        (b'{"name": "\\u003a", "name": "b"}', "name"),
        (b'{"n\\u00e4me": 1, "name": {"x": {"deep": 1, "deep": ' + b"9" * 30 + b"}}}", "deep"),
    ],
)
def test_a_name_that_stands_twice_is_refused_by_name(
    client: Client, key: factories.IssuedKey, body: bytes, name: str
) -> None:
    """Of two values a reader would silently get the last."""
    refused = problem(post(client, key, body), 400, "invalid_input")
    assert refused["errors"] == [{"field": name, "value": None, "message": "given twice"}]


@pytest.mark.parametrize("name", ["a:b", "\\u003a", ":::"])
def test_a_colon_in_a_text_is_no_name(client: Client, key: factories.IssuedKey, name: str) -> None:
    assert post(client, key, b'{"name": "' + name.encode() + b'"}').status_code == 201
