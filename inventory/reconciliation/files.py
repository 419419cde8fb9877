"""Statements of stock in files: read line by line, compared part by part, with a file of what could not be read.

A file is CSV with a header: a column `sku` or `gtin` (or both, one filled), and `quantity`. Reading it again is harmless: each
part has an id made from the file's content, and gets the answer it got before.
"""

import csv
import gzip
import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from io import TextIOWrapper
from pathlib import Path
from typing import IO

from commerce import catalog, clock
from commerce.actors import Actor
from commerce.errors import CommerceError, InvalidInput
from commerce.transactions import durable, transaction
from inventory.reconciliation import lines as statement_lines
from inventory.reconciliation import refused, statements
from inventory.reconciliation.lines import GTIN, SKU, Named
from inventory.reconciliation.statements import Statement

LONGEST_LINE = 10_000  # characters; past it this is no list of products
DELIMITERS = ",;\t|"


@dataclass(slots=True)
class Outcome:
    """What a file came to, in lines; `rejects` is the file with those that could not be read, when there are some."""

    lines: int = 0
    compared: int = 0
    agreeing: int = 0
    differing: int = 0
    settled: int = 0
    not_named: int = 0
    rejected: int = 0
    rejects: Path | None = None


@dataclass(slots=True)
class _Part:
    lines: list[Named] = field(default_factory=list)
    numbers: list[int] = field(default_factory=list)  # where each stands in the file


@durable
def read(
    path: Path, said: Statement, *, is_complete: bool, rejects_in: Path, by: Actor, watch: Callable[[int], object]
) -> Outcome:
    """Read a file as a statement and return what it came to; `said` has everything but reference and lines.

    Memory holds one part, and the ids of the products named so far. `watch` is told how many bytes were read since. With
    `is_complete`, what the file doesn't name is not there.
    Raises: InvalidInput for a file that is no such list; what `statements.take` raises, the parts before being kept.
    """
    digest = _digest(path, said)
    outcome = Outcome()
    named: set[int] = set()
    target = rejects_in / f"{path.name}.rejects.csv"
    with _Rejects(target) as rejects, path.open("rb") as raw:
        at_byte = 0
        for number, (part, is_last) in enumerate(_parts(raw, path.suffix == ".gz", rejects)):
            pieces, faults = statement_lines.resolved(part.lines)
            for fault in faults:
                rejects.add(part.numbers[fault.place], fault.name, fault.message)
            for product_id in named & pieces.keys():
                del pieces[product_id]
                rejects.add(0, catalog.products_by_id([product_id])[product_id].sku, "was named before in this file")
            named |= pieces.keys()
            closes = is_last and is_complete
            if pieces or closes:
                _take(
                    replace(said, reference=f"{digest}:{number}", lines=tuple(pieces.items()), is_last=closes),
                    outcome,
                    by,
                )
            outcome.lines += len(part.lines)
            watch(raw.tell() - at_byte)
            at_byte = raw.tell()
    outcome.rejected, outcome.lines = rejects.count, outcome.lines + rejects.unread
    outcome.rejects = target if rejects.count else None
    if not named and not is_complete:
        raise InvalidInput(f"{path.name} names nothing that we know; see {target.name}.", errors=[])
    return outcome


def _take(statement: Statement, outcome: Outcome, by: Actor) -> None:
    try:
        with transaction():
            answer = statements.take(statement, by=by, at=clock.now())
    except CommerceError as refusal:
        with transaction():
            refused.note(statement, refusal, by=by, at=clock.now())
        raise
    outcome.compared += answer["compared"]
    outcome.agreeing += answer["agreeing"]
    outcome.differing += len(answer["differences"])
    outcome.settled += answer["settled"]
    outcome.not_named += answer["not_named"]


def _parts(raw: IO[bytes], is_packed: bool, rejects: "_Rejects") -> Iterator[tuple[_Part, bool]]:
    """Yield the file's lines in parts, each with whether it is the last one."""
    unpacked = gzip.GzipFile(fileobj=raw) if is_packed else raw
    text = TextIOWrapper(unpacked, encoding="utf-8-sig", errors="replace", newline="")
    header = text.readline(LONGEST_LINE)
    delimiter = max(DELIMITERS, key=header.count)
    columns = [name.strip().strip('"').lower() for name in header.strip().split(delimiter)]
    if "quantity" not in columns or not {SKU, GTIN} & set(columns):
        raise InvalidInput(
            "The first line has to name the columns: quantity, and sku or gtin.",
            errors=[{"field": "header", "value": header.strip()[:200], "message": "lacks quantity, or sku and gtin"}],
        )
    part, waiting = _Part(), None
    for number, row in enumerate(_rows(text, columns, delimiter), 2):
        line = _line(row)
        if isinstance(line, str):
            rejects.add(number, str(row.get(SKU) or row.get(GTIN) or "")[:200], line, is_unread=True)
            continue
        part.lines.append(line)
        part.numbers.append(number)
        if len(part.lines) == statements.MOST_LINES:
            if waiting is not None:
                yield waiting, False
            part, waiting = _Part(), part
    if waiting is not None:
        yield waiting, not part.lines
    if part.lines or waiting is None:
        yield part, True
    text.detach()


def _rows(text: TextIOWrapper, columns: list[str], delimiter: str) -> Iterator[dict[str, str | None]]:
    try:
        yield from csv.DictReader(text, columns, delimiter=delimiter, restkey="more")
    except (csv.Error, EOFError, OSError) as error:
        raise InvalidInput(f"The file can't be read to its end: {error}.") from error


def _line(row: dict[str, str | None]) -> Named | str:
    """Return the line, or what is wrong with it."""
    sku, code, quantity = ((row.get(name) or "").strip() for name in (SKU, GTIN, "quantity"))
    if not sku and not code:
        return "names no product"
    if "more" in row:
        return "has more columns than the first line"
    digits = quantity.removeprefix("-")
    if not digits.isascii() or not digits.isdigit() or len(digits) > 9:
        return f"{quantity[:40]!r} is no whole number of pieces"
    return Named(SKU, sku, int(quantity)) if sku else Named(GTIN, code, int(quantity))


def _digest(path: Path, said: Statement) -> str:
    """Return what names this file with all that is said about it: tomorrow the same figures are another statement."""
    with path.open("rb") as file:
        content = hashlib.file_digest(file, "sha256")
    content.update(said.digest.encode())
    return content.hexdigest()[:32]


class _Rejects:
    """Writes the lines that could not be read, each with its number and reason; no file without any."""

    def __init__(self, path: Path) -> None:
        self.path, self.count, self.unread = path, 0, 0
        self._file: IO[str] | None = None

    def __enter__(self) -> "_Rejects":
        return self

    def __exit__(self, *_fault: object) -> None:
        if self._file is not None:
            self._file.close()

    def add(self, number: int, name: str, reason: str, *, is_unread: bool = False) -> None:
        """Keep one line; number 0 where it is about several."""
        if self._file is None:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._file = self.path.open("w", encoding="utf-8", newline="")
            csv.writer(self._file).writerow(["line", "product", "reason"])
        csv.writer(self._file).writerow([number or "", name, reason])
        self.count += 1
        self.unread += is_unread
