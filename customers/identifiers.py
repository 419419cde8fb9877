"""Kinds of identifiers, how each is normalised, how it is shown to those who may not see it whole. [pure]

Two spellings of one address or number must give one value; two people's must not. Plus addressing is kept: `a+b@x` may
be somebody else's mailbox than `a@x`, and nobody but the mail server knows.
"""

import unicodedata
from dataclasses import dataclass
from enum import StrEnum

import phonenumbers

LONGEST_EMAIL = 254  # RFC 5321: 256 with the angle brackets around it
LONGEST_LOCAL_PART = 64
LONGEST_REFERENCE = 254
DEFAULT_COUNTRY = "DE"
SHOWN_DIGITS = 2
HIDDEN = "•••"


class IdentifierKind(StrEnum):
    EMAIL = "email"
    PHONE = "phone"
    LOYALTY = "loyalty"
    CHANNEL_CUSTOMER = "channel_customer"


@dataclass(frozen=True, slots=True, order=True)
class Identifier:
    """One normalised identifier. `scope` is the channel's code for its own customer ids, else empty."""

    kind: str
    scope: str
    value: str


def email(text: str) -> str:
    """Return an e-mail address in its one form: trimmed, NFC, casefolded. Raises: ValueError."""
    value = unicodedata.normalize("NFC", unicodedata.normalize("NFC", text.strip()).casefold())
    local, at, domain = value.rpartition("@")
    labels = domain.split(".")
    if not at or not local or len(local) > LONGEST_LOCAL_PART or len(value) > LONGEST_EMAIL:
        raise ValueError("an e-mail address has a name, an @ and a domain")
    if len(labels) < 2 or not all(labels) or "@" in local:
        raise ValueError("an e-mail address ends in a domain such as example.org")
    if any(character.isspace() or not character.isprintable() for character in value):
        raise ValueError("an e-mail address has no spaces in it")
    return value


def phone(text: str, country: str = "") -> str:
    """Return a phone number as E.164 ("+4930123456"); numbers without a prefix belong to `country`. Raises: ValueError."""
    try:
        number = phonenumbers.parse(text, (country or DEFAULT_COUNTRY).upper())
    except phonenumbers.NumberParseException as error:
        raise ValueError("a phone number has digits, and may start with + and its country") from error
    if phonenumbers.is_possible_number_with_reason(number) != phonenumbers.ValidationResult.IS_POSSIBLE:
        raise ValueError("no phone number of that country has so many digits")
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def reference(text: str) -> str:
    """Return a loyalty number or a channel's own customer id, trimmed. Raises: ValueError."""
    value = unicodedata.normalize("NFC", text.strip())
    if not value or len(value) > LONGEST_REFERENCE or not value.isprintable():
        raise ValueError(f"a customer id has 1 to {LONGEST_REFERENCE} printable characters")
    return value


def normalised(kind: IdentifierKind, text: str, *, country: str = "", channel_code: str = "") -> Identifier:
    """Return the identifier that `text` means. Raises: ValueError with what is wrong."""
    if kind is IdentifierKind.EMAIL:
        return Identifier(kind.value, "", email(text))
    if kind is IdentifierKind.PHONE:
        return Identifier(kind.value, "", phone(text, country))
    if kind is IdentifierKind.LOYALTY:
        return Identifier(kind.value, "", reference(text).upper())
    if not channel_code:
        raise ValueError("a channel's customer id needs the channel it belongs to")
    return Identifier(kind.value, channel_code, reference(text))


def masked(kind: str, value: str) -> str:
    """Return an identifier so that its owner recognises it and nobody else learns it."""
    if kind == IdentifierKind.EMAIL:
        local, _, domain = value.rpartition("@")
        return f"{local[:1]}{HIDDEN}@{domain}"
    if kind == IdentifierKind.PHONE:
        return f"{value[:3]} {HIDDEN} {value[-SHOWN_DIGITS:]}"
    return f"{HIDDEN}{value[-SHOWN_DIGITS:]}" if len(value) > 2 * SHOWN_DIGITS else HIDDEN
