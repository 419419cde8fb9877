"""Metrics are counted, and shown only to who may see them; problems have a page for people."""

import pytest
from django.test import Client, override_settings

from commerce import problem_pages
from tests.factories import commerce as factories

pytestmark = pytest.mark.django_db


def test_requests_are_counted_by_view_and_status(client: Client) -> None:
    key = factories.key()
    client.get("/api/v1/products", **key.headers)
    client.get("/api/v1/products?limit=0", **key.headers)
    text = client.get("/metrics").content.decode()
    assert 'kontor_api_requests_total{method="GET",status="200",view="ProductList"}' in text
    assert 'kontor_api_requests_total{method="GET",status="400",view="ProductList"}' in text
    client.generic("BREW", "/api/v1/products", **key.headers)
    text = client.get("/metrics").content.decode()
    assert 'kontor_api_requests_total{method="other",status="405",view="ProductList"}' in text
    assert "BREW" not in text
    assert 'kontor_api_request_seconds_bucket{le="0.005",view="ProductList"}' in text


def test_strangers_see_no_metrics(client: Client) -> None:
    assert client.get("/metrics", REMOTE_ADDR="10.0.0.7").status_code == 403
    with override_settings(METRICS_TOKEN="a-token"):
        assert client.get("/metrics").status_code == 401
        assert client.get("/metrics", HTTP_AUTHORIZATION="Bearer other").status_code == 401
        assert client.get("/metrics", HTTP_AUTHORIZATION="Bearer a-token", REMOTE_ADDR="10.0.0.7").status_code == 200
    with override_settings(PRODUCTION=True):
        assert client.get("/metrics").status_code == 403


def test_every_error_code_is_explained(client: Client) -> None:
    kinds = problem_pages.kinds()
    assert {"invalid_input", "quota_exhausted", "idempotency_key_reused", "internal_error"} <= {k.code for k in kinds}
    assert all(kind.meaning and kind.title and 400 <= kind.status < 600 for kind in kinds)
    page = client.get("/problems/unknown_product")
    assert page.status_code == 200
    assert "A SKU in a body names no product" in page.content.decode()
    listing = client.get("/problems/").content.decode()
    assert all(kind.code in listing for kind in kinds)
    assert client.get("/problems/no_such_code").status_code == 404
