"""The story from the clerk's side, in a real browser on the running product: web server, relay, a shop that orders over HTTP."""

import uuid
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Locator, Page, expect

from commerce import accounts
from commerce.models import User
from commerce.operations import checks
from commerce.transactions import transaction
from orders import queries
from tests.factories import commerce as ground
from tests.journeys.conftest import DESKTOP, PHONE, picture
from tests.journeys.people import Kontor, now

pytestmark = [
    pytest.mark.browser,
    pytest.mark.slow,
    pytest.mark.timeout(240),
    pytest.mark.django_db(transaction=True),
]

TOWNS = 2  # one for each device
PROMISED_MS = 2_000
MACHINE_MS = 1_000  # beside the promise, for a machine of two cores that runs other tests as well

WORDS = {
    "en": {
        "sign in": "Sign in", "user": "User name", "password": "Password", "all done": "All done. Nobody is waiting.",
        "new": "1 new order", "accept": "Accept and pick", "wrong": "Wrong item", "understood": "Understood",
        "all picked": "Everything is picked", "mark ready": "Mark ready", "is ready": "{} is ready.",
        "hand over": "Hand over", "handed over": "{} is handed over", "on": "On to the queue",
    },
    "de": {
        "sign in": "Anmelden", "user": "Benutzername", "password": "Passwort", "all done": "Alles erledigt. Niemand wartet.",
        "new": "1 neue Bestellung", "accept": "Jetzt packen", "wrong": "Falscher Artikel",
        "understood": "Verstanden", "all picked": "Alles gepackt", "mark ready": "Bereitstellen",
        "is ready": "{} ist bereit.", "hand over": "Übergeben", "handed over": "{} ist übergeben",
        "on": "Weiter zur Übersicht",
    },
}  # fmt: skip


@pytest.fixture
def _django_db_helper(kontor: Kontor) -> None:
    """Not a transaction or an empty database for each test, as the mark would have it: the running product keeps its own."""


@dataclass
class Counter:
    """A clerk's browser: one page on one device in one language. Whatever the console calls an error ends the test."""

    page: Page
    language: str
    is_phone: bool
    complaints: list[str]

    def word(self, name: str, *facts: str) -> str:
        return WORDS[self.language][name].format(*facts)

    def sign_in(self, user: User) -> None:
        self.page.goto("/staff/")
        self.is_good("sign-in")
        self.page.get_by_label(self.word("user")).fill(user.username)
        self.page.get_by_label(self.word("password"), exact=True).fill(ground.PASSWORD)
        self.page.get_by_role("button", name=self.word("sign in")).click()

    def card(self, order: dict[str, Any]) -> Locator:
        return self.page.locator(f"#card-{order['fulfilments'][0]['id']}")

    def scan(self, text: str) -> None:
        """Type like a hand scanner: a burst of keys that ends with Enter."""
        field = self.page.locator("#scan, #id_code")
        if self.is_phone:
            field.focus()
        else:
            expect(field).to_be_focused()
        self.page.keyboard.type(text, delay=4)
        self.page.keyboard.press("Enter")

    def press(self, button: Locator) -> None:
        if self.is_phone:
            button.tap()
        else:
            button.click()

    def is_good(self, what: str) -> None:
        """Nothing scrolls sideways and axe finds nothing."""
        name = f"{what} {self.language} {'phone' if self.is_phone else 'desktop'}"
        picture(self.page, f"story-{name.replace(' ', '-')}")
        assert self.page.evaluate("document.documentElement.scrollWidth <= innerWidth"), f"{name} scrolls sideways"
        found = Axe().run(self.page)
        assert found.violations_count == 0, f"{name}: {found.generate_report()}"
        assert self.complaints == [], name


@pytest.fixture
def counter(browser: Browser, kontor: Kontor) -> Iterator[Any]:
    """Return `counter(language, phone=…)`: a browser at a counter of the running product."""
    with ExitStack() as stack:

        def open_one(language: str, *, phone: bool = False) -> Counter:
            context = browser.new_context(
                base_url=kontor.url,
                viewport=PHONE if phone else DESKTOP,
                has_touch=phone,
                is_mobile=phone,
                locale={"de": "de-DE", "en": "en-GB"}[language],
                service_workers="block",
            )
            stack.callback(context.close)
            page = context.new_page()
            page.set_default_timeout(15_000)
            made = Counter(page, language, phone, [])
            page.on("pageerror", lambda error: made.complaints.append(str(error)))
            page.on("console", lambda said: made.complaints.append(said.text) if said.type == "error" else None)
            return made

        yield open_one


