"""Replenishment in the reader's words: why this number, what a method is called, what misfires."""

from collections.abc import Mapping
from datetime import date
from typing import Any

from django.utils.formats import date_format, number_format
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from inventory.replenishing import DemandClass, Misfire, ProposalState
from inventory.replenishment.lists import Alert, Proposal
from inventory.sharing.channel_priorities import LAST

METHODS: dict[str, Any] = {
    "quick_combination": _("combination of quick methods"),
    "steady_combination": _("combination of steady methods"),
    "smoothing": _("exponential smoothing"),
    "slow_smoothing": _("slow exponential smoothing"),
    "tsb": _("Teunter, Syntetos and Babai"),
    "imapa": _("averages over several periods (IMAPA)"),
    "adida": _("averages over longer periods (ADIDA)"),
    "sba": _("Croston as corrected by Syntetos and Boylan"),
    "croston": _("Croston"),
    "average_8_weeks": _("mean of eight weeks"),
    "all_history": _("mean of all weeks"),
    "ets": _("exponential smoothing with a trend (ETS)"),
    "mean": _("plain mean, as the history is short"),
    "nothing": _("nothing to go by"),
}
CLASSES: dict[str, Any] = {
    DemandClass.SMOOTH.value: _("sells evenly"),
    DemandClass.ERRATIC.value: _("sells often, in changing amounts"),
    DemandClass.INTERMITTENT.value: _("sells now and then"),
    DemandClass.LUMPY.value: _("sells now and then, in changing amounts"),
    DemandClass.NEW.value: _("too new to tell"),
    DemandClass.NONE.value: _("never sold here"),
}
STATES: dict[str, tuple[Any, str, str]] = {
    ProposalState.PROPOSED.value: (_("Proposed"), "lightbulb", "new"),
    ProposalState.APPROVED.value: (_("Approved"), "check", "info"),
    ProposalState.ORDERED.value: (_("Ordered"), "truck", "ok"),
    ProposalState.DISMISSED.value: (_("Dismissed"), "x", "done"),
    ProposalState.SUPERSEDED.value: (_("Superseded"), "replace", "done"),
}
MISFIRES: dict[str, tuple[Any, str]] = {
    Misfire.CONTRADICTION.value: (_("Rules contradict each other"), "git-compare"),
    Misfire.STOCK_OUT.value: (_("Sold out despite a rule"), "circle-off"),
    Misfire.DISMISSED.value: (_("Always dismissed"), "thumbs-down"),
    Misfire.OVERSTOCK.value: (_("Too much"), "archive"),
}


def why(proposal: Proposal) -> str:
    """Say in one or two sentences why so many pieces are proposed."""
    inputs = proposal.inputs
    facts = {
        "position": inputs["position"], "expected": _number(inputs["expected"]), "days": _number(inputs["cover_days"]),
        "safety": inputs["safety_stock"], "target": inputs["target_level"], "point": inputs["reorder_point"],
        "level": _number(inputs["service_level_percent"]),
    }  # fmt: skip
    if inputs["is_fixed"]:
        text = _now(
            "%(position)s here and coming, at or below the reorder point of %(point)s: filled up to %(target)s."
        )
    else:
        text = _now(
            "%(position)s here and coming. In the %(days)s days until the next order arrives %(expected)s will probably be sold; "
            "with %(safety)s more, %(level)s %% of such times are covered: %(target)s."
        )
    said = [text % facts]
    if proposal.from_location is not None:
        said.append(
            _now("%(store)s, %(km)s km away, can spare %(spare)s.")
            % {
                "store": proposal.from_location.name,
                "km": _number(inputs["distance_km"]),
                "spare": inputs["giver_spare"],
            }
        )
    if inputs.get("priority", LAST) < LAST:
        said.append(
            _now("A channel that sells it here has priority %(rank)s, so it comes before those with a higher number.")
            % {"rank": inputs["priority"]}
        )
    if inputs.get("closed_days"):
        said.append(
            ngettext(
                "The supplier is closed: the next delivery takes %(n)s day longer.",
                "The supplier is closed: the next delivery takes %(n)s days longer.",
                inputs["closed_days"],
            )
            % {"n": inputs["closed_days"]}
        )
    if inputs["note"] == "short":
        said.append(_now("The history is short, so this is a plain mean: have a look yourself."))
    if inputs["promotion_factor"] != 1:
        said.append(_now("A promotion is running or coming."))
    return " ".join(said)


