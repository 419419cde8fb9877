"""Money: an integer number of minor units and a currency; nothing is ever lost when it is shared. [pure]"""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

# ISO 4217 minor units that differ from two digits, for the currencies a European retailer meets.
_EXPONENTS = {"JPY": 0, "KRW": 0, "ISK": 0, "HUF": 2, "BHD": 3, "KWD": 3, "TND": 3}


def exponent(currency: str) -> int:
    """Return how many decimal digits the minor unit of `currency` stands for (2 for EUR)."""
    return _EXPONENTS.get(currency, 2)


@dataclass(frozen=True, slots=True, order=False)
class Money:
    """An amount in minor units (cents) of one ISO 4217 currency. Adding two currencies is an error, never a guess."""

    minor: int
    currency: str

    def __post_init__(self) -> None:
        if not isinstance(self.minor, int) or isinstance(self.minor, bool):
            raise TypeError(f"minor units are an int, not {self.minor!r}")
        if len(self.currency) != 3 or not self.currency.isalpha() or not self.currency.isupper():
            raise ValueError(f"currency is an ISO 4217 code such as EUR, not {self.currency!r}")

    @classmethod
    def parse(cls, text: str, currency: str) -> "Money":
        """Read a decimal text such as "19.90". Raises ValueError when it has more digits than the currency knows."""
        scaled = Decimal(text).scaleb(exponent(currency))
        if scaled != scaled.to_integral_value():
            raise ValueError(f"{text} has more decimal places than {currency} has")
        return cls(int(scaled), currency)

    @property
    def decimal(self) -> Decimal:
        """The amount in major units, exact."""
        return Decimal(self.minor).scaleb(-exponent(self.currency))

    def __add__(self, other: "Money") -> "Money":
        return Money(self.minor + self._same(other), self.currency)

    def __sub__(self, other: "Money") -> "Money":
        return Money(self.minor - self._same(other), self.currency)

    def __neg__(self) -> "Money":
        return Money(-self.minor, self.currency)

    def __mul__(self, quantity: int) -> "Money":
        if not isinstance(quantity, int) or isinstance(quantity, bool):
            raise TypeError("Money is multiplied by whole quantities; percentages are the rounding module's business")
        return Money(self.minor * quantity, self.currency)

    def __lt__(self, other: "Money") -> bool:
        return self.minor < self._same(other)

    def __le__(self, other: "Money") -> bool:
        return self.minor <= self._same(other)

    def split(self, weights: Sequence[int]) -> list["Money"]:
        """Share this amount by `weights` (largest remainder); the parts always sum to the whole."""
        return [Money(part, self.currency) for part in split_minor(self.minor, weights)]

    def _same(self, other: "Money") -> int:
        if other.currency != self.currency:
            raise ValueError(f"{self.currency} and {other.currency} can't be combined")
        return other.minor

    def __str__(self) -> str:
        digits = exponent(self.currency)
        whole, rest = divmod(abs(self.minor), 10**digits)
        sign = "-" if self.minor < 0 else ""
        return f"{sign}{whole}.{rest:0{digits}} {self.currency}" if digits else f"{sign}{whole} {self.currency}"


def split_minor(total: int, weights: Sequence[int]) -> list[int]:
    """Share `total` minor units by whole `weights` so that the parts sum to it exactly.

    Largest remainder; ties go to the larger weight, then to the lower position.
    With all weights 0 the positions share equally. Raises ValueError for no weights or a negative one.
    """
    if not weights or min(weights) < 0:
        raise ValueError("shares need at least one weight and none below zero")
    if total < 0:
        return [-part for part in split_minor(-total, weights)]
    if len(weights) == 1:
        return [total]
    whole = sum(weights)
    if whole == 0:
        weights, whole = [1] * len(weights), len(weights)
    parts = [total * weight // whole for weight in weights]
    missing = total - sum(parts)
    if missing:
        by_remainder = sorted((-(total * weight % whole), -weight, place) for place, weight in enumerate(weights))
        for _remainder, _weight, place in by_remainder[:missing]:
            parts[place] += 1
    return parts
