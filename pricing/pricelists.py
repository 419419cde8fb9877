"""Price lists and their entries. Prices are laid over each other by validity, set-based, and never overlap.

What was in force stays as it was (the lowest price of the last 30 days must be provable): only the time from now on can
be repriced.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from django.contrib.auth import get_user_model
from django.db import connection
from django.db.models import Q
from psycopg2.extras import DateTimeTZRange

from commerce import audit, catalog, clock, integrity
from commerce.actors import Actor, ActorKind
from commerce.errors import InvalidInput, UnknownProduct
from commerce.transactions import transaction_required
from pricing import formulas, revisions, rounding, tiers, validity
from pricing.errors import PriceInThePast, PriceListExists, PriceListNotFound, PriceNotThere, PriceOverlap
from pricing.models import PriceEntry, PriceList
from pricing.terms import PriceBasis, TierMode

MOST_ENTRIES = 50_000  # per call: a few seconds of work while other writers of prices wait
HIGHEST_AMOUNT_MINOR = 10**12  # ten billion; with the largest quantity it still fits 64 bits many times over
HIGHEST_QUANTITY = 1_000_000
LONGEST_NAME, LONGEST_GROUP = 120, 40  # characters
GRACE = timedelta(minutes=1)  # "from now on" said by a caller a moment ago is not the past

_CLOSE = """
UPDATE pricing_priceentry AS entry SET valid = tstzrange(starts_at, ends_at)
FROM unnest(%s::bigint[], %s::timestamptz[], %s::timestamptz[]) AS kept (id, starts_at, ends_at)
WHERE entry.id = kept.id
"""

_OPEN = """
INSERT INTO pricing_priceentry (price_list_id, product_id, min_quantity, amount_minor, valid)
SELECT %s, product_id, min_quantity, amount_minor, tstzrange(starts_at, ends_at)
FROM unnest(%s::bigint[], %s::int[], %s::bigint[], %s::timestamptz[], %s::timestamptz[])
     AS added (product_id, min_quantity, amount_minor, starts_at, ends_at)
"""


Key = tuple[int, int]  # product, from quantity


@dataclass(frozen=True, slots=True)
class NewPrice:
    """What one piece of a product costs from `min_quantity` pieces on, within `[valid_from, valid_until)`.

    Without `valid_from` it holds from now on; without `valid_until`, until another price takes over.
    """

    product_id: int
    amount_minor: int
    min_quantity: int = 1
    valid_from: datetime | None = None
    valid_until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Computed:
    """Prices that follow from another list's (named by its code): a share of them, plus an amount, rounded by a name."""

    base: str
    basis_points: int = 10_000
    add_minor: int = 0
    rounding: str = "exact"


@transaction_required
def add_list(
    code: str,
    *,
    name: str,
    currency: str,
    by: Actor,
    basis: PriceBasis = PriceBasis.GROSS,
    tier_mode: TierMode = TierMode.ALL_UNITS,
    channel_id: int | None = None,
    country: str = "",
    customer_group: str = "",
    contract: str = "",
    counts_family: bool = False,
    computed: Computed | None = None,
    priority: int = 0,
) -> int:
    """Open a price list for a channel or all, a country or all, a customer group, a contract or all; return its id.

    With `computed` its prices follow from another list's; what is priced on it itself comes first.
    Raises: PriceListExists, PriceListNotFound, InvalidInput.
    """
    _check_terms(code, name, currency, country, customer_group)
    if contract != contract.strip() or len(contract) > LONGEST_GROUP:
        raise _invalid("contract", contract, f"A contract has a name of up to {LONGEST_GROUP} characters.")
    if PriceList.objects.filter(code=code).exists():
        raise _exists(code)
    terms = {
        "name": name, "currency": currency, "basis": PriceBasis(basis).value, "tier_mode": TierMode(tier_mode).value,
        "channel_id": channel_id, "country": country, "customer_group": customer_group, "priority": priority,
        "contract": contract, "counts_family": counts_family,
    }  # fmt: skip
    revisions.renew()
    if computed is not None:
        terms |= _formula_fields(computed, basis=PriceBasis(basis).value)
    added = PriceList(code=code, **terms)
    _keep_version(added, by)
    audit.record("pricing.pricelists.add_list", "price_list", code, by=by, after=terms)
    return added.pk


