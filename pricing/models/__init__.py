"""Tables of prices. One module per topic; each table says what it is, what can never happen, and who writes it."""

from pricing.models.given import Quote
from pricing.models.prices import PriceEntry, PriceList, RulesetRevision, TaxRate
from pricing.models.rulesets import RulesetVersion, RulesetWithdrawal

__all__ = [
    "PriceEntry",
    "PriceList",
    "Quote",
    "RulesetRevision",
    "RulesetVersion",
    "RulesetWithdrawal",
    "TaxRate",
]
