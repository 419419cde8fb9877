"""Promotions and versions as documents, and back: strict, complete, every fault with its path and the way out. [pure]

A document leaves out what is as usual, and lists are sorted, so that equal terms have equal documents. Reading a document
that was written gives the same terms.
"""

from collections.abc import Mapping
from dataclasses import MISSING, fields, is_dataclass
from datetime import UTC, datetime, time
from enum import StrEnum
from typing import Any

from pricing.promotions import codes
from pricing.promotions.reading import Faults, Reader
from pricing.promotions.terms import (
    ZONE,
    AmountOff,
    Base,
    Benefit,
    Bundle,
    BuyGet,
    Conditions,
    Content,
    Coupon,
    FixedPrice,
    FreeShipping,
    Gift,
    Goods,
    Grant,
    Group,
    Hours,
    Level,
    Limits,
    Measure,
    Minimum,
    Mode,
    Part,
    PercentOff,
    Policy,
    Promotion,
    Reward,
    Stacking,
    Stock,
    Tier,
    Tiered,
)
from pricing.terms import PricePolicy, TaxRounding

MOST_PROMOTIONS = 5_000
MOST_PIECES = 10_000
KINDS: dict[str, type] = {
    "percent_off": PercentOff,
    "amount_off": AmountOff,
    "fixed_price": FixedPrice,
    "buy_get": BuyGet,
    "bundle": Bundle,
    "tiered": Tiered,
    "gift": Gift,
    "free_shipping": FreeShipping,
}
_NAMES = {kind: name for name, kind in KINDS.items()}


def kind_of(benefit: Benefit) -> str:
    """Return how documents name a kind of benefit."""
    return _NAMES[type(benefit)]


def document(terms: Promotion | Stacking | Content) -> dict[str, Any]:
    """Return terms as JSON-able primitives, without what is as usual."""
    found: dict[str, Any] = _plain(terms)
    return found


def from_document(given: Mapping[str, Any]) -> Promotion:
    """Make a promotion of its document. Raises: InvalidInput naming path, value and way out of every fault."""
    faults = Faults()
    reader = Reader(given, "", faults)
    found = _promotion(reader)
    reader.close()
    faults.refuse()
    return found


def content_from(given: Mapping[str, Any]) -> Content:
    """Make the content of a version of its document. Raises: InvalidInput, also for what does not fit together."""
    faults = Faults()
    reader = Reader(given, "", faults)
    promotions = reader.items("promotions", _promotion, most=MOST_PROMOTIONS)
    stacking = reader.item("stacking", _stacking) or Stacking()
    policy = reader.choice("policy", PricePolicy, PricePolicy.MOST_SPECIFIC)
    tax_rounding = reader.choice("tax_rounding", TaxRounding, TaxRounding.PER_LINE)
    reader.close()
    found = Content(promotions, stacking, policy, tax_rounding)
    _check_whole(found, faults)
    faults.refuse()
    return found


def check(content: Content) -> Content:
    """Return a content as its document says it. Raises: InvalidInput for what would not survive being written."""
    return content_from(document(content))


def _plain(value: Any) -> Any:
    if is_dataclass(value):
        found: dict[str, Any] = {"kind": _NAMES[type(value)]} if type(value) in _NAMES else {}
        usual = _usual(type(value))
        for one in fields(value):
            inner = getattr(value, one.name)
            if one.name in usual and usual[one.name] == inner:
                continue
            found[one.name] = _plain(inner)
        return found
    if isinstance(value, StrEnum):
        return value.value
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
    if isinstance(value, time):
        return value.isoformat("minutes") if not (value.second or value.microsecond) else value.isoformat()
    if isinstance(value, tuple):
        return [_plain(one) for one in value]
    return value


def _usual(kind: type) -> dict[str, Any]:
    found = {}
    for one in fields(kind):
        if one.default is not MISSING:
            found[one.name] = one.default
        elif one.default_factory is not MISSING:
            found[one.name] = one.default_factory()
    return found


# --- reading --------------------------------------------------------------------------------------------------------


def _promotion(reader: Reader) -> Promotion:
    identifier = reader.code("id", is_needed=True)
    group = reader.code("group")
    excludes = reader.texts("excludes", most=200, longest=60)
    if identifier in excludes or (group and f"group:{group}" in excludes):
        reader.fault("excludes", identifier, "A promotion can't exclude itself or its own group.")
    conditions = reader.item("conditions", _conditions) or Conditions()
    announced_at = reader.instant("announced_at", ZONE)
    if announced_at is not None and conditions.valid_from is not None and announced_at > conditions.valid_from:
        message = "A promotion is announced before it begins, or as it does; set an earlier instant or leave it out."
        reader.fault("announced_at", announced_at.isoformat(), message)
    return Promotion(
        id=identifier,
        name=reader.text("name", is_needed=True),
        benefit=_benefit(reader),
        goods=reader.item("goods", _goods) or Goods(),
        conditions=conditions,
        priority=reader.whole("priority", 0, least=-1_000_000, most=1_000_000),
        phase=reader.whole("phase", 1, least=1, most=9),
        group=group,
        base=reader.choice("base", Base, Base.RUNNING),
        cap_minor=reader.whole("cap_minor", None, least=1),
        excludes=excludes,
        limits=reader.item("limits", _limits) or Limits(),
        announced_at=announced_at,
    )


