"""Products, webhook endpoints and the stream of events, as a channel uses them."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any, ClassVar
from urllib.parse import quote

import orjson
import pytest
from django.http import HttpResponse
from django.test import Client

from commerce import catalog, clock, deliveries, events, outbox
from commerce.models import Channel, IdempotencyKey, WebhookEndpoint
from commerce.roles import Scope
from commerce.transactions import transaction
from tests.factories import commerce as factories

pytestmark = pytest.mark.django_db


@pytest.fixture
def key() -> factories.IssuedKey:
    return factories.key()


def get(client: Client, key: factories.IssuedKey, path: str, **extra: str) -> HttpResponse:
    return client.get(f"/api/v1/{path}", **key.headers, **extra)


def send(
    client: Client, method: str, key: factories.IssuedKey, path: str, body: object = None, **extra: str
) -> HttpResponse:
    raw = b"" if body is None else orjson.dumps(body)
    return client.generic(method, f"/api/v1/{path}", raw, content_type="application/json", **key.headers, **extra)


# --- products ---------------------------------------------------------------------------------------------------------


def test_products_are_listed_with_barcodes_and_whether_the_channel_lists_them(
    client: Client, key: factories.IssuedKey
) -> None:
    mug = factories.product("MUG", name="Mug", brand="Halden", gtins=["4006381333931"])
    factories.product("TEA", name="Tea", kind="goods", tax_class="reduced")
    factories.listed(key.key.channel, mug)
    first, second = get(client, key, "products").json()["items"]
    assert (first["sku"], first["is_listed"], first["gtins"]) == (
        "MUG",
        True,
        [{"gtin": "04006381333931", "pieces": 1}],
    )
    assert (second["sku"], second["is_listed"], second["tax_class"]) == ("TEA", False, "reduced")
    assert first["updated_at"].endswith("Z")


def test_a_page_takes_four_queries_whatever_its_size(client: Client, key: factories.IssuedKey) -> None:
    for _ in range(3):
        factories.product()
    factories.products(60)
    get(client, key, "products?limit=1")
    for limit in (2, 63):
        with _queries() as count:
            page = get(client, key, f"products?limit={limit}").json()
        assert len(page["items"]) == limit
        assert count() == 4


def _queries():
    from contextlib import contextmanager

    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    @contextmanager
    def counted():
        with CaptureQueriesContext(connection) as captured:
            yield lambda: len(captured)

    return counted()


def test_walking_the_pages_shows_every_product_once(client: Client, key: factories.IssuedKey) -> None:
    refs = factories.products(7)
    seen, address = [], "/api/v1/products?limit=3"
    while address:
        page = client.get(address, **key.headers).json()
        seen += [item["sku"] for item in page["items"]]
        address = page["next"]
    assert seen == sorted(ref.sku for ref in refs)


@pytest.mark.parametrize(
    ("query", "skus"),
    [
        ("sku=MUG,TEA,NONE", ["MUG", "TEA"]),
        ("gtin=4006381333931", ["MUG"]),
        ("gtin=4006381333931,14006381333938", ["MUG"]),
        ("brand=HALDEN", ["MUG"]),
        ("category=tea", ["TEA", "TEAPOT"]),
        ("q=pot", ["TEAPOT"]),
        ("q=te", ["TEA", "TEAPOT"]),
        ("q=%25", []),
        ("sku=TEA&brand=halden", []),
        ("updated_since=2100-01-01T00:00:00Z", []),
    ],
)
def test_filters(client: Client, key: factories.IssuedKey, query: str, skus: list[str]) -> None:
    factories.product("MUG", name="Mug", brand="Halden", gtins=["4006381333931", ("14006381333938", 12)])
    factories.product("TEA", name="Assam", category="Tea")
    factories.product("TEAPOT", name="A pot", category="Tea")
    response = get(client, key, f"products?{query}")
    assert [item["sku"] for item in response.json()["items"]] == skus, response.content


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("gtin=4006381333932", "gtin"),
        ("colour=red", "colour"),
        ("limit=0", "limit"),
        ("limit=201", "limit"),
        ("cursor=abc", "cursor"),
        ("updated_since=2026-01-01T00:00:00", "updated_since"),
        ("q=%00", "q"),
    ],
)
def test_wrong_parameters_are_named(client: Client, key: factories.IssuedKey, query: str, field: str) -> None:
    response = get(client, key, f"products?{query}")
    assert response.status_code == 400
    assert response.json()["errors"][0]["field"] == field


def test_one_product_by_any_sku_with_an_etag_that_changes_with_it(client: Client, key: factories.IssuedKey) -> None:
    ref = factories.product("MUG/350 B+", name="Mug")
    path = f"products/{quote('MUG/350 B+', safe='')}"
    first = get(client, key, path)
    assert first.json()["name"] == "Mug"
    assert get(client, key, path, HTTP_IF_NONE_MATCH=first["ETag"]).status_code == 304
    with transaction():
        catalog.change_product(ref.id, name="Cup", by=factories.TESTER)
    changed = get(client, key, path, HTTP_IF_NONE_MATCH=first["ETag"])
    assert (changed.status_code, changed.json()["name"]) == (200, "Cup")


@pytest.mark.parametrize("sku", ["NONE", "%00", "a" * 300, "%F0%9F%8D%B5"])
def test_an_unknown_product_is_a_problem(client: Client, key: factories.IssuedKey, sku: str) -> None:
    response = get(client, key, f"products/{sku}")
    assert (response.status_code, response.json()["code"]) == (404, "not_found")


# --- webhook endpoints ------------------------------------------------------------------------------------------------

HOOK = {"url": "http://127.0.0.1:9/hook", "event_types": ["test.told"]}


@dataclass(frozen=True, slots=True, kw_only=True)
class Told(events.Event):
    type: ClassVar[str] = "test.told"
    is_public: ClassVar[bool] = True
    text: str = ""

    @property
    def aggregate(self) -> str:
        return "test:1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept(Told):
    type: ClassVar[str] = "test.kept"
    is_public: ClassVar[bool] = False


@pytest.fixture
def _told():
    with events.isolated():
        events.register(Told)
        events.register(Kept)
        yield


@pytest.mark.usefixtures("_told")
def test_an_endpoint_lives_its_life(client: Client, key: factories.IssuedKey) -> None:
    made = send(client, "POST", key, "webhook-endpoints", HOOK)
    assert made.status_code == 201, made.content
    document = made.json()
    assert document["secret"].startswith("whsec_")
    path = f"webhook-endpoints/{document['id']}"
    read = get(client, key, path).json()
    assert "secret" not in read
    assert get(client, key, "webhook-endpoints").json() == {"items": [read]}
    changed = send(client, "PATCH", key, path, {"is_active": False})
    assert changed.json()["is_active"] is False
    rotated = send(client, "POST", key, f"{path}/rotate-secret").json()
    assert rotated["secret"] != document["secret"]
    assert rotated["previous_secret_until"] is not None
    gone = send(client, "DELETE", key, path)
    assert (gone.status_code, gone.content) == (204, b"")
    assert get(client, key, path).status_code == 404


@pytest.mark.usefixtures("_told")
def test_a_replayed_creation_shows_the_secret_again_but_keeps_it_encrypted(
    client: Client, key: factories.IssuedKey
) -> None:
    first = send(client, "POST", key, "webhook-endpoints", HOOK, HTTP_IDEMPOTENCY_KEY="hook")
    again = send(client, "POST", key, "webhook-endpoints", HOOK, HTTP_IDEMPOTENCY_KEY="hook")
    assert (again.status_code, again.content, again["Content-Type"]) == (201, first.content, "application/json")
    assert again["Idempotency-Replayed"] == "true"
    assert WebhookEndpoint.objects.count() == 1
    assert first.json()["secret"].encode() not in bytes(IdempotencyKey.objects.get().body)


@pytest.mark.usefixtures("_told")
@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"url": "ftp://x", "event_types": ["test.told"]}, "url"),
        ({"url": "http://127.0.0.1:9/", "event_types": ["test.kept"]}, "event_types"),
        ({"url": "http://127.0.0.1:9/", "event_types": []}, "event_types"),
        ({"url": "http://127.0.0.1:9/", "event_types": [5]}, "event_types[0]"),
        ({"url": "http://127.0.0.1:9/", "event_types": ["test.told"], "secret": "x"}, "secret"),
        ({"event_types": ["test.told"]}, "url"),
    ],
)
def test_endpoints_that_can_not_be_are_refused(
    client: Client, key: factories.IssuedKey, body: dict, field: str
) -> None:
    response = send(client, "POST", key, "webhook-endpoints", body)
    assert response.status_code == 400, response.content
    assert response.json()["errors"][0]["field"] == field
    assert not WebhookEndpoint.objects.exists()


@pytest.mark.usefixtures("_told")
def test_a_host_name_is_looked_up_before_an_endpoint_is_added_or_moved(
    client: Client, key: factories.IssuedKey, settings: Any
) -> None:
    path = f"webhook-endpoints/{send(client, 'POST', key, 'webhook-endpoints', HOOK).json()['id']}"
    settings.WEBHOOKS_MAY_REACH_PRIVATE_ADDRESSES = False
    inside = {"url": "https://localhost/hook"}
    for response in (
        send(client, "POST", key, "webhook-endpoints", HOOK | inside),
        send(client, "PATCH", key, path, inside),
    ):
        (error,) = response.json()["errors"]
        assert (response.status_code, error["field"]) == (400, "url")
        assert "not a public address" in error["message"]
    assert WebhookEndpoint.objects.get().url == HOOK["url"]


@pytest.mark.usefixtures("_told")
def test_nobody_reaches_another_channels_endpoint(client: Client, key: factories.IssuedKey) -> None:
    made = send(client, "POST", key, "webhook-endpoints", HOOK).json()
    stranger = factories.key()
    path = f"webhook-endpoints/{made['id']}"
    assert get(client, stranger, "webhook-endpoints").json() == {"items": []}
    for response in (
        get(client, stranger, path),
        send(client, "PATCH", stranger, path, {"is_active": False}),
        send(client, "POST", stranger, f"{path}/rotate-secret"),
        send(client, "DELETE", stranger, path),
    ):
        assert (response.status_code, response.json()["code"]) == (404, "not_found")
    assert WebhookEndpoint.objects.get().is_active
    empty = send(client, "PATCH", key, path, {})
    assert empty.status_code == 400


# --- events -----------------------------------------------------------------------------------------------------------


def tell(channel: Channel, *texts: str, kind: type[Told] = Told) -> None:
    with transaction():
        outbox.publish(
            [
                kind(aggregate_sequence=number, occurred_at=clock.now(), channel_id=channel.pk, text=text)
                for number, text in enumerate(texts, start=1)
            ],
            by=factories.TESTER,
        )


@pytest.mark.usefixtures("_told")
def test_events_are_replayed_in_order_from_any_position(client: Client, key: factories.IssuedKey) -> None:
    other = factories.channel()
    tell(key.key.channel, "a", "b")
    tell(other, "not yours")
    tell(key.key.channel, "inside", kind=Kept)
    tell(key.key.channel, "c")
    assert get(client, key, "events").json() == {"items": [], "next_after": 0}  # not yet in the stream
    deliveries.sequence_batch()
    page = get(client, key, "events?limit=2").json()
    assert [event["data"]["text"] for event in page["items"]] == ["a", "b"]
    assert page["items"][0]["type"] == "test.told"
    assert page["items"][0]["aggregate"] == "test:1"
    rest = get(client, key, f"events?after={page['next_after']}").json()
    assert [event["data"]["text"] for event in rest["items"]] == ["c"]
    end = get(client, key, f"events?after={rest['next_after']}").json()
    assert end == {"items": [], "next_after": rest["next_after"]}
    assert get(client, key, "events?types=test.told&limit=1").json()["items"] == page["items"][:1]


@pytest.mark.usefixtures("_told")
@pytest.mark.parametrize("query", ["after=-1", "after=x", "limit=501", "types=test.kept", "types=nothing", "since=1"])
def test_wrong_event_parameters_are_refused(client: Client, key: factories.IssuedKey, query: str) -> None:
    response = get(client, key, f"events?{query}")
    assert response.status_code == 400
    assert response.json()["errors"][0]["field"] == query.partition("=")[0]


@pytest.mark.parametrize(
    ("path", "scope"),
    [
        ("products", Scope.CATALOG_READ),
        ("products/X", Scope.CATALOG_READ),
        ("webhook-endpoints", Scope.WEBHOOKS_MANAGE),
        ("events", Scope.EVENTS_READ),
    ],
)
def test_each_address_needs_its_scope(client: Client, path: str, scope: Scope) -> None:
    without = factories.key(None, *(set(Scope) - {scope}))
    response = get(client, without, path)
    assert (response.status_code, response.json()["scope"]) == (403, scope.value)
    ended = factories.key(expires_at=clock.now() - timedelta(seconds=1))
    assert get(client, ended, path).status_code == 401
