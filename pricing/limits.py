"""What is limited of promotions: budgets and uses, held by a quote, an order's for good, free when that is cancelled.

Every limit is a quota (`commerce.quotas`), locked before a basket is priced, so that what is granted is there: no budget is
overspent by a cent, whoever asks at the same time. What takes nothing off uses nothing up. Keys name the promotion, not the
version of the rules: a limit counts on when rules are published anew.
"""

import hashlib
import hmac
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from django.conf import settings
from django.db import connection

from commerce import quotas
from commerce.errors import CommerceError
from commerce.quotas import HoldRequest
from commerce.transactions import transaction_required
from pricing.errors import QuoteExpired, QuoteUsed
from pricing.promotions.effects import Allowance, Candidate, Effect

PREFIX = "promotion:"
NOTHING = Allowance(0, has_uses=False)
BUDGET, USES = "budget", "uses"

_INSERT = """
INSERT INTO pricing_promotionuse (hold_id, promotion, key, quantity, quote_id, created_at)
SELECT u.*, %s FROM unnest(%s::uuid[], %s::text[], %s::text[], %s::bigint[], %s::uuid[]) AS u
"""
_OF_QUOTES = """
SELECT quote_id, hold_id, order_id FROM pricing_promotionuse WHERE quote_id = ANY(%s::uuid[]) ORDER BY hold_id FOR UPDATE
"""
_LOCK_QUOTAS = """
SELECT id FROM commerce_quota WHERE key IN (SELECT key FROM pricing_promotionuse WHERE quote_id = ANY(%s::uuid[]))
ORDER BY key COLLATE "C" FOR UPDATE
"""
_ORDERED = """
UPDATE pricing_promotionuse u SET order_id = o.order_id
FROM unnest(%s::uuid[], %s::uuid[]) AS o (quote_id, order_id) WHERE u.quote_id = o.quote_id
"""
_OF_ORDERS = "SELECT hold_id FROM pricing_promotionuse WHERE order_id = ANY(%s::uuid[]) ORDER BY hold_id"
_FORGET = """
DELETE FROM pricing_promotionuse WHERE hold_id IN (
    SELECT use.hold_id FROM pricing_promotionuse AS use
    LEFT JOIN commerce_quotahold AS hold ON hold.id = use.hold_id
    WHERE use.created_at < %s AND (hold.id IS NULL OR hold.state IN ('released', 'expired')) LIMIT %s)
"""


def identity(customer: str) -> str:
    """Return the keyed hash under which a customer is counted, however they write themselves; "" for nobody."""
    name = customer.strip().casefold()
    return hmac.new(settings.SECRET_KEY.encode(), name.encode(), hashlib.sha256).hexdigest()[:40] if name else ""


@dataclass(frozen=True, slots=True)
class _Limit:
    """One limit of a promotion for a basket: its quota's key and size, and whether it counts money or uses."""

    key: str
    size: int
    counts_money: bool = False


def _of(candidate: Candidate, customer: str) -> list[_Limit]:
    """Return the limits that count for a basket. A customer nobody named can't be counted: see `_is_nameless`."""
    terms, prefix = candidate.promotion.limits, f"{PREFIX}{candidate.promotion.id}"
    found = []
    if terms.budget_minor is not None:
        found.append(_Limit(f"{prefix}:{BUDGET}", terms.budget_minor, counts_money=True))
    if terms.uses is not None:
        found.append(_Limit(f"{prefix}:{USES}", terms.uses))
    if terms.uses_per_customer is not None and customer:
        found.append(_Limit(f"{prefix}:customer:{customer}", terms.uses_per_customer))
    if terms.uses_per_code is not None and candidate.code:
        found.append(_Limit(f"{prefix}:code:{candidate.code}", terms.uses_per_code))
    return found


def _is_nameless(candidate: Candidate, customer: str) -> bool:
    return candidate.promotion.limits.uses_per_customer is not None and not customer


@dataclass(slots=True)
class Basket:
    """What a basket may take: its promotions that are limited, who buys (a hash), and what it costs without them."""

    candidates: Sequence[Candidate]
    customer: str
    amount_minor: int


@dataclass(slots=True)
class _Taken:
    quote_id: UUID
    promotion: str
    request: HoldRequest
    hold_id: UUID


