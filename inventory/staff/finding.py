"""What the shell's search field recognises as goods: barcodes and SKUs first, names when no room knew a code."""

from urllib.parse import urlencode

from django.http import HttpRequest
from django.urls import reverse

from commerce import catalog, clock
from commerce.roles import Permission
from commerce.staff import shell
from inventory.staff import lookup

CODES_ORDER, NAMES_ORDER = 20, 90


def by_code(request: HttpRequest, store: shell.Store, text: str) -> str | None:
    """Return the stock page of the product with this barcode or SKU."""
    known = shell.may(request, Permission.VIEW_STOCK) and catalog.product_by_barcode(text)
    return _address(text) if known else None


def by_name(request: HttpRequest, store: shell.Store, text: str) -> str | None:
    """Return the stock page with the goods whose names hold the words."""
    known = shell.may(request, Permission.VIEW_STOCK) and lookup.search(text, store, at=clock.now())
    return _address(text) if known else None


def _address(text: str) -> str:
    return f"{reverse('inventory-staff:stock')}?{urlencode({'q': text})}"
