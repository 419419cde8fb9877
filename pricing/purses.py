"""What promotions may still give while baskets of the past come one after the other: budgets and uses, counted apart."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from pricing import limits
from pricing.promotions.effects import Allowance, Candidate
from pricing.promotions.terms import Content


class Purse:
    """What promotions may still give while baskets come one after the other."""

    def __init__(self, content: Content, at: datetime) -> None:
        """Begin with what was taken of budgets and uses by now."""
        self._spent: dict[str, int] = defaultdict(int)
        for one in content.promotions:
            if one.limits.is_limited:
                for name, usage in limits.usage(one.id, at=at).items():
                    self._spent[f"{one.id}:{name}"] = usage.used

    def spent(self) -> dict[str, int]:
        """Return what was taken of each limit by now."""
        return dict(self._spent)

    def set_spent(self, spent: Mapping[str, int]) -> None:
        """Go on from what was taken of each limit by then."""
        self._spent.clear()
        self._spent.update(spent)

    def allowances(self, candidates: Sequence[Candidate], customer: str) -> dict[str, Allowance]:
        """Return what is left for each limited promotion of a basket."""
        found = {}
        for one in candidates:
            terms = one.promotion.limits
            if terms.is_limited:
                budget = terms.budget_minor
                if budget is not None:
                    budget = max(budget - self._spent[f"{one.promotion.id}:budget"], 0)
                has_uses = not (terms.uses_per_customer is not None and not customer)
                has_uses &= all(self._spent[key] < most for key, most in self._uses(one, customer))
                found[one.promotion.id] = Allowance(budget, has_uses)
        return found

    def take(self, effects: Sequence[Any], customer: str) -> None:
        """Count what was given."""
        for effect in effects:
            if effect.given_minor and effect.promotion.limits.is_limited:
                self._spent[f"{effect.promotion.id}:budget"] += effect.given_minor
                for key, _most in self._uses(effect.candidate, customer):
                    self._spent[key] += 1

    @staticmethod
    def _uses(one: Candidate, customer: str) -> list[tuple[str, int]]:
        terms, name = one.promotion.limits, one.promotion.id
        found = [(f"{name}:uses", terms.uses)]
        if customer:
            found.append((f"{name}:customer:{customer}", terms.uses_per_customer))
        if one.code:
            found.append((f"{name}:code:{one.code}", terms.uses_per_code))
        return [(key, most) for key, most in found if most is not None]
