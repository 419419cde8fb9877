"""The shop that the benchmarks buy in: products, one or many places, stock, prices, a channel and its key."""

from dataclasses import dataclass
from typing import Any

from tests.benchmarks import house

LOCATION = "BENCH"
UNLIMITED = 1_000_000  # requests a minute, the most a key may have: the benchmark measures the work, not the limiter


@dataclass(frozen=True)
class Shop:
    key: str
    channel_id: int
    location_id: int
    product_ids: list[int]
    skus: list[str]

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.key}"}


def shop(*, products: int, pieces: int, locations: int = 1, prices: bool = False, listed: bool = False) -> Shop:
    """Make the shop through the verbs; stock is received in batches, so the journal is whole."""
    from commerce import catalog, clock, ids
    from commerce.actors import Actor
    from commerce.channels import keys
    from commerce.roles import Scope
    from commerce.transactions import transaction
    from inventory import movements
    from inventory.places import locations as places

    by = Actor.system("benchmark")
    with transaction():
        channel = catalog.add_channel(code="bench", name="Benchmark", kind="web", country="DE", currency="EUR", by=by)
        _, plain = keys.issue(
            channel, name="bench", scopes=tuple(Scope), requests_per_minute=UNLIMITED, expires_at=None, by=by
        )
    made = []
    for number in range(locations):
        with transaction():
            made.append(
                places.add_location(
                    by=by, code=LOCATION if number == 0 else f"{LOCATION}{number}", name=f"Store {number}", kind="store",
                    capabilities=["pickup", "ship"], country="DE", region="BE", latitude=52.5 + number / 100, longitude=13.4,
                    opening_hours="24/7", pickup_lead_minutes=0, pickup_slot_capacity=1_000_000, pickup_slot_minutes=60,
                )
            )  # fmt: skip
    specs = [catalog.ProductSpec(sku=f"SKU-{number:05}", name=f"Product {number}") for number in range(products)]
    with transaction():
        refs = catalog.add_products(specs, by=by)
    ids_of = [refs[spec.sku].id for spec in specs]
    for place in made:
        for start in range(0, products, movements.MOST_LINES):
            with transaction():
                movements.receive(
                    [
                        movements.Receipt(ids.new(), product_id, place.id, pieces)
                        for product_id in ids_of[start : start + movements.MOST_LINES]
                    ],
                    by=by, at=clock.now(), reason="benchmark",
                )  # fmt: skip
    if listed:
        with transaction():
            catalog.list_products(channel, ids_of, by=by)
    if prices:
        _set_prices(ids_of)
    _share(ids_of, made[0].id)
    # As a grown system is: statistics are there, and nothing was analysed while it was empty.
    with house.database() as cursor:
        cursor.execute("VACUUM ANALYZE")
    return Shop(plain, channel.pk, made[0].id, ids_of, [spec.sku for spec in specs])


def _share(product_ids: list[int], location_id: int) -> None:
    """Let rules and a guarantee to another channel hold, as in life: each figure and each promise is made under them.

    They keep eight pieces and one in a hundred back, and more of some products; the benchmarks' shelves have plenty.
    """
    from datetime import timedelta

    from commerce import catalog, clock
    from commerce.actors import Actor
    from commerce.transactions import transaction
    from inventory.sharing import buffer_rules, obligations
    from inventory.sharing.buffer_rules import Draft
    from inventory.sharing.obligations import Agreement
    from inventory.sharing.scopes import ScopeIds

    by, now = Actor.system("benchmark"), clock.now()
    with transaction():
        other = catalog.add_channel(code="other", name="Other", kind="marketplace", country="DE", currency="EUR", by=by)
    drafts = [
        Draft(name="Safety", purpose="buffer", kind="fixed", amount=3, scope=ScopeIds()),
        Draft(name="Lag", purpose="buffer", kind="percentage", amount=1, scope=ScopeIds(location_id=location_id)),
        Draft(name="Walk-in", purpose="holdback", kind="fixed", amount=5, scope=ScopeIds()),
        Draft(
            name="Few on the marketplace", purpose="buffer", kind="cap", amount=2, scope=ScopeIds(channel_id=other.pk)
        ),
        *(
            Draft(
                name=f"Launch {number}", purpose="buffer", kind="fixed", amount=7, scope=ScopeIds(product_id=product_id)
            )
            for number, product_id in enumerate(product_ids[:20])
        ),
    ]
    for draft in drafts:
        with transaction():
            rule = buffer_rules.draft(draft, by=by, at=now)
            buffer_rules.preview(rule, at=now)
            buffer_rules.activate(rule, words="", by=by, at=now)
    with transaction():
        obligations.agree(
            Agreement(
                name="Campaign", scope=ScopeIds(channel_id=other.pk, product_id=product_ids[-1], location_id=location_id),
                quantity=1, starts_at=now, ends_at=now + timedelta(days=7),
            ),
            by=by, at=now,
        )  # fmt: skip


def _set_prices(product_ids: list[int]) -> None:
    from tests.factories import pricing

    pricing.standard_rates()
    pricing.price_list()
    pricing.prices(dict.fromkeys(product_ids, 1990))


def books_are_clean() -> bool:
    """Run the product's own proof over everything the benchmark wrote."""
    from commerce.operations import checks

    findings: list[Any] = list(checks.run())
    for finding in findings[:5]:
        print(finding)
    return not findings