@transaction_required
def compute_list(code: str, computed: Computed | None, *, by: Actor) -> None:
    """Let a list's prices follow from another list's from now on, or (None) only from what is priced on it.

    Raises: PriceListNotFound, InvalidInput, also where the list would be computed from itself over others.
    """
    revisions.renew()
    changed = _found(code)
    before = {name: getattr(changed, name) for name in _NO_FORMULA}
    after = _formula_fields(computed, basis=changed.basis, of=changed) if computed is not None else dict(_NO_FORMULA)
    if before == after:
        return
    for name, value in after.items():
        setattr(changed, name, value)
    _keep_version(changed, by)
    audit.record("pricing.pricelists.compute_list", "price_list", code, by=by, before=before, after=after)


_NO_FORMULA = {"base_list_id": None, "formula_basis_points": None, "formula_add_minor": 0, "formula_rounding": "exact"}


def _formula_fields(computed: Computed, *, basis: str, of: PriceList | None = None) -> dict[str, Any]:
    """Check a formula and return how it is stored."""
    base = _found(computed.base)
    _check_range("computed", "basis_points", computed.basis_points, 1, 1_000_000)
    _check_range("computed", "add_minor", computed.add_minor, -HIGHEST_AMOUNT_MINOR, HIGHEST_AMOUNT_MINOR)
    if computed.rounding not in rounding.NAMED:
        raise _invalid("computed.rounding", computed.rounding, f"One of these: {', '.join(rounding.NAMED)}.")
    if base.basis != basis:
        message = f"{base.code} is {base.basis}: a list is computed from one of its own basis, or VAT would be guessed."
        raise _invalid("computed.base", computed.base, message)
    if of is not None:
        bases = dict(PriceList.objects.exclude(base_list=None).values_list("id", "base_list_id")) | {of.pk: base.pk}
        if circle := formulas.circle(of.pk, bases):
            names = dict(PriceList.objects.filter(pk__in=circle).values_list("id", "code"))
            way = " → ".join(names[one] for one in [*circle, circle[0]])
            raise _invalid("computed.base", computed.base, f"That goes in a circle: {way}. Choose another list.")
    return {
        "base_list_id": base.pk, "formula_basis_points": computed.basis_points, "formula_add_minor": computed.add_minor,
        "formula_rounding": computed.rounding,
    }  # fmt: skip


@transaction_required
def change_list(
    code: str, *, by: Actor, name: str | None = None, priority: int | None = None, is_active: bool | None = None
) -> None:
    """Rename a price list, change its priority, or switch it on or off, from now on.

    Raises: PriceListNotFound, InvalidInput.
    """
    if name is not None:
        _check_name(name)
    revisions.renew()
    changed = _found(code)
    wanted = {"name": name, "priority": priority, "is_active": is_active}
    after = {field: value for field, value in wanted.items() if value is not None and getattr(changed, field) != value}
    if not after:
        return
    before = {field: getattr(changed, field) for field in after}
    for field, value in after.items():
        setattr(changed, field, value)
    _keep_version(changed, by)
    audit.record("pricing.pricelists.change_list", "price_list", code, by=by, before=before, after=after)


