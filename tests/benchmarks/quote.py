"""quote: the engine alone on 20 lines and 200 active promotions, and quotes through HTTP, each durable before its answer."""

import json
import random
import time
from datetime import timedelta

from tests.benchmarks import goods, house, load, offers_elsewhere, quote_rules, report

MEASURED_BASKETS = 400
CHECKED = 200


def run(seconds: float) -> dict[str, object]:
    """Measure the engine, then HTTP with five lines and with twenty, then compare what was given with what is kept."""
    share = seconds / 5
    with house.ready():
        skus, headers, channel_id = _shop()
        engine = _engine(channel_id)
        with house.web() as port:
            five = load.run(port, _asking(skus, headers, 5), connections=32, seconds=share, warm_up=4.0)
            twenty = load.run(port, _asking(skus, headers, 20), connections=32, seconds=share, warm_up=1.0)
        clean = goods.books_are_clean() and set(five.statuses) == {201} == set(twenty.statuses) and _are_kept_right()
        elsewhere = offers_elsewhere.measure(quote_rules.baskets(20, 20), seconds=share)
    figures = five.figures(201)
    figures |= {f"at_20_lines_{name}": value for name, value in twenty.figures(201).items()}
    figures |= engine
    references = {"django_oscar": elsewhere} if elsewhere else {}
    ratios = {"engine_vs_django_oscar": elsewhere["engine_p50_ms"] / engine["engine_p50_ms"]} if elsewhere else {}
    return report.show(
        "quote", "quotes", figures, references, ratios, verified=clean,
        goals={
            "quotes of five lines per second": (figures["per_second"], 720),
            "quotes of 20 lines under 200 promotions per second": (figures["at_20_lines_per_second"], 250),
            "engine: 5 ms less than the median of 20 × 200": (5 - engine["engine_p50_ms"], 0),
            "engine: 15 ms less than its 95th percentile": (15 - engine["engine_p95_ms"], 0),
        },
        notes=() if elsewhere else (offers_elsewhere.WHY_NOT,),
    )  # fmt: skip


def _shop() -> tuple[list[str], dict[str, str], int]:
    from commerce import catalog
    from commerce.actors import Actor
    from commerce.channels import keys
    from commerce.roles import Scope
    from commerce.transactions import transaction
    from pricing import rulesets, tasks
    from tests.factories import pricing

    by = Actor.system("benchmark")
    specs = [
        catalog.ProductSpec(
            sku=quote_rules.sku(number), name=f"Product {number}", category=quote_rules.category(number)
        )
        for number in range(quote_rules.PRODUCTS)
    ]
    with transaction():
        channel = catalog.add_channel(code="bench", name="Benchmark", kind="web", country="DE", currency="EUR", by=by)
        _, plain = keys.issue(
            channel, name="bench", scopes=(Scope.QUOTES_WRITE,), requests_per_minute=goods.UNLIMITED, expires_at=None,
            by=by,
        )  # fmt: skip
        refs = catalog.add_products(specs, by=by)
    pricing.standard_rates()
    pricing.price_list()
    pricing.prices({refs[spec.sku].id: 500 + number % 3_000 for number, spec in enumerate(specs)})
    with transaction():
        rulesets.publish(quote_rules.content(), by=by)
    tasks.log_applied_prices()  # as the worker has by then
    with house.database() as cursor:
        # As a grown catalogue is: nothing of it changed just now, which every process would read again and again.
        cursor.execute("UPDATE commerce_product SET updated_at = updated_at - interval '1 day'")
        cursor.execute("VACUUM ANALYZE")
    return [spec.sku for spec in specs], {"Authorization": f"Bearer {plain}"}, channel.pk


def _asking(skus: list[str], headers: dict[str, str], lines: int) -> load.MakeRequest:
    bodies = [
        load.request(
            "POST",
            "/api/v1/quotes",
            json.dumps(
                {
                    "lines": [{"sku": skus[number], "quantity": pieces} for number, pieces in basket],
                    "coupons": ["code 8"],
                }
            ).encode(),
            **headers,
        )
        for basket in quote_rules.baskets(MEASURED_BASKETS, lines)
    ]
    pick = random.Random(1).randrange
    return lambda connection, number: bodies[pick(len(bodies))]


def _engine(channel_id: int) -> dict[str, float]:
    """Return the times of the pure function on baskets whose products and rules are known, in milliseconds."""
    from commerce import catalog, clock
    from pricing import quotes, rules
    from pricing.promotions.index import Situation

    at = clock.now() + timedelta(seconds=1)
    refs = catalog.ids_of(quote_rules.sku(number) for number in range(quote_rules.PRODUCTS))
    terms = quotes.ChannelTerms(channel_id, "EUR", "DE")
    ruleset = rules.ruleset(terms, [ref.id for ref in refs.values()], at).ruleset
    situation = Situation(codes=("CODE8",))
    times, approximate = [], 0
    for basket in quote_rules.baskets(MEASURED_BASKETS, 20):
        items = [
            quotes.Item(ref.id, ref.sku, ref.tax_class, pieces, ref.category)
            for number, pieces in basket
            for ref in (refs[quote_rules.sku(number)],)
        ]
        began = time.perf_counter()
        quote = quotes.quote(items, ruleset, at, situation=situation)
        times.append((time.perf_counter() - began) * 1000)
        approximate += quote.is_approximate
    times.sort()
    return {
        "engine_p50_ms": times[len(times) // 2],
        "engine_p95_ms": times[len(times) * 95 // 100],
        "engine_worst_ms": times[-1],
        "engine_not_searched_to_the_end_percent": 100 * approximate / len(times),
    }


def _are_kept_right() -> bool:
    """Whether quotes as they are kept are genuine, and their steps sum to their totals."""
    from pricing import quote_store
    from pricing.models import Quote

    wanted = dict(Quote.objects.order_by("id").values_list("id", "channel_id")[:CHECKED])
    rows = quote_store.stored(list(wanted))
    found = [quote_store.opened(rows[quote_id], quote_id, channel_id).quote for quote_id, channel_id in wanted.items()]
    return bool(found) and all(
        sum(step.amount_minor for line in quote.lines for step in line.steps) == quote.total_minor for quote in found
    )
