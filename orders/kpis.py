"""Key figures of payments: how many are authorised, why others are declined, what providers cost, what is open and how old."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.db import connection
from django.utils.translation import gettext_lazy as _

from commerce.operations import kpis
from commerce.operations.kpis import Kpi, Row
from orders import pay_later
from orders.payments import declines

# A payment that a customer never confirmed was not declined; it counts for neither side.
_AUTHORISED = """
SELECT gateway, method, count(*) FILTER (WHERE authorised_minor > 0), count(*)
FROM orders_payment
WHERE created_at >= %s AND created_at < %s AND gateway NOT IN ('till', 'bank', 'channel') AND (authorised_minor > 0 OR has_failed)
GROUP BY 1, 2 ORDER BY 4 DESC, 1, 2
"""
_DECLINED = """
SELECT coalesce(nullif(decline_reason, ''), 'unknown'), currency, count(*), sum(amount_minor)
FROM orders_payment WHERE created_at >= %s AND created_at < %s AND has_failed AND authorised_minor = 0
GROUP BY 1, 2 ORDER BY 3 DESC, 1, 2
"""
_COST = """
SELECT gateway, method, currency, sum(captured_minor), sum(fee_minor), count(*) FILTER (WHERE captured_minor > 0),
       sum(captured_minor) FILTER (WHERE fee_minor = 0), count(*) FILTER (WHERE fee_minor = 0 AND captured_minor > 0)
FROM orders_payment WHERE created_at >= %s AND created_at < %s AND captured_minor > 0
GROUP BY 1, 2, 3 ORDER BY 4 DESC, 1, 2, 3
"""
_OPEN = """
SELECT what, CASE WHEN days <= 2 THEN '0-2' WHEN days <= 7 THEN '3-7' WHEN days <= 30 THEN '8-30' ELSE '31+' END AS age,
       currency, sum(amount), count(*)
FROM (
    SELECT 'held' AS what, extract(day FROM %(until)s - created_at) AS days,
           authorised_minor - captured_minor - released_minor AS amount, currency
    FROM orders_payment WHERE created_at < %(until)s AND authorised_minor > captured_minor + released_minor
    UNION ALL
    SELECT 'owed back', extract(day FROM %(until)s - owed.created_at), part.amount_minor, payment.currency
    FROM orders_owedrefundpart part JOIN orders_owedrefund owed ON owed.id = part.owed_id
    JOIN orders_payment payment ON payment.id = part.payment_id
    WHERE part.settled_at IS NULL AND part.way = 'refund' AND owed.created_at < %(until)s
    UNION ALL
    SELECT 'not settled', %(until)s::date - dated_on, abs(amount_minor), currency
    FROM orders_settlementline WHERE settled_at IS NULL AND dated_on <= %(until)s::date
) open GROUP BY 1, 2, 3 ORDER BY 1, 2, 3
"""


def register() -> None:
    """Register the key figures; called once when the application is ready."""
    for code, title, unit, compute, more_is_better in (
        ("payments.authorisation_rate", _("Authorised, of what was tried"), "percent", authorisation_rate, True),
        ("payments.decline_reasons", _("Why payments were declined"), "count", decline_reasons, False),
        ("payments.cost", _("What payments cost, of what was taken"), "percent", cost, False),
        ("payments.open", _("Open amounts by age in days"), "minor", open_amounts, False),
    ):
        kpis.register(Kpi(code=code, title=title, unit=unit, compute=compute, more_is_better=more_is_better))


def authorisation_rate(since: datetime, until: datetime) -> Sequence[Row]:
    """Return the share of payments that were authorised, of those that were or were declined, by provider and method."""
    return [
        Row(
            f"{gateway} · {method}",
            100 * good / tried,
            tried,
            {"authorised": good, "gateway": gateway, "method": method},
        )
        for gateway, method, good, tried in _ask(_AUTHORISED, since, until)
    ]


def decline_reasons(since: datetime, until: datetime) -> Sequence[Row]:
    """Return how many payments were declined for each reason that providers gave, each currency by itself."""
    found: dict[tuple[str, str], tuple[int, int]] = {}  # several codes of providers say the same
    for reason, currency, count, amount in _ask(_DECLINED, since, until):
        said = (declines.word(reason), currency)
        before, minor = found.get(said, (0, 0))
        found[said] = (before + count, minor + int(amount))
    return [
        Row(word, count, count, {"amount_minor": minor, "currency": currency})
        for (word, currency), (count, minor) in sorted(found.items(), key=lambda one: -one[1][0])
    ]


def cost(since: datetime, until: datetime) -> Sequence[Row]:
    """Return what each provider and method cost, of what was taken: as settlement files say, else by the list price.

    Amounts of different currencies are never added up.
    """
    rows = []
    for gateway, method, currency, captured, fees, count, unknown, unknown_count in _ask(_COST, since, until):
        guess = pay_later.estimated_fee_minor(gateway, method, int(unknown or 0), int(unknown_count or 0))
        fee = int(fees) + guess
        rows.append(
            Row(
                f"{gateway} · {method}", 100 * fee / int(captured), count,
                {
                    "fee_minor": fee, "estimated_minor": guess, "captured_minor": int(captured), "gateway": gateway,
                    "method": method, "currency": currency,
                },
            )
        )  # fmt: skip
    return rows


def open_amounts(since: datetime, until: datetime) -> Sequence[Row]:
    """Return what is held, owed back and not settled as of `until`, by age and currency. `since` says nothing here."""
    with connection.cursor() as cursor:
        cursor.execute(_OPEN, {"until": until})
        return [
            Row(f"{what}: {age} {currency}", float(amount), count, {"what": what, "age": age, "currency": currency})
            for what, age, currency, amount, count in cursor.fetchall()
        ]


def _ask(sql: str, since: datetime, until: datetime) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql, [since, until])
        return list(cursor.fetchall())
