"""Refusals in the reader's language: a named error becomes a sentence with the way out.

Verbs raise English sentences with a stable code and facts. A room registers a translatable sentence per code; its
placeholders are filled from the error's `detail`. Without one the English sentence itself is shown.
"""

import re
from collections.abc import Mapping
from functools import cache
from typing import Any

from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from commerce.errors import CommerceError

_sentences: dict[str, Any] = {}
_messages: dict[str, str] = {}


def register(code: str, sentence: Any) -> None:
    """Say `sentence` (lazily translated, `%(name)s` filled from the error's detail) for errors with this code."""
    _sentences[code] = sentence


def register_messages(messages: Mapping[str, str]) -> None:
    """Say what verbs say of fields in the reader's language: sources with what varies in braces, and what people read."""
    _messages.update(messages)
    _patterns.cache_clear()


def said(message: str) -> str:
    """Return what people read instead of a verb's message; the message itself where none is known."""
    for pattern, words in _patterns():
        found = pattern.fullmatch(message)
        if found is not None:
            return gettext(words).format(**found.groupdict())
    return message


@cache
def _patterns() -> list[tuple[re.Pattern[str], str]]:
    """Return all messages as patterns, those with the most fixed words first."""
    found = []
    for source, words in sorted(_messages.items(), key=lambda one: (one[0].count("{"), -len(one[0]))):
        parts = re.split(r"\{(\w+)\}", source)
        text = "".join(re.escape(part) if place % 2 == 0 else f"(?P<{part}>.+?)" for place, part in enumerate(parts))
        found.append((re.compile(text), words))
    return found


def sentence(error: CommerceError) -> str:
    """Return what a person reads for this refusal."""
    known = _sentences.get(error.code)
    if known is None:
        return said(error.message)
    try:
        return str(known) % error.detail
    except (KeyError, TypeError, ValueError):  # the sentence wants a fact that this refusal doesn't have
        return error.message


register("busy", _("Someone else is working on this right now. Please try again in a moment."))
register("conflict", _("This has changed in the meantime. Load the page again and look at the new state."))
register("not_allowed", _("You may not do this here. Ask your store manager."))
register("not_found", _("This doesn’t exist, or not for this store."))
