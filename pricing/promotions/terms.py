"""What a promotion says: whom it is for, when, on which goods, what it gives, and how it gets on with others. [pure]

All of it is frozen and made of primitives, so that a ruleset version can keep it as a document for good (see `documents`).
Amounts are minor units, percentages basis points (30 % = 3000), instants are aware; windows are `[from, until)`.
"""

from dataclasses import dataclass, field
from datetime import datetime, time
from enum import StrEnum

from pricing.terms import PricePolicy, TaxRounding

ZONE = "Europe/Berlin"


class Mode(StrEnum):
    """How the promotions of a group share a basket."""

    STACK = "stack"  # each on what the ones before left
    IN_ORDER = "in_order"  # the first that gives something, by priority
    BEST = "best"  # the one that leaves the smallest total
    LOWEST = "lowest"  # the one that gives least, but something


class Level(StrEnum):
    """Where an amount or a percentage is worked out and rounded."""

    ORDER = "order"  # once on the sum of the goods, then allocated
    LINE = "line"  # once on each line
    UNIT = "unit"  # for each piece


class Base(StrEnum):
    """What a percentage is taken of, and whether a threshold looks at prices before or after discounts."""

    RUNNING = "running"
    ORIGINAL = "original"


class Policy(StrEnum):
    """Which pieces a "buy X get Y" rewards."""

    PER_SET = "per_set"  # the cheapest of each set, sets made from the dearest down
    CHEAPEST_OVERALL = "cheapest_overall"


class Grant(StrEnum):
    """What happens when a budget holds less than is wanted."""

    PARTIAL = "partial"
    ALL_OR_NOTHING = "all_or_nothing"


class Measure(StrEnum):
    AMOUNT = "amount"
    QUANTITY = "quantity"


@dataclass(frozen=True, slots=True)
class Goods:
    """Which goods are meant: those named by SKU or lying in a category (or below it), less what is excluded.

    Without products and categories it is all goods. Charges such as shipping are never goods.
    """

    products: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    except_products: tuple[str, ...] = ()
    except_categories: tuple[str, ...] = ()

    @property
    def is_everything(self) -> bool:
        """Whether any goods at all are meant."""
        return not (self.products or self.categories or self.except_products or self.except_categories)


@dataclass(frozen=True, slots=True)
class PercentOff:
    """A percentage off the extended line amount, or off the sum of the goods."""

    basis_points: int
    level: Level = Level.LINE


@dataclass(frozen=True, slots=True)
class AmountOff:
    """Money off: once for the order, for each line, or for each piece."""

    amount_minor: int
    level: Level = Level.ORDER


@dataclass(frozen=True, slots=True)
class FixedPrice:
    """Each piece costs this, unless it is cheaper already."""

    amount_minor: int


@dataclass(frozen=True, slots=True)
class Reward:
    """What rewarded pieces get: a percentage off (10,000 is free), money off, or a price; exactly one."""

    basis_points: int | None = None
    amount_minor: int | None = None
    price_minor: int | None = None


FREE = Reward(basis_points=10_000)


@dataclass(frozen=True, slots=True)
class BuyGet:
    """For `buy` pieces, `get` more are rewarded, as often as the basket holds a set (at most `most_sets` times).

    With `rewarded` the further pieces are of other goods; without, a set is `buy + get` pieces of the same goods.
    """

    buy: int
    get: int
    reward: Reward = FREE
    rewarded: Goods | None = None
    policy: Policy = Policy.PER_SET
    most_sets: int | None = None


@dataclass(frozen=True, slots=True)
class Part:
    """So many pieces of some goods, as a part of a bundle."""

    goods: Goods
    quantity: int = 1


@dataclass(frozen=True, slots=True)
class Bundle:
    """Pieces that together cost a price, or get money or a percentage off. One part of several pieces is mix and match."""

    parts: tuple[Part, ...]
    reward: Reward
    most_sets: int | None = None


@dataclass(frozen=True, slots=True)
class Tier:
    """From an amount or a number of pieces on, a percentage or money off; exactly one of the two."""

    at_least: int
    basis_points: int | None = None
    amount_minor: int | None = None


@dataclass(frozen=True, slots=True)
class Tiered:
    """The highest tier that the goods reach, by amount before or after discounts or by pieces, once on their sum."""

    tiers: tuple[Tier, ...]
    measure: Measure = Measure.AMOUNT
    counted: Base = Base.RUNNING


@dataclass(frozen=True, slots=True)
class Gift:
    """Pieces of a product that cost nothing. What is not in the basket yet is offered."""

    sku: str
    quantity: int = 1


@dataclass(frozen=True, slots=True)
class FreeShipping:
    """Charges (or those of some categories) cost nothing, up to `at_most_minor`."""

    at_most_minor: int | None = None
    categories: tuple[str, ...] = ()


