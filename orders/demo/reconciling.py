"""What others say of the demo's stock: the till of one store states its figures; more sources are agreed with."""

from dataclasses import replace
from datetime import datetime, timedelta

from commerce import catalog
from inventory import timeline
from inventory.errors import StatementOutdated
from inventory.ledger import LevelKey
from inventory.reconciliation import refused, statements
from inventory.reconciliation import sources as statement_sources
from inventory.reconciliation.sources import Policy, SourceTerms
from inventory.reconciliation.statements import Statement
from inventory.reconciling import Decision, Meaning, SourceKind
from orders.demo.retailer import ACTOR, Retailer

BERLIN = "BER01"
ENOUGH_PIECES = 8  # so that every difference below leaves something
# What the till's figures differ by, product by product, in the order of SKUs; the rest agrees.
SLIPS = (-2, 0, 3, 0, 0, -1, 0, -4)


def reconcile(shop: Retailer, *, now: datetime) -> None:
    """Agree with three sources, and let a store's till say what it has. Needs an open transaction, goods and trade."""
    sources = {
        "kasse-ber01": SourceTerms(
            name="Kasse Berlin Mitte", kind=SourceKind.TILL, location_id=shop.locations[BERLIN].id,
            policies={Meaning.ON_HAND: Policy(Decision.TOLERANCE, 1)}, patience_minutes=240,
        ),
        "erp": SourceTerms(name="Warenwirtschaft", kind=SourceKind.ERP, policies={Meaning.ON_HAND: Policy(Decision.ASK)}),
        "marktplatz": SourceTerms(
            name="Marktplatz", kind=SourceKind.MARKETPLACE, channel_id=shop.channels["marketplace"].channel_id,
            policies={Meaning.AVAILABLE: Policy(Decision.OURS)},
        ),
    }  # fmt: skip
    for code, terms in sources.items():
        statement_sources.set_source(code, terms, by=ACTOR, at=now)
    as_of = now - timedelta(hours=3)
    skus = shop.well_stocked(BERLIN, ENOUGH_PIECES)[:60]
    keys = [LevelKey(ref.id, shop.locations[BERLIN].id) for ref in catalog.ids_of(skus).values()]
    books = timeline.on_hand_at([(key, as_of) for key in keys])
    slips = [SLIPS[place] if place < len(SLIPS) else 0 for place in range(len(keys))]
    figures = [(key.product_id, max(ours + slip, 0)) for key, ours, slip in zip(keys, books, slips, strict=True)]
    figures[-1] = (figures[-1][0], -books[-1])  # a sign that was turned round on the way
    statement = Statement(
        source="kasse-ber01", reference="tagesabschluss", location_id=shop.locations[BERLIN].id, meaning=Meaning.ON_HAND,
        as_of=as_of, lines=tuple(figures),
    )  # fmt: skip
    statements.take(statement, by=ACTOR, at=now)
    _come_too_late(statement, now=now)


def _come_too_late(read: Statement, *, now: datetime) -> None:
    """Let the till send figures again that are older than those it sent before: they are refused, and staff see that."""
    late = replace(read, reference="zwischenstand", as_of=read.as_of - timedelta(hours=2))
    try:
        statements.take(late, by=ACTOR, at=now)
    except StatementOutdated as refusal:
        refused.note(late, refusal, by=ACTOR, at=now)