def _benefit(reader: Reader) -> Benefit:
    found = reader.item("benefit", _benefit_of)
    if found is None:
        reader.fault("benefit", None, f"Say what the promotion gives; its kind is one of {', '.join(KINDS)}.")
        return PercentOff(0)
    return found


def _benefit_of(reader: Reader) -> Benefit:
    kind = reader.take("kind")
    if kind == "percent_off":
        return PercentOff(
            reader.percentage("basis_points", 0, is_needed=True), reader.choice("level", Level, Level.LINE)
        )
    if kind == "amount_off":
        return AmountOff(
            reader.whole("amount_minor", 0, least=1, is_needed=True), reader.choice("level", Level, Level.ORDER)
        )
    if kind == "fixed_price":
        return FixedPrice(reader.whole("amount_minor", 0, is_needed=True))
    if kind == "buy_get":
        return BuyGet(
            buy=reader.whole("buy", 1, least=1, most=MOST_PIECES, is_needed=True),
            get=reader.whole("get", 1, least=1, most=MOST_PIECES, is_needed=True),
            reward=reader.item("reward", _reward) or Reward(basis_points=10_000),
            rewarded=reader.item("rewarded", _goods),
            policy=reader.choice("policy", Policy, Policy.PER_SET),
            most_sets=reader.whole("most_sets", None, least=1, most=MOST_PIECES),
        )
    if kind == "bundle":
        parts = reader.items("parts", _part, least=1, most=10)
        reward = reader.item("reward", _reward)
        if reward is None:
            reader.fault(
                "reward", None, "Say what the bundle costs or gets: price_minor, amount_minor or basis_points."
            )
        return Bundle(
            parts, reward or Reward(basis_points=0), reader.whole("most_sets", None, least=1, most=MOST_PIECES)
        )
    if kind == "tiered":
        tiers = reader.items("tiers", _tier, least=1, most=20)
        steps = [tier.at_least for tier in tiers]
        if sorted(set(steps)) != steps:
            reader.fault("tiers", str(steps), "Each tier begins higher than the one before; put them in order.")
        return Tiered(
            tiers, reader.choice("measure", Measure, Measure.AMOUNT), reader.choice("counted", Base, Base.RUNNING)
        )
    if kind == "gift":
        return Gift(reader.text("sku", most=64, is_needed=True), reader.whole("quantity", 1, least=1, most=100))
    if kind == "free_shipping":
        return FreeShipping(reader.whole("at_most_minor", None, least=1), reader.texts("categories", most=100))
    reader.fault("kind", kind, f"A benefit is one of these: {', '.join(KINDS)}.")
    reader.skip()
    return PercentOff(0)


def _reward(reader: Reader) -> Reward:
    found = Reward(
        reader.percentage("basis_points", None),
        reader.whole("amount_minor", None, least=1),
        reader.whole("price_minor", None),
    )
    given = [one for one in (found.basis_points, found.amount_minor, found.price_minor) if one is not None]
    if len(given) != 1:
        reader.faults.note(reader.path, str(given), "Give exactly one of basis_points, amount_minor and price_minor.")
    return found


def _tier(reader: Reader) -> Tier:
    found = Tier(
        reader.whole("at_least", 0, is_needed=True),
        reader.percentage("basis_points", None),
        reader.whole("amount_minor", None, least=1),
    )
    if (found.basis_points is None) == (found.amount_minor is None):
        reader.faults.note(reader.path, found.at_least, "A tier gives either basis_points or amount_minor.")
    return found


def _part(reader: Reader) -> Part:
    return Part(reader.item("goods", _goods) or Goods(), reader.whole("quantity", 1, least=1, most=MOST_PIECES))


def _goods(reader: Reader) -> Goods:
    return Goods(
        reader.texts("products", longest=64),
        reader.texts("categories"),
        reader.texts("except_products", longest=64),
        reader.texts("except_categories"),
    )


