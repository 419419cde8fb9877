"""Prior prices for whoever announces a reduction: on quotes, for shop pages, and for what is planned.

What was applied comes from the log as far as it goes, and from the rules in force from there on, so an answer is right to
the instant, also when the log is behind. On the hot path it is remembered by revision as prices are: no query but for
products that are asked for the first time.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from commerce import catalog, clock
from pricing import applied_prices, applying, exemptions, prior_price, rules
from pricing.applying import Standing, Stretch
from pricing.claims import Exemption
from pricing.prior_price import PriorPrice, Unknown
from pricing.quotes import ChannelTerms, Prepared, Prior
from pricing.rules import Rules

LOOKS_BACK = timedelta(days=400)  # a reduction in steps may go on for a year and still name its first prior price
AHEAD = timedelta(hours=1)  # how far what is known beforehand is remembered
MEMORIES_KEPT = 64
PRODUCTS_KEPT = 50_000
MOST_ASKED = 1_000  # products in one request


@dataclass(slots=True)
class _Memory:
    """What is known of products within `[since, until)` under one revision."""

    since: datetime
    until: datetime
    stretches: dict[int, tuple[Stretch, ...]] = field(default_factory=dict)
    standings: dict[tuple[int, datetime], Standing] = field(default_factory=dict)  # by product and what holds since


_memories: dict[tuple[ChannelTerms, str], _Memory] = {}


def of(prepared: Prepared, rulebook: Rules, channel: ChannelTerms) -> dict[int, Prior]:
    """Return prior price and saving in basis points of the products of a basket that are announced as reduced.

    A reduction that this basket doesn't get (its stock condition doesn't hold) is not announced to it either. Of goods
    that the law exempts it says why none is named.
    """
    public = prepared.ruleset.promotions.public
    if not public:
        return {}
    places = {
        one.promotion.id: one.positions for one in prepared.candidates if one.promotion.id in public and one.positions
    }
    if not places:
        return {}
    lines = prepared.lines
    reduced = {lines[position].product_id: position for positions in places.values() for position in positions}
    found: dict[int, Prior] = {}
    exempt = exemptions.current()
    for product_id, standing in known(channel, rulebook, reduced, prepared.at).items():
        position = reduced[product_id]
        why = exempt.of(product_id, lines[position].category, prepared.at) if exempt else None
        told = applying.named(standing, why.kind if why else "")
        if told and all(position in places.get(identifier, ()) for identifier, _name in standing.stretch.promotions):
            found[product_id] = told
    return found


def known(channel: ChannelTerms, rulebook: Rules, product_ids: Collection[int], at: datetime) -> dict[int, Standing]:
    """Return what anyone pays for one piece of products at an instant, with the prior price where it is reduced."""
    memory = _memory(channel, rulebook, at)
    missing = [product_id for product_id in product_ids if product_id not in memory.stretches]
    if missing:
        if len(memory.stretches) + len(missing) > PRODUCTS_KEPT:
            memory.stretches.clear()
            memory.standings.clear()
            missing = list(product_ids)
        memory.stretches.update(_read(channel, rulebook, missing, since=memory.since, until=memory.until))
    zone = applying.zone_of(channel.country)
    found: dict[int, Standing] = {}
    for product_id in product_ids:
        ones = memory.stretches.get(product_id, ())
        present = next((one for one in reversed(ones) if one.from_at <= at), None)
        if present is None:
            continue
        key = product_id, present.from_at
        standing = memory.standings.get(key)
        if standing is None:
            standing = applying.standing(ones, at, time_zone=zone)
            if standing is None:
                continue
            memory.standings[key] = standing
        found[product_id] = standing
    return found


def history(channel: ChannelTerms, product_ids: Collection[int], at: datetime) -> Mapping[int, Sequence[Stretch]]:
    """Return what was applied to products until an instant, and what is to come where it lies ahead."""
    now = clock.now()
    rulebook = rules.ruleset(channel, product_ids, min(at, now))
    if at <= now:
        known(channel, rulebook, product_ids, at)
        memory = _memory(channel, rulebook, at)
        return {
            product_id: [one for one in memory.stretches.get(product_id, ()) if one.from_at <= at]
            for product_id in product_ids
        }
    return _read(channel, rulebook, product_ids, since=now - LOOKS_BACK, until=at)


@dataclass(frozen=True, slots=True)
class Claim:
    """A reduction that somebody wants to announce: to a price, from an instant on, maybe with a percentage."""

    product_id: int
    amount_minor: int | None = None  # None: what is paid then
    announced_at: datetime | None = None
    basis_points: int | None = None


@dataclass(frozen=True, slots=True)
class Verdict:
    """What may be said of a product: its price, its prior price and the percentage at most. `is_true` is of the claim.

    Of goods that the law exempts no prior price has to be named, and nothing is said of a claim.
    """

    product_id: int
    amount_minor: int | None
    is_reduced: bool
    prior: PriorPrice | Unknown | None
    saving_minor: int = 0
    saving_basis_points: int = 0
    is_true: bool | None = None
    promotions: tuple[tuple[str, str], ...] = ()
    exemption: Exemption | None = None


def judge(channel: ChannelTerms, claims: Sequence[Claim], *, at: datetime) -> list[Verdict]:
    """Return what may be announced of products on a channel, in the order asked."""
    histories: dict[datetime, Mapping[int, Sequence[Stretch]]] = {}
    by_instant: dict[datetime, set[int]] = {}
    for one in claims:
        by_instant.setdefault(one.announced_at or at, set()).add(one.product_id)
    for instant, products in by_instant.items():
        histories[instant] = history(channel, products, instant)
    zone, exempt = applying.zone_of(channel.country), exemptions.current()
    goods = catalog.products_by_id({one.product_id for one in claims}) if exempt else {}
    verdicts = []
    for one in claims:
        instant, product = one.announced_at or at, goods.get(one.product_id)
        why = exempt.of(product.id, product.category, instant) if product else None
        verdicts.append(_verdict(one, histories[instant].get(one.product_id, ()), at, zone, why))
    return verdicts


def _verdict(claim: Claim, found: Sequence[Stretch], at: datetime, zone: str, why: Exemption | None) -> Verdict:
    instant = claim.announced_at or at
    standing = applying.standing(found, instant, time_zone=zone)
    present = standing.stretch if standing else None
    amount = claim.amount_minor if claim.amount_minor is not None else present.amount_minor if present else None
    prior = standing.prior if standing else None
    if amount is not None and (claim.amount_minor is not None or claim.announced_at is not None):
        prior = applying.planned(found, amount, announced_at=instant, time_zone=zone)
    prior_minor = prior.amount_minor if isinstance(prior, PriorPrice) else 0
    saving = prior_price.saving_minor(prior_minor, amount) if amount is not None else 0
    share = prior_price.saving_basis_points(prior_minor, amount) if amount is not None else 0
    is_true = None
    if claim.basis_points is not None and why is None:
        is_true = amount is not None and prior_price.is_true(
            claim.basis_points, prior_minor=prior_minor, amount_minor=amount
        )
    return Verdict(
        claim.product_id, amount, bool(present and present.is_reduced), prior, saving, share, is_true,
        present.promotions if present else (), why,
    )  # fmt: skip


def forget() -> None:
    """Drop what this process remembers."""
    _memories.clear()


def _memory(channel: ChannelTerms, rulebook: Rules, at: datetime) -> _Memory:
    key = channel, rulebook.ruleset.version
    found = _memories.get(key)
    if found is not None and found.since + LOOKS_BACK / 2 <= at < found.until:
        return found
    made = _Memory(at - LOOKS_BACK, max(at, clock.now()) + AHEAD)  # past baskets are priced in one go, too
    _memories.pop(key, None)
    for oldest in list(_memories)[: len(_memories) - MEMORIES_KEPT + 1]:  # a list: other threads add meanwhile
        _memories.pop(oldest, None)
    _memories[key] = made
    return made


def _read(
    channel: ChannelTerms, rulebook: Rules, product_ids: Collection[int], *, since: datetime, until: datetime
) -> dict[int, tuple[Stretch, ...]]:
    """Return what was applied and will be, from the log and the rules in force after it."""
    log = applied_prices.logged(channel, product_ids, since=since)
    if log.until is None or log.until < rulebook.since:
        begins = max(log.until or since, since)
        rest = applied_prices.derived(channel, product_ids, since=begins, until=until)
    elif log.until < until:
        times = rules.within(rulebook.ruleset, rulebook.known, since=log.until, until=until)
        rest = applied_prices.within(channel, times, product_ids, written=log.stretches)
    else:
        rest = {}
    return {
        product_id: (
            *log.stretches.get(product_id, ()),
            *_after(log.stretches.get(product_id), rest.get(product_id, ())),
        )
        for product_id in product_ids
    }


def _after(written: tuple[Stretch, ...] | None, rest: Sequence[Stretch]) -> list[Stretch]:
    """Return what comes after the last row that is written, without saying it again."""
    if not written or not rest:
        return list(rest)
    return list(rest[1:]) if written[-1].says_the_same(rest[0]) else list(rest)