@transaction_required
def set_prices(price_list: str, entries: Iterable[NewPrice], *, by: Actor) -> int:
    """Lay new prices over a price list, named by its code; return how many entries say something new.

    A price that is covered gives way from the new one's start, and comes back at the new one's end if it has one; that
    it comes back says nothing new.

    Raises: PriceListNotFound, UnknownProduct, PriceOverlap when the entries contradict each other, PriceInThePast,
    InvalidInput.
    """
    revisions.renew()
    at = clock.now()  # after the wait for other writers: "from now on" is later than what they wrote
    wanted = _spans(list(entries), at)
    _check_products({product_id for product_id, _min_quantity in wanted})
    found = _found(price_list)
    existing = _existing(found.pk, wanted)
    plans = {}
    for key, spans in wanted.items():
        before = existing.get(key, [])
        _refuse_the_past(price_list, key, before, spans, at)
        plan = validity.plan(before, spans)
        if not plan.is_empty:
            plans[key] = plan
    _write(found.pk, plans)
    audit.record_many([_audited(price_list, key, plan) for key, plan in plans.items()], by=by)
    return sum(span in plan.added for key, plan in plans.items() for span in wanted[key])


@dataclass(frozen=True, slots=True)
class Ending:
    """A price that is to end: all tiers of a product on a list, or the one from `min_quantity` on; now where no instant is said."""

    product_id: int
    min_quantity: int | None = None
    ends_at: datetime | None = None


@transaction_required
def end_prices(price_list: str, endings: Sequence[Ending], *, by: Actor, reason: str = "") -> int:
    """End prices of a list, from now on or an instant to come; what would have held later goes, too. Return how many rows
    of prices changed. What was in force until then stays, and stays provable.

    Raises: PriceListNotFound, PriceInThePast, PriceNotThere naming products that have no price from then on, InvalidInput.
    """
    if not 1 <= len(endings) <= MOST_ENTRIES:
        raise _invalid("prices", len(endings), f"1 to {MOST_ENTRIES} prices end at once; send them in parts.")
    revisions.renew()
    found, at = _found(price_list), clock.now()
    plans: dict[Key, validity.Plan] = {}
    missing: list[int] = []
    rows = _from_now_on(found.pk, {one.product_id for one in endings}, at)
    for one in endings:
        ends_at = one.ends_at or at
        if ends_at < at - GRACE:
            raise PriceInThePast(
                f"What was asked since {ends_at.isoformat()} stays as it was; let the price end now or later.",
                price_list=price_list, product_id=one.product_id, valid_from=ends_at.isoformat(),
            )  # fmt: skip
        ends_at = max(ends_at, at)
        touched = 0
        for key in [key for key in rows if key[0] == one.product_id and one.min_quantity in (None, key[1])]:
            spans = [span for span in rows[key] if span.ends_at is None or span.ends_at > ends_at]
            gone = tuple(span for span in spans if span.starts_at is not None and span.starts_at >= ends_at)
            cut = tuple(replace(span, ends_at=ends_at) for span in spans if span not in gone)
            if gone or cut:
                plans[key] = validity.Plan(deleted=gone, shortened=cut)
                touched += 1
        if not touched:
            missing.append(one.product_id)
    if missing:
        skus = sorted(ref.sku for ref in catalog.products_by_id(missing).values())
        named = ", ".join(skus[:20])
        raise PriceNotThere(
            f"{named}: there is no price on list {price_list} that could end then; leave it out, or choose another list.",
            price_list=price_list, skus=skus,
        )  # fmt: skip
    _write(found.pk, plans)
    audit.record_many([_audited(price_list, key, plan, "end_prices", reason) for key, plan in plans.items()], by=by)
    return sum(len(plan.deleted) + len(plan.shortened) for plan in plans.values())


def _from_now_on(list_id: int, product_ids: set[int], at: datetime) -> Mapping[Key, list[validity.Span]]:
    """Return the prices of products on a list that hold at an instant or later."""
    found: dict[Key, list[validity.Span]] = defaultdict(list)
    rows = PriceEntry.objects.filter(
        price_list_id=list_id, product_id__in=product_ids, valid__overlap=DateTimeTZRange(at, None, "[)")
    ).order_by("id")
    for identifier, product_id, min_quantity, amount, valid in rows.values_list(
        "id", "product_id", "min_quantity", "amount_minor", "valid"
    ):
        found[product_id, min_quantity].append(validity.Span(amount, valid.lower, valid.upper, identifier))
    return found


