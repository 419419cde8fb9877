"""Rules of replenishment and promotions: their writer, and the book that says which rule holds for a product at a place."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.core.exceptions import ValidationError

from commerce import audit, catalog, integrity, queries
from commerce.actors import Actor
from commerce.errors import InvalidInput
from commerce.transactions import transaction_required
from inventory.errors import RuleContradicts, RuleUnknown
from inventory.models import PromotionUplift, ReplenishmentRule
from inventory.places import groups
from inventory.replenishment.demand import Good
from inventory.replenishment.order_sizes import Terms
from inventory.sharing import channel_priorities

LOWEST_PRIORITY = channel_priorities.LAST  # of channels: 1 is served first; a product on no named channel comes last
MOST_DAYS = 730
MOST_PIECES = 1_000_000
MOST_KM = 5_000
FIELDS = (
    "name", "product_id", "category", "location_id", "group_id", "is_active", "reorder_point", "target_level",
    "safety_stock", "service_level_percent", "review_days", "lead_time_days", "lead_time_deviation_days", "lot_size",
    "case_pack", "minimum_order", "supplier_code", "order_weekdays", "closed_from", "closed_until", "channel_priorities",
    "transfer_radius_km",
)  # fmt: skip
# (field, least, most, the sentence when it is out of bounds)
_BOUNDS: list[tuple[str, float, float, str]] = [
    ("lead_time_days", 0, MOST_DAYS, "A lead time is 0 to 730 days: goods can’t arrive before they are ordered."),
    ("lead_time_deviation_days", 0, MOST_DAYS, "A deviation is 0 to 730 days; 0 means always on time."),
    ("review_days", 1, MOST_DAYS, "A review period is 1 to 730 days."),
    ("service_level_percent", 50, 99.9, "A service level is 50 to 99.9 percent; 100 would need endless stock."),
    ("safety_stock", 0, MOST_PIECES, "A safety stock is not negative."),
    ("reorder_point", 0, MOST_PIECES, "A reorder point is not negative."),
    ("target_level", 0, MOST_PIECES, "A target level is not negative."),
    ("lot_size", 1, MOST_PIECES, "A lot has at least one piece."),
    ("case_pack", 1, MOST_PIECES, "A case has at least one piece."),
    ("minimum_order", 1, MOST_PIECES, "A minimum order is at least one piece."),
    ("transfer_radius_km", 0, MOST_KM, "A radius is 0 (no transfers) to 5,000 km."),
]

integrity.refuse(
    "replenishment_rule_once_per_scope",
    lambda: RuleContradicts("There is an active rule for the same goods and places already; change that one."),
)
for _constraint in ("replenishment_rule_nothing_negative", "replenishment_rule_target_not_below_point"):
    integrity.refuse(_constraint, lambda: RuleContradicts("The rule’s numbers are negative or contradict each other."))


@transaction_required
def add_rule(*, by: Actor, at: datetime, **values: Any) -> int:
    """Make a rule and return its id.

    Raises: InvalidInput naming each field out of bounds; RuleContradicts when its numbers contradict each other or another
    active rule has the same scope.
    """
    rule = ReplenishmentRule(created_at=at, changed_at=at, **_only(values))
    _check(rule)
    rule.save(force_insert=True)
    audit.record("inventory.replenishment_rules.add_rule", "replenishment_rule", rule.pk, by=by, after=_facts(rule))
    channel_priorities.forget()
    return rule.pk


@transaction_required
def change_rule(rule_id: int, *, by: Actor, at: datetime, **values: Any) -> None:
    """Change a rule; what stays out stays as it was. A retired rule is one that `is_active=False`.

    Raises: RuleUnknown; InvalidInput and RuleContradicts as `add_rule` does.
    """
    rule = ReplenishmentRule.objects.select_for_update().filter(pk=rule_id).first()
    if rule is None:
        raise RuleUnknown(f"There is no replenishment rule {rule_id}.")
    before = _facts(rule)
    for field, value in _only(values).items():
        setattr(rule, field, value)
    if _facts(rule) == before:
        return
    rule.changed_at = at
    _check(rule)
    rule.save()
    audit.record(
        "inventory.replenishment_rules.change_rule",
        "replenishment_rule",
        rule.pk,
        by=by,
        before=before,
        after=_facts(rule),
    )
    channel_priorities.forget()


@transaction_required
def add_uplift(
    name: str,
    *,
    factor: float,
    first_day: date,
    last_day: date,
    by: Actor,
    product_id: int | None = None,
    category: str = "",
) -> int:
    """Note that a promotion sells `factor` times as much of a product or category; return its id. Raises: InvalidInput."""
    errors = []
    if not 0 < factor <= 50:
        errors.append(_fault("factor", factor, "A factor is above 0 and at most 50; 1 is as usual."))
    if last_day < first_day:
        errors.append(_fault("last_day", str(last_day), "The last day is not before the first."))
    if (product_id is None) == (category == ""):
        errors.append(_fault("product", product_id, "Name either a product or a category."))
    if not name.strip():
        errors.append(_fault("name", name, "Give the promotion a name."))
    if errors:
        raise InvalidInput(errors[0]["message"], errors=errors)
    uplift = PromotionUplift.objects.create(
        name=name.strip(),
        factor=factor,
        first_day=first_day,
        last_day=last_day,
        product_id=product_id,
        category=category,
    )
    facts = {"name": name, "factor": factor, "first_day": first_day, "last_day": last_day, "product_id": product_id}
    audit.record(
        "inventory.replenishment_rules.add_uplift",
        "promotion_uplift",
        uplift.pk,
        by=by,
        after=facts | {"category": category},
    )
    return uplift.pk


@transaction_required
def remove_uplift(uplift_id: int, *, by: Actor) -> None:
    """Forget a promotion. Forgetting it twice changes nothing."""
    gone, _ = PromotionUplift.objects.filter(pk=uplift_id).delete()
    if gone:
        audit.record("inventory.replenishment_rules.remove_uplift", "promotion_uplift", uplift_id, by=by)


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule as planning reads it."""

    id: int
    name: str
    product_id: int | None
    category: str
    location_id: int | None
    group_id: int | None
    terms: Terms
    supplier_code: str
    order_weekdays: tuple[int, ...]
    closed_from: date | None
    closed_until: date | None
    channel_priorities: Mapping[str, int]
    transfer_radius_km: int
    created_at: datetime

    @property
    def rank(self) -> tuple[int, int]:
        """Return how narrow the scope is; the smallest wins."""
        goods = 0 if self.product_id is not None else 1 if self.category else 2
        places = 0 if self.location_id is not None else 1 if self.group_id is not None else 2
        return goods, places


