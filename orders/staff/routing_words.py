"""What routing says, in words of the trade: what counts, why a place is out, what a policy does otherwise than another."""

from decimal import Decimal
from typing import Any, TypeAlias

from babel.core import Locale
from babel.numbers import format_currency, format_decimal
from django.utils.functional import Promise
from django.utils.translation import get_language
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _

from commerce import money
from orders.sourcing.criteria import UNKNOWN_KM, Criterion

Text: TypeAlias = str | Promise
THOUSANDTHS = 3  # decimal places of a rate below the minor unit

CRITERIA: dict[str, Text] = {
    Criterion.LATE: _("Days late"),
    Criterion.DAYS: _("Days on the way"),
    Criterion.COST: _("Shipping and handling"),
    Criterion.DISTANCE: _("Distance"),
    Criterion.PARTS: _("Parcels"),
    Criterion.MARGIN: _("Partner’s share"),
    Criterion.OVERSTOCK: _("Overstock sold"),
    Criterion.LAST_PIECES: _("Last pieces taken"),
    Criterion.DEMAND_AHEAD: _("Taken from expected sales"),
    Criterion.OBLIGATION: _("Guaranteed to the channel"),
    Criterion.LOAD: _("Day taken up"),
    Criterion.QUEUE: _("Work waiting"),
    Criterion.RETURNS: _("Returns the place can’t take"),
    Criterion.PRIORITY: _("Urgency"),
    Criterion.SPARE: _("Stock left"),
}

# What a criterion means, for people who write a policy.
HELP: dict[str, Text] = {
    Criterion.LATE: _("For every day after the promised one."),
    Criterion.DAYS: _("For every day until the parcel is there."),
    Criterion.COST: _("For every unit of the carrier’s price and the place’s handling; 1.00 is as it is."),
    Criterion.DISTANCE: _("For every kilometre between place and customer."),
    Criterion.PARTS: _("For every parcel of the order."),
    Criterion.MARGIN: _("For every unit that a partner keeps of the goods’ value; 1.00 is as it is."),
    Criterion.OVERSTOCK: _("Saved for every piece a place has too many of."),
    Criterion.LAST_PIECES: _("For every piece that a store’s shelf then lacks."),
    Criterion.DEMAND_AHEAD: _("For every piece that the place is expected to sell itself."),
    Criterion.OBLIGATION: _("Saved for every piece that was guaranteed to this channel there."),
    Criterion.LOAD: _("For every percent of the place’s day that is taken."),
    Criterion.QUEUE: _("For every minute of picking that waits there per person."),
    Criterion.RETURNS: _("For every thousandth of a piece expected back where none is taken."),
    Criterion.PRIORITY: _("For every day on the way, twice for express."),
    Criterion.SPARE: _("Where more is left, goes first."),
}

# Why a customer's order comes sooner, by the reasons that rooms register (`orders.routing.importance`).
SOONER: dict[str, Text] = {
    "agreed": _("Comes sooner: that is agreed with this customer."),
    "let_down": _("Comes sooner: a promise to this customer was broken lately."),
}
SOONER_ELSE = _("Comes sooner for this customer.")

LOST: dict[str, Text] = {
    "inactive": _("closed"),
    "paused": _("takes no orders for now"),
    "closed": _("not open in time"),
    "method_not_offered": _("doesn’t offer this method"),
    "behind_customs": _("on the other side of customs"),
    "embargo": _("goods may not go there"),
    "hazardous": _("doesn’t handle hazardous goods"),
    "over_capacity": _("its day is full"),
    "no_carrier": _("no carrier goes there"),
    "rejected_before": _("rejected it before"),
    "not_enough_stock": _("not enough stock"),
}

OCCASIONS: dict[str, Text] = {
    "placed": _("when it was ordered"),
    "batched": _("together with other orders"),
    "rerouted": _("after a place could not serve it"),
}

