"""Moving goods in a real browser: scanned at both ends, also without a connection; both widths, both languages, on paper."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

import pytest
from playwright.sync_api import Page, expect

from commerce import catalog, clock, ids
from commerce.models import User
from commerce.product_refs import ProductRef
from commerce.roles import Role
from commerce.transactions import transaction
from inventory import queries, shelves
from inventory.moving import TransferState
from inventory.places import locations
from inventory.places.locations import LocationRef
from inventory.transport import records, transfers
from inventory.transport.transfers import Arrival
from tests.factories import commerce as make
from tests.factories import inventory as stock
from tests.journeys.conftest import picture
from tests.journeys.test_shell_browser import assert_good

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.django_db(transaction=True)]


@dataclass(frozen=True)
class Scene:
    """Two stores with a manager each, three products, a case of twelve of the first."""

    here: LocationRef
    there: LocationRef
    sender: User
    receiver: User
    products: list[ProductRef]
    case: str

    def on_hand(self, number: int, place: LocationRef) -> dict[str, int]:
        rows = queries.levels(product_ids=[self.products[number].id], location_ids=[place.id])
        return {row["condition"]: row["on_hand"] for row in rows if row["on_hand"]}


@pytest.fixture
def scene() -> Scene:
    here, there = stock.store(name="Filiale Mitte"), stock.store(name="Filiale Nord")
    names = ("Stehlampe Linea, Messing", "Kerzenhalter, drei Stück", "Wolldecke Nordwind grau 140×200")
    products, case = [make.product(name=name) for name in names], make.barcode()
    people = [make.user(), make.user()]
    with transaction():
        catalog.add_gtin(products[0].id, case, pieces=12, by=stock.TESTER)
        for person, store in zip(people, (here, there), strict=True):
            locations.assign(person, Role.STORE_MANAGER, store.id, by=make.TESTER)
        shelves.put_away(here.id, "A-03-2", [products[0].id], by=stock.TESTER, at=clock.now())
    for product in products:
        stock.receive(product.id, here.id, 60)
    return Scene(here, there, people[0], people[1], products, case)


def scan(page: Page, text: str) -> None:
    page.locator("[data-scan-input]").fill(text)
    page.keyboard.press("Enter")


def test_goods_are_scanned_out_here_and_in_there(scene: Scene, opened: Callable[..., Page]) -> None:
    sender = opened(scene.sender, phone=True)
    sender.goto("/staff/transfers/")
    sender.get_by_label("To", exact=True).select_option(scene.there.code)
    sender.get_by_role("button", name="Scan the goods").click()
    expect(sender.get_by_role("heading", level=1)).to_have_text("To Filiale Nord")
    scan(sender, scene.case)
    expect(sender.get_by_text("1 × 12")).to_be_visible()
    scan(sender, scene.products[1].sku)
    expect(sender.locator(".delivery-line")).to_have_count(2)
    sender.get_by_role("button", name="Send", exact=True).last.click()
    expect(sender.get_by_text("On the way", exact=True)).to_be_visible()
    receiver = opened(scene.receiver, phone=True)
    receiver.goto("/staff/transfers/")
    receiver.get_by_text("from Filiale Mitte").click()
    scan(receiver, scene.products[2].sku)
    stop = receiver.get_by_role("alertdialog")
    expect(stop).to_contain_text("Wrong item")
    stop.get_by_role("button").click()
    receiver.context.set_offline(True)
    scan(receiver, scene.case)
    expect(receiver.get_by_text("0 / 13 pieces")).to_be_visible()
    receiver.context.set_offline(False)
    expect(receiver.get_by_text("12 / 13 pieces")).to_be_visible()
    scan(receiver, scene.case)
    expect(receiver.get_by_role("alertdialog")).to_contain_text("Too many")
    receiver.get_by_role("alertdialog").get_by_role("button").click()
    scan(receiver, scene.products[1].sku)
    expect(receiver.get_by_text("Received", exact=True)).to_be_visible()
    assert scene.on_hand(0, scene.there) == {"sellable": 12}
    assert scene.on_hand(1, scene.there) == {"sellable": 1}


@pytest.mark.parametrize("language", ["en", "de"])
@pytest.mark.parametrize("phone", [True, False])
def test_the_pages_fit_and_axe_finds_nothing(
    scene: Scene, opened: Callable[..., Page], phone: bool, language: str
) -> None:
    where = f"{language}-{'phone' if phone else 'desk'}"
    lines = [(product.id, 24) for product in scene.products]
    draft = stock.transfer(scene.here.id, scene.there.id, *lines, is_sent=False)
    sent = stock.transfer(scene.here.id, scene.there.id, *lines)
    with transaction():
        arrived = Arrival(ids.new(), scene.products[0].id, 12)
        transfers.receive(sent.id, [arrived], by=stock.TESTER, at=clock.now() - timedelta(minutes=1))
    sender, receiver = (opened(person, phone=phone, language=language) for person in (scene.sender, scene.receiver))
    for page, name, address in (
        (sender, "list", "/staff/transfers/"),
        (sender, "draft", f"/staff/transfers/{draft.id}/"),
        (sender, "sent", f"/staff/transfers/{sent.id}/"),
        (sender, "note", f"/staff/transfers/{sent.id}/note/"),
        (sender, "shelf", "/staff/stock/shelves/?shelf=A-03-2"),
        (sender, "product", f"/staff/stock/?q={scene.products[0].sku}"),
        (receiver, "coming", "/staff/transfers/"),
        (receiver, "receive", f"/staff/transfers/{sent.id}/"),
    ):
        page.goto(address)
        picture(page, f"moving-{name}-{where}")
        assert_good(page)
    receiver.locator("[data-open='#difference']").click()
    expect(receiver.locator("#difference")).to_be_visible()
    picture(receiver, f"moving-difference-{where}")
    assert_good(receiver)
    sender.goto(f"/staff/stock/?q={scene.products[0].sku}")
    sender.locator("a[href*='/correct/']").click()
    sender.wait_for_url("**/correct/**")
    picture(sender, f"moving-correct-{where}")
    assert_good(sender)


def test_the_note_is_one_sheet_of_paper(scene: Scene, opened: Callable[..., Page]) -> None:
    products = [make.product() for _ in range(15)]
    for product in products:
        stock.receive(product.id, scene.here.id, 5)
    made = stock.transfer(scene.here.id, scene.there.id, *((product.id, 5) for product in products))
    page = opened(scene.sender)
    page.goto(f"/staff/transfers/{made.id}/note/")
    sheets = re.findall(rb"/Type\s*/Page\b", page.pdf(format="A4"))
    assert len(sheets) == 1
    assert records.get(made.id).state is TransferState.SENT
