"""Who may pay later, and what that costs: asked before it is offered, and again before it is taken. [pure]

The bounds are those that providers of such payments publish for Germany, Austria and Switzerland, in the lowest form that
all of them accept; the provider still decides about the person, we never do. Goods have to be sent: it is captured when they
leave, and a pickup that nobody fetches would leave the provider with a debt for nothing.
"""

from dataclasses import dataclass

COUNTRIES = {"DE": "EUR", "AT": "EUR", "CH": "CHF"}
LOWEST_MINOR = 100
HIGHEST_MINOR = 400_000


@dataclass(frozen=True, slots=True)
class Eligibility:
    """Whether paying later is offered; when not, why: amount_too_low, amount_too_high, country, currency, nothing_sent."""

    is_offered: bool
    reason: str = ""


def eligibility(*, amount_minor: int, currency: str, country: str, is_sent: bool) -> Eligibility:
    """Say whether an amount may be paid later."""
    if not is_sent:
        return Eligibility(False, "nothing_sent")
    if country not in COUNTRIES:
        return Eligibility(False, "country")
    if COUNTRIES[country] != currency:
        return Eligibility(False, "currency")
    if amount_minor < LOWEST_MINOR:
        return Eligibility(False, "amount_too_low")
    if amount_minor > HIGHEST_MINOR:
        return Eligibility(False, "amount_too_high")
    return Eligibility(True)


@dataclass(frozen=True, slots=True)
class Tariff:
    """What a provider takes: a part of the amount and a fixed sum for each capture."""

    basis_points: int
    fixed_minor: int = 0

    def fee_minor(self, captured_minor: int, captures: int = 1) -> int:
        """Return the fee of an amount, rounded half up."""
        if captured_minor <= 0:
            return 0
        return (captured_minor * self.basis_points + 5_000) // 10_000 + self.fixed_minor * max(captures, 1)


# List prices as published for European merchants (2025). They are an estimate until a settlement file names the fee.
TARIFFS = {
    ("stripe", "card"): Tariff(150, 25),
    ("stripe", "wallet"): Tariff(150, 25),
    ("stripe", "pay_later"): Tariff(299, 35),
    ("demo", "card"): Tariff(150, 25),
    ("demo", "wallet"): Tariff(150, 25),
    ("demo", "pay_later"): Tariff(299, 35),
    ("till", "card"): Tariff(90, 5),
}


def estimated_fee_minor(gateway: str, method: str, captured_minor: int, captures: int = 1) -> int:
    """Return what a provider probably takes; nothing for money that nobody handles for us."""
    tariff = TARIFFS.get((gateway, method))
    return tariff.fee_minor(captured_minor, captures) if tariff else 0
