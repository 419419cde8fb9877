"""Rows of prices and costs, compared with what is in force and written beside it: 100,000 of them in seconds.

Rows are read once into spans by list, product and quantity, laid over what is stored by the same pure plan as single prices,
and written by COPY: first what gives way, then what is new, so that no row overlaps another at any step.
"""

from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from commerce import catalog, clock
from commerce.actors import Actor
from commerce.transactions import transaction_required
from pricing import costs, price_loading, tiers, validity
from pricing.exchange import cells, columns, tables
from pricing.exchange.columns import Fault, Row
from pricing.exchange.outcome import Difference, Outcome
from pricing.file_states import Kind
from pricing.models import LandedCost, PriceList
from pricing.price_loading import Key
from pricing.terms import TierMode

MOST_DIFFERENCES = 500
PROGRESS_EVERY = 5_000
Progress = Callable[[int], None] | None
_DEFAULT_CURRENCY = "EUR"


@dataclass(slots=True)
class _Meant:
    """What the rows of a file mean, by list and by product and quantity; `lines` say where each span stands."""

    outcome: Outcome
    spans: dict[str, dict[Key, list[tuple[validity.Span, Row]]]] = field(default_factory=dict)
    skus: dict[int, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _List:
    id: int
    currency: str
    tier_mode: str


def currencies_of(kind: Kind) -> dict[str, str]:
    """Return the currency of each price list by its code; for costs, the one that is meant where a row names none."""
    if kind is Kind.COSTS:
        return {"": _DEFAULT_CURRENCY}
    return {code: one.currency for code, one in _lists().items()}


def compare(
    content: bytes, kind: Kind, *, price_list: str = "", most_faults: int, progress: Progress = None
) -> Outcome:
    """Return what a file would change, without changing anything. Raises: UnreadableFile."""
    at = clock.now()
    meant = _meant(content, kind, price_list=price_list, at=at, most_faults=most_faults, progress=progress)
    if kind is Kind.COSTS:
        _compare_costs(meant)
        return meant.outcome
    for code, wanted in meant.spans.items():
        found = _lists()[code]
        _plans(meant, found, code, wanted, at, most_faults)
    return meant.outcome


@transaction_required
def write(
    content: bytes,
    kind: Kind,
    *,
    by: Actor,
    digest: str,
    price_list: str = "",
    takes_good_rows: bool = False,
    most_faults: int,
) -> Outcome:
    """Write what a file says: all of it, or (`takes_good_rows`) the rows without a fault. Raises: UnreadableFile."""
    price_loading.begin()
    at = clock.now()  # after the wait for other writers
    meant = _meant(content, kind, price_list=price_list, at=at, most_faults=most_faults, progress=None)
    if kind is Kind.COSTS:
        _compare_costs(meant)
        if not meant.outcome.rows_wrong or takes_good_rows:
            rows = [row for keys in meant.spans.values() for ones in keys.values() for _span, row in ones]
            ids = {sku: product_id for product_id, sku in meant.skus.items()}
            new = [costs.NewCost(ids[row.sku], row.amount_minor, row.currency, row.valid_from or at) for row in rows]
            for start in range(0, len(new), costs.MOST_COSTS):
                costs.set_costs(new[start : start + costs.MOST_COSTS], by=by)
        return meant.outcome
    plans = {}
    for code, wanted in meant.spans.items():
        found = _lists()[code]
        plans[code, found.id] = _plans(meant, found, code, wanted, at, most_faults)
    if not meant.outcome.rows_wrong or takes_good_rows:
        for (code, list_id), ones in plans.items():
            price_loading.write(code, list_id, ones, digest=digest, by=by)
    return meant.outcome


def _lists() -> dict[str, _List]:
    rows = PriceList.objects.values_list("code", "id", "currency", "tier_mode")
    return {code: _List(*rest) for code, *rest in rows}


def _meant(
    content: bytes, kind: Kind, *, price_list: str, at: datetime, most_faults: int, progress: Progress
) -> _Meant:
    meant = _Meant(Outcome())
    outcome = meant.outcome
    currencies = currencies_of(kind)
    found = tables.rows(content)
    first = next(found, None)
    if first is None:
        raise tables.UnreadableFile("The file is empty; send one with a heading and rows.")
    places, faults = columns.heading(first[1], kind)
    if faults:
        outcome.faults, outcome.rows_wrong = faults, len(faults)
        return meant
    rows: list[Row] = []
    for line, given in found:
        outcome.rows_read += 1
        read = columns.read(
            line, given, places, price_list="" if kind is Kind.COSTS else price_list, currencies=currencies
        )
        if isinstance(read, Row):
            rows.append(read)
        else:
            _refuse(outcome, read, most_faults)
        if progress is not None and outcome.rows_read % PROGRESS_EVERY == 0:
            progress(outcome.rows_read)
    known = catalog.ids_of({row.sku for row in rows})
    for row in rows:
        product = known.get(row.sku)
        if product is None:
            message = "There is no product with this SKU; add it first, or mend the SKU."
            _refuse(outcome, [Fault(row.line, "sku", row.sku[: columns.LONGEST_VALUE], message)], most_faults)
            continue
        meant.skus[product.id] = row.sku
        span = validity.Span(row.amount_minor, row.valid_from or at, row.valid_until)
        by_key = meant.spans.setdefault(row.price_list, {})
        by_key.setdefault((product.id, row.min_quantity), []).append((span, row))
    _without_contradictions(meant, kind, most_faults)
    return meant


def _without_contradictions(meant: _Meant, kind: Kind, most_faults: int) -> None:
    """Take out rows that hold at the same time as another one; the same row twice counts once."""
    for by_key in meant.spans.values():
        for key, ones in by_key.items():
            if len(ones) == 1:
                continue
            kept: list[tuple[validity.Span, Row]] = []
            for span, row in sorted(ones, key=lambda one: one[1].line):
                other = next((old for old, _row in kept if validity.touches(old, span)), None)
                if other is None or (kind is Kind.COSTS and other.starts_at != span.starts_at):
                    kept.append((span, row))
                elif other == span:
                    meant.outcome.rows_same += 1
                else:
                    message = "Another row of this file holds for the same goods at the same time; leave one out."
                    _refuse(meant.outcome, [Fault(row.line, "valid_from", row.sku, message)], most_faults)
            by_key[key] = kept


def _plans(
    meant: _Meant,
    found: _List,
    code: str,
    wanted: Mapping[Key, list[tuple[validity.Span, Row]]],
    at: datetime,
    most_faults: int,
) -> dict[Key, validity.Plan]:
    outcome = meant.outcome
    existing = price_loading.existing(found.id, {key: [span for span, _ in ones] for key, ones in wanted.items()})
    plans: dict[Key, validity.Plan] = {}
    steps: dict[int, dict[int, int]] = defaultdict(dict)
    for key, ones in wanted.items():
        before = existing.get(key, [])
        good: list[validity.Span] = []
        for span, row in ones:
            if price_loading.repriced_past(before, span, at) is not None:
                message = "There was another price since then; the past stays as it was. Let it begin now or later."
                told = [Fault(row.line, "valid_from", cells.instant_text(span.starts_at), message)]
                _refuse(outcome, told, most_faults)
            else:
                good.append(span)
        plan = validity.plan(before, good)
        for span, row in ones:
            if span not in good:
                continue
            if span not in plan.added:
                outcome.rows_same += 1
                continue
            held = next((old for old in before if old.value != span.value and validity.touches(old, span)), None)
            outcome.rows_new += held is None
            outcome.rows_changed += held is not None
            if len(outcome.differences) < MOST_DIFFERENCES:
                what = f"{row.sku} · {code}" + (f" · {key[1]}+" if key[1] > 1 else "")
                was = cells.amount_text(held.value, found.currency) if held else ""
                outcome.differences.append(
                    Difference(row.line, what, was, cells.amount_text(span.value, found.currency))
                )
            steps[key[0]][key[1]] = span.value
        if not plan.is_empty:
            plans[key] = plan
    _warn(meant, found, code, steps)
    return plans


def _warn(meant: _Meant, found: _List, code: str, steps: Mapping[int, Mapping[int, int]]) -> None:
    """Note tiers of the file by which more pieces cost less."""
    for product_id, by_quantity in steps.items():
        if len(by_quantity) < 2:
            continue
        told = tiers.inversions([tiers.Tier(*step) for step in by_quantity.items()], TierMode(found.tier_mode))
        for one in told:
            if len(meant.outcome.warnings) >= MOST_DIFFERENCES:
                return
            meant.outcome.warnings.append(
                {
                    "sku": meant.skus[product_id], "price_list": code, "from_quantity": one.from_quantity,
                    "to_quantity": one.to_quantity, "cheaper_quantity": one.cheaper_quantity,
                }
            )  # fmt: skip


def _compare_costs(meant: _Meant) -> None:
    outcome = meant.outcome
    wanted = meant.spans.get("", {})
    at = clock.now()
    rows = LandedCost.objects.filter(product_id__in=[key[0] for key in wanted], valid__contains=at)
    known = {(product, currency): amount for product, currency, amount in rows.values_list(
        "product_id", "currency", "amount_minor")}  # fmt: skip
    for (product_id, _quantity), ones in wanted.items():
        for _span, row in ones:
            before = known.get((product_id, row.currency))
            if before == row.amount_minor:
                outcome.rows_same += 1
                continue
            outcome.rows_new += before is None
            outcome.rows_changed += before is not None
            if len(outcome.differences) < MOST_DIFFERENCES:
                was = cells.amount_text(before, row.currency) if before is not None else ""
                after = cells.amount_text(row.amount_minor, row.currency)
                outcome.differences.append(Difference(row.line, row.sku, was, after))


def _refuse(outcome: Outcome, faults: list[Fault], most: int) -> None:
    outcome.rows_wrong += 1
    outcome.faults += faults[: max(0, most - len(outcome.faults))]
