"""What the demo says of how few are left, with an experiment about the words, and who waits for what is sold out."""

import random
from datetime import datetime, timedelta

from commerce.operations import experiments
from commerce.operations.experiments import Metric, Outcome, VariantSpec
from inventory.promising import waiting_list
from inventory.scarcity import messages, places, terms
from inventory.scarcity.terms import Policy
from inventory.scarcity.words import Wording
from inventory.scarcity_facts import Kind, Terms, Tone
from orders.demo.retailer import ACTOR, SEED, Retailer

BERLIN = "BER01"
SOLD_OUT = "VASE-07"
EXPERIMENT = "wortlaut-rest"
CALM = "ruhig"
VISITORS = 40
LOOKED_AT = 40  # products
LOOKED_AT_ONCE = 4
SHARE_THAT_ORDERS = 0.3
WAITING = [("web-de", "shop-4711", "", 1), ("app", "geraet-88", BERLIN, 1), ("web-de", "shop-5120", "", 2)]


def announce(shop: Retailer, *, now: datetime) -> None:
    """Agree on terms, try two wordings, let visitors see some messages, and let three people wait. Needs goods and trade."""
    web, app = shop.channels["web-de"], shop.channels["app"]
    experiments.draft(
        EXPERIMENT, "Wortlaut der Restmenge", [VariantSpec("bisher", 5_000, is_control=True), VariantSpec(CALM, 5_000)],
        guardrails={Metric.CANCELLATION: 200, Metric.RETURN: 300, Metric.COMPLAINT: 50}, by=ACTOR, at=now,
    )  # fmt: skip
    experiments.start(EXPERIMENT, by=ACTOR, at=now)
    terms.set_policy(web.channel_id, Policy(Terms(few=5), experiment=EXPERIMENT), by=ACTOR, at=now)
    terms.set_policy(app.channel_id, Policy(Terms(few=3, fresh_seconds=120)), by=ACTOR, at=now)
    terms.set_wording(
        Kind.FEW_LEFT, Tone.FIRM, "de", Wording.same("{place} sind {count} Stück da"), variant=CALM, by=ACTOR, at=now
    )
    for number, (channel, subscriber, place, pieces) in enumerate(WAITING):
        waiting_list.join(
            channel_id=shop.channels[channel].channel_id, product_id=shop.products[SOLD_OUT],
            location_id=shop.locations[place].id if place else None, quantity=pieces, subscriber=subscriber, by=ACTOR,
            at=now - timedelta(hours=len(WAITING) - number),
        )  # fmt: skip
    _seen(shop, now=now)


def _seen(shop: Retailer, *, now: datetime) -> None:
    """Visitors of the shop look at goods that are scarce in Berlin; some of them order."""
    dice = random.Random(SEED + 4)  # noqa: S311 (a demo, not a secret)
    scarce = sorted(sku for (code, sku), pieces in shop.opening.items() if code == BERLIN and pieces <= 1)[:LOOKED_AT]
    place = places.at(BERLIN, "DE")
    visitors = [f"besuch-{number}" for number in range(VISITORS)]
    for visitor in visitors:
        messages.messages(
            [shop.products[sku] for sku in dice.sample(scarce, LOOKED_AT_ONCE)], place=place, country="DE", locale="de",
            channel_id=shop.channels["web-de"].channel_id, unit=visitor, at=now,
        )  # fmt: skip
    ordered = [Outcome(visitor, Metric.ORDER, now) for visitor in visitors if dice.random() < SHARE_THAT_ORDERS]
    experiments.report(EXPERIMENT, ordered, by=ACTOR, at=now)
