"""Barcodes from a photo, for phones whose browser can't find them in the picture itself. Nothing of the picture is kept."""

import warnings
from typing import IO

import zxingcpp
from django.http import HttpRequest, JsonResponse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST
from PIL import Image, ImageOps, UnidentifiedImageError

from commerce.staff import shell

MOST_BYTES = 6 * 1024 * 1024  # a phone sends a few hundred kilobytes: its page makes the picture smaller first
MOST_PIXELS = 40_000_000  # a small file may unfold to gigabytes
LONG_SIDE = 2000  # pixels; more finds no more barcodes
FORMATS = ("JPEG", "PNG", "WEBP")
LONGEST_TEXT = 500


class Unreadable(Exception):
    """What came is no picture that could be looked at."""


@require_POST
@shell.signed_in
def decode(request: HttpRequest) -> JsonResponse:
    """Answer with the text of the barcode in the photo: 200 with it, 404 when there is none, 413 and 422 for what is no photo."""
    if int(request.headers.get("Content-Length") or 0) > MOST_BYTES:
        return _answer(
            413, _("This picture is too large. Take it again from closer, or type the number under the barcode.")
        )
    photo = request.FILES.get("photo")
    if photo is None:
        return _answer(422, _("There is no picture in this. Take one, or type the number under the barcode."))
    if (photo.size or 0) > MOST_BYTES:
        return _answer(
            413, _("This picture is too large. Take it again from closer, or type the number under the barcode.")
        )
    try:
        text = barcode_in(photo)
    except Unreadable:
        return _answer(422, _("This isn’t a picture that can be read. Take one, or type the number under the barcode."))
    if not text:
        return _answer(404, _("No barcode found. Hold the phone straight and closer, with more light."))
    return JsonResponse({"text": text})


def barcode_in(photo: IO[bytes]) -> str:
    """Return the text of the barcode in a picture, of the largest where there are several, or nothing. Raises: Unreadable."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            opened = Image.open(photo, formats=FORMATS)
            if opened.width * opened.height > MOST_PIXELS:
                raise Unreadable
            opened.draft("L", (LONG_SIDE, LONG_SIDE))
            picture = ImageOps.exif_transpose(opened).convert("L")
    except (UnidentifiedImageError, OSError, ValueError, SyntaxError, Image.DecompressionBombError, Warning) as error:
        raise Unreadable from error
    picture.thumbnail((LONG_SIDE, LONG_SIDE))
    found = [one for one in zxingcpp.read_barcodes(picture) if one.valid and one.text]
    return max(found, key=_size).text[:LONGEST_TEXT] if found else ""


def _size(found: zxingcpp.Barcode) -> int:
    corners = found.position
    return abs(corners.bottom_right.x - corners.top_left.x) + abs(corners.bottom_right.y - corners.top_left.y)


def _answer(status: int, sentence: str) -> JsonResponse:
    return JsonResponse({"message": sentence}, status=status)