@dataclass(slots=True)
class Taking:
    """Locked limits while baskets are priced one by one; what their promotions gave is taken and written at once."""

    at: datetime
    _claims: quotas.Claims
    _taken: list[_Taken] = field(default_factory=list)

    @classmethod
    def lock(cls, baskets: Iterable[Basket], *, at: datetime) -> "Taking":
        """Lock every limit that the baskets may touch, in the order of their keys, until the transaction ends."""
        requests = [
            HoldRequest(limit.key, limit.size, 1, "lock")
            for basket in baskets
            for candidate in basket.candidates
            for limit in _of(candidate, basket.customer)
        ]
        return cls(at, quotas.Claims(requests, at=at))

    def allowances(self, basket: Basket) -> dict[str, Allowance]:
        """Return what is left for each limited promotion of a basket."""
        found = {}
        for candidate in basket.candidates:
            budget, has_uses = None, not _is_nameless(candidate, basket.customer)
            for limit in _of(candidate, basket.customer):
                if limit.counts_money:
                    budget = self._claims.left(limit.key, wanted=min(limit.size, basket.amount_minor))
                else:
                    has_uses &= self._claims.left(limit.key) >= 1
            found[candidate.promotion.id] = Allowance(budget, has_uses)
        return found

    def take(self, basket: Basket, effects: Iterable[Effect], *, quote_id: UUID, expires_at: datetime) -> bool:
        """Take what the promotions of a priced basket gave; return whether any of it is limited."""
        limited = {candidate.promotion.id: candidate for candidate in basket.candidates}
        wanted: list[tuple[str, HoldRequest]] = []
        for effect in effects:
            candidate = limited.get(effect.promotion.id)
            if candidate is None or not effect.given_minor:
                continue
            for limit in _of(candidate, basket.customer):
                quantity = effect.given_minor if limit.counts_money else 1
                request = HoldRequest(limit.key, limit.size, quantity, f"quote:{quote_id}", expires_at)
                wanted.append((effect.promotion.id, request))
        if not wanted:
            return False
        holds = self._claims.take([request for _promotion, request in wanted])
        for (promotion, request), hold_id in zip(wanted, holds, strict=True):
            self._taken.append(_Taken(quote_id, promotion, request, hold_id))
        return True

    def write(self) -> None:
        """Store what was taken, in two statements."""
        self._claims.write()
        if self._taken:
            with connection.cursor() as cursor:
                cursor.execute(
                    _INSERT,
                    [
                        self.at,
                        [one.hold_id for one in self._taken],
                        [one.promotion for one in self._taken],
                        [one.request.key for one in self._taken],
                        [one.request.quantity for one in self._taken],
                        [one.quote_id for one in self._taken],
                    ],
                )


class Ordering:
    """What quotes hold of limits while orders are placed by them: locked before windows and goods, settled at the end."""

    def __init__(self, quote_ids: Sequence[UUID], *, at: datetime) -> None:
        """Lock the claims of some quotes and their quotas. Costs nothing without quotes."""
        self._at = at
        self._holds: dict[UUID, list[UUID]] = {}
        self._used: set[UUID] = set()
        self._orders: dict[UUID, UUID] = {}
        if not quote_ids:
            return
        with connection.cursor() as cursor:
            cursor.execute(_LOCK_QUOTAS, [list(quote_ids)])
            cursor.execute(_OF_QUOTES, [list(quote_ids)])
            for quote_id, hold_id, order_id in cursor.fetchall():
                self._holds.setdefault(quote_id, []).append(hold_id)
                if order_id is not None:
                    self._used.add(quote_id)

    def take(self, quote_id: UUID, order_id: UUID) -> CommerceError | None:
        """Let an order have what its quote holds, or return why it can't."""
        if quote_id in self._used or quote_id in self._orders:
            return QuoteUsed(
                "Another order was placed by this quote, which holds a limited promotion once. Ask for a new quote.",
                quote=str(quote_id),
            )
        self._orders[quote_id] = order_id
        return None

    def give_back(self, quote_id: UUID) -> None:
        """Undo a `take`: the order could not be placed, its quote holds on."""
        self._orders.pop(quote_id, None)

    def write(self) -> None:
        """Settle what was taken for good. Raises: QuoteExpired when a hold ended meanwhile."""
        if not self._orders:
            return
        holds = [hold_id for quote_id in self._orders for hold_id in self._holds.get(quote_id, ())]
        try:
            quotas.commit(holds, at=self._at)
        except quotas.QuotaHoldExpired as expired:
            raise QuoteExpired("The quote's hold on a promotion has ended; ask for a new quote.") from expired
        with connection.cursor() as cursor:
            cursor.execute(_ORDERED, [list(self._orders), list(self._orders.values())])


@transaction_required
def give_back(order_id: UUID) -> None:
    """Give back what an order took of limits. Giving back again changes nothing."""
    with connection.cursor() as cursor:
        cursor.execute(_OF_ORDERS, [[order_id]])
        holds = [hold_id for (hold_id,) in cursor.fetchall()]
    quotas.release(holds)


def usage(promotion_id: str, *, at: datetime) -> dict[str, quotas.Usage]:
    """Return budget and uses of a promotion ("budget", "uses"), as far as anybody has taken of them."""
    prefix = f"{PREFIX}{promotion_id}:"
    found = quotas.usage([prefix + BUDGET, prefix + USES], at=at)
    return {key.removeprefix(prefix): one for key, one in found.items()}


@transaction_required
def prune(*, before: datetime, at_most: int) -> int:
    """Forget claims of quotes that expired or were given back long ago; return how many. Not signed: nothing was decided."""
    with connection.cursor() as cursor:
        cursor.execute(_FORGET, [before, at_most])
        return int(cursor.rowcount)
