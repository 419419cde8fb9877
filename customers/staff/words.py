"""What the customer pages call things, in the reader's language."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext_lazy as _

from customers.identifiers import IdentifierKind


@dataclass(frozen=True, slots=True)
class Word:
    """A word with its icon and the tone of its badge: state is never told by colour alone."""

    text: Any
    icon: str
    tone: str = "info"


KINDS: dict[str, Word] = {
    IdentifierKind.EMAIL.value: Word(_("E-mail"), "mail"),
    IdentifierKind.PHONE.value: Word(_("Phone"), "phone"),
    IdentifierKind.LOYALTY.value: Word(_("Customer card"), "id-card"),
    IdentifierKind.CHANNEL_CUSTOMER.value: Word(_("Customer number of the shop"), "globe"),
}

# An order's status, as its events tell it.
STATUSES: dict[str, Word] = {
    "open": Word(_("Open"), "inbox", "new"),
    "in_progress": Word(_("In progress"), "scan-barcode", "busy"),
    "ready": Word(_("Ready"), "package-check", "ok"),
    "not_collected": Word(_("Not collected"), "user-x", "warn"),
    "completed": Word(_("Completed"), "check-check", "done"),
    "returned": Word(_("Back in stock"), "undo-2", "done"),
    "rejected": Word(_("Not deliverable"), "ban", "bad"),
    "cancelled": Word(_("Cancelled"), "circle-x", "bad"),
}

STEPS: dict[str, Word] = {
    "recognise": Word(_("Recognised"), "scan-face"),
    "possible_duplicate": Word(_("May be the same as someone else"), "users"),
    "change": Word(_("Changed"), "pencil-line"),
    "add_identifier": Word(_("Contact added"), "user-plus"),
    "change_identifier": Word(_("Contact corrected"), "pencil-line"),
    "say": Word(_("What is agreed changed"), "heart-handshake"),
    "assign": Word(_("Group or segments changed"), "users"),
    "remove_identifier": Word(_("Contact removed"), "user-minus"),
}


def word(words: dict[str, Word], key: str) -> Word:
    """Return the word for `key`, or the key itself said plainly."""
    return words.get(key) or Word(key.replace("_", " ").capitalize(), "circle")


def step(verb: str, after: Mapping[str, Any]) -> Word:
    """Return what the timeline calls an entry: `verb` is the audit's, `after` its facts."""
    return word(STEPS, "possible_duplicate" if "possible_duplicate" in after else verb.rsplit(".", 1)[-1])
