"""What a language is called, for templates: `{% load languages %}` and `{{ "de"|language }}`."""

from django import template
from django.utils.translation import get_language_info, gettext

register = template.Library()


@register.filter
def language(code: str) -> str:
    """Return the language's name in the reader's language, or its code in capitals when nobody knows it."""
    try:
        return gettext(get_language_info(code)["name"])
    except KeyError:
        return code.upper()