@pytest.mark.parametrize(("language", "phone"), [("de", True), ("en", False)], ids=["de-360x740", "en-1280x800"])
def test_from_the_queue_to_the_hand_over(kontor, counter, eventually, language, phone):
    town = kontor.next_town()
    web, (lamp, vase, _, chair, _) = kontor.shop(town.web), town.products
    with transaction():
        for person in (town.clerk, town.stranger):
            accounts.set_language(person.pk, language, by=ground.TESTER)

    # --- two stores, each with its own empty queue ---
    here, elsewhere = counter(language, phone=phone), counter(language)
    for one, person in ((here, town.clerk), (elsewhere, town.stranger)):
        one.sign_in(person)
        expect(one.page.get_by_text(one.word("all done"))).to_be_visible()
    here.is_good("empty queue")
    here.page.evaluate("window.sameDocument = true")

    # --- an order comes in: it stands there without a reload, and only here ---
    order = web.place(town.mitte, [(lamp, 2), (vase, 1)])
    placed_at = now()
    here.card(order).wait_for(timeout=PROMISED_MS + MACHINE_MS)  # looks at every frame; expect() at times of its own
    kontor.note("queue on the screen", now() - placed_at)
    expect(here.page.locator("#news")).to_have_text(here.word("new"))
    assert here.page.evaluate("window.sameDocument"), "the page was loaded anew"
    here.is_good("queue")
    with elsewhere.page.expect_response(lambda answer: "/board/" in answer.url):
        pass  # it asked again, and there is nothing for it
    expect(elsewhere.card(order)).to_have_count(0)

    # --- accepted and picked by scanning; a wrong item is a hard stop ---
    here.press(here.card(order).get_by_role("button", name=here.word("accept")))
    expect(here.page.locator(".pick-item:visible")).to_contain_text(lamp.name)
    here.is_good("picking")
    here.scan(chair.gtins[0])
    stop = here.page.get_by_role("alertdialog")
    expect(stop).to_contain_text(here.word("wrong"))
    expect(stop).to_contain_text(chair.sku)
    expect(stop).to_contain_text(lamp.sku)
    here.is_good("stop")
    here.page.wait_for_timeout(400)  # a person's pause: what follows a scan at once is the scanner's
    here.press(stop.get_by_role("button", name=here.word("understood")))
    expect(stop).to_be_hidden()
    for product, picked in ((lamp, 1), (lamp, 2), (vase, 3)):
        here.scan(product.gtins[0])
        expect(here.page.locator("[data-picked-all]")).to_have_text(str(picked))
    expect(here.page.get_by_role("heading", name=here.word("all picked"))).to_be_visible()
    here.is_good("all picked")

    # --- ready, and handed over against the code ---
    here.press(here.page.get_by_role("button", name=here.word("mark ready")))
    expect(here.page.get_by_text(here.word("is ready", order["number"]))).to_be_visible()
    if phone:
        here.page.locator('[data-tab="ready"]').tap()
    here.is_good("ready")
    here.press(here.card(order).get_by_role("link", name=here.word("hand over")))
    expect(here.page.locator("#id_code")).to_be_visible()
    here.is_good("hand-over")
    here.scan(order["fulfilments"][0]["pickup_code"])
    expect(here.page.get_by_role("heading", name=here.word("handed over", order["number"]))).to_be_visible()
    here.is_good("handed over")
    here.press(here.page.get_by_role("link", name=here.word("on")))
    expect(here.page.get_by_text(here.word("all done"))).to_be_visible()
    expect(here.card(order)).to_have_count(0)

    # --- the truth behind the screens ---
    view = queries.order(uuid.UUID(order["id"]))
    assert (view.status, [line.picked for line in view.fulfilments[0].lines]) == ("completed", [2, 1])
    assert web.available(lamp) == 23
    assert elsewhere.complaints == here.complaints == []
    eventually(lambda: checks.run() == [])
