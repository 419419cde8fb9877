"""The papers of an order as PDF: the label of a pickup (A6) and the slip of a parcel (A4), one page each, readable in grey.

They speak the customer's language. What a standard font can't write is replaced, so that nothing is ever left blank by surprise.
"""

import io
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

import segno
from django.utils import translation
from django.utils.formats import date_format, localize
from django.utils.translation import gettext, ngettext
from reportlab.graphics.barcode import code128
from reportlab.lib.pagesizes import A4, A6
from reportlab.lib.units import mm
from reportlab.pdfbase.pdfmetrics import stringWidth
from reportlab.pdfgen import canvas

from inventory.places.locations import LocationRef

BOLD, PLAIN = "Helvetica-Bold", "Helvetica"
MOST_LINES = 30  # what a page holds; the rest is said in one line
LEFT = 12 * mm


@dataclass(frozen=True, slots=True)
class Item:
    """A line of a paper."""

    sku: str
    name: str
    pieces: int


@dataclass(frozen=True, slots=True)
class Paper:
    """What the papers of an order say."""

    number: str
    name: str
    language: str
    place: LocationRef
    items: Sequence[Item]
    promised_at: datetime
    keep_until: datetime | None = None
    pickup_code: str = ""
    address: Sequence[str] = ()
    parcel: str = ""  # "1 / 2"
    weight_grams: int | None = None
    minimum_age: int | None = None
    store: LocationRef | None = None  # to which the parcel travels
    code: str = ""  # of our own label
    due_at: datetime | None = None  # by when it is to be there
    together_with: Sequence[str] = ()  # other orders of the customer in the same parcel


def pickup_label(paper: Paper) -> bytes:
    """Return the label for the bag of a pickup, A6: number large, name, how long it is kept, and a code to scan at the counter.

    The QR code holds the order's number, never the customer's pickup code: whoever sees the bag must not be able to fetch it.
    """
    with translation.override(paper.language):
        sheet = canvas.Canvas(io.BytesIO(), pagesize=A6, invariant=True)
        sheet.setTitle(paper.number)
        width, height = A6
        sheet.setFont(PLAIN, 9)
        sheet.drawString(8 * mm, height - 10 * mm, plain(paper.place.name))
        _fitted(sheet, paper.number, 8 * mm, height - 26 * mm, width - 16 * mm, 40)
        _fitted(sheet, paper.name or "–", 8 * mm, height - 38 * mm, width - 16 * mm, 22)
        sheet.setLineWidth(1)
        sheet.line(8 * mm, height - 42 * mm, width - 8 * mm, height - 42 * mm)
        sheet.setFont(PLAIN, 11)
        rows = [gettext("Ready by %(time)s") % {"time": _at(paper.promised_at, paper)}]
        if paper.keep_until:
            rows.append(gettext("Kept until %(time)s") % {"time": _at(paper.keep_until, paper)})
        pieces = sum(item.pieces for item in paper.items)
        rows.append(ngettext("%(count)s piece", "%(count)s pieces", pieces) % {"count": pieces})
        for row, text in enumerate(rows):
            sheet.drawString(8 * mm, height - (50 + 6 * row) * mm, plain(text))
        if paper.minimum_age:
            sheet.setFont(BOLD, 13)
            sheet.rect(8 * mm, height - 76 * mm, 60 * mm, 8 * mm)
            sheet.drawString(
                10 * mm, height - 74 * mm, plain(gettext("Check age: %(age)s+") % {"age": paper.minimum_age})
            )
        sheet.setFont(PLAIN, 9)
        for row, item in enumerate(paper.items[:7]):
            sheet.drawString(8 * mm, height - (84 + 5 * row) * mm, cut(f"{item.pieces} × {item.name}", 9, 54 * mm))
        if len(paper.items) > 7:
            more = gettext("and %(count)s more") % {"count": len(paper.items) - 7}
            sheet.drawString(8 * mm, height - (84 + 35) * mm, plain(more))
        _qr(sheet, paper.number, width - 42 * mm, 8 * mm, 34 * mm)
        sheet.setFont(PLAIN, 8)
        sheet.drawString(8 * mm, 8 * mm, plain(paper.place.code))
        return bytes(sheet.getpdfdata())


