"""Article numbers and other codes that stay in one piece: `{{ product.sku|whole }}`, also in the middle of a sentence.

Browsers break a line after a hyphen, and half an article number is another one. Nothing invisible is put into the text, so
that what somebody copies can be searched for.
"""

import re

from django import template
from django.utils.html import conditional_escape
from django.utils.safestring import SafeString, mark_safe

register = template.Library()
LONGEST_WHOLE = 24  # characters; a longer one would leave a phone's screen
_CODE = re.compile(r"(?<![\w-])(?=[\w.-]*\d)\w+(?:\.\w+)*(?:-\w+(?:\.\w+)*)+(?![\w-])")


@register.filter
def whole(text: object) -> SafeString:
    """Return text in which every code with a hyphen and a digit is kept on one line."""
    escaped = str(conditional_escape(text))
    return mark_safe(_CODE.sub(_kept, escaped))  # noqa: S308 (escaped above)


def _kept(code: re.Match[str]) -> str:
    return f'<span class="nowrap">{code[0]}</span>' if len(code[0]) <= LONGEST_WHOLE else code[0]
