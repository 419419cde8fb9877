"""Until when goods may come back, by the most special policy that fits; without any it is the law's 14 days."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from commerce import audit, catalog, integrity
from commerce.actors import Actor
from commerce.errors import DuplicateCode, InvalidInput
from commerce.transactions import transaction_required
from orders.models import ReturnPolicy
from orders.return_states import CLAIM_DAYS, CLAIMS, Reason

WITHDRAWAL_DAYS = 14  # § 355 (2) BGB
LONGEST_DAYS = 1100

integrity.refuse(
    "return_policy_once", lambda: DuplicateCode("There is an active policy for the same goods already; change that.")
)


@dataclass(frozen=True, slots=True)
class Policy:
    """How many days goods may come back, and why it is another number than usual."""

    days: int
    reason: str = ""

    def until(self, delivered_at: datetime) -> datetime:
        return delivered_at + timedelta(days=self.days)


USUAL = Policy(WITHDRAWAL_DAYS)


@transaction_required
def set_policy(
    *,
    days: int,
    channel_id: int | None = None,
    country: str = "",
    category: str = "",
    product_id: int | None = None,
    reason: str = "",
    by: Actor,
) -> int:
    """Say how many days such goods may come back; the policy for the same goods before ends. Raises: InvalidInput."""
    if not 0 <= days <= LONGEST_DAYS:
        message = f"Goods come back within 0 to {LONGEST_DAYS} days."
        raise InvalidInput(message, errors=[{"field": "days", "value": days, "message": message}])
    same = {"channel_id": channel_id, "country": country, "category": category, "product_id": product_id}
    ReturnPolicy.objects.filter(**same, is_active=True).update(is_active=False)
    row = ReturnPolicy.objects.create(**same, days=days, reason=reason[:120])
    audit.record("orders.returns.policies.set_policy", "return_policy", row.pk, by=by, after={"days": days, **same})
    return row.pk


def for_products(product_ids: Iterable[int], *, channel_id: int, country: str) -> dict[int, Policy]:
    """Return the policy of each product on a channel and in a country, in one SQL query."""
    wanted = set(product_ids)
    products = catalog.products_by_id(wanted)
    rows = list(ReturnPolicy.objects.filter(is_active=True))
    found = {}
    for product_id in wanted:
        fitting = [
            row
            for row in rows
            if row.channel_id in (None, channel_id)
            and row.country in ("", country)
            and row.product_id in (None, product_id)
            and (not row.category or (products[product_id].category or "").startswith(row.category))
        ]
        best = max(
            fitting,
            key=lambda row: (
                row.product_id is not None,
                len(row.category),
                row.channel_id is not None,
                row.country != "",
            ),
            default=None,
        )
        found[product_id] = Policy(best.days, best.reason) if best else USUAL
    return found


def for_reason(policy: Policy, reason: Reason) -> Policy:
    """Return the policy as it holds for a reason: what was not as it should be may come back for two years."""
    return Policy(CLAIM_DAYS) if reason in CLAIMS and policy.days < CLAIM_DAYS else policy
