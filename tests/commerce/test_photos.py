"""Barcodes from photos: what a phone sends is read, and nothing that is sent brings the server down."""

import io
import zlib

import pytest
import zxingcpp
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse
from PIL import Image

from commerce.staff import photos
from tests.factories import commerce as ground

pytestmark = pytest.mark.django_db
EAN = "4006381333931"


def barcode(text: str = EAN, kind: str = "EAN13") -> Image.Image:
    """A picture of a barcode on a grey shelf."""
    made = zxingcpp.create_barcode(text, zxingcpp.barcode_format_from_str(kind))
    drawn = Image.fromarray(zxingcpp.write_barcode_to_image(made, scale=4, add_quiet_zones=True))
    shelf = Image.new("L", (1400, 1000), 190)
    shelf.paste(drawn.convert("L"), (300, 250))
    return shelf


def photo(picture: Image.Image, *, kind: str = "JPEG", **options) -> SimpleUploadedFile:
    made = io.BytesIO()
    picture.save(made, kind, **options)
    return SimpleUploadedFile("photo.jpg", made.getvalue(), "image/jpeg")


@pytest.fixture
def phone() -> Client:
    client = Client()
    client.force_login(ground.user())
    return client


def send(phone: Client, file) -> tuple[int, dict]:
    answer = phone.post(reverse("staff:photo"), {"photo": file})
    return answer.status_code, answer.json()


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_a_photo_is_read(phone, kind):
    assert send(phone, photo(barcode(), kind=kind)) == (200, {"text": EAN})


@pytest.mark.parametrize(("text", "kind"), [("K-100042", "QRCode"), ("K-100042", "Code128")])
def test_codes_of_ours_are_read(phone, text, kind):
    assert send(phone, photo(barcode(text, kind))) == (200, {"text": text})


@pytest.mark.parametrize("degrees", [0, 90, 180, 7])
def test_it_need_not_be_held_straight(phone, degrees):
    turned = barcode().rotate(degrees, expand=True, fillcolor=190, resample=Image.Resampling.BICUBIC)
    assert send(phone, photo(turned, quality=70))[1] == {"text": EAN}


def test_a_picture_without_a_barcode_says_what_to_do(phone):
    status, body = send(phone, photo(Image.new("RGB", (800, 600), "white")))
    assert status == 404
    assert "closer" in body["message"]


@pytest.mark.parametrize(
    "content", [b"", b"not a picture", b"\xff\xd8\xff\xe0 broken", b"GIF89a" + bytes(40), b"%PDF-1.4", b"<svg/>"]
)
def test_what_is_no_photo_is_refused(phone, content):
    assert send(phone, SimpleUploadedFile("x.jpg", content))[0] == 422


def test_nothing_and_a_text_are_refused(phone):
    assert phone.post(reverse("staff:photo")).status_code == 422
    assert phone.post(reverse("staff:photo"), {"photo": "text"}).status_code == 422


def test_a_cut_off_photo_is_refused(phone):
    whole = photo(barcode()).read()
    assert send(phone, SimpleUploadedFile("x.jpg", whole[: len(whole) // 8]))[0] == 422


def test_a_small_file_that_unfolds_to_a_huge_picture_is_refused(phone):
    header = b"\x89PNG\r\n\x1a\n"

    def chunk(name: bytes, data: bytes) -> bytes:
        checked = name + data
        return len(data).to_bytes(4, "big") + checked + zlib.crc32(checked).to_bytes(4, "big")

    size = (30_000).to_bytes(4, "big") * 2
    bomb = header + chunk(b"IHDR", size + b"\x08\x00\x00\x00\x00") + chunk(b"IDAT", zlib.compress(bytes(100)))
    assert send(phone, SimpleUploadedFile("x.png", bomb))[0] == 422


def test_too_large_a_file_is_refused(phone, monkeypatch):
    monkeypatch.setattr(photos, "MOST_BYTES", 1000)
    assert send(phone, photo(barcode()))[0] == 413


def test_only_staff_may_ask(client):
    assert client.post(reverse("staff:photo"), {"photo": photo(barcode())}).status_code in (302, 403)
    signed_in = Client()
    signed_in.force_login(ground.user())
    assert signed_in.get(reverse("staff:photo")).status_code == 405
