"""Refusals of customers. They never repeat a personal value: refusals are logged."""

from commerce.errors import CommerceError, NotFound


class ProfileNotFound(NotFound):
    """There is no such customer profile."""

    code = "profile_not_found"
    title = "The customer was not found"


class IdentifierNotFound(NotFound):
    """The profile has no such identifier."""

    code = "identifier_not_found"
    title = "The identifier was not found"


class InvalidIdentifier(CommerceError):
    """An e-mail address, phone number or customer id can't be read."""

    code = "invalid_identifier"
    status = 422
    title = "The identifier can't be read"


class IdentifierTaken(CommerceError):
    """The identifier points to another profile; one identifier means one person."""

    code = "identifier_taken"
    title = "The identifier belongs to another customer"
