"""Tables of prices. One module per topic; each table says what it is, what can never happen, and who writes it."""

from pricing.models.applied import AppliedPrice, AppliedPriceMark, PriorPriceExemption
from pricing.models.costs import AdvertisedMinimum, ChannelFee, LandedCost, MarginRule
from pricing.models.drafts import ApprovalThreshold, RulesetApproval, RulesetContribution, RulesetDraft
from pricing.models.files import PriceFile
from pricing.models.given import PriceOverride, Quote
from pricing.models.prices import CurrencyRate, PriceEntry, PriceList, ProductTerms, RulesetRevision, TaxRate
from pricing.models.rulesets import RulesetVersion, RulesetWithdrawal
from pricing.models.simulations import RulesetSimulation, RulesetSimulationPart
from pricing.models.uses import CouponCode, PromotionUse

__all__ = [
    "AdvertisedMinimum",
    "AppliedPrice",
    "AppliedPriceMark",
    "ApprovalThreshold",
    "ChannelFee",
    "CouponCode",
    "CurrencyRate",
    "LandedCost",
    "MarginRule",
    "PriceEntry",
    "PriceFile",
    "PriceList",
    "PriceOverride",
    "PriorPriceExemption",
    "ProductTerms",
    "PromotionUse",
    "Quote",
    "RulesetApproval",
    "RulesetContribution",
    "RulesetDraft",
    "RulesetRevision",
    "RulesetSimulation",
    "RulesetSimulationPart",
    "RulesetVersion",
    "RulesetWithdrawal",
    "TaxRate",
]
