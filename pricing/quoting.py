"""Quotes given to channels: priced now, signed, kept, and honoured until they expire.

One path for one basket and for many that wait at the same time: what is limited of promotions is locked for all of them,
each is priced with what is left, and everything is written at once.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from uuid import UUID

from commerce import audit, catalog, ids
from commerce.actors import Actor
from commerce.audit import AuditRow
from commerce.errors import CommerceError, InvalidInput, UnknownProduct
from commerce.product_refs import ProductRef
from commerce.transactions import transaction_required
from pricing import buyers, coupons, facts, limits, overrides, prior_prices, quote_store, quotes, rules
from pricing.errors import QuoteExpired, QuoteMismatch
from pricing.listing import Override
from pricing.promotions.terms import Content as Promotions
from pricing.quote_store import GivenQuote
from pricing.quotes import BasketLine, ChannelTerms, Prepared, Situation
from pricing.rules import Rules
from pricing.shopping import NOBODY, USUAL, Shopper, Wish

__all__ = [
    "USUAL", "BasketLine", "ChannelTerms", "GivenQuote", "Override", "Redemption", "Shopper", "Wish", "give", "give_each",
    "given", "price", "price_each", "redeem", "redeem_each", "try_out",
]  # fmt: skip

MOST_LINES = 1_000  # a large order of a company; past it, a catalogue
HIGHEST_QUANTITY = 1_000_000
MOST_CODES = 20
SHORTEST = timedelta(seconds=60)
LONGEST = timedelta(seconds=3600)
MOST_BASKETS = 100  # in one request
CHARGE = "charge"  # the kind of products that are no goods: shipping, wrapping


@dataclass(slots=True)
class _Ready:
    """A wish that is priced by lists, before its promotions."""

    wish: Wish
    id: UUID
    prepared: Prepared
    basket: limits.Basket | None


def price(
    lines: Sequence[BasketLine], *, channel: ChannelTerms, at: datetime, shopper: Shopper = NOBODY
) -> quotes.Quote:
    """Return what a basket costs on a channel at an instant; nothing is stored. Lines of one product count as one.

    What is limited of promotions is not granted: only a quote holds it.
    Raises: NoPrice, NoTaxRate, UnknownProduct, InvalidInput, OverrideNotAllowed.
    """
    return _only(price_each([lines], channel=channel, at=at, shopper=shopper))


def price_each(
    baskets: Sequence[Sequence[BasketLine]], *, channel: ChannelTerms, at: datetime, shopper: Shopper = NOBODY
) -> list[quotes.Quote | CommerceError]:
    """Do as `price` for many baskets of one channel, under one ruleset; a quote or the refusal for each."""
    known = _Known([(channel, lines) for lines in baskets], at)
    verdicts: list[quotes.Quote | CommerceError] = []
    for lines in baskets:
        try:
            prepared = known.prepared(lines, channel, shopper)
            nothing = {one.promotion.id: limits.NOTHING for one in prepared.limited}
            verdicts.append(quotes.finish(prepared, nothing).quote)
        except CommerceError as refusal:
            verdicts.append(refusal)
    return verdicts


def try_out(
    lines: Sequence[BasketLine], *, channel: ChannelTerms, at: datetime, content: Promotions, shopper: Shopper = NOBODY
) -> quotes.Quote:
    """Return what a basket would cost by promotions that nobody published, as if nothing of their limits were used up.

    Raises: what `price` raises.
    """
    known = _Known([(channel, lines)], at, content)
    return quotes.finish(known.prepared(lines, channel, shopper), {}).quote


@transaction_required
def give(
    lines: Sequence[BasketLine],
    *,
    channel: ChannelTerms,
    at: datetime,
    by: Actor,
    shopper: Shopper = NOBODY,
    ttl: timedelta = USUAL,
) -> GivenQuote:
    """Price a basket, sign the result and keep it for `ttl` (60 seconds to an hour).

    What is limited of its promotions is held as long. Raises: what `price` raises, InvalidInput for a `ttl` out of bounds.
    """
    (verdict,) = give_each([Wish(lines, channel, by, shopper, ttl)], at=at)
    if isinstance(verdict, CommerceError):
        raise verdict
    return verdict


@transaction_required
def give_each(wishes: Sequence[Wish], *, at: datetime) -> list[GivenQuote | CommerceError]:
    """Do as `give` for many, in a few statements; a quote or the refusal for each. Earlier ones are served first."""
    known = _Known([(wish.channel, wish.lines) for wish in wishes], at)
    verdicts: dict[Wish, GivenQuote | CommerceError] = {}
    ready: list[_Ready] = []
    for wish, shopper in zip(wishes, buyers.recognised(wishes), strict=True):
        try:
            _check_ttl(wish.ttl)
            ready.append(_ready(wish, shopper, known))
        except CommerceError as refusal:
            verdicts[wish] = refusal
    limited = [one.basket for one in ready if one.basket is not None]
    taking = limits.Taking.lock(limited, at=at) if limited else None
    kept: list[tuple[GivenQuote, str]] = []
    for one in ready:
        expires_at = at + one.wish.ttl
        if taking is None or one.basket is None:
            finished = quotes.finish(one.prepared, {})
        else:
            finished = quotes.finish(one.prepared, taking.allowances(one.basket))
            taking.take(one.basket, finished.effects, quote_id=one.id, expires_at=expires_at)
        given, document = quote_store.signed(one.id, finished.quote, expires_at)
        kept.append((given, document))
        verdicts[one.wish] = given
    if taking is not None:
        taking.write()
    quote_store.keep(kept)
    _record(ready, verdicts)
    return [verdicts[wish] for wish in wishes]


def _ready(wish: Wish, shopper: Shopper, known: "_Known") -> _Ready:
    prepared = known.prepared(wish.lines, wish.channel, shopper)
    if shopper.takes_gifts:
        offered = quotes.finish(prepared, {}).quote.offers
        if offered:
            gifts = catalog.ids_of([one.sku for one in offered])
            lines = [BasketLine(gifts[one.sku].id, one.quantity) for one in offered if one.sku in gifts]
            prepared = known.prepared([*wish.lines, *lines], wish.channel, shopper)
    basket = None
    if limited := prepared.limited:
        amount = sum(line.amount_minor for line in prepared.lines)
        basket = limits.Basket(limited, limits.identity(shopper.customer), amount)
    return _Ready(wish, ids.new(), prepared, basket)


def _record(ready: Sequence[_Ready], verdicts: Mapping[Wish, GivenQuote | CommerceError]) -> None:
    """Sign what was given, and apart from it every price that was set by hand."""
    rows: dict[Actor, list[AuditRow]] = {}
    by_hand: list[tuple[UUID, quotes.Quote, str]] = []
    for one in ready:
        given = verdicts[one.wish]
        if not isinstance(given, GivenQuote):
            continue
        quote = given.quote
        rows.setdefault(one.wish.by, []).append(
            AuditRow(
                verb="pricing.quoting.give",
                object_type="quote",
                object_id=given.id,
                request_id=one.wish.request_id,
                after={
                    "total_minor": quote.total_minor,
                    "currency": quote.currency,
                    "ruleset_version": quote.ruleset_version,
                    "expires_at": given.expires_at,
                },
            )
        )
        if any(line.override is not None for line in one.wish.lines):
            by_hand.append((given.id, quote, one.wish.by.label))
        for line in quote.lines:
            for step in line.steps:
                if step.kind == quotes.OVERRIDE:
                    rows[one.wish.by].append(
                        AuditRow(
                            verb="pricing.quoting.set_by_hand",
                            object_type="quote",
                            object_id=given.id,
                            request_id=one.wish.request_id,
                            after={"sku": line.sku, "quantity": line.quantity, "amount_minor": step.amount_minor},
                            reason=step.reason[: audit.LONGEST_REASON],
                        )
                    )
    for by, group in rows.items():
        audit.record_many(group, by=by)
    if by_hand:
        overrides.keep(by_hand)


def given(quote_id: UUID, *, channel_id: int) -> GivenQuote:
    """Return a quote that was given to this channel, expired or not.

    Raises: QuoteNotFound (also for another channel's quote), QuoteForged.
    """
    return quote_store.opened(quote_store.stored([quote_id]).get(quote_id), quote_id, channel_id)


def redeem(quote_id: UUID, *, channel_id: int, lines: Sequence[BasketLine], at: datetime) -> quotes.Quote:
    """Return a quote exactly as it was given, whatever prices are now, if it still holds and is for this basket.

    The order of lines does not matter, nor whether one product's pieces are on one line or several.

    Raises: QuoteNotFound, QuoteExpired, QuoteMismatch, QuoteForged, InvalidInput.
    """
    return _only(redeem_each([Redemption(quote_id, channel_id, lines)], at=at))


@dataclass(frozen=True, slots=True)
class Redemption:
    """A channel's wish to buy a basket at the prices of a quote it was given."""

    quote_id: UUID
    channel_id: int
    lines: Sequence[BasketLine]


def redeem_each(wishes: Sequence[Redemption], *, at: datetime) -> list[quotes.Quote | CommerceError]:
    """Do as `redeem` for many, in one query; the quote or the refusal for each."""
    stored = quote_store.stored([wish.quote_id for wish in wishes]) if wishes else {}
    verdicts: list[quotes.Quote | CommerceError] = []
    for wish in wishes:
        try:
            found = quote_store.opened(stored.get(wish.quote_id), wish.quote_id, wish.channel_id)
            basket = _summed(wish.lines)
            verdicts.append(_fitting(found, {one.product_id: one.quantity for one in basket.values()}, at=at))
        except CommerceError as refusal:
            verdicts.append(refusal)
    return verdicts


def _fitting(found: GivenQuote, basket: dict[int, int], *, at: datetime) -> quotes.Quote:
    """Return the quote if it holds and is for the basket. Raises: QuoteExpired, QuoteMismatch."""
    if at >= found.expires_at:
        raise QuoteExpired(
            f"The quote held until {quote_store.instant(found.expires_at)}; ask for a new one.",
            quote=str(found.id),
            expired_at=quote_store.instant(found.expires_at),
        )
    quoted: dict[int, int] = {}
    for line in found.quote.lines:
        quoted[line.product_id] = quoted.get(line.product_id, 0) + line.quantity
    if basket != quoted or any(line.quantity < 0 for line in found.quote.lines):
        wrong = [one for one in basket | quoted if basket.get(one, 0) != quoted.get(one, 0)]
        names = {product_id: product.sku for product_id, product in catalog.products_by_id(wrong).items()}
        differences = [
            {"sku": names.get(one, ""), "quoted": quoted.get(one, 0), "wanted": basket.get(one, 0)} for one in wrong
        ]
        raise QuoteMismatch(
            "The quote is for another basket; send the quoted products and quantities, or ask for a new quote.",
            quote=str(found.id),
            differences=sorted(differences, key=lambda one: str(one["sku"])),
        )
    return found.quote


def _only(verdicts: list[quotes.Quote | CommerceError]) -> quotes.Quote:
    (verdict,) = verdicts
    if isinstance(verdict, CommerceError):
        raise verdict
    return verdict


class _Known:
    """What is known of the products of some baskets, read once for all baskets of a channel."""

    def __init__(
        self,
        baskets: Iterable[tuple[ChannelTerms, Sequence[BasketLine]]],
        at: datetime,
        content: Promotions | None = None,
    ) -> None:
        """With `content`, prices are by these promotions instead of those in force."""
        self._at, self._content = at, content
        wanted: dict[ChannelTerms, set[int]] = {}
        for channel, lines in baskets:
            wanted.setdefault(channel, set()).update(line.product_id for line in lines)
        self._wanted = wanted
        self._products = catalog.products_by_id(set().union(*wanted.values())) if wanted else {}
        self._rules: dict[ChannelTerms, Rules] = {}

    def prepared(self, lines: Sequence[BasketLine], channel: ChannelTerms, shopper: Shopper) -> Prepared:
        """Return a basket at list price with the promotions that hold. Raises: its refusal."""
        basket = _summed(lines)
        strange = [line.product_id for line in basket.values() if line.product_id not in self._wanted[channel]]
        if strange:  # gifts that came in by themselves
            self._wanted[channel].update(strange)
            self._products = self._products | catalog.products_by_id(strange)
            self._rules.pop(channel, None)
        rulebook = self._rules.get(channel)
        if rulebook is None:
            known = [one for one in self._wanted[channel] if one in self._products]
            rulebook = rules.ruleset(channel, known, self._at)
            if self._content is not None:
                rulebook = rules.instead(rulebook, self._content)
            self._rules[channel] = rulebook
        items = _items(basket.values(), self._products, rulebook)
        ruleset = rulebook.ruleset
        prepared = quotes.prepare(
            items,
            ruleset,
            self._at,
            situation=_situation(shopper, ruleset, self._at),
            contract=shopper.contract,
            facts=facts.known(ruleset, channel, [item.product_id for item in items], self._at),
        )
        priors = prior_prices.of(prepared, rulebook, channel)
        buyer = None
        if shopper is not NOBODY:
            has_groups = any(one.customer_group for one in ruleset.lists)
            buyer = buyers.told(shopper, ruleset.promotions.asked, has_groups=has_groups)
        return replace(prepared, priors=priors, buyer=buyer) if priors or buyer else prepared


def _situation(shopper: Shopper, ruleset: quotes.Ruleset, at: datetime) -> Situation:
    """Return a shopper as promotions see them, their codes in the form in which codes are compared."""
    if len(shopper.codes) > MOST_CODES:
        raise _invalid("coupons", len(shopper.codes), f"Up to {MOST_CODES} codes are taken for one basket.")
    codes = coupons.normalised(shopper.codes)
    batches: Mapping[str, str] = {}
    if codes and ruleset.promotions.has_batches:
        batches = coupons.batches_of(codes, customer=limits.identity(shopper.customer), at=at)
    return Situation(
        shopper.customer_group, shopper.segments, shopper.loyalty_tier, shopper.is_first_order, shopper.location,
        shopper.payment_method, codes, batches,
    )  # fmt: skip


def _items(lines: Iterable[BasketLine], products: Mapping[int, ProductRef], rulebook: Rules) -> list[quotes.Item]:
    items, unknown = [], []
    for line in lines:
        product = products.get(line.product_id)
        if product is None:
            unknown.append(line.product_id)
            continue
        terms = rulebook.terms.get(line.product_id)
        items.append(
            quotes.Item(
                product.id,
                product.sku,
                product.tax_class,
                line.quantity,
                product.category,
                product.kind == CHARGE,
                terms.family if terms else "",
                terms.content if terms else None,
                line.paid_minor,
                line.override,
            )
        )
    if unknown:
        raise UnknownProduct(f"There is no product with the id {min(unknown)}.", product_ids=sorted(unknown))
    return items


def _summed(lines: Sequence[BasketLine]) -> dict[tuple[int, bool], BasketLine]:
    """Check a basket and return what is bought and what is given back of each product, in the order of its lines."""
    if not 1 <= len(lines) <= MOST_LINES:
        raise _invalid("lines", len(lines), f"A basket has 1 to {MOST_LINES} lines.")
    basket: dict[tuple[int, bool], BasketLine] = {}
    for position, line in enumerate(lines):
        where = f"lines[{position}]"
        key = (line.product_id, line.quantity < 0)
        known = basket.get(key)
        quantity = line.quantity + (known.quantity if known else 0)
        if line.quantity == 0 or abs(quantity) > HIGHEST_QUANTITY:
            message = f"A product is bought in 1 to {HIGHEST_QUANTITY} pieces; what is given back is negative."
            raise _invalid(f"{where}.quantity", line.quantity, message)
        if line.paid_minor is not None and (line.quantity > 0 or line.paid_minor < 0):
            message = "What was paid is said of pieces that are given back (a negative quantity), and not negative."
            raise _invalid(f"{where}.paid_minor", line.paid_minor, message)
        if known is not None and known.override != line.override:
            raise _invalid(
                f"{where}.override", line.product_id, "The pieces of one product have one price; use one line."
            )
        paid = line.paid_minor
        if known is not None:
            if (known.paid_minor is None) != (paid is None):
                message = "Say of all pieces of a product that are given back what was paid for them, or of none."
                raise _invalid(f"{where}.paid_minor", paid, message)
            paid = paid + known.paid_minor if paid is not None and known.paid_minor is not None else None
        basket[key] = BasketLine(line.product_id, quantity, paid, line.override)
    return basket


def _check_ttl(ttl: timedelta) -> None:
    if not SHORTEST <= ttl <= LONGEST:
        message = f"A quote holds for {SHORTEST.seconds} to {LONGEST.seconds} seconds."
        raise _invalid("ttl_seconds", ttl.total_seconds(), message)


def _invalid(name: str, value: object, message: str) -> InvalidInput:
    return InvalidInput(message, errors=[{"field": name, "value": value, "message": message}])