def _conditions(reader: Reader) -> Conditions:
    zone = reader.zone("zone", ZONE)
    valid_from, valid_until = reader.instant("valid_from", zone), reader.instant("valid_until", zone)
    if valid_from is not None and valid_until is not None and valid_until <= valid_from:
        reader.fault("valid_until", valid_until.isoformat(), "A promotion ends after it begins; set a later end.")
    return Conditions(
        valid_from=valid_from,
        valid_until=valid_until,
        hours=reader.items("hours", _hours, most=50),
        zone=zone,
        channels=reader.texts("channels", most=200),
        countries=reader.texts("countries", most=200, longest=2),
        currencies=reader.texts("currencies", most=50, longest=3),
        locations=reader.texts("locations"),
        payment_methods=reader.texts("payment_methods", most=50),
        customer_groups=reader.texts("customer_groups", most=200),
        segments=reader.texts("segments", most=200),
        except_segments=reader.texts("except_segments", most=200),
        loyalty_tiers=reader.texts("loyalty_tiers", most=50),
        is_first_order=reader.flag("is_first_order"),
        minimum=reader.item("minimum", _minimum),
        stock=reader.item("stock", _stock),
        coupon=reader.item("coupon", _coupon),
    )


def _hours(reader: Reader) -> Hours:
    days = reader.take("weekdays")
    if days is None:
        days = list(range(1, 8))
    whole = isinstance(days, list | tuple) and all(type(day) is int and 1 <= day <= 7 for day in days)
    if not whole or not days:
        reader.fault("weekdays", str(days), "Weekdays are numbers from 1 (Monday) to 7 (Sunday); name at least one.")
        days = [1]
    return Hours(tuple(sorted(set(days))), reader.clock("starts"), reader.clock("ends"))


def _minimum(reader: Reader) -> Minimum:
    found = Minimum(
        reader.whole("amount_minor", 0),
        reader.whole("quantity", 0, most=1_000_000),
        reader.item("goods", _goods) or Goods(),
        reader.choice("counted", Base, Base.RUNNING),
    )
    if not found.amount_minor and not found.quantity:
        reader.faults.note(reader.path, None, "A minimum is money (amount_minor), pieces (quantity), or both.")
    return found


def _stock(reader: Reader) -> Stock:
    return Stock(
        reader.whole("least_available", None, least=1),
        reader.whole("least_cover_days", None, least=1, most=10_000),
        reader.whole("most_cover_days", None, least=0, most=10_000),
    )


def _coupon(reader: Reader) -> Coupon:
    found = Coupon(
        reader.texts("codes", longest=codes.LONGEST, clean=codes.normalised),
        reader.texts("prefixes", most=50, longest=codes.LONGEST, clean=codes.normalised),
        reader.texts("batches", most=50, longest=40),
    )
    if not (found.codes or found.prefixes or found.batches):
        reader.faults.note(reader.path, None, "A coupon needs a code, a prefix or a batch; leave it out for none.")
    for prefix in found.prefixes:
        if len(prefix) < 3:
            reader.fault("prefixes", prefix, "A prefix has at least three characters, or people guess codes.")
    return found


def _limits(reader: Reader) -> Limits:
    return Limits(
        reader.whole("budget_minor", None, least=1),
        reader.whole("uses", None, least=1),
        reader.whole("uses_per_customer", None, least=1, most=1_000_000),
        reader.whole("uses_per_code", None, least=1, most=1_000_000),
        reader.choice("grant", Grant, Grant.PARTIAL),
    )


def _stacking(reader: Reader) -> Stacking:
    return Stacking(
        groups=reader.items("groups", _group, most=200),
        basket_cap_minor=reader.whole("basket_cap_minor", None),
        basket_cap_basis_points=reader.percentage("basket_cap_basis_points", None),
        minimum_margin_basis_points=reader.percentage("minimum_margin_basis_points", None),
        channel_fee_basis_points=reader.percentage("channel_fee_basis_points", 0),
        override_basis_points=reader.percentage("override_basis_points", 0),
    )


def _group(reader: Reader) -> Group:
    return Group(
        code=reader.code("code", is_needed=True),
        mode=reader.choice("mode", Mode, Mode.BEST),
        phase=reader.whole("phase", 1, least=1, most=9),
        priority=reader.whole("priority", 0, least=-1_000_000, most=1_000_000),
    )


def _check_whole(content: Content, faults: Faults) -> None:
    """Note what each promotion says right and all of them together don't."""
    known: set[str] = set()
    groups = {group.code for group in content.stacking.groups}
    if len(groups) < len(content.stacking.groups):
        faults.note("stacking.groups", None, "Two groups have the same code; name them apart.")
    for place, one in enumerate(content.promotions):
        if one.id in known:
            faults.note(f"promotions[{place}].id", one.id, "Another promotion has this id; choose another one.")
        known.add(one.id)
        if one.group and one.group not in groups:
            faults.note(
                f"promotions[{place}].group",
                one.group,
                "There is no such group in stacking.groups; add it or leave it.",
            )
    for place, one in enumerate(content.promotions):
        for name in one.excludes:
            if name not in known and not (name.startswith("group:") and name[6:] in groups):
                faults.note(f"promotions[{place}].excludes", name, "There is no such promotion or group (group:CODE).")
