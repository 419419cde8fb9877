"""Rows of files, one after the other: CSV of any kind that Excel writes, and XLSX read as a stream, both within limits. [pure]"""

import csv
import io
import zipfile
from collections.abc import Iterator
from itertools import chain

from pricing.exchange import cells

LARGEST_FILE = 32 * 1024 * 1024
LARGEST_UNPACKED = 400 * 1024 * 1024  # of an XLSX: 500,000 rows of seven columns fit; a bomb does not
HIGHEST_RATIO = 250  # unpacked to packed; real sheets stay below 60
MOST_PARTS = 500
MOST_ROWS = 500_000
MOST_COLUMNS = 60
LONGEST_CELL = 100_000  # the document of a promotion
PROLOGUE = 8_192  # bytes of a part in which a document type would stand; ours have none


class UnreadableFile(ValueError):
    """The file is none that can be read; the message says why and what to do."""


def rows(content: bytes) -> Iterator[tuple[int, list[object]]]:
    """Yield (line, cells) of a file, its heading first; empty lines are left out. Raises: UnreadableFile."""
    if len(content) > LARGEST_FILE:
        raise UnreadableFile(f"The file has more than {LARGEST_FILE // 2**20} MB; send it in parts.")
    if not content.strip():
        raise UnreadableFile("The file is empty; send one with a heading and rows.")
    found = _of_sheet(content) if content.startswith(b"PK") else _of_text(content)
    for number, (line, row) in enumerate(found):
        if number > MOST_ROWS:
            raise UnreadableFile(f"The file has more than {MOST_ROWS:,} rows; send it in parts.")
        yield line, row


def _of_text(content: bytes) -> Iterator[tuple[int, list[object]]]:
    if content.startswith((b"\xd0\xcf\x11\xe0", b"%PDF")):
        raise UnreadableFile("This is an old Excel file or another format; save it as .xlsx or .csv.")
    try:
        text = cells.decoded(content)
    except UnicodeDecodeError:
        raise UnreadableFile("The text is in no known encoding; save it as CSV UTF-8.") from None
    if "\x00" in text:
        raise UnreadableFile("This is no text; save it as .xlsx or .csv.")
    lines = io.StringIO(text, newline="")
    first = next((line for line in lines if line.strip()), "")
    if first.lower().startswith("sep="):  # as Excel writes it for itself
        separator = first.strip()[4:5] or ";"
        heading = lines
    else:
        separator = max(";,\t|", key=first.count)
        heading = io.StringIO(text, newline="")
    reader = csv.reader(heading, delimiter=separator, strict=True)
    offset = 1 if heading is lines else 0
    csv.field_size_limit(LONGEST_CELL)
    try:
        for row in reader:
            if any(cell.strip() for cell in row):
                yield reader.line_num + offset, [cells.unguarded(cell) for cell in row[:MOST_COLUMNS]]
    except csv.Error as error:
        raise UnreadableFile(
            f"Line {reader.line_num + offset} can't be read ({error}); look at its quotation marks."
        ) from None


def _of_sheet(content: bytes) -> Iterator[tuple[int, list[object]]]:
    import openpyxl  # here, so that web workers stay light
    from openpyxl.utils.exceptions import InvalidFileException

    _check_archive(content)
    try:
        book = openpyxl.load_workbook(io.BytesIO(content), read_only=True, data_only=True, keep_links=False)
    except (InvalidFileException, KeyError, ValueError, zipfile.BadZipFile, OSError, SyntaxError) as error:
        raise UnreadableFile("The workbook can't be opened; save it again as .xlsx, or as .csv.") from error
    try:
        sheet = book.worksheets[0] if book.worksheets else None
        if sheet is None:
            raise UnreadableFile("The workbook has no sheet with rows.")
        sheet.reset_dimensions()  # what a file says of its own size is not believed
        for line, row in enumerate(sheet.iter_rows(values_only=True), start=1):
            if any(cell is not None and str(cell).strip() for cell in row[:MOST_COLUMNS]):
                yield line, ["" if cell is None else _plain(cell) for cell in row[:MOST_COLUMNS]]
    except (SyntaxError, ValueError, KeyError, zipfile.BadZipFile) as error:
        if isinstance(error, UnreadableFile):
            raise
        raise UnreadableFile("A part of the workbook is broken; save it again as .xlsx, or as .csv.") from error
    finally:
        book.close()


def _plain(cell: object) -> object:
    if isinstance(cell, str):
        return cells.unguarded(cell[:LONGEST_CELL])
    return cell


def _check_archive(content: bytes) -> None:
    """Refuse archives that unpack to more than any price list, and parts with a document type (entities)."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            parts = archive.infolist()
            unpacked = sum(part.file_size for part in parts)
            if len(parts) > MOST_PARTS or unpacked > LARGEST_UNPACKED or unpacked > HIGHEST_RATIO * len(content):
                raise UnreadableFile("The workbook unpacks to more than a price list can be; save the sheet as .csv.")
            for part in parts:
                if part.filename.endswith((".xml", ".rels")):
                    with archive.open(part) as opened:
                        if b"<!DOCTYPE" in opened.read(PROLOGUE).upper():
                            raise UnreadableFile("The workbook carries a document type; save it again from Excel.")
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, OSError, EOFError) as error:
        raise UnreadableFile("The workbook is broken or locked; save it again without a password.") from error


# --- writing ------------------------------------------------------------------------------------------------------------


def as_csv(heading: list[str], body: Iterator[list[str]], *, separator: str = ";") -> Iterator[str]:
    """Yield a file in pieces, with the mark by which Excel knows UTF-8."""
    kept = io.StringIO(newline="")
    writer = csv.writer(kept, delimiter=separator, lineterminator="\r\n")
    kept.write("\ufeff")
    for number, row in enumerate(chain([heading], body)):
        writer.writerow(row)
        if number % 1_000 == 999:
            yield kept.getvalue()
            kept.seek(0)
            kept.truncate()
    yield kept.getvalue()


def as_sheet(heading: list[str], body: Iterator[list[str]]) -> bytes:
    """Return a workbook with one sheet; every cell is text, so nothing in it is run."""
    import openpyxl  # here, so that web workers stay light
    from openpyxl.writer.excel import save_workbook

    book = openpyxl.Workbook(write_only=True)
    sheet = book.create_sheet("Kontor")
    for row in chain([heading], body):
        sheet.append(row)
    kept = io.BytesIO()
    save_workbook(book, kept)
    return kept.getvalue()
