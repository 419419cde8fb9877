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
        """`errors` lists what is wrong field by field: {"field", "value", "message"}; `detail` holds the other facts."""
        super().__init__(message)
        self.message = message
        self.errors = errors or []
        self.detail = detail

    def __reduce__(self) -> tuple[Any, ...]:
        return _rebuild, (type(self), self.message, self.errors, self.detail)


def _rebuild(cls: type[CommerceError], message: str, errors: list[dict[str, Any]], detail: dict[str, Any]) -> CommerceError:
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