@dataclass(frozen=True, slots=True)
class Contradiction:
    """Two rules of the same rank hold for the same goods at the same place: `rule` applies, `other` is ignored there."""

    rule: Rule
    other: Rule
    location_ids: tuple[int, ...]


class Book:
    """All active rules, groups and promotions at one moment: answers without asking the database again."""

    def __init__(self) -> None:
        self.rules = [_rule(row) for row in ReplenishmentRule.objects.filter(is_active=True).order_by("id")]
        self.groups = groups.members()
        self._by_product: dict[int, list[tuple[date, date, float]]] = {}
        self._by_category: dict[str, list[tuple[date, date, float]]] = {}
        for uplift in PromotionUplift.objects.all():
            days = (uplift.first_day, uplift.last_day, uplift.factor)
            if uplift.product_id is not None:
                self._by_product.setdefault(uplift.product_id, []).append(days)
            else:
                self._by_category.setdefault(uplift.category, []).append(days)
        self._by_goods: dict[tuple[int | None, str], list[Rule]] = {}
        for rule in sorted(self.rules, key=lambda rule: (rule.rank, rule.id)):
            self._by_goods.setdefault((rule.product_id, rule.category), []).append(rule)

    def rule_for(self, product_id: int, category: str, location_id: int) -> Rule | None:
        """Return the rule that holds for a product at a place: the narrowest; of equals the oldest."""
        keys: list[tuple[int | None, str]] = [(product_id, ""), (None, category), (None, "")]
        for key in dict.fromkeys(keys):
            for rule in self._by_goods.get(key, ()):
                if self.covers(rule, location_id):
                    return rule
        return None

    def covers(self, rule: Rule, location_id: int) -> bool:
        """Whether a rule's scope has the place in it."""
        if rule.location_id is not None:
            return rule.location_id == location_id
        return rule.group_id is None or location_id in self.groups.get(rule.group_id, ())

    def factors(self, product_id: int, category: str) -> list[tuple[date, date, float]]:
        """Return the promotions of a product: first day, last day, factor."""
        return [*self._by_product.get(product_id, ()), *(self._by_category.get(category, ()) if category else ())]

    def uplifts(self, good: Good) -> list[tuple[date, date, float]]:
        """Return the promotions of a good, as forecasting asks for them."""
        return self.factors(good.product_id, good.category)

    def contradictions(self) -> list[Contradiction]:
        """Return pairs of rules for the same goods through groups that share places."""
        found = []
        for rules in self._by_goods.values():
            grouped = [rule for rule in rules if rule.group_id is not None]
            for place, rule in enumerate(grouped):
                for other in grouped[place + 1 :]:
                    shared = self.groups.get(rule.group_id or 0, frozenset()) & self.groups.get(
                        other.group_id or 0, frozenset()
                    )
                    if shared:
                        found.append(Contradiction(rule, other, tuple(sorted(shared))))
        return found


