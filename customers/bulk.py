"""Many customers of one channel at once: found or made by the channel's own customer ids, in a few statements."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db import connection

from commerce import audit, ids
from commerce.actors import Actor
from commerce.transactions import transaction_required
from customers.identifiers import IdentifierKind

MOST_CUSTOMERS = 10_000

_FIND = "SELECT value, profile_id FROM customers_identifier WHERE kind = %s AND scope = %s AND value = ANY(%s)"

# The identifier comes first and decides: a profile is made only for those that nobody made in the meantime. (Its foreign
# key is checked at commit.)
_ADD_IDENTIFIERS = """
INSERT INTO customers_identifier (profile_id, kind, scope, value, is_verified, source, created_at)
SELECT profile_id, %s, %s, value, true, %s, %s FROM unnest(%s::uuid[], %s::text[]) AS fresh (profile_id, value)
ORDER BY value ON CONFLICT ON CONSTRAINT identifier_points_to_one_profile DO NOTHING
RETURNING profile_id
"""
_ADD_PROFILES = """
INSERT INTO customers_profile (id, name, language, country, created_at, updated_at)
SELECT id, '', %s, country, %s, %s FROM unnest(%s::uuid[], %s::text[]) AS fresh (id, country)
"""


@dataclass(frozen=True, slots=True)
class ChannelCustomer:
    """A customer as a channel knows them: its own id of theirs, and their country (ISO code or empty)."""

    reference: str
    country: str = ""


@transaction_required
def recognise_channel_customers(
    customers: Sequence[ChannelCustomer], *, channel_code: str, language: str, source: str, by: Actor, at: datetime
) -> dict[str, UUID]:
    """Find or create the profiles of a channel's customers and return their ids by reference.

    Known profiles are left as they are. Race-safe: a reference that another transaction adds meanwhile is taken over.
    Raises: ValueError for more than MOST_CUSTOMERS.
    """
    if len(customers) > MOST_CUSTOMERS:
        raise ValueError(f"at most {MOST_CUSTOMERS} customers at once, not {len(customers)}")
    countries = {customer.reference: customer.country for customer in customers}
    references = sorted(countries)
    key = [IdentifierKind.CHANNEL_CUSTOMER.value, channel_code]
    with connection.cursor() as cursor:
        cursor.execute(_FIND, [*key, references])
        known: dict[str, UUID] = dict(cursor.fetchall())
        fresh = {ids.new(): reference for reference in references if reference not in known}
        if not fresh:
            return known
        cursor.execute(_ADD_IDENTIFIERS, [*key, source, at, list(map(str, fresh)), list(fresh.values())])
        made = [profile_id for (profile_id,) in cursor.fetchall()]
        cursor.execute(
            _ADD_PROFILES, [language, at, at, list(map(str, made)), [countries[fresh[profile]] for profile in made]]
        )
        audit.record_many(
            [
                audit.AuditRow(
                    verb="customers.bulk.recognise_channel_customers",
                    object_type="customer",
                    object_id=profile_id,
                    after={"channel": channel_code, "country": countries[fresh[profile_id]]},
                )
                for profile_id in made
            ],
            by=by,
        )
        cursor.execute(_FIND, [*key, references])
        return dict(cursor.fetchall())
