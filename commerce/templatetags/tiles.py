"""The tile that stands for a product where there is no picture: `{% tile product.name product.sku %}`."""

import hashlib

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString

register = template.Library()
TINTS = 12  # as many as kontor.css has


@register.simple_tag
def tile(name: str, sku: str, *, big: bool = False) -> SafeString:
    """Return a product's tile: its letters on its tint, the same wherever the product is shown. Not read aloud."""
    size = "tile tile-big" if big else "tile"
    return format_html(
        '<span class="{} tint-{}" aria-hidden="true">{}</span>', size, _tint(sku), _initials(name) or sku[:2].upper()
    )


def _initials(name: str) -> str:
    """Return the first letters of the first two words, to tell products of one order apart at a glance."""
    words = [word for word in name.replace("-", " ").split() if word[0].isalnum()]
    return "".join(word[0] for word in words[:2]).upper()


def _tint(sku: str) -> int:
    return int(hashlib.sha256(sku.encode()).hexdigest()[:4], 16) % TINTS
