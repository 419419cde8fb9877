"""What merchandisers have on their desks: a draft with conflicts, one that waits for approval, a campaign that is scheduled."""

from datetime import datetime, time, timedelta
from typing import Any

from commerce.actors import Actor
from orders.demo.promoting import BERLIN
from orders.demo.retailer import Retailer
from pricing import approvals, drafts, simulations
from pricing.approving import Rank

WRITERS = ("merch", "merch2")
WEEK = timedelta(days=7)
GARDEN: list[dict[str, Any]] = [
    {
        "id": "ERDE", "name": "Erde und Dünger: 1 € je Stück günstiger", "goods": {"categories": ["Garten/Erden"]},
        "benefit": {"kind": "amount_off", "amount_minor": 100, "level": "unit"},
    },
    {
        "id": "FRUEHLING", "name": "Frühling: 25 % auf den Garten", "benefit": {"kind": "percent_off", "basis_points": 2500},
        "goods": {"categories": ["Garten"]}, "conditions": {"coupon": {"codes": ["FRUEHLING"]}},
    },
    {
        "id": "TOEPFE", "name": "Töpfe 40 %", "benefit": {"kind": "percent_off", "basis_points": 4000},
        "goods": {"categories": ["Garten/Töpfe"]}, "conditions": {"coupon": {"codes": ["FRUEHLING", "TOPF40"]}},
    },
]  # fmt: skip
KITCHEN = {
    "id": "KUECHE-STAFFEL", "name": "Küche: ab 60 € 5 %, ab 120 € 10 %",
    "benefit": {"kind": "tiered", "tiers": [{"at_least": 6000, "basis_points": 500}, {"at_least": 12000, "basis_points": 1000}]},
    "goods": {"categories": ["Küche"]}, "conditions": {"channels": ["web-de", "app"]},
}  # fmt: skip
BOOKS = {
    "id": "NEUJAHR", "name": "Neujahr: 5 € ab 50 €", "benefit": {"kind": "amount_off", "amount_minor": 500},
    "goods": {"except_categories": ["Bücher"]},
    "conditions": {"minimum": {"amount_minor": 5000}, "coupon": {"codes": ["NEUJAHR"]}},
    "limits": {"budget_minor": 200_000},
}  # fmt: skip


def plan(shop: Retailer, *, now: datetime) -> None:
    """Write the drafts, try one, have one approved and scheduled. Needs an open transaction and what is in force."""
    ada, other = (Actor.staff(shop.staff[name]) for name in WRITERS)
    garden = _written("Frühling im Garten", GARDEN, by=ada)
    asked = simulations.ask(garden.pk, since=now - WEEK, until=now + timedelta(minutes=1), by=ada)
    simulations.carry_out(asked.id)
    _submitted(_written("Küche: je mehr, desto günstiger", [KITCHEN], by=other), by=other)
    monday = _midnight(now + WEEK * 2)
    scheduled = _submitted(
        _written("Gutschein zu Neujahr", [BOOKS], by=other, effective_from=monday, effective_to=monday + WEEK), by=other
    )
    approved = approvals.approve(
        scheduled.pk, submission=scheduled.submission, ranks=frozenset(Rank), by=Actor.staff(shop.staff["admin"])
    )
    drafts.publish(approved.pk, revision=approved.revision, by=other)


def _written(title: str, more: list[dict[str, Any]], *, by: Actor, **window: Any) -> Any:
    begun = drafts.begin(title, by=by)
    kept = [one for one in begun.content["promotions"] if not window or _holds_in(one, **window)]
    content = {**begun.content, "promotions": [*kept, *more]}
    return drafts.change(begun.pk, revision=begun.revision, content=content, sets_window=bool(window), by=by, **window)


def _holds_in(promotion: dict[str, Any], *, effective_from: datetime, effective_to: datetime) -> bool:
    """Whether a promotion has its time while a draft is in force: else it would stand there in vain."""
    terms = promotion.get("conditions", {})
    begins, ends = (terms.get(name) and datetime.fromisoformat(terms[name]) for name in ("valid_from", "valid_until"))
    return not (begins and begins >= effective_to) and not (ends and ends <= effective_from)


def _submitted(draft: Any, *, by: Actor) -> Any:
    """Submit a draft with a reason for what is to be answered."""
    open_now = drafts.unanswered(draft, drafts.findings(draft))
    if open_now:
        answers = {one.key: "So gewollt: nur mit Code oder ab Mindestwert" for one in open_now}
        draft = drafts.change(draft.pk, revision=draft.revision, answers=answers, by=by)
    return drafts.submit(draft.pk, revision=draft.revision, by=by)


def _midnight(at: datetime) -> datetime:
    local = at.astimezone(BERLIN)
    monday = local.date() + timedelta(days=-local.weekday() % 7)
    return datetime.combine(monday, time(0), BERLIN)
