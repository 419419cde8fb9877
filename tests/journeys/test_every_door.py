"""Every address of the product, as it stands in the URLs: who is let in and who is not (law 17).

What is walked is not listed here but read from the product, so an address of tomorrow is walked tomorrow.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.http import HttpResponse
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver

from commerce import clock, ids
from commerce.api.views import ApiView
from commerce.models import AuditEntry, Channel, OutboxMessage, User
from commerce.roles import Role, Scope
from commerce.transactions import transaction
from inventory.counting import CountKind
from inventory.models import StockEntry
from inventory.places import locations
from inventory.places.locations import LocationRef
from inventory.reconciliation import discrepancies
from inventory.reconciliation.discrepancies import NewDiscrepancy
from inventory.reconciling import DiscrepancyKind
from inventory.stocktaking import counts
from orders import exceptions, holds, pickup, queries
from orders.hold_kinds import HoldKind
from orders.return_states import Origin, Reason
from orders.returns import counter, files, refunding
from orders.returns.counter import Brought
from orders.returns.files import Coming
from orders.waves import rounds
from tests.factories import commerce as ground
from tests.factories import inventory as goods
from tests.factories import orders as make
from tests.factories import payments as money
from tests.factories import supply

pytestmark = pytest.mark.django_db

API, STAFF, ADMIN, TRACKING = "api/v1/", "staff/", "admin/", "track/"
PARAMETER = re.compile(r"<(\w+):(\w+)>")
WRITING = ("post", "put", "patch", "delete")
# Doors without a key or a name: each has a lock of its own, tested where it is.
NO_KEY = {"api-payment-webhook": "the payment provider's signature", "api-order-webhook": "the shop platform's"}
NO_NAME = {"sign-in": "the door itself", "language": "a cookie", "sign-out": "ends a session", "pulse": "says 401"}
# Goods come back in any store of the customs area, so any of them opens the form for it.
ANY_STORE = {"take-back"}
# What everybody who works here sees: the shell around the rooms, which knows nothing of a store.
SHELL = {"home", "more", "find", "photo", "store", "sign-in", "sign-out", "language", "pulse"}


@dataclass(frozen=True, slots=True)
class Door:
    """An address as the product knows it."""

    name: str
    address: str
    parameters: tuple[tuple[str, str], ...]  # (name, converter)
    view: Any

    def url(self, known: dict[str, object] | None = None) -> str:
        """Return its address about something known, or about something that there is not."""
        address = self.address
        for name, converter in self.parameters:
            nothing = {"uuid": uuid4(), "int": 999_999}.get(converter, "nothing")
            value = (known or {}).get(f"{self.name}:{name}", (known or {}).get(name, nothing))
            address = address.replace(f"<{converter}:{name}>", str(value))
        return "/" + address


def _doors(resolver: URLResolver, before: str = "") -> Iterator[Door]:
    for one in resolver.url_patterns:
        address = before + str(one.pattern)
        if isinstance(one, URLResolver):
            yield from _doors(one, address)
        elif isinstance(one, URLPattern):
            parameters = tuple((name, converter) for converter, name in PARAMETER.findall(address))
            yield Door(one.name or "", address, parameters, one.callback)


def doors(under: str) -> list[Door]:
    found = [door for door in _doors(get_resolver()) if door.address.startswith(under)]
    assert len(found) > (5 if under == TRACKING else 50), "the walk must not become an empty one"
    return found


def methods(door: Door) -> list[str]:
    """Return what a door of the API answers to."""
    return [name for name in ("get", *WRITING) if hasattr(door.view.view_class, name)]


def ask(client: Client, method: str, url: str, **headers: str) -> HttpResponse:
    if url.startswith("/" + API) and method != "get":
        return getattr(client, method)(url, b"{}", content_type="application/json", **headers)
    return getattr(client, method)(url, **headers)


def written() -> tuple[int, int]:
    return AuditEntry.objects.count(), OutboxMessage.objects.count()


# --- the API ----------------------------------------------------------------------------------------------------------


def test_every_door_of_the_api_names_a_scope_for_everything_that_it_answers() -> None:
    """A method without a scope would be open to every key."""
    unguarded = [
        f"{method} {door.address}"
        for door in doors(API)
        if door.name not in NO_KEY
        for method in methods(door)
        if not (issubclass(door.view.view_class, ApiView) and method.upper() in door.view.view_class.scopes)
    ]
    assert not unguarded


def test_nobody_without_a_key_or_with_a_made_up_one_gets_through_a_door_of_the_api(client: Client) -> None:
    before = written()
    for door in doors(API):
        if door.name in NO_KEY:
            continue
        for method in methods(door):
            for headers in ({}, {"HTTP_AUTHORIZATION": "Bearer ko_made_up"}):
                answer = ask(client, method, door.url(), **headers)
                assert (answer.status_code, answer.json()["code"]) == (401, "not_authenticated"), (method, door)
                assert answer["WWW-Authenticate"].startswith("Bearer")
    assert written() == before


def test_a_key_opens_nothing_but_what_its_scopes_name(client: Client) -> None:
    """Whatever a door asks for, a key that has every other scope stays outside."""
    channel = ground.channel()
    keys = {scope: ground.key(channel, *(other for other in Scope if other is not scope)) for scope in Scope}
    before = written()
    for door in doors(API):
        if door.name in NO_KEY:
            continue
        for method in methods(door):
            scope = door.view.view_class.scopes[method.upper()]
            answer = ask(client, method, door.url(), **keys[scope].headers)
            assert (answer.status_code, answer.json()["code"]) == (403, "missing_scope"), (method, door)
            assert answer.json()["scope"] == scope.value
    assert written() == before


# --- the staff app ----------------------------------------------------------------------------------------------------


def test_nobody_gets_through_a_door_of_the_staff_app_without_signing_in(client: Client) -> None:
    before = written()
    for door in doors(STAFF):
        for method in ("get", "post"):
            answer = ask(client, method, door.url())
            if answer.status_code == 405 or door.name in NO_NAME:
                continue
            assert answer.status_code == 302, (method, door)
            assert answer["Location"].startswith("/staff/sign-in/?next="), (method, door)
    assert written() == before


def test_who_has_no_role_anywhere_is_refused_by_every_room(client: Client) -> None:
    client.force_login(ground.user())
    before = written()
    for door in doors(STAFF):
        for method in ("get", "post"):
            if door.name in SHELL:
                continue
            answer = ask(client, method, door.url())
            if answer.status_code == 405:
                continue
            assert answer.status_code == 403, (method, door, answer.status_code)
    assert written() == before


# --- one store's things, and who works elsewhere ----------------------------------------------------------------------


ENOUGH = 15  # doors that open to who works where the thing is, so that the closed ones say something
NOT_MADE_YET = {"api-return-label"}  # a document that is there once somebody asks a carrier for it
CHANNELS_OWN = {"order_id", "payment_id", "return_id", "reservation_id", "quote_id", "endpoint_id"}


@dataclass
class Scene:
    """A store with something of everything, and somebody who may do everything, but at another store."""

    here: LocationRef
    there: LocationRef
    channel: Channel
    known: dict[str, object]
    number: str
    numbers: set[str]
    chief_here: User
    chief_there: User
    sku: str

    def made_by(self, client: Client, key: ground.IssuedKey) -> dict[str, object]:
        """Hold, price and subscribe by this key, and return what that made."""
        line = {"lines": [{"sku": self.sku, "quantity": 1}]}
        wanted = {
            "reservation_id": ("reservations", {"location": self.here.code, **line}),
            "quote_id": ("quotes", line),
            "endpoint_id": ("webhook-endpoints", {"url": "https://shop.example.com/", "event_types": ["order.placed"]}),
        }
        made: dict[str, object] = {}
        for name, (door, body) in wanted.items():
            answer = client.post(f"/{API}{door}", body, content_type="application/json", **key.headers)
            assert answer.status_code == 201, answer.content
            made[name] = answer.json()["id"]
        return made


def _chief(place: LocationRef) -> User:
    person = ground.user()
    with transaction():
        for role in Role:
            locations.assign(person, role, place.id, by=ground.TESTER)
    return person


def _call(verb: Any, *args: Any, **options: Any) -> Any:
    with transaction():
        return verb(*args, **({"by": ground.TESTER, "at": clock.now()} | options))


@pytest.fixture
def scene(db: None) -> Iterator[Scene]:
    with clock.frozen(make.NOON):
        yield furnished()


def furnished() -> Scene:
    shop = make.shop(pieces=40)
    here, there, third = shop.store, goods.store(name="There"), goods.store(name="Third")
    product = shop.products[0]
    order = shop.place()
    work = order.fulfilments[0]
    money_order = shop.ready()
    _call(pickup.hand_over, money_order.fulfilments[0].id, money_order.fulfilments[0].pickup_code, user=shop.clerk)
    money_order = queries.order(money_order.id)
    paid = money.payment(
        money_order.id, money_order.total_minor, authorised=money_order.total_minor, captured=money_order.total_minor
    )
    waits = _call(refunding.goodwill, money_order.id, 500, "a scratch", permissions=frozenset())
    assert waits.is_waiting
    _call(counter.take_back, money_order.id, [Brought(money_order.lines[0].id, Reason.WITHDRAWAL, sellable=1)], here.id)
    announced_order = shop.ready()
    _call(
        pickup.hand_over, announced_order.fulfilments[0].id, announced_order.fulfilments[0].pickup_code, user=shop.clerk
    )
    announced_order = queries.order(announced_order.id)
    received = _call(
        files.announce, announced_order.id, [Coming(announced_order.lines[0].id, 1, Reason.WITHDRAWAL)],
        origin=Origin.SERVICE,
    )  # fmt: skip
    _call(files.receive, received, here.id)
    held = shop.place()
    _call(holds.place, held.id, HoldKind.CUSTOMER_ASKED, "calls again")
    waved = shop.place()
    wave = _call(rounds.begin, uuid4(), here.id, [waved.fulfilments[0].id], user=shop.clerk).wave
    kind = next(iter(exceptions.kinds._kinds.values()))
    case_id = _call(
        exceptions.open, kind.code, subject=("order", order.id), order_id=order.id, location_id=here.id, facts={},
        due_at=clock.now() + timedelta(hours=1),
    )  # fmt: skip
    transfer = goods.transfer(here.id, third.id, (product.id, 2))
    purchase = supply.ordered(supply.supplier(), here.id, (product.id, 5))
    count = _call(counts.begin, ids.new(), location_id=here.id, kind=CountKind.FREE)
    difference = NewDiscrepancy(
        id=ids.new(), kind=DiscrepancyKind.STATEMENT_DIFFERENCE, product_id=product.id, location_id=here.id,
        expected=10, found=7, source="till", as_of=clock.now(),
    )  # fmt: skip
    _call(discrepancies.record, [difference])
    known: dict[str, object] = {
        "order_id": order.id,
        "fulfilment_id": work.id,
        "line_id": work.lines[0].id,
        "product_id": product.id,
        "payment_id": paid.id,
        "return_id": received,
        "refund_id": waits.refund_id,
        "case_id": case_id,
        "wave_id": wave.pk,
        "transfer_id": transfer.id,
        "count_id": count.id,
        "discrepancy_id": difference.id,
        "entry_id": StockEntry.objects.filter(level__location_id=here.id).latest("recorded_at").pk,
        "kind": "customer_asked",
    }
    for name in ("delivery", "scan-count", "close-delivery", "purchase-order", "purchase-order-edit"):
        known[f"{name}:order_id"] = purchase.pk
    known["purchase-order-step:order_id"] = purchase.pk
    known |= {"action": "cancel", "step": "refund", "verb": "void"}
    numbers = {one.number for one in (order, money_order, announced_order, held, waved)}
    return Scene(here, there, shop.channel, known, order.number, numbers, _chief(here), _chief(there), product.sku)


def page_of(answer: HttpResponse) -> str:
    return (b"".join(answer) if answer.streaming else answer.content).decode(errors="replace")


def test_who_may_do_everything_at_another_store_neither_sees_nor_moves_what_is_of_this_one(scene: Scene) -> None:
    elsewhere, here = Client(), Client()
    elsewhere.force_login(scene.chief_there)
    here.force_login(scene.chief_here)
    opened_by_its_own = 0
    for door in doors(STAFF):
        if door.name in SHELL:
            continue
        url, before = door.url(scene.known), written()
        for method in ("get", "post"):
            answer = ask(elsewhere, method, url)
            if answer.status_code == 405 or door.name in ANY_STORE:
                continue
            if door.parameters:
                assert answer.status_code in (403, 404), (method, door, answer.status_code)
            shown = {number for number in scene.numbers if number in page_of(answer)}
            assert not shown, (method, door)
        if door.name not in ANY_STORE:  # that somebody elsewhere opened it is kept
            assert written() == before, door
        if door.parameters and opened_by_its_own < ENOUGH:
            opened_by_its_own += ask(here, "get", url).status_code == 200
    assert opened_by_its_own == ENOUGH, "what is asked for must be there to be seen"


def test_a_list_finds_nothing_of_another_store_by_its_number(scene: Scene) -> None:
    client = Client()
    client.force_login(scene.chief_there)
    for door in doors(STAFF):
        if door.parameters or door.name in SHELL | {"find-return"}:
            continue
        answer = client.get(door.url(), {"q": scene.number})
        assert answer.status_code in (200, 403, 404, 405), (door, answer.status_code)
        assert f"/{scene.known['order_id']}/" not in page_of(answer), door


def test_another_channel_finds_nothing_at_the_doors_of_the_api_about_what_is_this_one_s(scene: Scene) -> None:
    """All scopes, but another channel: what is not one's own looks as if it were not there."""
    client, own, stranger = Client(), ground.key(scene.channel), ground.key()
    made = scene.made_by(client, own)
    opened_by_its_own = 0
    for door in doors(API):
        if not any(name in CHANNELS_OWN for name, _converter in door.parameters) or "purchase-order" in door.name:
            continue
        url, before = door.url(scene.known | made), written()
        for method in methods(door):
            answer = ask(client, method, url, **stranger.headers)
            # A body is read before anybody asks whose the thing is, so an empty one may be refused first.
            assert answer.status_code == 404 or (method != "get" and answer.status_code == 400), (method, door)
        assert written() == before, door
        if "get" in methods(door):
            expected = 404 if door.name in NOT_MADE_YET else 200
            assert ask(client, "get", url, **own.headers).status_code == expected, door
            opened_by_its_own += 1
    assert opened_by_its_own >= 10


# --- the admin, and the customer's page -------------------------------------------------------------------------------


def test_the_admin_is_closed_to_whoever_is_no_administrator(client: Client) -> None:
    shop = make.shop()
    manager = Client()
    manager.force_login(shop.manager)
    for door in doors(ADMIN):
        if door.name in ("login", "logout"):
            continue
        url = re.sub(r"[\^$?]|\(.*?\)", "", door.url())
        for person, method in ((client, "get"), (manager, "get"), (manager, "post")):
            answer = getattr(person, method)(url)
            assert answer.status_code in (302, 403, 404, 405), (method, url, answer.status_code)
            if answer.status_code == 302:
                assert "/login/" in answer["Location"] or "/sign-in/" in answer["Location"], (method, url)


def test_the_customer_s_page_opens_to_its_own_token_alone(scene: Scene, client: Client) -> None:
    for door in doors(TRACKING):
        for token in ("nothing", str(scene.known["order_id"]), "x" * 500, "%00", "ä"):
            for method in ("get", "post"):
                answer = ask(client, method, door.url({"token": token}))
                assert answer.status_code in (404, 405), (method, door, token)