def inversions(code: str, product_ids: Iterable[int], *, at: datetime) -> list[tiers.Inversion]:
    """Return where more pieces of products cost less than fewer on a list at an instant. Raises: PriceListNotFound."""
    found = _found(code)
    steps: dict[int, list[tiers.Tier]] = defaultdict(list)
    rows = PriceEntry.objects.filter(price_list=found, product_id__in=list(product_ids), valid__contains=at)
    for product_id, min_quantity, amount in rows.values_list("product_id", "min_quantity", "amount_minor"):
        steps[product_id].append(tiers.Tier(min_quantity, amount))
    mode = TierMode(found.tier_mode)
    return [one for _product_id, ones in sorted(steps.items()) for one in tiers.inversions(ones, mode)]


def _spans(entries: Sequence[NewPrice], at: datetime) -> dict[Key, list[validity.Span]]:
    """Check entries and group them by what they price."""
    if len(entries) > MOST_ENTRIES:
        raise InvalidInput(f"At most {MOST_ENTRIES} prices at once; these are {len(entries)}. Send them in parts.")
    wanted: dict[Key, list[validity.Span]] = defaultdict(list)
    for number, entry in enumerate(entries):
        starts_at = entry.valid_from or at
        _check_range(f"entries[{number}]", "amount_minor", entry.amount_minor, 0, HIGHEST_AMOUNT_MINOR)
        _check_range(f"entries[{number}]", "min_quantity", entry.min_quantity, 1, HIGHEST_QUANTITY)
        if entry.valid_until is not None and entry.valid_until <= starts_at:
            raise _invalid(f"entries[{number}].valid_until", entry.valid_until, "A price ends after it starts.")
        wanted[entry.product_id, entry.min_quantity].append(
            validity.Span(entry.amount_minor, starts_at, entry.valid_until)
        )
    for (product_id, min_quantity), spans in wanted.items():
        if validity.overlap(spans):
            raise PriceOverlap(
                f"Two of the prices for product {product_id} from {min_quantity} pieces on hold at the same time.",
                product_id=product_id,
                min_quantity=min_quantity,
            )
    return wanted


def _existing(list_id: int, wanted: Mapping[Key, list[validity.Span]]) -> Mapping[Key, list[validity.Span]]:
    """Return what is in force or scheduled from the first instant on that the new prices touch."""
    if not wanted:
        return {}
    earliest = min(span.starts_at for spans in wanted.values() for span in spans if span.starts_at)
    return _from_now_on(list_id, {product_id for product_id, _min_quantity in wanted}, earliest)


def _refuse_the_past(
    code: str, key: Key, existing: Sequence[validity.Span], wanted: Sequence[validity.Span], at: datetime
) -> None:
    for new in wanted:
        if new.starts_at is None or new.starts_at >= at - GRACE:
            continue
        past = validity.Span(new.value, new.starts_at, min(at, new.ends_at or at))
        for old in existing:
            if old.value != new.value and validity.touches(old, past):
                raise PriceInThePast(
                    f"Product {key[0]} had another price on list {code} since {new.starts_at.isoformat()}; "
                    "let the new price start now or later.",
                    price_list=code,
                    product_id=key[0],
                    valid_from=new.starts_at.isoformat(),
                )


def _write(list_id: int, plans: Mapping[Key, validity.Plan]) -> None:
    """Store plans so that no row overlaps another at any step: delete, shorten, add."""
    deleted = [span.id for plan in plans.values() for span in plan.deleted]
    shortened = [span for plan in plans.values() for span in plan.shortened]
    PriceEntry.objects.filter(Q(price_list_id=list_id), Q(id__in=deleted)).delete()
    if shortened:
        with connection.cursor() as cursor:
            cursor.execute(
                _CLOSE,
                [
                    [span.id for span in shortened],
                    [span.starts_at for span in shortened],
                    [span.ends_at for span in shortened],
                ],
            )
    added = [(key, span) for key, plan in plans.items() for span in plan.added]
    if added:
        with connection.cursor() as cursor:
            cursor.execute(
                _OPEN,
                [
                    list_id,
                    [product_id for (product_id, _min_quantity), _span in added],
                    [min_quantity for (_product_id, min_quantity), _span in added],
                    [span.value for _key, span in added],
                    [span.starts_at for _key, span in added],
                    [span.ends_at for _key, span in added],
                ],
            )


