"""Statements of stock from outside: absolute figures, compared with our books at the moment they speak of (law 9).

A figure never overwrites ours. What differs becomes a discrepancy; the source's policy says whether it is put right without
asking, and a difference that the next statement no longer shows settles itself.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import connection
from django.db.models import Max

from commerce import catalog, clock, ids, integrity
from commerce.actors import Actor
from commerce.errors import InvalidInput
from commerce.transactions import transaction_required
from inventory import kits, ledger, timeline
from inventory.errors import NotGoods, StatementDiffers, StatementNotAgreed, StatementOutdated
from inventory.ledger import LevelKey
from inventory.models import StockStatement
from inventory.reconciliation import discrepancies, evidence, sources
from inventory.reconciliation.discrepancies import NewDiscrepancy
from inventory.reconciliation.sources import Policy, SourceRef
from inventory.reconciling import (
    SLIPS,
    Cause,
    Decision,
    Difference,
    DiscrepancyKind,
    Meaning,
    is_right_by_itself,
    suggest,
)
from inventory.stock import Condition

MOST_LINES = 2_000  # of one part; a longer statement is sent in several parts as of the same instant
MOST_PIECES = 1_000_000_000
CLOCK_SKEW = timedelta(minutes=5)
MOST_UNNAMED_SHARE, LEAST_UNNAMED = 0.5, 10  # past both, a statement rather broke off than found empty shelves
KEPT_FOR = timedelta(days=90)

integrity.refuse(
    "stock_statement_once",
    lambda: StatementDiffers("Another statement arrived under this id just now; send this one again."),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """What a source says: `lines` are (product id, pieces), pieces signed as they were sent.

    `reference` is the source's own id of this statement or part. Parts as of the same instant belong together; with the last
    of them, what none of them named is not there. Without a location it says what the channel shows for all places.
    """

    source: str
    reference: str
    location_id: int | None
    meaning: Meaning
    as_of: datetime
    lines: Sequence[tuple[int, int]]
    condition: Condition = Condition.SELLABLE
    sequence: int | None = None
    is_last: bool = False

    @property
    def digest(self) -> str:
        """A fingerprint of everything that was said."""
        said = (
            self.location_id, self.meaning.value, self.condition.value, self.sequence, self.is_last,
            clock.utc_text(self.as_of), sorted(self.lines),
        )  # fmt: skip
        return hashlib.sha256(repr(said).encode()).hexdigest()


@transaction_required
def take(statement: Statement, *, by: Actor, at: datetime, channel_id: int | None = None) -> dict[str, Any]:
    """Compare a statement with our books as of its instant, keep what differs, and return the answer as primitives.

    The same statement again gets its first answer and changes nothing (law 8). `channel_id` is the channel that sends it,
    which must be the source's own; the house itself has none.
    Raises: StatementNotAgreed for an unknown source or what is not agreed with it, StatementOutdated for figures older than
    the last ones or than it may be, StatementDiffers for other content under the same id, NotGoods, InvalidInput.
    """
    source = sources.lock(statement.source)
    if source is None or (channel_id is not None and source.terms.channel_id != channel_id):
        raise StatementNotAgreed(
            f"Nothing is agreed with a source called {statement.source!r}; have it set up first.",
            errors=[{"field": "source", "value": statement.source, "message": "unknown source"}],
        )
    earlier = StockStatement.objects.filter(source_id=source.id, reference=statement.reference).first()
    if earlier is not None:
        if earlier.digest != statement.digest:
            raise StatementDiffers(
                f"Statement {statement.reference} was sent before with other figures; a new statement has a new id.",
                errors=[{"field": "id", "value": statement.reference, "message": "used before for another statement"}],
            )
        return dict(earlier.answer)
    _check_terms(statement, source)
    _check_time(statement, source, at)
    _check_lines(statement)
    stated = dict(statement.lines)
    unnamed = _unnamed(statement, source, stated) if statement.is_last else frozenset()
    answer = _compare(statement, source, stated, unnamed, by=by, at=at)
    answer["not_named"] = len(unnamed)
    StockStatement.objects.create(
        source_id=source.id, reference=statement.reference, sequence=statement.sequence, location_id=statement.location_id,
        meaning=statement.meaning.value, condition=statement.condition.value, as_of=statement.as_of,
        product_ids=list(stated), quantities=list(stated.values()), is_last=statement.is_last, digest=statement.digest,
        answer=answer, received_at=at,
    )  # fmt: skip
    return answer


def last_heard() -> dict[int, datetime]:
    """Return of when the newest figures of each source are, by its id; sources that were never heard are missing."""
    newest = StockStatement.objects.values("source_id").annotate(newest=Max("as_of"))
    return {row["source_id"]: row["newest"] for row in newest}


@transaction_required
def forget(*, at: datetime, at_most: int) -> int:
    """Delete statements that were received longer than KEPT_FOR ago, the newest of each place excepted; return how many."""
    with connection.cursor() as cursor:
        cursor.execute(_FORGET, [at - KEPT_FOR, at_most])
        return cursor.rowcount


_FORGET = """
DELETE FROM inventory_stockstatement WHERE id IN (
    SELECT old.id FROM inventory_stockstatement old
    WHERE old.received_at < %s AND EXISTS (
        SELECT FROM inventory_stockstatement newer
        WHERE newer.source_id = old.source_id AND newer.location_id IS NOT DISTINCT FROM old.location_id
          AND newer.meaning = old.meaning AND newer.condition = old.condition AND newer.as_of > old.as_of)
    ORDER BY old.received_at LIMIT %s
)
"""


# --- what may be said -----------------------------------------------------------------------------------------------


def _check_terms(statement: Statement, source: SourceRef) -> None:
    fault = ""
    if not source.terms.is_active:
        fault = f"{source.code} is switched off."
    elif statement.meaning not in source.terms.policies:
        agreed = ", ".join(meaning.value for meaning in source.terms.policies)
        fault = f"Figures of {source.code} mean {agreed}, not {statement.meaning.value}."
    elif not source.speaks_of(statement.location_id):
        fault = (
            f"{source.code} doesn't speak of this place."
            if statement.location_id is not None
            else f"{source.code} has no channel, so it has to name the location that it speaks of."
        )
    elif statement.location_id is None and statement.meaning is not Meaning.AVAILABLE:
        fault = "What is on hand is on hand at a location: name it. Without one, figures mean what a channel shows."
    elif statement.condition is Condition.IN_TRANSIT:
        fault = "Goods on their way are known by their transfer, not by a figure."
    elif statement.location_id is None and statement.condition is not Condition.SELLABLE:
        fault = "A channel shows what can be sold; other conditions belong to a location."
    if fault:
        raise StatementNotAgreed(f"{fault} Change what is agreed with the source, or the statement.")


def _check_time(statement: Statement, source: SourceRef, at: datetime) -> None:
    """Refuse figures from the future, figures that are too old, and figures older than the last ones (law 9)."""
    if statement.as_of > at + CLOCK_SKEW:
        raise InvalidInput(
            "as_of lies in the future; check the sender's clock.",
            errors=[{"field": "as_of", "value": clock.utc_text(statement.as_of), "message": "lies in the future"}],
        )
    if statement.as_of < at - timedelta(hours=source.terms.most_hours_old):
        raise StatementOutdated(
            f"These figures are of {clock.utc_text(statement.as_of)}; {source.code} may be {source.terms.most_hours_old} hours "
            "behind at most. Send current figures.",
            as_of=clock.utc_text(statement.as_of),
        )
    last = (
        StockStatement.objects.filter(
            source_id=source.id, location_id=statement.location_id, meaning=statement.meaning.value,
            condition=statement.condition.value,
        )
        .order_by("-as_of", "-sequence", "-id").values("as_of", "sequence", "reference").first()
    )  # fmt: skip
    if last is None:
        return
    if statement.as_of < last["as_of"]:
        raise StatementOutdated(
            f"These figures are of {clock.utc_text(statement.as_of)}, but newer ones of {clock.utc_text(last['as_of'])} "
            f"(statement {last['reference']}) were read already. Send current figures.",
            as_of=clock.utc_text(statement.as_of),
            last_as_of=clock.utc_text(last["as_of"]),
        )
    if statement.sequence is not None and last["sequence"] is not None and statement.sequence <= last["sequence"]:
        raise StatementOutdated(
            f"Sequence {statement.sequence} comes after {last['sequence']}, which was read already; it only grows.",
            sequence=statement.sequence,
            last_sequence=last["sequence"],
        )


def _check_lines(statement: Statement) -> None:
    if not statement.lines and not statement.is_last:
        raise InvalidInput(
            "A statement has at least one line.", errors=[{"field": "lines", "value": [], "message": "is empty"}]
        )
    if len(statement.lines) > MOST_LINES:
        raise ValueError(f"at most {MOST_LINES} lines at once, not {len(statement.lines)}")
    if len(dict(statement.lines)) < len(statement.lines):
        raise ValueError("each product is stated once")
    if any(abs(pieces) > MOST_PIECES for _, pieces in statement.lines):
        raise ValueError(f"at most {MOST_PIECES} pieces")
    products = catalog.products_by_id({product_id for product_id, _ in statement.lines})
    charges = [product for product in products.values() if not product.has_stock]
    if charges:
        raise NotGoods(
            kits.no_stock(charges[0]),
            errors=[{"field": "lines", "value": one.sku, "message": kits.no_stock(one)} for one in charges[:100]],
        )


# --- comparing ------------------------------------------------------------------------------------------------------


def _compare(
    statement: Statement,
    source: SourceRef,
    named: Mapping[int, int],
    unnamed: frozenset[int],
    *,
    by: Actor,
    at: datetime,
) -> dict[str, Any]:
    stated = {**named, **dict.fromkeys(sorted(unnamed), 0)}
    ours, told_at, too_early = _ours(statement, source, list(stated))
    differing = [(one, ours[one], theirs) for one, theirs in stated.items() if one in ours and ours[one] != theirs]
    known = discrepancies.open_of(
        source.code, location_id=statement.location_id, condition=statement.condition, meaning=statement.meaning,
        product_ids=list(ours),
    )  # fmt: skip
    gone = set(known) - {product_id for product_id, _, _ in differing}
    discrepancies.settle_vanished(
        [known[product_id] for product_id in sorted(gone)], note=f"statement {statement.reference}", by=by, at=at
    )
    found = evidence.gathered(
        differing, location_id=statement.location_id, condition=statement.condition.value, as_of=statement.as_of,
        told_at=told_at,
    )  # fmt: skip
    policy = source.terms.policies[statement.meaning]
    rows, listed = [], []
    for one, why in zip(found, suggest(found), strict=True):
        row = NewDiscrepancy(
            id=known.get(one.product_id) or ids.new(), kind=DiscrepancyKind.STATEMENT_DIFFERENCE, product_id=one.product_id,
            location_id=statement.location_id, expected=one.ours, found=one.theirs, source=source.code, as_of=statement.as_of,
            cause_type="statement", cause_id=statement.reference, suggested_cause=why.cause.value, cause_facts=dict(why.facts),
            condition=statement.condition, meaning=statement.meaning,
            owner_role=source.terms.owner_role if statement.location_id is not None else None,
            repair_window=timedelta(hours=source.terms.repair_hours),
            repair_at=at + timedelta(minutes=source.terms.patience_minutes)
            if _is_ours_to_mend(statement, policy, one, why.cause) and one.product_id not in unnamed else None,
        )  # fmt: skip
        rows.append(row)
        listed.append(
            {
                "discrepancy": str(row.id), "sku": one.sku, "ours": one.ours, "theirs": one.theirs, "difference": one.delta,
                "suggested_cause": why.cause.value or None, "decision": policy.decision.value,
            }
        )  # fmt: skip
    discrepancies.follow([row for row in rows if row.product_id in known], by=by, at=at)
    discrepancies.record([row for row in rows if row.product_id not in known], by=by, at=at)
    return {
        "compared": len(ours),
        "agreeing": len(ours) - len(differing),
        "settled": len(gone),
        "too_early": too_early,
        "differences": listed,
    }


def _is_ours_to_mend(statement: Statement, policy: Policy, one: Difference, cause: Cause) -> bool:
    """Whether the house acts by itself: takes theirs over, or tells a channel again what ours are."""
    if statement.location_id is None:
        return policy.decision is Decision.OURS
    return (
        one.theirs >= 0
        and cause not in SLIPS
        and is_right_by_itself(policy.decision, one.delta, policy.tolerance_pieces)
    )


def _ours(
    statement: Statement, source: SourceRef, product_ids: list[int]
) -> tuple[dict[int, int], dict[int, datetime], int]:
    """Return our figures of the statement's moment by product, when its channel was told, and how many can't be compared.

    A channel that was told something newer than its own figures can't have shown it yet: too early to compare.
    """
    if statement.location_id is not None:
        keys = [LevelKey(product_id, statement.location_id, statement.condition.value) for product_id in product_ids]
        then: dict[LevelKey, timeline.Snapshot] = {}
        for start in range(0, len(keys), timeline.MOST_MOMENTS):
            then |= timeline.levels_at(keys[start : start + timeline.MOST_MOMENTS], at=statement.as_of)
        return {key.product_id: discrepancies.our_figure(then[key], statement.meaning) for key in keys}, {}, 0
    with connection.cursor() as cursor:
        cursor.execute(_TOLD, [source.terms.channel_id, ledger.numbers(product_ids)])
        told = {product_id: (available, told_at) for product_id, available, told_at in cursor.fetchall()}
    fit = {product_id: figure for product_id, figure in told.items() if figure[1] <= statement.as_of}
    ours = {product_id: fit[product_id][0] if product_id in fit else 0 for product_id in product_ids}
    early = told.keys() - fit.keys()
    return (
        {product_id: figure for product_id, figure in ours.items() if product_id not in early},
        {product_id: told_at for product_id, (_, told_at) in fit.items()},
        len(early),
    )


_TOLD = """
SELECT product_id, available, told_at FROM inventory_feedfigure
WHERE channel_id = %s AND product_id = ANY(%s::bigint[]) AND version > 0
"""


def _unnamed(statement: Statement, source: SourceRef, stated: Mapping[int, int]) -> frozenset[int]:
    """Return the products that we had as of then where the statement speaks of, and that no part of it named.

    Raises: InvalidInput when those are most of what was there: then rather the statement broke off.
    """
    parts = StockStatement.objects.filter(
        source_id=source.id, location_id=statement.location_id, meaning=statement.meaning.value,
        condition=statement.condition.value, as_of=statement.as_of,
    ).values_list("product_ids", flat=True)  # fmt: skip
    named = set(stated).union(*parts)
    with connection.cursor() as cursor:
        if statement.location_id is None:
            cursor.execute(_SHOWN, [source.terms.channel_id])
        else:
            cursor.execute(_PRESENT, [statement.as_of, statement.location_id, statement.condition.value])
        present = {product_id for (product_id,) in cursor.fetchall()}
    missing = frozenset(present - named)
    if len(missing) > max(len(present) * MOST_UNNAMED_SHARE, LEAST_UNNAMED):
        raise InvalidInput(
            f"{len(missing)} of {len(present)} products that are here were not named; a statement that is complete names them "
            "with 0. If it broke off, send all of it again.",
            errors=[{"field": "is_last", "value": True, "message": "most products were not named"}],
        )
    return missing


_SHOWN = "SELECT product_id FROM inventory_feedfigure WHERE channel_id = %s AND available > 0"
_PRESENT = """
SELECT l.product_id FROM inventory_stocklevel l
CROSS JOIN LATERAL inventory_level_at(l.id, l.version, %s) AS was
WHERE l.location_id = %s AND l.condition = %s AND was.on_hand > 0
"""