def misfire(alert: Alert) -> str:
    """Say what is wrong with a rule, and what to do about it."""
    facts: Mapping[str, Any] = alert.facts
    if alert.kind == Misfire.CONTRADICTION.value:
        return _now(
            "“%(other)s” is about the same goods and shares %(places)s places with it. The older rule counts; give one of them "
            "another group."
        ) % {"other": facts["other"], "places": facts["places"]}
    if alert.kind == Misfire.STOCK_OUT.value:
        days = facts["days"]
        return ngettext(
            "Nothing was here on %(n)s day of the last four weeks; about %(lost)s pieces were not sold.",
            "Nothing was here on %(n)s days of the last four weeks; about %(lost)s pieces were not sold.",
            days,
        ) % {"n": days, "lost": _number(facts["lost"])}
    if alert.kind == Misfire.DISMISSED.value:
        return _now("The last %(n)s proposals were dismissed. Lower the target or retire the rule.") % {
            "n": facts["times"]
        }
    if facts["weeks"] is None:
        return _now("%(free)s are here, %(target)s would do, and nothing is sold.") % facts
    return _now("%(free)s are here, %(target)s would do: they last %(weeks)s weeks.") % facts


def inputs_table(inputs: Mapping[str, Any]) -> list[tuple[Any, Any]]:
    """Return (what, value) of every number that a proposal was worked out from, in the order of the sum."""
    rows: list[tuple[Any, Any]] = [
        (_("On hand"), inputs["on_hand"]),
        (_("Promised to orders"), -inputs["allocated"]),
        (_("In baskets"), -inputs["held"]),
        (_("On the way"), inputs["coming"]),
        (_("Approved, not yet ordered"), inputs["approved"]),
        (_("Here and coming"), inputs["position"]),
        (_("Expected to sell in a week"), _number(inputs["per_week"])),
        (_("How it sells"), CLASSES.get(inputs["demand_class"], inputs["demand_class"])),
        (_("Forecast by"), METHODS.get(inputs["method"], inputs["method"])),
        (_("Weeks left out, as nothing was here"), inputs["weeks_left_out"]),
        (_("Lead time in days"), _number(inputs["lead_time_days"])),
        (_("Its usual deviation in days"), _number(inputs["lead_time_deviation_days"])),
        (
            _("Learned from so many deliveries"),
            inputs["deliveries"] or (_("none; as agreed") if inputs.get("supplier") else _("none; as the rule says")),
        ),
        (_("Review period in days"), inputs["review_days"]),
        (_("Days to cover"), _number(inputs["cover_days"])),
        (_("Expected to sell in that time"), _number(inputs["expected"])),
        (_("Safety for demand"), _number(inputs["safety_for_demand"])),
        (_("Safety for late deliveries"), _number(inputs["safety_for_lead_time"])),
        (_("Safety stock"), inputs["safety_stock"]),
        (_("Service level in percent"), _number(inputs["service_level_percent"])),
        (_("Learned from so many past forecasts"), inputs["observations"] or _("none yet; assumed")),
        (_("Reorder point"), inputs["reorder_point"]),
        (_("Target level"), inputs["target_level"]),
        (_("Ordered in steps of"), inputs["step"]),
        (_("Minimum order"), inputs["minimum_order"]),
    ]
    if inputs.get("closed_days"):
        rows.append((_("Of the lead time, as the supplier is closed"), inputs["closed_days"]))
    if inputs.get("next_order_on"):
        rows.append((_("The order after this one"), date_format(date.fromisoformat(inputs["next_order_on"]))))
    if inputs.get("moved"):
        rows.append((_("Of it from other stores"), inputs["moved"]))
    if "giver_spare" in inputs:
        rows += [
            (_("Free at the giving store"), inputs["giver_free"]),
            (_("Its own target"), inputs["giver_target"]),
            (_("It sells in a week"), _number(inputs["giver_per_week"])),
            (_("It can spare"), inputs["giver_spare"]),
            (_("Distance in km"), _number(inputs["distance_km"])),
            (_("Days on the road"), inputs.get("transit_days", "–")),
        ]
    return rows


def _number(value: float) -> str:

    rounded = round(value, 1)
    return number_format(rounded, 0 if rounded == int(rounded) else 1)