def transfer_label(paper: Paper) -> bytes:
    """Return the label of a parcel that travels to a store, A6: where to, in large, where from, and the code to scan there."""
    with translation.override(paper.language):
        sheet = canvas.Canvas(io.BytesIO(), pagesize=A6, invariant=True)
        sheet.setTitle(paper.code)
        width, height = A6
        store = paper.store or paper.place
        sheet.setFont(PLAIN, 9)
        sheet.drawString(
            8 * mm, height - 10 * mm, cut(gettext("From %(place)s") % {"place": paper.place.name}, 9, 88 * mm)
        )
        sheet.setFont(BOLD, 11)
        sheet.drawString(8 * mm, height - 20 * mm, plain(gettext("To the store, for pickup")))
        _fitted(sheet, store.name, 8 * mm, height - 34 * mm, width - 16 * mm, 30)
        sheet.setFont(PLAIN, 12)
        for row, text in enumerate(one for one in (store.street, f"{store.postal_code} {store.city}".strip()) if one):
            sheet.drawString(8 * mm, height - (42 + 6 * row) * mm, cut(text, 12, 88 * mm))
        sheet.setLineWidth(1)
        sheet.line(8 * mm, height - 54 * mm, width - 8 * mm, height - 54 * mm)
        _fitted(sheet, paper.number, 8 * mm, height - 68 * mm, width - 16 * mm, 28)
        rows = [gettext("Parcel %(parcel)s") % {"parcel": paper.parcel}] if paper.parcel else []
        if paper.due_at:
            rows.append(gettext("To be there by %(time)s") % {"time": _at(paper.due_at, paper)})
        if paper.weight_grams:
            rows.append(f"{localize(round(paper.weight_grams / 1000, 2))} kg")
        sheet.setFont(PLAIN, 11)
        for row, text in enumerate(rows):
            sheet.drawString(8 * mm, height - (76 + 6 * row) * mm, plain(text))
        bars = code128.Code128(paper.code or paper.number, barHeight=22 * mm, barWidth=0.34 * mm)
        bars.drawOn(sheet, (width - bars.width) / 2, 16 * mm)
        sheet.setFont(BOLD, 11)
        sheet.drawCentredString(width / 2, 9 * mm, plain(paper.code or paper.number))
        return bytes(sheet.getpdfdata())


