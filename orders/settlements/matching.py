"""Finding what open lines belong to: by reference, by name and amount, and where there are many, by what they look like.

Certain is what has a reference or a name and the right amount; everything else is proposed to a person, best first. Nobody's
money moves by a guess: the automatic band asks for a precision of 99 % and more (benchmark `reconcile`).
"""

from collections import Counter, defaultdict
from collections.abc import Iterable
from datetime import datetime, timedelta
from uuid import UUID

from django.db.models import Q, Sum
from django.utils import timezone

from commerce.actors import Actor
from commerce.transactions import transaction_required
from orders import settling
from orders.models import Payment, SettlementLine, SettlementMatch
from orders.settlement_formats import LineKind
from orders.settlements import decisions, files
from orders.settlements.decisions import Found
from orders.settlements.files import Reading
from orders.settling import Band, Line, Tolerance

AT_ONCE = 20_000  # open lines of a run; the rest follows with the next one
MANY = 500  # lines from which on what they look like can be estimated from themselves
BANK_DAYS = timedelta(days=45)  # how long a transfer is waited for
PAYOUT = Tolerance(amount_part=0.002, days_before=1, days_after=7)
PROPOSED_EACH = 3  # for one line; a person who has to choose among more has to look anyway
CERTAIN, NAMED, LOOKS = 1000, 700, 400
RANKS = ("named_exact", "named_differs", "exact_alone", "exact_several")
SHORTEST_REFERENCE = 6


@transaction_required
def run(*, by: Actor, at: datetime) -> dict[str, int]:
    """Match everything that is open; return how many of each were newly found."""
    return {
        "provider": decisions.note(list(_provider_lines()), by=by, at=at),
        "payouts": decisions.note(list(_payouts()), by=by, at=at),
        "transfers": decisions.note(list(_transfers(at)), by=by, at=at),
    }


@transaction_required
def take_in(
    content: bytes, *, source: str, name: str, currency: str = "EUR", by: Actor, at: datetime
) -> tuple[Reading, int]:
    """Read a file and match what it brings; return how it was read, and how many matches were newly found.

    Raises: InvalidInput as `files.read`.
    """
    reading = files.read(content, source=source, name=name, currency=currency, by=by, at=at)
    return reading, sum(run(by=by, at=at).values()) if reading.is_new else 0


def _open(*kinds: LineKind) -> list[SettlementLine]:
    rows = SettlementLine.objects.filter(settled_at__isnull=True, kind__in=[kind.value for kind in kinds])
    return list(rows.order_by("dated_on", "id")[:AT_ONCE])


def _provider_lines() -> Iterable[Found]:
    """Our ledger against the provider's file: by the reference that both know; sums that differ need a person."""
    lines = _open(LineKind.CHARGE, LineKind.REFUND, LineKind.DISPUTE)
    references = {(line.source, line.reference) for line in lines if line.reference}
    known = {
        (paid.gateway, paid.provider_reference): paid
        for paid in Payment.objects.filter(provider_reference__in={reference for _source, reference in references})
    }
    settled: dict[tuple[UUID, str], int] = defaultdict(int)
    rows = SettlementMatch.objects.filter(
        payment_id__in=[paid.pk for paid in known.values()], state__in=decisions.COUNTING
    )
    for row in rows.values("payment_id", "line__kind").annotate(sum=Sum("line__amount_minor")):
        settled[row["payment_id"], row["line__kind"]] += row["sum"]
    for line in lines:
        paid = known.get((line.source, line.reference))
        if paid is None or paid.currency != line.currency:
            continue
        expected = {
            LineKind.CHARGE.value: paid.captured_minor,
            LineKind.REFUND.value: -paid.refunded_minor,
            LineKind.DISPUTE.value: -paid.charged_back_minor,
        }[line.kind]
        after = settled[paid.pk, line.kind] + line.amount_minor
        fits = abs(after) <= abs(expected) and (after < 0) == (expected < 0)
        settled[paid.pk, line.kind] = after
        yield Found(
            line_id=line.pk, payment_id=paid.pk, rule="reference" if fits else "reference_differs",
            certainty=CERTAIN if fits else NAMED, difference_minor=0 if fits else after - expected, is_automatic=fits,
        )  # fmt: skip


