"""Why an order is served from where it is: routing decisions as tables with the losers and what each score is made of."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from inventory.places import locations
from orders.queries import RoutingView
from orders.staff import routing_words as words

MOST_NAMED = 8  # places that are named for one reason; the others are counted
MOST_CONTRIBUTIONS = 2  # of what made a place dearer


@dataclass(frozen=True, slots=True)
class Measure:
    """One part of a place's score: what was measured, and what that cost or saved in a weighed policy."""

    label: str
    value: str
    worth: str = ""
    is_good: bool = False


@dataclass(frozen=True, slots=True)
class Row:
    """A place in the table of a part."""

    rank: int | None
    name: str
    code: str
    is_chosen: bool
    distance: str
    cost: str
    arrives_on: date | None
    score: str
    measures: list[Measure]
    result: str
    is_able: bool = True


@dataclass(frozen=True, slots=True)
class Part:
    """What one place serves, with those that would have been next. `hidden` more were able, too."""

    name: str
    pieces: int
    rows: list[Row]
    hidden: int


@dataclass(frozen=True, slots=True)
class Out:
    """Places that were out for one reason: how many, and the names of some."""

    why: str
    count: int
    names: str


@dataclass(frozen=True, slots=True)
class Why:
    """One decision, in words."""

    places: str
    policy: str
    decided_at: datetime
    occasion: str
    is_weighed: bool
    parts: list[Part]
    out: list[Out]
    notes: list[str] = field(default_factory=list)
    shadow: str = ""


def decisions(routing: Iterable[RoutingView], currency: str) -> list[Why]:
    """Return the decisions of an order in the reader's language, the oldest first."""
    return [_of_outcome(one, one.outcome, currency) if one.outcome else _of_candidates(one) for one in routing]


def _of_outcome(view: RoutingView, outcome: Mapping[str, Any], currency: str) -> Why:
    terms, is_weighed = [(name, weight) for name, weight in outcome["terms"]], outcome["mode"] == "weighed"
    return Why(
        places=" + ".join(share["name"] for share in outcome["shares"]) or "–",
        policy=view.policy_version,
        decided_at=view.decided_at,
        occasion=str(words.OCCASIONS.get(view.occasion, "")),
        is_weighed=is_weighed,
        parts=[_part(share, terms, currency, is_weighed=is_weighed) for share in outcome["shares"]],
        out=[
            Out(
                str(words.LOST.get(reason, reason)),
                told["count"],
                _names(told["locations"]) + (" …" if told["count"] > MOST_NAMED else ""),
            )
            for reason, told in outcome["excluded"].items()
        ],
        notes=[*_notes(outcome, currency), *_facts(view.inputs)],
        shadow=_shadow(view, currency),
    )


def _names(codes: Sequence[str]) -> str:
    names = {place.code: place.name for place in locations.every()}
    return ", ".join(names.get(code, code) for code in codes[:MOST_NAMED])


def _part(share: Mapping[str, Any], terms: Sequence[tuple[str, int]], currency: str, *, is_weighed: bool) -> Part:
    winner = share["winner"]
    rows = [_row(winner, winner, terms, currency, is_weighed=is_weighed)]
    rows += [_row(loser, winner, terms, currency, is_weighed=is_weighed) for loser in share["losers"]]
    pieces = sum(count for goods in share["lines"].values() for count in goods.values())
    return Part(share["name"], pieces, sorted(rows, key=lambda row: row.rank or 0), max(share["able"] - len(rows), 0))


def _row(
    one: Mapping[str, Any],
    winner: Mapping[str, Any],
    terms: Sequence[tuple[str, int]],
    currency: str,
    *,
    is_weighed: bool,
) -> Row:
    values: Mapping[str, int] = one["values"]
    arrives = one.get("arrives_on")
    score = sum(values.get(name, 0) * rate for name, rate in terms) if is_weighed else 0
    return Row(
        rank=one["rank"] or None,
        name=one["name"],
        code=one["location"],
        is_chosen=one is winner,
        distance=words.measure("distance", values["distance"], currency) if "distance" in values else "–",
        cost=words.amount(values["cost"], currency) if "cost" in values else "–",
        arrives_on=date.fromisoformat(arrives) if arrives else None,
        score=_money(score, currency) if is_weighed else "",
        measures=[
            Measure(
                words.criterion(name),
                words.measure(name, values[name], currency),
                _money(values[name] * rate, currency) if is_weighed else "",
                values[name] < 0,
            )
            for name, rate in terms
            if values.get(name)
        ],
        result=_("Chosen") if one is winner else _lost(one, winner, terms, currency, is_weighed=is_weighed),
    )


