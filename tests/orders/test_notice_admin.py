"""Texts of messages in the admin: listed, previewed with an order's words, checked, written as versions."""

import pytest
from django.core import mail
from django.test import Client
from django.urls import reverse

from commerce.channels.contracts import IncomingCustomer
from commerce.models import User
from orders.models import NoticeTemplate, PickupReminder
from tests.factories import orders as make

EMAIL = ["pickup.ready", "de", "email"]


@pytest.fixture
def administrator(db: None) -> Client:
    client = Client()
    user = User.objects.create_superuser("root", email="root@example.org")
    client.force_login(user)
    return client


def test_every_message_is_listed_with_its_texts(administrator: Client) -> None:
    page = administrator.get(reverse("admin:orders_noticetemplate_changelist")).content.decode()
    assert reverse("admin:orders_noticetemplate_write", args=EMAIL) in page
    assert "pickup.last_day" in page


def test_a_text_is_previewed_without_a_customers_name_and_saved_as_a_version(
    administrator: Client, shop: make.Shop
) -> None:
    order = shop.ready(customer=IncomingCustomer(name="Fritz Geheim", email="fritz@example.org"))
    address = reverse("admin:orders_noticetemplate_write", args=EMAIL)
    page = administrator.get(address).content.decode()
    assert order.number in page
    assert "Fritz Geheim" not in page
    assert "Erika Beispiel" in page
    text = {"subject": "Fertig: {number}", "body": "Bitte kommen.\n\n{tracking_url}"}
    shown = administrator.post(address, {**text, "preview": ""})
    assert f"Fertig: {order.number}" in shown.content.decode()
    assert not NoticeTemplate.objects.exists()
    assert administrator.post(address, {**text, "save": ""}).status_code == 302
    assert NoticeTemplate.objects.get().version == 1
    administrator.post(address, {**text, "test": ""})
    [test] = mail.outbox
    assert (test.to, test.subject) == (["root@example.org"], f"[pickup.ready] Fertig: {order.number}")


@pytest.mark.parametrize(
    ("subject", "body", "says"),
    [
        ("Hallo {nmae}", "{tracking_url}", "{nmae}"),
        ("Hallo", "kein Link", "{tracking_url}"),
        ("", "{tracking_url}", "Betreff"),
    ],
)
def test_a_faulty_text_says_what_is_wrong_and_keeps_what_was_typed(
    administrator: Client, shop: make.Shop, subject: str, body: str, says: str
) -> None:
    answer = administrator.post(
        reverse("admin:orders_noticetemplate_write", args=EMAIL), {"subject": subject, "body": body, "save": ""}
    )
    assert answer.status_code == 422
    assert says in answer.content.decode()
    assert body in answer.content.decode()
    assert not NoticeTemplate.objects.exists()


def test_only_who_manages_messages_may_write_them(shop: make.Shop) -> None:
    browser = Client()
    browser.force_login(shop.clerk)
    for address in (
        reverse("admin:orders_noticetemplate_changelist"),
        reverse("admin:orders_noticetemplate_write", args=EMAIL),
    ):
        assert browser.get(address).status_code in (302, 403)
    assert (
        Client().get(reverse("admin:orders_noticetemplate_write", args=["no.such", "de", "email"])).status_code == 302
    )


def test_a_step_of_the_ladder_is_written_and_changed_through_its_verb(administrator: Client, shop: make.Shop) -> None:
    address = reverse("admin:orders_pickupreminder_add")
    given = {
        "message": "pickup.reminder",
        "hours_before": "48",
        "location": str(shop.store.id),
        "channel": "",
        "is_active": "on",
    }
    assert administrator.post(address, {**given, "hours_before": "721"}).status_code == 200
    assert not PickupReminder.objects.exists()
    assert administrator.post(address, given).status_code == 302
    row = PickupReminder.objects.get()
    change = reverse("admin:orders_pickupreminder_change", args=[row.pk])
    assert administrator.post(change, {"hours_before": "12", "is_active": "on"}).status_code == 302
    row.refresh_from_db()
    assert (row.hours_before, row.location_id) == (12, shop.store.id)
