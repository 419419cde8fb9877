"""The pick list of a wave on paper, A4, readable in grey: for when a phone is empty, and for who likes to tick things off.

All orders together, in the order of the walk: shelf, article, how many pieces in all, and how many of them into which tote.
"""

import io
from zoneinfo import ZoneInfo

from django.utils.formats import date_format
from django.utils.translation import gettext, ngettext
from reportlab.graphics.barcode import code128
from reportlab.lib.pagesizes import A4
from reportlab.lib.units import mm
from reportlab.pdfgen import canvas

from inventory.places.locations import LocationRef
from orders.packing.papers import BOLD, LEFT, PLAIN, cut, plain
from orders.waves.lists import Sheet, Stop

LINES_PER_PAGE = 27
MOST_TOTES_NAMED = 6  # of one product in a line; the rest is counted
STEP = 8.5 * mm
TOP = 52 * mm  # of the first line, from the upper edge
SHELF, ARTICLE, PIECES, TOTES = LEFT + 8 * mm, LEFT + 34 * mm, LEFT + 118 * mm, LEFT + 124 * mm


def pick_list(sheet: Sheet, place: LocationRef) -> bytes:
    """Return the list of what is still to pick in a wave, in the reader's language, as many pages as it takes."""
    stops = [stop for stop in sheet.stops if not stop.is_done]
    pages = [stops[first : first + LINES_PER_PAGE] for first in range(0, len(stops), LINES_PER_PAGE)] or [[]]
    paper = canvas.Canvas(io.BytesIO(), pagesize=A4, invariant=True)
    paper.setTitle(sheet.wave.number)
    for number, page in enumerate(pages, start=1):
        _head(paper, sheet, place, f"{number} / {len(pages)}", pieces=sum(stop.open for stop in stops))
        for row, stop in enumerate(page):
            _line(paper, stop, A4[1] - TOP - row * STEP)
        if not stops:
            paper.setFont(PLAIN, 12)
            paper.drawString(SHELF, A4[1] - TOP, plain(gettext("Everything is picked")))
        paper.showPage()
    return bytes(paper.getpdfdata())


def _head(paper: canvas.Canvas, sheet: Sheet, place: LocationRef, page: str, *, pieces: int) -> None:
    width, height = A4
    wave = sheet.wave
    paper.setFont(BOLD, 20)
    paper.drawString(LEFT, height - 22 * mm, plain(gettext("Pick list %(number)s") % {"number": wave.number}))
    begun = date_format(wave.begun_at.astimezone(ZoneInfo(place.time_zone)), "SHORT_DATETIME_FORMAT")
    counted = [
        ngettext("%(count)s order", "%(count)s orders", wave.orders) % {"count": wave.orders},
        ngettext("%(count)s piece", "%(count)s pieces", pieces) % {"count": pieces},
    ]
    paper.setFont(PLAIN, 10)
    paper.drawString(LEFT, height - 29 * mm, cut(" · ".join([place.name, wave.holder, begun]), 10, 120 * mm))
    paper.drawString(LEFT, height - 35 * mm, plain(" · ".join(counted)))
    code128.Code128(wave.number, barHeight=12 * mm, barWidth=0.4 * mm).drawOn(paper, 146 * mm, height - 27 * mm)
    paper.drawRightString(width - LEFT, height - 35 * mm, plain(page))
    paper.setFont(BOLD, 10)
    heads = ((SHELF, gettext("Shelf")), (ARTICLE, gettext("Article")), (TOTES, gettext("Into totes")))
    for left, text in heads:
        paper.drawString(left, height - 44 * mm, plain(text))
    paper.drawRightString(PIECES, height - 44 * mm, plain(gettext("Pieces")))
    paper.line(LEFT, height - 46 * mm, width - LEFT, height - 46 * mm)


def _line(paper: canvas.Canvas, stop: Stop, y: float) -> None:
    paper.rect(LEFT, y - 0.5 * mm, 4.5 * mm, 4.5 * mm)
    paper.setFont(BOLD, 11)
    paper.drawString(SHELF, y, cut(stop.shelves[0] if stop.shelves else "–", 11, ARTICLE - SHELF - 2 * mm, font=BOLD))
    paper.drawRightString(PIECES, y, str(stop.open))
    paper.setFont(PLAIN, 10)
    paper.drawString(ARTICLE, y + 1.2 * mm, cut(stop.name, 10, 74 * mm))
    paper.setFont(PLAIN, 7.5)
    paper.drawString(
        ARTICLE, y - 2.2 * mm, cut(" · ".join([stop.sku, *(code for code, _pieces in stop.codes[:1])]), 8, 74 * mm)
    )
    wanting = [share for share in stop.shares if share.missing]
    named = [f"{share.tote}: {share.missing}" for share in wanting[:MOST_TOTES_NAMED]]
    if len(wanting) > MOST_TOTES_NAMED:
        named.append(f"+ {len(wanting) - MOST_TOTES_NAMED}")
    paper.setFont(PLAIN, 10)
    paper.drawString(TOTES, y, cut("   ".join(named), 10, A4[0] - LEFT - TOTES))