def _lost(
    one: Mapping[str, Any],
    winner: Mapping[str, Any],
    terms: Sequence[tuple[str, int]],
    currency: str,
    *,
    is_weighed: bool,
) -> str:
    """Say why a place that was able did not win: by what it was worse, or that it was left to another order or part."""
    mine, best = one["values"], winner["values"]
    if one["rank"] and winner["rank"] and one["rank"] < winner["rank"]:
        return _("Better by itself, left to the rest of the order or to another one")
    if not is_weighed:
        for name, step in terms:
            if -(-mine.get(name, 0) // step) != -(-best.get(name, 0) // step):
                return _("%(criterion)s: %(value)s instead of %(best)s") % {
                    "criterion": words.criterion(name),
                    "value": words.measure(name, mine.get(name, 0), currency),
                    "best": words.measure(name, best.get(name, 0), currency),
                }
        return _("Equal; the lower code goes first")
    worse = {name: (mine.get(name, 0) - best.get(name, 0)) * rate for name, rate in terms}
    total = sum(worse.values())
    if not total:
        return _("Equal; the lower code goes first")
    causes = sorted((name for name in worse if worse[name] > 0), key=lambda name: -worse[name])[:MOST_CONTRIBUTIONS]
    return _("%(amount)s dearer: %(causes)s") % {
        "amount": _money(total, currency),
        "causes": ", ".join(f"{words.criterion(name)} +{_money(worse[name], currency)}" for name in causes),
    }


def _money(milli: int, currency: str) -> str:
    """Write thousandths of a minor unit as money, to the whole minor unit."""
    sign = -1 if milli < 0 else 1
    return words.amount(sign * ((abs(milli) + 500) // 1_000), currency)


def _shared_by(one: Mapping[str, Any], currency: str) -> dict[str, str]:
    return {
        "place": _names([one["location"]]),
        "orders": ", ".join(one["orders"]),
        "share": words.amount(one["share_minor"], currency),
        "cost": words.amount(one["cost_minor"], currency),
    }


def _notes(outcome: Mapping[str, Any], currency: str) -> list[str]:
    notes = []
    for one in outcome.get("together", ()):
        notes.append(
            _(
                "Comes into the parcel that waits at %(place)s with %(orders)s: that costs %(cost)s more, %(share)s of it for this "
                "order."
            )
            % _shared_by(one, currency)
            if one.get("waited")
            else _(
                "Travels from %(place)s in one parcel with %(orders)s: %(share)s of %(cost)s are this order’s, by weight."
            )
            % _shared_by(one, currency)
        )
    if len(outcome["tried"]) > 1:
        tried = [
            ngettext("in %(count)s parcel: %(cost)s", "in %(count)s parcels: %(cost)s", one["parts"])
            % {"count": one["parts"], "cost": words.amount(one["cost_minor"], currency)}
            for one in outcome["tried"]
        ]
        notes.append(_("The best plans, shipping and handling: %(plans)s.") % {"plans": "; ".join(tried)})
    if outcome.get("divided"):
        notes.append(_("No place had all pieces of a line, so they come from several."))
    if not outcome.get("exact", True):
        notes.append(_("The order is large: a good plan was looked for, not every one was tried."))
    if outcome.get("refusal"):
        notes.append(str(words.REFUSALS.get(outcome["refusal"], outcome["refusal"])))
    return notes


def _facts(inputs: Mapping[str, Any]) -> list[str]:
    """Say what of goods and customer the policy went by: how often they come back, and whose turn comes sooner."""
    facts = []
    for sku, permille in inputs.get("return_permille", {}).items():
        if permille is None:
            facts.append(_("Returns of %(sku)s: too few were delivered to say how many come back.") % {"sku": sku})
        else:
            share = words.percent(permille)
            facts.append(
                _("Returns of %(sku)s: %(share)s of what was delivered came back.") % {"sku": sku, "share": share}
            )
    if sooner := inputs.get("sooner"):
        facts.append(str(words.SOONER.get(sooner["why"], words.SOONER_ELSE)))
    return facts


def _shadow(view: RoutingView, currency: str) -> str:
    if view.shadow is None:
        return ""
    facts = {"version": view.shadow["policy_version"], "cost": words.amount(view.shadow["cost_minor"], currency)}
    if not view.shadow_differs:
        return _("Policy %(version)s in the shadow would have done the same.") % facts
    places = " + ".join(share["name"] for share in view.shadow.get("shares", []))
    if not places:
        return _("Policy %(version)s in the shadow would not have served it.") % facts
    return _("Policy %(version)s in the shadow would have sent it from %(places)s, for %(cost)s.") % {
        **facts,
        "places": places,
    }


def _of_candidates(view: RoutingView) -> Why:
    """Return a decision from before policies had versions."""
    able = [one for one in view.candidates if one.get("able")]
    rows = [
        Row(
            one.get("rank"), one["name"], one["location"], one["location"] == view.chosen,
            "–" if one.get("distance_km") is None else f"{words.whole(round(one['distance_km']))} km", "–", None, "", [],
            _("Chosen") if one["location"] == view.chosen else _("Able, but not first"),
        )
        for one in able
    ]  # fmt: skip
    out: dict[str, list[str]] = {}
    for one in view.candidates:
        for reason in one.get("reasons", []):
            out.setdefault(reason, []).append(one["location"])
    return Why(
        view.chosen or "–", view.policy_version, view.decided_at, "", False,
        [Part(view.chosen or "–", 0, rows, 0)] if rows else [],
        [Out(str(words.LOST.get(reason, reason)), len(codes), _names(codes)) for reason, codes in out.items()],
    )  # fmt: skip
