"""The demo's master data: places, people, channels, products, prices and stock, each through its writer's verb."""

import random
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from commerce import accounts, catalog, clock, kits
from commerce.actors import Actor
from commerce.channels import keys
from commerce.roles import Role, Scope
from inventory import movements
from inventory.places import locations
from orders import placement
from orders.demo import assortment, people, places
from pricing import pricelists, taxes

if TYPE_CHECKING:
    from commerce.models import User

ACTOR = Actor.system("demo")
NAMESPACE = uuid.UUID("6f1c2c55-6a64-5f0e-9d5b-0c6a1d0b7a10")  # what the demo mints is the same everywhere
SEED = 2026
PRICES_SINCE = timedelta(days=60)
RECEIVED_BEFORE = timedelta(days=20)

# Public by design: it is printed, documented, and refused in production.
API_KEY = "ko_0dem0acker01_this-key-is-public-use-it-for-the-demo"

CHANNELS = [
    ("web-de", "Ackerblau Onlineshop", "web", "DE", "EUR", "de"),
    ("web-at", "Ackerblau Onlineshop Österreich", "web", "AT", "EUR", "de"),
    ("web-ch", "Ackerblau Onlineshop Schweiz", "web", "CH", "CHF", "de"),
    ("app", "Ackerblau App", "app", "DE", "EUR", "de"),
    ("till", "Kassen in den Filialen", "pos", "DE", "EUR", "de"),
    ("marketplace", "Gartenmarktplatz", "marketplace", "DE", "EUR", "de"),
]
PRICE_LISTS = [("eur-de", "Preise Deutschland", "EUR", "DE"), ("eur-at", "Preise Österreich", "EUR", "AT"),
               ("chf-ch", "Preise Schweiz", "CHF", "CH")]  # fmt: skip
TIER_FROM_PIECES = 6
TIER_PERCENT = 90  # of the single price, from a case pack on
SHARE_ON_MARKETPLACE = 0.5
SHARE_NEVER_IN_STORE = 0.12
SHARE_SOLD_OUT = 0.06
SHARE_LAST_PIECE = 0.08
NOWHERE = frozenset({"IGEL-02", "FEUE-03", "VASE-07"})  # sold out or yet to come: people wait for them

Progress = Callable[[int], None]


@dataclass(frozen=True, slots=True)
class Retailer:
    """What the demo's trade needs to know of the master data."""

    locations: dict[str, locations.LocationRef]
    channels: dict[str, placement.Channel]
    actors: dict[str, Actor]  # by channel
    products: dict[str, int]
    articles: dict[str, assortment.Article]
    staff: dict[str, "User"]
    opening: dict[tuple[str, str], int]  # pieces by (location, SKU)

    def well_stocked(self, location: str, pieces: int) -> list[str]:
        """Return the SKUs of which a location had so many pieces at first, in a fixed order."""
        return sorted(sku for (code, sku), had in self.opening.items() if code == location and had >= pieces)


def minted(*parts: object) -> uuid.UUID:
    """Return the id that the demo gives a thing: the same for the same parts."""
    return uuid.uuid5(NAMESPACE, ":".join(str(part) for part in parts))


def minted_at(at: datetime, *parts: object) -> uuid.UUID:
    """Return an id that sorts by time as the journal's own do (RFC 9562, version 7), the same for the same parts."""
    tail = minted(*parts).int & ((1 << 62) - 1)
    return uuid.UUID(int=int(at.timestamp() * 1000) << 80 | 0x7 << 76 | 0b10 << 62 | tail)


def steps() -> int:
    """Return how many steps `found` reports to its progress callback."""
    return len(places.PLACES) * 2 + len(people.STAFF) + len(CHANNELS) * 2 + len(PRICE_LISTS)


def found(*, now: datetime, progress: Progress) -> Retailer:
    """Write all master data and the opening stock. Needs an open transaction and empty tables."""
    refs = {}
    for place in places.PLACES:
        refs[place.code] = locations.add_location(code=place.code, by=ACTOR, **place.values)
        progress(1)
    locations.set_places(list(places.POSTAL_PLACES))
    staff = {member.username: _hire(member, refs) for member in people.STAFF}
    progress(len(staff))
    articles = {article.sku: article for article in assortment.articles()}
    products = _products(articles)
    taxes.set_standard_rates(by=ACTOR)
    channels, actors = _channels(products, progress)
    _prices(articles, products, now=now, progress=progress)
    opening = _stock(articles, products, refs, now=now, progress=progress)
    _kits(articles, channels, now=now)
    return Retailer(refs, channels, actors, products, articles, staff, opening)


def _hire(member: people.Member, refs: dict[str, locations.LocationRef]) -> "User":
    user = accounts.add_user(
        member.username, people.PASSWORD, f"{member.first_name} {member.last_name}", member.language, by=ACTOR
    )
    locations.assign(user, Role(member.role), refs[member.location].id if member.location else None, by=ACTOR)
    return user