def _payouts() -> Iterable[Found]:
    """What a provider says it paid out against what arrived: in the file it leaves (negative), on the account it comes."""
    payouts = _open(LineKind.PAYOUT)
    arrivals = [line for line in _open(LineKind.BANK) if line.amount_minor > 0]
    if not payouts or not arrivals:
        return
    rivals = Counter(abs(payout.amount_minor) for payout in payouts)
    same = Counter(line.amount_minor for line in arrivals)
    by_amount: dict[int, list[SettlementLine]] = defaultdict(list)
    for payout in payouts:
        by_amount[abs(payout.amount_minor)].append(payout)
    for line in arrivals:
        near = [
            payout
            for payout in by_amount.get(line.amount_minor, [])
            if payout.currency == line.currency
            and -PAYOUT.days_before <= (line.dated_on - payout.dated_on).days <= PAYOUT.days_after
        ]
        for payout in near[:PROPOSED_EACH]:
            is_called = payout.source.upper() in line.text.upper()
            alone = rivals[line.amount_minor] == 1 and same[line.amount_minor] == 1
            yield Found(
                line_id=line.pk, payout_id=payout.pk, rule="payout_named" if is_called else "payout_amount",
                certainty=CERTAIN if is_called and alone else NAMED if alone else LOOKS, is_automatic=is_called and alone,
            )  # fmt: skip


def _transfers(at: datetime) -> Iterable[Found]:
    """Bank transfers that orders wait for against what arrived: by the order's number in the text, else by what they look like."""
    arrivals = [line for line in _open(LineKind.BANK) if line.amount_minor > 0]
    waiting = list(
        Payment.objects.filter(gateway="bank", captured_minor=0, created_at__gt=at - BANK_DAYS)
        .filter(Q(order__isnull=False))
        .select_related("order")
        .order_by("created_at")[:AT_ONCE]
    )
    if not arrivals or not waiting:
        return
    if min(len(arrivals), len(waiting)) >= MANY:
        yield from _by_looks(arrivals, waiting)
        return
    by_amount: dict[int, list[Payment]] = defaultdict(list)
    by_name: dict[str, list[Payment]] = defaultdict(list)
    for paid in waiting:
        by_amount[paid.amount_minor].append(paid)
        for name in _names(paid):
            by_name[settling.plain(name)].append(paid)
    for line in arrivals:
        yield from _transfer(_line(line), line, by_amount, by_name)


def _transfer(
    said: Line, line: SettlementLine, by_amount: dict[int, list[Payment]], by_name: dict[str, list[Payment]]
) -> Iterable[Found]:
    """Judge one line against what is called in its text and what has its amount: never against everything."""
    same = by_amount.get(line.amount_minor, [])
    candidates = {paid.pk: paid for word in settling.words(said.text) for paid in by_name.get(word, [])}
    candidates |= {paid.pk: paid for paid in same[:PROPOSED_EACH]}
    found = []
    for paid in candidates.values():
        if paid.currency == line.currency and line.dated_on >= timezone.localdate(paid.created_at) - timedelta(1):
            verdict = settling.by_rule(said, _names(paid), paid.amount_minor, rivals=len(same) - 1)
            if verdict is not None:
                found.append((verdict, paid))
    found.sort(key=lambda one: (RANKS.index(one[0].rule), abs(one[0].difference_minor)))
    is_certain = bool(found) and found[0][0].band is Band.AUTOMATIC
    for verdict, paid in found[: 1 if is_certain else PROPOSED_EACH]:
        yield Found(
            line_id=line.pk, payment_id=paid.pk, rule=verdict.rule, difference_minor=verdict.difference_minor,
            certainty=CERTAIN if is_certain else NAMED if verdict.rule == "named_differs" else LOOKS,
            is_automatic=is_certain,
        )  # fmt: skip


def _names(paid: Payment) -> tuple[str, ...]:
    """Return what a transfer may be called by: the order's number, and the channel's reference if it is long enough to mean it."""
    if paid.order is None:
        return ()
    reference = paid.order.external_reference
    return (paid.order.number, reference) if len(reference) >= SHORTEST_REFERENCE else (paid.order.number,)


def _by_looks(arrivals: list[SettlementLine], waiting: list[Payment]) -> Iterable[Found]:
    """Match very many lines by what they look like. Only a pair with the right amount is settled without a person."""
    left = [
        Line(
            str(paid.pk),
            paid.amount_minor,
            timezone.localdate(paid.created_at),
            f"{paid.order.contact_name} {paid.order.number}",
        )
        for paid in waiting
        if paid.order is not None
    ]
    right = [_line(line) for line in arrivals]
    amounts = {one.id: one.amount_minor for one in (*left, *right)}
    for match in settling.reconcile(left, right).matches:
        difference = amounts[match.right] - amounts[match.left]
        yield Found(
            line_id=UUID(match.right), payment_id=UUID(match.left), rule="looks", certainty=round(match.certainty * 1000),
            difference_minor=difference, is_automatic=match.band is Band.AUTOMATIC and difference == 0,
        )  # fmt: skip


def _line(line: SettlementLine) -> Line:
    return Line(str(line.pk), line.amount_minor, line.dated_on, f"{line.text} {line.reference}".strip())
