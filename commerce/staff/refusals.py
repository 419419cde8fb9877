"""Refusals in the reader's language: a named error becomes a sentence with the way out.

Verbs raise English sentences with a stable code and facts. A room registers a translatable sentence per code; its
placeholders are filled from the error's `detail`. Without one the English sentence itself is shown.
"""

from typing import Any

from django.utils.translation import gettext_lazy as _

from commerce.errors import CommerceError

_sentences: dict[str, Any] = {}


def register(code: str, sentence: Any) -> None:
    """Say `sentence` (lazily translated, `%(name)s` filled from the error's detail) for errors with this code."""
    _sentences[code] = sentence


def sentence(error: CommerceError) -> str:
    """Return what a person reads for this refusal."""
    known = _sentences.get(error.code)
    if known is None:
        return error.message
    try:
        return str(known) % error.detail
    except (KeyError, TypeError, ValueError):  # the sentence wants a fact that this refusal doesn't have
        return error.message


register("busy", _("Someone else is working on this right now. Please try again in a moment."))
register("conflict", _("This has changed in the meantime. Load the page again and look at the new state."))
register("not_allowed", _("You may not do this here. Ask your store manager."))
register("not_found", _("This doesn’t exist, or not for this store."))
