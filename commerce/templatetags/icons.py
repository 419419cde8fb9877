"""Icons in templates: `{% lucide "check" size=20 aria_hidden="true" %}`, drawn once and remembered.

The library's own tag copies and serialises the drawing each time, which was a third of what the pickup queue cost.
"""

from functools import lru_cache

from django import template
from django.utils.safestring import SafeString
from lucide.templatetags import lucide as library

register = template.Library()
MOST_REMEMBERED = 1024  # drawings with their sizes and attributes; the templates use some hundred


@register.simple_tag
def lucide(name: str, *, size: int | None = 24, **attributes: object) -> str:
    """Return the drawing as inline SVG. Raises lucide.IconDoesNotExist for a name it doesn't know."""
    return _drawn(str(name), size, tuple(sorted((key, str(value)) for key, value in attributes.items())))


@lru_cache(maxsize=MOST_REMEMBERED)
def _drawn(name: str, size: int | None, attributes: tuple[tuple[str, str], ...]) -> SafeString:
    return SafeString(library.lucide(name, size=size, **dict(attributes)))