def _rule(row: ReplenishmentRule) -> Rule:
    return Rule(
        id=row.pk,
        name=row.name,
        product_id=row.product_id,
        category=row.category,
        location_id=row.location_id,
        group_id=row.group_id,
        terms=Terms(
            service_level=row.service_level_percent / 100,
            review_days=row.review_days,
            lead_time_days=row.lead_time_days,
            lead_time_deviation_days=row.lead_time_deviation_days,
            safety_stock=row.safety_stock,
            reorder_point=row.reorder_point,
            target_level=row.target_level,
            lot_size=row.lot_size,
            case_pack=row.case_pack,
            minimum_order=row.minimum_order,
        ),
        supplier_code=row.supplier_code,
        order_weekdays=tuple(row.order_weekdays),
        closed_from=row.closed_from,
        closed_until=row.closed_until,
        channel_priorities=row.channel_priorities,
        transfer_radius_km=row.transfer_radius_km,
        created_at=row.created_at,
    )


def _only(values: Mapping[str, Any]) -> dict[str, Any]:
    unknown = set(values) - set(FIELDS)
    if unknown:
        raise TypeError(f"a replenishment rule has no {sorted(unknown)}")
    return dict(values)


def _check(rule: ReplenishmentRule) -> None:
    """Refuse kindly what the constraints would refuse anyway, and what would never make sense."""
    errors = [
        _fault(field, value, sentence)
        for field, least, most, sentence in _BOUNDS
        if (value := getattr(rule, field)) is not None and not least <= value <= most
    ]
    if not rule.name.strip():
        errors.append(_fault("name", rule.name, "Give the rule a name."))
    if any(day not in range(1, 8) for day in rule.order_weekdays):
        errors.append(_fault("order_weekdays", rule.order_weekdays, "Order days are 1 (Monday) to 7 (Sunday)."))
    if any(type(rank) is not int or not 1 <= rank <= LOWEST_PRIORITY for rank in rule.channel_priorities.values()):
        errors.append(_fault("channel_priorities", rule.channel_priorities, "Priorities are 1 (first) to 9 (last)."))
    elif unknown := sorted(set(rule.channel_priorities) - {channel.code for channel in queries.channels()}):
        errors.append(_fault("channel_priorities", unknown[0], f"There is no channel {unknown[0]!r}."))
    if rule.product_id is not None:
        product = catalog.products_by_id([rule.product_id]).get(rule.product_id)
        if product is None or not product.has_stock:
            errors.append(_fault("product", rule.product_id, "Only goods have stock to reorder."))
    if errors:
        raise InvalidInput(errors[0]["message"], errors=errors)
    _refuse_contradictions(rule)
    try:
        rule.clean_fields(exclude=["product", "location", "group", "closed_from", "closed_until"])
    except ValidationError as error:
        field, messages = next(iter(error.message_dict.items()))
        raise InvalidInput(messages[0], errors=[_fault(field, "", messages[0])]) from error


def _refuse_contradictions(rule: ReplenishmentRule) -> None:
    sentence = field = ""
    if rule.product_id is not None and rule.category:
        field, sentence = "category", "Name a product or a category, not both."
    elif rule.location_id is not None and rule.group_id is not None:
        field, sentence = "group", "Name a location or a group, not both."
    elif rule.target_level is not None and rule.reorder_point is not None and rule.target_level < rule.reorder_point:
        field = "target_level"
        sentence = f"The target of {rule.target_level} is below the reorder point of {rule.reorder_point}: it would order for ever."
    elif rule.target_level is not None and rule.target_level < rule.safety_stock:
        field, sentence = (
            "target_level",
            f"The target of {rule.target_level} is below the safety stock of {rule.safety_stock}.",
        )
    elif (rule.closed_from is None) != (rule.closed_until is None):
        field, sentence = "closed_until", "Say both the first and the last day on which the supplier is closed."
    elif rule.closed_from is not None and rule.closed_until is not None and rule.closed_until < rule.closed_from:
        field, sentence = "closed_until", "The supplier’s last closed day is before the first."
    if sentence:
        raise RuleContradicts(sentence, errors=[_fault(field, getattr(rule, field), sentence)])
    twin = ReplenishmentRule.objects.filter(
        is_active=True, product=rule.product_id, category=rule.category, location=rule.location_id, group=rule.group_id
    ).exclude(pk=rule.pk)
    if rule.is_active and (other := twin.first()) is not None:
        raise RuleContradicts(
            f"The rule “{other.name}” holds for the same goods and places; change or retire that one.",
            errors=[_fault("name", rule.name, "same scope as another rule")],
            rule_id=other.pk,
        )


def _fault(field: str, value: object, message: str) -> dict[str, Any]:
    return {"field": field, "value": value, "message": message}


def _facts(rule: ReplenishmentRule) -> dict[str, Any]:
    return {field: getattr(rule, field) for field in FIELDS}
