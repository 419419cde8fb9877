"""Which minimum margin counts for a product on a channel: the most specific rule that is for it. [pure]"""

from collections.abc import Iterable
from dataclasses import dataclass

from pricing.promotions.index import ancestry


@dataclass(frozen=True, slots=True)
class Rule:
    """So many basis points of the net price are left after cost and fee, of what is named; nothing named is all goods."""

    basis_points: int
    product_id: int | None = None
    category: str = ""
    channel_id: int | None = None


class Rules:
    """Rules by what they are for. Finding the one that counts takes a look-up per level of the category."""

    __slots__ = ("_by_what",)

    def __init__(self, rules: Iterable[Rule]) -> None:
        self._by_what = {(one.product_id, one.category, one.channel_id): one.basis_points for one in rules}

    def __bool__(self) -> bool:
        return bool(self._by_what)

    def minimum(self, product_id: int, category: str, channel_id: int) -> int | None:
        """Return the margin that must be left: product, then the deepest category, then all; the channel's own first."""
        named: list[tuple[int | None, str]] = [(product_id, "")]
        named += [(None, one) for one in ancestry(category)]
        for product, above in [*named, (None, "")]:
            for channel in (channel_id, None):
                found = self._by_what.get((product, above, channel))
                if found is not None:
                    return found
        return None
