"""Reading settlement files and account statements: each file once, each line once, with what could not be read and why."""

import csv
import hashlib
import io
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from commerce import audit, ids
from commerce.actors import Actor
from commerce.errors import InvalidInput
from commerce.transactions import transaction_required
from orders import settlement_formats
from orders.models import SettlementFile, SettlementLine
from orders.settlement_formats import FORMATS, LineKind, Parsed, Unreadable

LARGEST_FILE = 10_000_000  # bytes: a month of a large shop; larger ones are split by day
MOST_LINES = 100_000
MOST_REJECTS_KEPT = 200
WRITTEN_AT_ONCE = 2_000


@dataclass(frozen=True, slots=True)
class Reading:
    """What a file came to."""

    file_id: UUID
    is_new: bool
    lines: int
    rejected: int
    rejects: tuple[tuple[int, str], ...]


@transaction_required
def read(content: bytes, *, source: str, name: str, currency: str = "EUR", by: Actor, at: datetime) -> Reading:
    """Take in a file of a provider or bank; the same content again is answered as before and changes nothing.

    Lines that can't be read are kept with their number and the reason, the others are taken.
    Raises: InvalidInput for an unknown source, a file that is no such list, is too large or empty.
    """
    form = FORMATS.get(source)
    if form is None:
        raise _invalid("source", source, f"Known sources are: {', '.join(sorted(FORMATS))}.")
    if len(content) > LARGEST_FILE:
        raise _invalid("file", len(content), f"A file has at most {LARGEST_FILE:,} bytes; split it by day.")
    digest = hashlib.sha256(content).hexdigest()
    known = SettlementFile.objects.filter(source=source, digest=digest).first()
    if known is not None:
        return Reading(known.id, False, known.lines_read, known.rejected, tuple(map(tuple, known.rejects)))
    parsed, rejects = _parsed(_text(content), form, currency)
    if not parsed:
        why = rejects[0][1] if rejects else "it has no lines"
        raise _invalid("file", name, f"Nothing in {name} could be read: {why}")
    row = SettlementFile.objects.create(
        id=ids.new(), source=source, name=name[:200], digest=digest, lines_read=len(parsed), rejected=len(rejects),
        rejects=rejects[:MOST_REJECTS_KEPT], imported_by=by.label[:200], imported_at=at,
    )  # fmt: skip
    SettlementLine.objects.bulk_create(
        [
            SettlementLine(
                id=ids.new(), file=row, line_number=number, source=source, kind=line.kind.value, fee_minor=line.fee_minor,
                amount_minor=line.amount_minor, currency=line.currency, dated_on=line.on, text=line.text,
                reference=line.reference, settled_at=at if line.kind is LineKind.FEE else None,
            )
            for number, line in parsed
        ],
        batch_size=WRITTEN_AT_ONCE,
    )  # fmt: skip
    audit.record(
        "orders.settlements.read", "settlement_file", row.id, by=by,
        after={"source": source, "lines": len(parsed), "rejected": len(rejects)},
    )  # fmt: skip
    return Reading(row.id, True, len(parsed), len(rejects), tuple(rejects[:MOST_REJECTS_KEPT]))


def _text(content: bytes) -> str:
    for encoding in ("utf-8-sig", "cp1252"):
        try:
            return content.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise _invalid("file", "", "The file is no text; export it as CSV.")


def _parsed(
    text: str, form: settlement_formats.Format, currency: str
) -> tuple[list[tuple[int, Parsed]], list[tuple[int, str]]]:
    head = text.split("\n", 1)[0]
    delimiter = max(",;\t|", key=head.count)
    rows = csv.DictReader(io.StringIO(text), delimiter=delimiter)
    try:
        where = settlement_formats.columns(list(rows.fieldnames or []), form)
    except (Unreadable, csv.Error) as error:
        raise _invalid("file", head[:80], str(error)) from error
    parsed: list[tuple[int, Parsed]] = []
    rejects: list[tuple[int, str]] = []
    try:
        for number, row in enumerate(rows, start=2):
            if number > MOST_LINES:
                raise _invalid("file", number, f"A file has at most {MOST_LINES:,} lines; split it by day.")
            try:
                parsed.append((number, settlement_formats.parse(row, where, form, currency=currency)))
            except Unreadable as error:
                rejects.append((number, str(error)[:200]))
    except csv.Error as error:
        rejects.append((len(parsed) + 2, f"The file ends here for a reader of CSV: {error}"[:200]))
    return parsed, rejects


def _invalid(field: str, value: object, message: str) -> InvalidInput:
    return InvalidInput(message, errors=[{"field": field, "value": value, "message": message}])