def packing_slip(paper: Paper) -> bytes:
    """Return the slip that lies in a parcel, A4: from whom, to whom, what is in it, the order's number. No prices."""
    with translation.override(paper.language):
        sheet = canvas.Canvas(io.BytesIO(), pagesize=A4, invariant=True)
        sheet.setTitle(paper.number)
        width, height = A4
        sheet.setFont(BOLD, 20)
        sheet.drawString(LEFT, height - 24 * mm, plain(gettext("Packing slip")))
        sheet.setFont(PLAIN, 9)
        place = paper.place
        sender = " · ".join(
            one for one in (place.name, place.street, f"{place.postal_code} {place.city}") if one.strip()
        )
        sheet.drawString(LEFT, height - 38 * mm, cut(sender, 9, 110 * mm))
        sheet.setFont(PLAIN, 12)
        for row, text in enumerate([paper.name, *paper.address][:6]):
            sheet.drawString(LEFT, height - (46 + 6 * row) * mm, cut(text, 12, 100 * mm))
        right = 130 * mm
        code128.Code128(paper.number, barHeight=14 * mm, barWidth=0.42 * mm).drawOn(
            sheet, right - 6 * mm, height - 34 * mm
        )
        facts = [(gettext("Order"), paper.number)]
        if paper.parcel:
            facts.append((gettext("Parcel"), paper.parcel))
        if paper.weight_grams:
            facts.append((gettext("Weight"), f"{localize(round(paper.weight_grams / 1000, 2))} kg"))
        if paper.together_with:
            facts.append((gettext("Also in it"), ", ".join(paper.together_with)[:24]))
        for row, (label, text) in enumerate(facts):
            sheet.setFont(PLAIN, 10)
            sheet.drawString(right, height - (46 + 6 * row) * mm, plain(label))
            sheet.setFont(BOLD, 10)
            sheet.drawRightString(width - LEFT, height - (46 + 6 * row) * mm, plain(text))
        top = height - 92 * mm
        sheet.setFont(BOLD, 10)
        sheet.drawString(LEFT, top, plain(gettext("Article")))
        sheet.drawString(LEFT + 110 * mm, top, plain(gettext("SKU")))
        sheet.drawRightString(width - LEFT, top, plain(gettext("Pieces")))
        sheet.line(LEFT, top - 2 * mm, width - LEFT, top - 2 * mm)
        shown = paper.items[:MOST_LINES]
        for row, item in enumerate(shown):
            y = top - (8 + 5.5 * row) * mm
            sheet.setFont(PLAIN, 10)
            sheet.drawString(LEFT, y, cut(item.name, 10, 105 * mm))
            sheet.drawString(LEFT + 110 * mm, y, cut(item.sku, 10, 40 * mm))
            sheet.setFont(BOLD, 10)
            sheet.drawRightString(width - LEFT, y, str(item.pieces))
        end = top - (8 + 5.5 * len(shown)) * mm
        sheet.setFont(PLAIN, 10)
        if len(paper.items) > len(shown):
            more = gettext("and %(count)s more") % {"count": len(paper.items) - len(shown)}
            sheet.drawString(LEFT, end, plain(more))
        sheet.line(LEFT, 24 * mm, width - LEFT, 24 * mm)
        sheet.drawString(
            LEFT, 16 * mm, plain(gettext("Thank you for your order. Please keep this slip for questions and returns."))
        )
        return bytes(sheet.getpdfdata())


def _qr(sheet: canvas.Canvas, text: str, x: float, y: float, size: float) -> None:
    """Draw a QR code as squares, so that it prints sharp at any resolution."""
    rows = [list(row) for row in segno.make(text, error="m", micro=False).matrix]
    step = size / (len(rows) + 8)  # four modules of quiet zone on each side
    for row, cells in enumerate(rows):
        for column, is_dark in enumerate(cells):
            if is_dark:
                left, bottom = x + (column + 4) * step, y + (len(rows) - 1 - row + 4) * step
                sheet.rect(left, bottom, step * 1.02, step * 1.02, stroke=0, fill=1)


def _fitted(sheet: canvas.Canvas, text: str, x: float, y: float, width: float, size: int) -> None:
    """Draw a text as large as fits."""
    text = plain(text)
    while size > 10 and stringWidth(text, BOLD, size) > width:
        size -= 1
    sheet.setFont(BOLD, size)
    sheet.drawString(x, y, cut(text, size, width, font=BOLD))


def cut(text: str, size: int, width: float, *, font: str = PLAIN) -> str:
    """Return what of a text fits into a width, with a mark when it is cut."""
    text = plain(text)
    if stringWidth(text, font, size) <= width:
        return text
    while text and stringWidth(text + "…", font, size) > width:
        text = text[:-1]
    return text.rstrip() + "…"


def plain(text: str) -> str:
    """Return a text in the letters that the standard fonts have; others are replaced by a question mark, never left out."""
    return str(text).encode("cp1252", "replace").decode("cp1252")


def _at(moment: datetime, paper: Paper) -> str:
    return date_format(
        moment.astimezone(ZoneInfo(paper.place.time_zone)), "D j.n. H:i" if paper.language == "de" else "D j M, H:i"
    )
