"""Routing through the API: why an order is where it is; policies drafted, tried, switched, gone back to."""

import pytest

from commerce.roles import Scope
from orders import tasks
from orders.sourcing.policy import BALANCED
from tests.factories import commerce as ground
from tests.factories import orders as make

pytestmark = pytest.mark.django_db
SHIP_TO = {"street": "Weg 1", "postal_code": "10115", "city": "Berlin", "country": "DE"}


@pytest.fixture
def shop(noon):
    return make.shop()


@pytest.fixture
def call(shop, client):
    """Return call(method, address, body) with the key of the shop's channel."""
    key = ground.key(shop.channel)

    def send(method: str, address: str, body=None, **headers):
        return getattr(client, method)(
            f"/api/v1/{address}", body, content_type="application/json", **(key.headers | headers)
        )

    return send


def test_an_order_tells_its_decisions_to_its_own_channel_alone(shop, call, client):
    order = shop.place(method="ship", ship_to=SHIP_TO)
    [decision] = call("get", f"orders/{order.id}/routing").json()["items"]
    assert (decision["policy_version"], decision["location"], decision["occasion"]) == (
        "first-1",
        shop.store.code,
        "placed",
    )
    assert decision["outcome"]["shares"][0]["winner"]["rank"] == 1
    other = ground.key(ground.channel())
    assert client.get(f"/api/v1/orders/{order.id}/routing", **other.headers).status_code == 404


def test_a_policy_goes_its_way_from_draft_to_live_and_back(shop, call):
    body = {"name": "Careful", "content": BALANCED.document()}
    made = call("post", "routing/policies", body, HTTP_IDEMPOTENCY_KEY="draft-1")
    assert made.status_code == 201, made.content
    again = call("post", "routing/policies", body, HTTP_IDEMPOTENCY_KEY="draft-1")
    assert again.json() == made.json()
    untried = call("post", "routing/policies/1/activate", {}, HTTP_IDEMPOTENCY_KEY="activate-1")
    assert (untried.status_code, untried.json()["code"]) == (409, "policy_untried")
    asked = call("post", "routing/policies/1/simulations", {}, HTTP_IDEMPOTENCY_KEY="simulate-1")
    assert (asked.status_code, asked.json()["state"]) == (202, "waiting")
    tasks.try_routing_policies()
    done = call("get", f"routing/simulations/{asked.json()['id']}").json()
    assert (done["state"], done["result"]["candidate"]["orders"]) == ("done", 0)
    assert call("get", "routing/policies/1/simulations").json()["items"][0]["id"] == done["id"]
    live = call("post", "routing/policies/1/activate", {"expected_live": 0}, HTTP_IDEMPOTENCY_KEY="activate-2")
    assert live.json()["is_live"]
    second = call("post", "routing/policies", body | {"based_on": 1}, HTTP_IDEMPOTENCY_KEY="draft-2").json()
    assert (second["number"], second["based_on"]) == (2, 1)
    assert call("put", "routing/shadow", {"policy": 2}, HTTP_IDEMPOTENCY_KEY="follow-1").json() == {"policy": 2}
    page = call("get", "routing/policies?limit=1").json()
    assert ([one["number"] for one in page["items"]], page["next_before"]) == ([2], 2)
    assert page["items"][0]["is_shadow"]
    refused = call("post", "routing/policies/2/restore", {"reason": "no"}, HTTP_IDEMPOTENCY_KEY="restore-1")
    assert refused.json()["code"] == "policy_untried"


@pytest.mark.parametrize(
    "content", [{}, [], "cost", {"mode": "weighed", "terms": [{"criterion": "cost", "rate": "1"}]}]
)
def test_a_policy_that_cannot_be_read_is_refused_by_field(shop, call, content):
    answer = call("post", "routing/policies", {"name": "x", "content": content}, HTTP_IDEMPOTENCY_KEY="draft-x")
    assert answer.status_code == 400, answer.content
    assert answer.json()["errors"]


def test_a_key_without_the_scope_may_not(shop, client):
    key = ground.key(shop.channel, Scope.ORDERS_READ)
    assert client.get("/api/v1/routing/policies", **key.headers).status_code == 403
    assert client.get("/api/v1/routing/policies/1", **key.headers).status_code == 403
