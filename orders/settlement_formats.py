"""Files in which providers and banks say what they paid: which column is what, and lines read strictly. [pure]

A format is a table of column names as the sender publishes them. Amounts may have a decimal comma; dates are ISO or German.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from enum import StrEnum

LONGEST_TEXT = 400
LONGEST_REFERENCE = 120
HIGHEST_MINOR = 10**12


class LineKind(StrEnum):
    """What a line is about. A payout is what the provider moved to our account; the bank has lines only."""

    CHARGE = "charge"
    REFUND = "refund"
    DISPUTE = "dispute"
    FEE = "fee"
    PAYOUT = "payout"
    BANK = "bank"


@dataclass(frozen=True, slots=True, kw_only=True)
class Format:
    """Where things stand in a file: the names that a column may have, the first that is there counts."""

    name: str
    is_bank: bool
    amount: tuple[str, ...]
    on: tuple[str, ...]
    text: tuple[str, ...] = ()
    reference: tuple[str, ...] = ()
    fee: tuple[str, ...] = ()
    currency: tuple[str, ...] = ()
    kind: tuple[str, ...] = ()
    kinds: Mapping[str, LineKind] | None = None


# Itemised balance report of Stripe (docs.stripe.com/reports/balance); bank exports as German banks name their columns.
FORMATS: dict[str, Format] = {
    "stripe": Format(
        name="stripe", is_bank=False, amount=("gross",), fee=("fee",), on=("created", "created_utc", "effective_at"),
        currency=("currency",), reference=("payment_intent_id", "source_id"), text=("description",),
        kind=("reporting_category",),
        kinds={
            "charge": LineKind.CHARGE, "refund": LineKind.REFUND, "dispute": LineKind.DISPUTE, "fee": LineKind.FEE,
            "payout": LineKind.PAYOUT,
        },
    ),
    "bank": Format(
        name="bank", is_bank=True, amount=("betrag", "amount", "umsatz"), on=("buchungstag", "valuta", "transaction_date", "date"),
        currency=("währung", "waehrung", "currency"), text=("verwendungszweck", "memo", "text", "description"),
        reference=("end-to-end", "kundenreferenz (end-to-end)", "reference"),
    ),
}  # fmt: skip
FORMATS["demo"] = replace(FORMATS["stripe"], name="demo")


@dataclass(frozen=True, slots=True)
class Parsed:
    """A line as it is understood: signed amount (what came to us is positive), fee, day, text and reference."""

    kind: LineKind
    amount_minor: int
    fee_minor: int
    currency: str
    on: date
    text: str
    reference: str


class Unreadable(ValueError):
    """A line that can't be read; the message names the column and the value."""


def columns(header: list[str], form: Format) -> dict[str, str]:
    """Return which column of a file holds what. Raises: Unreadable naming what is missing."""
    there = {name.strip().lower().lstrip("﻿"): name for name in header}
    found = {}
    for what in ("amount", "on", "text", "reference", "fee", "currency", "kind"):
        wanted: tuple[str, ...] = getattr(form, what)
        column = next((there[name] for name in wanted if name in there), None)
        if column is not None:
            found[what] = column
        elif what in ("amount", "on") or (what == "kind" and form.kinds):
            raise Unreadable(
                f"The file has no column {' or '.join(wanted)}; its columns are: {', '.join(header)[:200]}."
            )
    return found


def parse(row: Mapping[str, str], where: Mapping[str, str], form: Format, *, currency: str) -> Parsed:
    """Read one line. Raises: Unreadable."""

    def said(what: str) -> str:
        return (row.get(where.get(what, ""), "") or "").strip()

    kind = LineKind.BANK
    if form.kinds is not None:
        known = form.kinds.get(said("kind").lower())
        if known is None:
            raise Unreadable(f"{where['kind']}: {said('kind')[:40]!r} is not a kind that is settled.")
        kind = known
    amount = minor(said("amount"), where["amount"])
    if amount == 0:
        raise Unreadable(f"{where['amount']}: a line without an amount settles nothing.")
    return Parsed(
        kind=kind,
        amount_minor=amount,
        fee_minor=abs(minor(said("fee"), where["fee"])) if said("fee") else 0,
        currency=(said("currency") or currency).upper()[:3],
        on=day(said("on"), where["on"]),
        text=said("text")[:LONGEST_TEXT],
        reference=said("reference")[:LONGEST_REFERENCE],
    )


def minor(text: str, column: str) -> int:
    """Read an amount such as 1.234,56 or -1234.56 in minor units. Raises: Unreadable."""
    plain = re.sub(r"[\s€]|EUR|CHF", "", text)
    if "," in plain:
        plain = plain.replace(".", "").replace(",", ".")
    try:
        scaled = Decimal(plain).scaleb(2)
    except InvalidOperation:
        raise Unreadable(f"{column}: {text[:40]!r} is no amount.") from None
    if not scaled.is_finite() or scaled != scaled.to_integral_value() or abs(scaled) > HIGHEST_MINOR:
        raise Unreadable(f"{column}: {text[:40]!r} is no amount in cents.")
    return int(scaled)


def day(text: str, column: str) -> date:
    """Read a day: 2026-11-30, 2026-11-30 08:15:00 or 30.11.2026. Raises: Unreadable."""
    for form in ("%Y-%m-%d", "%d.%m.%Y", "%d.%m.%y", "%Y-%m-%d %H:%M:%S"):
        try:
            return datetime.strptime(text.strip(), form).date()  # noqa: DTZ007 (a day has no zone)
        except ValueError:
            continue
    try:
        return datetime.fromisoformat(text.strip()).date()
    except ValueError:
        raise Unreadable(f"{column}: {text[:40]!r} is no day.") from None