def _products(articles: dict[str, assortment.Article]) -> dict[str, int]:
    added = catalog.add_products(
        [
            catalog.ProductSpec(
                sku=article.sku,
                name=article.name,
                brand=assortment.BRAND,
                category=article.category,
                tax_class=article.tax_class,
                weight_grams=article.weight_grams,
                length_mm=article.size_mm[0],
                width_mm=article.size_mm[1],
                height_mm=article.size_mm[2],
                gtins=((article.gtin, 1), *([(article.case_gtin, article.case_of)] if article.case_gtin else [])),
            )
            for article in articles.values()
        ],
        by=ACTOR,
    )
    return {sku: ref.id for sku, ref in added.items()}


def _channels(products: dict[str, int], progress: Progress) -> tuple[dict[str, placement.Channel], dict[str, Actor]]:
    dice = random.Random(SEED)  # noqa: S311 (a demo, not a secret)
    made, actors = {}, {}
    for code, name, kind, country, currency, language in CHANNELS:
        channel = catalog.add_channel(
            code=code, name=name, kind=kind, country=country, currency=currency, language=language, by=ACTOR
        )
        share = SHARE_ON_MARKETPLACE if kind == "marketplace" else 1.0
        catalog.list_products(channel, [product for product in products.values() if dice.random() < share], by=ACTOR)
        plain = API_KEY if code == "web-de" else ""
        key, _ = keys.issue(channel, name="Demo", scopes=list(Scope), plain=plain, by=ACTOR)
        made[code] = placement.Channel(channel.pk, code, country, currency, language)
        actors[code] = Actor.channel(key)
        progress(2)
    return made, actors


def _prices(
    articles: dict[str, assortment.Article], products: dict[str, int], *, now: datetime, progress: Progress
) -> None:
    with clock.frozen(now - PRICES_SINCE):
        for code, name, currency, country in PRICE_LISTS:
            pricelists.add_list(code, name=name, currency=currency, country=country, by=ACTOR)
            entries = []
            for sku, article in articles.items():
                single = article.swiss_rappen if currency == "CHF" else article.euro_cents
                entries.append(pricelists.NewPrice(products[sku], single))
                if article.case_of:
                    cheaper = single * TIER_PERCENT // 100 // 5 * 5
                    entries.append(pricelists.NewPrice(products[sku], cheaper, min_quantity=TIER_FROM_PIECES))
            pricelists.set_prices(code, entries, by=ACTOR)
            progress(1)


def _kits(articles: dict[str, assortment.Article], channels: dict[str, placement.Channel], *, now: datetime) -> None:
    """Offer the kits everywhere; they have no stock but what is in them."""
    made = {
        kit.sku: kits.add_kit(
            sku=kit.sku, name=kit.name, brand=assortment.BRAND, category=kit.category, components=kit.parts, by=ACTOR
        )
        for kit in assortment.KITS
    }
    for channel in channels.values():
        catalog.list_products(channel.channel_id, made.values(), by=ACTOR)
    with clock.frozen(now - PRICES_SINCE):
        for code, _name, currency, _country in PRICE_LISTS:
            entries = []
            for kit in assortment.KITS:
                parts = [(articles[sku], pieces) for sku, pieces in kit.parts]
                single = sum((a.swiss_rappen if currency == "CHF" else a.euro_cents) * pieces for a, pieces in parts)
                entries.append(pricelists.NewPrice(made[kit.sku].id, single * assortment.KIT_PERCENT // 100 // 5 * 5))
            pricelists.set_prices(code, entries, by=ACTOR)


def _stock(
    articles: dict[str, assortment.Article],
    products: dict[str, int],
    refs: dict[str, locations.LocationRef],
    *,
    now: datetime,
    progress: Progress,
) -> dict[tuple[str, str], int]:
    dice = random.Random(SEED + 1)  # noqa: S311 (a demo, not a secret)
    opening = {}
    at = now - RECEIVED_BEFORE
    for code, location in refs.items():
        receipts = []
        for sku, article in articles.items():
            quantity = _opening(dice, is_warehouse=location.kind == "warehouse", is_bulky=article.is_bulky)
            quantity = 0 if sku in NOWHERE else quantity
            opening[code, sku] = quantity
            if quantity:
                receipts.append(movements.Receipt(minted_at(at, code, sku), products[sku], location.id, quantity))
        for start in range(0, len(receipts), movements.MOST_LINES):
            movements.receive(
                receipts[start : start + movements.MOST_LINES],
                by=ACTOR, at=at, reason="opening stock", source="demo",
            )  # fmt: skip
        progress(1)
    return opening


def _opening(dice: random.Random, *, is_warehouse: bool, is_bulky: bool) -> int:
    """How many pieces a place starts with: plenty in a warehouse; in stores also none, and now and then the last one."""
    chance = dice.random()
    if is_warehouse:
        return dice.randint(40, 400)
    if chance < (SHARE_NEVER_IN_STORE * 3 if is_bulky else SHARE_NEVER_IN_STORE) + SHARE_SOLD_OUT:
        return 0
    if chance > 1 - SHARE_LAST_PIECE:
        return 1
    return dice.randint(2, 8) if is_bulky else dice.randint(4, 30)