Benefit = PercentOff | AmountOff | FixedPrice | BuyGet | Bundle | Tiered | Gift | FreeShipping


@dataclass(frozen=True, slots=True)
class Hours:
    """A time of the week: on these weekdays (1 is Monday) from `starts` to `ends`, past midnight when it ends earlier.

    Equal ends mean the whole day.
    """

    weekdays: tuple[int, ...] = (1, 2, 3, 4, 5, 6, 7)
    starts: time = time(0)
    ends: time = time(0)


@dataclass(frozen=True, slots=True)
class Minimum:
    """What the basket must hold of some goods: money (before or after discounts), pieces, or both."""

    amount_minor: int = 0
    quantity: int = 0
    goods: Goods = field(default_factory=Goods)
    counted: Base = Base.RUNNING


@dataclass(frozen=True, slots=True)
class Stock:
    """What stock a product must have to be discounted. Where nobody knows, it is not discounted."""

    least_available: int | None = None  # pieces: stop before it is sold out
    least_cover_days: int | None = None  # overstock only
    most_cover_days: int | None = None


@dataclass(frozen=True, slots=True)
class Coupon:
    """Which codes unlock a promotion: codes, all that begin so, or those of a batch that was made."""

    codes: tuple[str, ...] = ()
    prefixes: tuple[str, ...] = ()
    batches: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Conditions:
    """When and for whom a promotion holds. What is empty asks for nothing."""

    valid_from: datetime | None = None
    valid_until: datetime | None = None
    hours: tuple[Hours, ...] = ()
    zone: str = ZONE
    channels: tuple[str, ...] = ()
    countries: tuple[str, ...] = ()
    currencies: tuple[str, ...] = ()
    locations: tuple[str, ...] = ()
    payment_methods: tuple[str, ...] = ()
    customer_groups: tuple[str, ...] = ()
    segments: tuple[str, ...] = ()  # one of them
    except_segments: tuple[str, ...] = ()
    loyalty_tiers: tuple[str, ...] = ()
    is_first_order: bool | None = None
    minimum: Minimum | None = None
    stock: Stock | None = None
    coupon: Coupon | None = None


@dataclass(frozen=True, slots=True)
class Limits:
    """What is there in all: money over all orders, uses in all, per customer, per code. None is no limit."""

    budget_minor: int | None = None
    uses: int | None = None
    uses_per_customer: int | None = None
    uses_per_code: int | None = None
    grant: Grant = Grant.PARTIAL

    @property
    def is_limited(self) -> bool:
        """Whether anything is counted."""
        return not (
            self.budget_minor is None
            and self.uses is None
            and self.uses_per_customer is None
            and self.uses_per_code is None
        )


@dataclass(frozen=True, slots=True)
class Promotion:
    """One promotion, known by `id` over all versions of the ruleset.

    `priority`: the higher is applied first. `phase` (or that of its `group`) comes before all priorities. `base` is what
    percentages are taken of. `cap_minor` is the most it gives in one basket. `excludes` names promotions (or groups, as
    "group:code") that it never meets in one basket; it counts both ways. `announced_at` is when the reduction was first
    announced, where that was before it holds: the prior price is that of this instant.
    """

    id: str
    name: str
    benefit: Benefit
    goods: Goods = field(default_factory=Goods)
    conditions: Conditions = field(default_factory=Conditions)
    priority: int = 0
    phase: int = 1
    group: str = ""
    base: Base = Base.RUNNING
    cap_minor: int | None = None
    excludes: tuple[str, ...] = ()
    limits: Limits = field(default_factory=Limits)
    announced_at: datetime | None = None

    @property
    def reference(self) -> str:
        """How steps name it."""
        return f"promotion:{self.id}"


@dataclass(frozen=True, slots=True)
class Group:
    """Promotions that share a basket in one mode. Its place is its own, whatever its members' priorities are."""

    code: str
    mode: Mode
    phase: int = 1
    priority: int = 0


@dataclass(frozen=True, slots=True)
class Stacking:
    """How the promotions of a version get on with each other, and what none of them may cut through.

    `minimum_margin_basis_points` is of the net price after the channel's fee (of the gross price) and cost; None is no
    floor. The caps hold for all promotions of a basket together.
    """

    groups: tuple[Group, ...] = ()
    basket_cap_minor: int | None = None
    basket_cap_basis_points: int | None = None
    minimum_margin_basis_points: int | None = None
    channel_fee_basis_points: int = 0
    override_basis_points: int = 0  # how far below the list a price may be set by hand


@dataclass(frozen=True, slots=True)
class Content:
    """What a ruleset version holds: promotions, and how prices are chosen and taxes rounded while it is in force."""

    promotions: tuple[Promotion, ...] = ()
    stacking: Stacking = field(default_factory=Stacking)
    policy: PricePolicy = PricePolicy.MOST_SPECIFIC
    tax_rounding: TaxRounding = TaxRounding.PER_LINE
