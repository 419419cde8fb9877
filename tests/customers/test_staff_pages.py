"""The customer pages: finding someone, seeing who they are, and who may not."""

from uuid import uuid4

import pytest
from django.urls import reverse

from commerce import transactions
from commerce.roles import Role
from customers import handlers
from inventory.places import locations
from tests.customers.test_activity import told
from tests.factories import commerce as ground
from tests.factories import customers as make
from tests.factories import inventory as goods

pytestmark = pytest.mark.django_db

URL = "/staff/customers/"


@pytest.fixture
def sign_in(client):
    """Sign someone in at a store with a role; return the client."""
    store = goods.store("BER01")

    def signed(role, **values):
        user = ground.user(**values)
        with transactions.transaction():
            locations.assign(user, role, store.id, by=ground.TESTER)
        client.force_login(user)
        return client

    return signed


@pytest.fixture
def ada():
    """A customer with every kind of identifier and one order."""
    profile_id = make.person(
        name="Ada Lovelace", email="ada@example.org", phone="030 123456", channel_customer_id="77042"
    )
    channel = ground.channel(name="Web shop")
    with transactions.transaction():
        handlers.remember_orders([told(profile_id, channel, order_id=uuid4(), sequence=1, number="K-100042")])
    make.person(name="Bob")
    return profile_id


@pytest.mark.parametrize("text", ["ADA@example.org", "+49 30 123456", "030 123456", "77042", "k-100042", "lovel"])
def test_someone_is_found_by_everything_that_points_to_them(sign_in, ada, text):
    page = sign_in(Role.SERVICE_AGENT).get(URL, {"q": text}).content.decode()
    assert reverse("customers-staff:profile", args=[ada]) in page
    assert "Ada Lovelace" in page
    assert "K-100042" in page
    assert "Bob" not in page
    assert "ada@example.org" not in page.replace(f'value="{text}"', "").lower()


@pytest.mark.parametrize("text", ["nobody@example.org", "Zed", "\x00", "x"])
def test_nobody_found_says_so(sign_in, ada, text):
    answer = sign_in(Role.SERVICE_AGENT).get(URL, {"q": text})
    assert answer.status_code == 200
    assert "Nobody found" in answer.content.decode()


def test_a_profile_shows_contacts_orders_and_what_happened(sign_in, ada):
    twin = make.person(name="A. L.", email="ada.l@example.org", phone="030 123456")
    channel = ground.channel()
    with transactions.transaction():
        handlers.remember_orders([told(twin, channel, order_id=uuid4(), sequence=1, number="K-100043")])
    client = sign_in(Role.STORE_MANAGER)
    page = client.get(f"{URL}{ada}/").content.decode()
    for expected in (
        "Ada Lovelace",
        "mailto:ada@example.org",
        "tel:+4930123456",
        "77042",
        "K-100042",
        "€10.00",
        "Recognised",
    ):
        assert expected in page
    assert reverse("customers-staff:profile", args=[ada]) in client.get(f"{URL}{twin}/").content.decode()
    assert client.get(f"{URL}{uuid4()}/").status_code == 404


def test_the_page_speaks_german(sign_in, ada):
    page = sign_in(Role.STORE_MANAGER, language="de").get(f"{URL}{ada}/").content.decode()
    assert "10,00\xa0€" in page


@pytest.mark.parametrize("role", [Role.CLERK, Role.MERCHANDISER])
def test_who_may_not_see_customers_is_refused(sign_in, ada, role):
    client = sign_in(role)
    for address in (URL, f"{URL}{ada}/"):
        answer = client.get(address)
        assert answer.status_code == 403
        assert "Ada" not in answer.content.decode()


def test_a_stranger_signs_in_first(client, ada):
    answer = client.get(f"{URL}{ada}/")
    assert (answer.status_code, "sign-in" in answer["Location"]) == (302, True)


def test_the_search_field_of_the_shell_knows_people(sign_in, ada):
    client = sign_in(Role.SERVICE_AGENT)
    for text in ("ada@example.org", "030 123456"):
        assert client.get(reverse("staff:find"), {"q": text})["Location"] == f"{URL}{ada}/"


def test_a_store_sees_who_bought_there_and_what_they_bought_there(sign_in, ada):
    stranger, channel = make.person(name="Ada Fremd", email="fremd@example.org", phone="030 123456"), ground.channel()
    with transactions.transaction():
        handlers.remember_orders(
            [
                told(stranger, channel, order_id=uuid4(), sequence=1, number="K-200001", location="VIE01"),
                told(ada, channel, order_id=uuid4(), sequence=1, number="K-200002", location="VIE01"),
            ]
        )
    client = sign_in(Role.STORE_MANAGER)
    assert client.get(f"{URL}{stranger}/").status_code == 404
    page = client.get(f"{URL}{ada}/").content.decode()
    assert ("K-100042" in page, "K-200002" in page, str(stranger) in page) == (True, False, False)
    for text in ("fremd@example.org", "K-200001", "K-200002", "Fremd"):
        assert "Nobody found" in client.get(URL, {"q": text}).content.decode(), text
    found = client.get(URL, {"q": "Ada"}).content.decode()
    assert (str(ada) in found, str(stranger) in found) == (True, False)

    everywhere = ground.user()
    with transactions.transaction():
        locations.assign(everywhere, Role.SERVICE_AGENT, None, by=ground.TESTER)
    client.force_login(everywhere)
    assert "K-200001" in client.get(f"{URL}{stranger}/").content.decode()
    assert "K-200002" in client.get(f"{URL}{ada}/").content.decode()
