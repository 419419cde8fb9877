"""Devices of staff ring when a customer waits outside: encrypted, once, and only while it is news."""

from base64 import urlsafe_b64encode
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import http_ece
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from django.test import Client
from django.urls import reverse

from commerce import clock, relay
from commerce.channels.contracts import IncomingCustomer
from commerce.models import User
from commerce.transactions import transaction
from orders import tracking
from orders.models import Notice, PushDevice
from orders.notifications import devices, gateways, sending
from orders.queries import OrderView
from tests.commerce import receiver
from tests.factories import orders as make


def _kerbside(shop: make.Shop) -> OrderView:
    return shop.ready(method="curbside", customer=IncomingCustomer(name="Erika Beispiel", email="erika@example.org"))


def _say(verb: Callable[..., Any], *args: Any, **options: Any) -> None:
    with transaction():
        verb(*args, at=clock.now(), **options)


class Browser:
    """What a browser's Push API gives: an endpoint at a push service, a key pair and a secret."""

    def __init__(self, endpoint: str) -> None:
        self.private = ec.generate_private_key(ec.SECP256R1())
        self.secret = b"0123456789abcdef"
        self.endpoint = endpoint

    def document(self) -> dict[str, Any]:
        point = self.private.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
        return {"endpoint": self.endpoint, "keys": {"p256dh": _b64(point), "auth": _b64(self.secret)}}

    def read(self, body: bytes) -> str:
        return bytes(http_ece.decrypt(body, private_key=self.private, auth_secret=self.secret)).decode()


def _b64(raw: bytes) -> str:
    return urlsafe_b64encode(raw).decode().rstrip("=")


def test_an_arrival_rings_the_stores_devices_once_and_encrypted(
    shop: make.Shop, signed_in: Callable[[User], Client]
) -> None:
    order = _kerbside(shop)
    with receiver.receiving() as service:
        browser = Browser(service.url)
        clerk = signed_in(shop.clerk)
        answer = clerk.post(reverse("orders-staff:ring"), browser.document(), content_type="application/json")
        assert answer.status_code == 201, answer.content
        service.answer = lambda got: receiver.Reply(201)
        _say(tracking.arrive, order.tracking_token, bay="1")
        relay.drain(within=20)
        sending.send_due(at=clock.now())
        [got] = [one for one in service.got if "authorization" in one.headers]
        assert order.number in browser.read(got.body)
        assert "erika" not in browser.read(got.body).lower()
        assert got.headers["authorization"].startswith("vapid t=")
        assert f"k={gateways.push_key()}" in got.headers["authorization"].replace(" ", "")
        assert got.headers["content-encoding"] == "aes128gcm"
        assert sending.send_due(at=clock.now()) <= 2  # the customer's own messages, if any


def test_a_device_that_is_gone_is_forgotten_and_one_that_is_late_does_not_ring(shop: make.Shop) -> None:
    first, second = _kerbside(shop), _kerbside(shop)
    with receiver.receiving() as service:
        given = Browser(service.url).document()
        with transaction():
            devices.subscribe(
                devices.Subscription(given["endpoint"], given["keys"]["p256dh"], given["keys"]["auth"]),
                user=shop.clerk, location_id=shop.store.id, language="de", by=shop.by, at=clock.now(),
            )  # fmt: skip
        service.answer = lambda got: receiver.Reply(410)
        _say(tracking.arrive, first.tracking_token, bay="1")
        relay.drain(within=20)
        sending.send_due(at=clock.now() + sending.PUSH_IS_NEWS_FOR + timedelta(minutes=1))
        assert Notice.objects.get(channel="push").reason == "too_late"
        assert PushDevice.objects.exists()
        _say(tracking.arrive, second.tracking_token, bay="1")
        relay.drain(within=20)
        sending.send_due(at=clock.now())
        assert not PushDevice.objects.exists()
        assert len([one for one in service.got if "authorization" in one.headers]) == 1


@pytest.mark.parametrize(
    "document",
    [
        "",
        "[]",
        "{}",
        '{"endpoint": "http://10.0.0.1/", "keys": {"p256dh": "a", "auth": "b"}}',
        '{"endpoint": "https://x.example/", "keys": {"p256dh": "<>", "auth": "b"}}',
    ],
)
def test_what_no_browser_says_is_refused(shop: make.Shop, signed_in: Callable[[User], Client], document: str) -> None:
    answer = signed_in(shop.clerk).post(reverse("orders-staff:ring"), document, content_type="application/json")
    assert answer.status_code == 400
    assert not PushDevice.objects.exists()
