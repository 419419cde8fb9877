"""The parent of every refusal that we anticipate. [pure]

A refusal is help: it says what was asked, why that can't be, and the way out. `code` is stable and documented in the
README; `message` is one plain English sentence (interfaces translate by code where they show it to staff);
`detail` holds the facts as primitives.
"""

from typing import Any, ClassVar


class CommerceError(Exception):
    """An anticipated refusal. Subclasses set `code` and `status`; callers give a sentence and the facts."""

    code: ClassVar[str] = "refused"
    status: ClassVar[int] = 409
    title: ClassVar[str] = "The request was refused"

    def __init__(self, message: str, *, errors: list[dict[str, Any]] | None = None, **detail: Any) -> None:
        """`errors` says field by field what is wrong: {"field", "value", "message"}; `detail` holds the other facts."""
        super().__init__(message)
        self.message = message
        self.errors = errors or []
        self.detail = detail

    def __reduce__(self) -> tuple[Any, ...]:
        return _rebuild, (type(self), self.message, self.errors, self.detail)


def _rebuild(
    cls: type[CommerceError], message: str, errors: list[dict[str, Any]], detail: dict[str, Any]
) -> CommerceError:
    return cls(message, errors=errors, **detail)


class InvalidInput(CommerceError):
    """What was sent can't be understood or is out of bounds; `errors` names each field, its value and the way out."""

    code = "invalid_input"
    status = 400
    title = "The request is not valid"


class NotFound(CommerceError):
    """What was named does not exist, or not for this caller."""

    code = "not_found"
    status = 404
    title = "Not found"


class NotAllowed(CommerceError):
    """The caller is known but may not do this, or not here."""

    code = "not_allowed"
    status = 403
    title = "Not allowed"


class Conflict(CommerceError):
    """The state of things no longer fits what was asked."""

    code = "conflict"
    title = "The state has changed"


class Busy(CommerceError):
    """Someone else holds what this needs; asking again shortly is right."""

    code = "busy"
    status = 503
    title = "Busy, please try again"


class QuotaExhausted(CommerceError):
    """Less is left of something limited than was wanted: `key`, `wanted`, `left`."""

    code = "quota_exhausted"
    title = "Nothing left of what was asked for"


class QuotaHoldExpired(CommerceError):
    """A hold on something limited ended before it was settled."""

    code = "quota_hold_expired"
    status = 410
    title = "The hold has ended"


class UnknownProduct(CommerceError):
    """A SKU in a body names no product; `skus` lists them, `errors` says where."""

    code = "unknown_product"
    status = 422
    title = "Unknown product"


class KeyNotActive(CommerceError):
    """A channel key that is revoked or expired can't be rotated."""

    code = "key_not_active"
    title = "The key is not active any more"


class DuplicateCode(CommerceError):
    """The code, SKU, barcode or user name is taken already."""

    code = "duplicate_code"
    title = "The code is taken"


class NotSignedIn(CommerceError):
    """No key was sent, or none that is known and active."""

    code = "not_authenticated"
    status = 401
    title = "A valid key is needed"


class MissingScope(CommerceError):
    """The key is good but lacks a scope: `scope` names it."""

    code = "missing_scope"
    status = 403
    title = "The key may not do this"


class TooManyRequests(CommerceError):
    """The key's requests of this minute are used up: `retry_after_seconds`."""

    code = "too_many_requests"
    status = 429
    title = "Too many requests"


class MalformedJson(CommerceError):
    """The body is not JSON; `position` is the character where it stops being it."""

    code = "malformed_json"
    status = 400
    title = "The body is not valid JSON"


class BodyTooLarge(CommerceError):
    """The body is larger than this server reads: `limit_bytes`."""

    code = "body_too_large"
    status = 413
    title = "The body is too large"


class UnsupportedMediaType(CommerceError):
    """The body is not declared as application/json."""

    code = "unsupported_media_type"
    status = 415
    title = "The media type is not supported"


class MethodNotAllowed(CommerceError):
    """The address exists, the method does not: `allowed` lists those that do."""

    code = "method_not_allowed"
    status = 405
    title = "The method is not allowed"


class RequestInProgress(CommerceError):
    """A request with the same idempotency key is still running."""

    code = "request_in_progress"
    title = "The same request is still running"


class IdempotencyKeyReused(CommerceError):
    """The idempotency key was used before with another request."""

    code = "idempotency_key_reused"
    status = 422
    title = "The idempotency key belongs to another request"


class InternalError(CommerceError):
    """A fault of ours. Nothing was changed; the request id leads to the log."""

    code = "internal_error"
    status = 500
    title = "Something went wrong on our side"