def _audited(code: str, key: Key, plan: validity.Plan, verb: str = "set_prices", reason: str = "") -> audit.AuditRow:
    product_id, min_quantity = key
    named = {"price_list": code, "min_quantity": min_quantity}
    return audit.AuditRow(
        verb=f"pricing.pricelists.{verb}",
        object_type="product",
        object_id=product_id,
        before=named | {"gone": validity.primitives(plan.deleted)},
        after=named | {"kept": validity.primitives(plan.shortened), "new": validity.primitives(plan.added)},
        reason=reason,
    )


def _found(code: str) -> PriceList:
    found = PriceList.objects.filter(code=code).first()
    if found is None:
        raise PriceListNotFound(f"There is no price list {code}.", price_list=code)
    return found


def _keep_version(changed: PriceList, by: Actor) -> None:
    """Save with a version that names who changed it, for the admin's history."""
    is_staff = by.kind is ActorKind.STAFF
    changed._history_user = get_user_model().objects.filter(pk=by.id).first() if is_staff else None
    changed._change_reason = "" if is_staff else by.label[:100]
    changed._history_date = clock.now()  # from then on it counts as changed, for the prices that were applied
    changed.save()


def _check_products(product_ids: set[int]) -> None:
    unknown = sorted(product_ids - set(catalog.products_by_id(product_ids)))
    if unknown:
        raise UnknownProduct(f"There is no product with the id {unknown[0]}.", product_ids=unknown[:100])


def _check_terms(code: str, name: str, currency: str, country: str, customer_group: str) -> None:
    """Refuse what the database would cut off, and what would never match a channel or a customer."""
    if not re.fullmatch(r"[A-Za-z0-9_-]{1,40}", code):
        raise _invalid("code", code, "A code has 1 to 40 letters, digits, hyphens or underscores.")
    _check_name(name)
    if not re.fullmatch(r"[A-Z]{3}", currency):
        raise _invalid("currency", currency, "A currency is its three-letter ISO code, such as EUR.")
    if country and not re.fullmatch(r"[A-Z]{2}", country):
        raise _invalid("country", country, "A country is its two-letter ISO code, such as DE, or empty for all.")
    if customer_group != customer_group.strip() or len(customer_group) > LONGEST_GROUP:
        raise _invalid("customer_group", customer_group, f"A customer group has up to {LONGEST_GROUP} characters.")


def _check_name(name: str) -> None:
    if not name.strip() or len(name) > LONGEST_NAME:
        raise _invalid("name", name, f"A name has 1 to {LONGEST_NAME} characters.")


def _check_range(where: str, name: str, value: int, lowest: int, highest: int) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or not lowest <= value <= highest:
        raise _invalid(f"{where}.{name}", value, f"It is a whole number from {lowest} to {highest}.")


def _invalid(name: str, value: object, message: str) -> InvalidInput:
    return InvalidInput(f"{name}: {message}", errors=[{"field": name, "value": value, "message": message}])


def _exists(code: str) -> PriceListExists:
    return PriceListExists(f"There is a price list {code} already.", price_list=code)


integrity.refuse("pricing_pricelist_code_key", lambda: PriceListExists("There is a price list with this code already."))
integrity.refuse("price_entry_no_overlap", lambda: PriceOverlap("Two prices of a product hold at the same time."))
integrity.refuse("price_list_formula_ends", lambda: InvalidInput("A price list can't be computed from itself."))