SETTINGS: dict[str, Text] = {
    "mode": _("How plans are compared"),
    "most_parts": _("Parcels at most"),
    "split_saves_minor": _("A further parcel must save"),
    "split_from_minor": _("Split orders from a value of"),
    "may_divide_lines": _("Pieces of one line may part"),
    "keep_at_stores": _("Pieces a store keeps on its shelf"),
    "demand_days": _("Days of own sales a place keeps"),
    "overstock_days": _("Days of sales that are too many"),
    "most_attempts": _("Places that look in vain"),
    "order": _("Order of what counts"),
}

MODES: dict[str, Text] = {
    "ranked": _("one after the other"),
    "weighed": _("weighed against each other"),
}

REFUSALS: dict[str, Text] = {
    "nobody_able": _("Nobody may serve it."),
    "not_enough_stock": _("There is not enough stock."),
    "split_below_value": _("It would have to be split, and is worth too little for that."),
    "too_many_parts": _("It would take more parcels than the policy allows."),
    "too_many_attempts": _("It was asked for often enough."),
}

_KM = {Criterion.DISTANCE}
_PIECES = {Criterion.OVERSTOCK, Criterion.LAST_PIECES, Criterion.DEMAND_AHEAD, Criterion.OBLIGATION, Criterion.SPARE}
_DAYS = {Criterion.LATE, Criterion.DAYS}
_MONEY = {Criterion.COST, Criterion.MARGIN}


def criterion(name: str) -> str:
    """Name a criterion."""
    return str(CRITERIA.get(name, name))


def amount(minor: int, currency: str) -> str:
    """Write minor units as money in the reader's language."""
    value = Decimal(minor).scaleb(-money.exponent(currency))
    return format_currency(value, currency, locale=get_language() or "de")


def whole(number: int) -> str:
    """Write a whole number in the reader's language."""
    return format_decimal(number, locale=get_language() or "de")


def tenths(hundredths: int) -> str:
    """Write hundredths to the tenth in the reader's language."""
    return format_decimal(Decimal(hundredths) / 100, format="#,##0.0", locale=get_language() or "de")


def measure(name: str, value: int, currency: str) -> str:
    """Write a measure with its unit; what is good is told without its sign."""
    if name in _MONEY:
        return amount(value, currency)
    if name in _KM:
        return "–" if value >= UNKNOWN_KM else f"{whole(value)} km"
    if name in _PIECES:
        return _now("%(count)s pcs") % {"count": whole(abs(value))}
    if name in _DAYS:
        return _now("%(count)s d") % {"count": whole(value)}
    if name == Criterion.LOAD:
        return f"{whole(value)} %"
    if name == Criterion.QUEUE:
        return f"{whole(value)} min"
    return whole(value)


def setting(name: str, value: Any, currency: str) -> str:
    """Write the value of a policy's setting."""
    if value is None:
        return "–"
    if name == "mode":
        return str(MODES.get(value, value))
    if name == "order":
        return " › ".join(criterion(one) for one in value)
    if name.endswith("_minor"):
        return amount(value, currency)
    if isinstance(value, bool):
        return _now("yes") if value else _now("no")
    return whole(value)


def rate_digits(name: str, currency: str) -> int:
    """Return how many places a criterion's rate lies behind what people read: for money, a rate is per unit of it."""
    return THOUSANDTHS if name in _MONEY else THOUSANDTHS + money.exponent(currency)


def rate(name: str, milli: int, currency: str) -> str:
    """Write a criterion's rate as money, with as many places as it takes."""
    value, digits = Decimal(milli).scaleb(-rate_digits(name, currency)), money.exponent(currency)
    places = next(count for count in range(digits, digits + 4) if value == round(value, count))
    locale = get_language() or "de"
    pattern = Locale.parse(locale, sep="-").currency_formats["standard"].pattern
    fitting = pattern.replace("0.00", "0." + "0" * places if places else "0")
    return format_currency(
        value, currency, locale=locale, format=fitting, currency_digits=False, decimal_quantization=False
    )


def percent(permille: int) -> str:
    """Write thousandths as percent in the reader's language."""
    return f"{format_decimal(Decimal(permille) / 10, locale=get_language() or 'de')} %"
