"""What comes in is checked strictly and completely: every fault is named with its field, its value and the way out.

A `StrictSerializer` knows its fields and refuses all others; a number is a JSON integer, never "5", 5.0 or true; every
text and list is bounded. `read` returns plain validated values, so no instance state is needed and one reader per class
serves all threads. `QueryParameters` gives query strings the same treatment.
"""

import re
from collections.abc import Callable, Mapping
from datetime import UTC
from types import NoneType
from typing import Any, ClassVar

from django.core.exceptions import ValidationError as DjangoValidationError
from django.http import HttpRequest
from rest_framework import serializers
from rest_framework.exceptions import ValidationError
from rest_framework.fields import SkipField, empty, get_error_detail

from commerce.errors import InvalidInput

MOST_PIECES = 1_000_000
LARGEST_INTEGER = 2**53 - 1  # what every JSON reader keeps exact
LONGEST_TEXT = 1000
LARGEST_TEXT = 10_000  # for text fields that set no limit of their own
MOST_ERRORS = 100
MOST_LINES = 500

_WHOLE = re.compile(r"-?[0-9]{1,18}")
_DOUBTFUL: Any = object()
_Plain = Callable[[Any], Any]  # a value → what is read, `empty` for nothing, or _DOUBTFUL
_UNPRINTABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")


class Text(serializers.CharField):
    """A bounded text without control characters, trimmed. Takes a JSON string, nothing else."""

    default_error_messages = {"invalid": "A text is expected.", "unprintable": "Control characters are not allowed."}

    def __init__(self, **options: Any) -> None:
        options.setdefault("max_length", LONGEST_TEXT)
        super().__init__(**options)

    def to_internal_value(self, data: Any) -> str:
        if type(data) is not str:
            self.fail("invalid")
        if _UNPRINTABLE.search(data):
            self.fail("unprintable")
        return str(super().to_internal_value(data))


class Whole(serializers.IntegerField):
    """A JSON integer between `min_value` and `max_value`."""

    def __init__(self, **options: Any) -> None:
        options.setdefault("min_value", 0)
        options.setdefault("max_value", LARGEST_INTEGER)
        super().__init__(**options)


class Quantity(Whole):
    """Pieces: a JSON integer from 1 to 1,000,000."""

    def __init__(self, **options: Any) -> None:
        options.setdefault("min_value", 1)
        options.setdefault("max_value", MOST_PIECES)
        super().__init__(**options)


class Instant(serializers.DateTimeField):
    """An instant in ISO 8601 with its offset or Z; kept in UTC."""

    default_error_messages = {"naive": "Say the offset from UTC, or Z: 2026-11-21T14:00:00Z."}

    def enforce_timezone(self, value: Any) -> Any:
        if value.tzinfo is None:
            self.fail("naive")
        return super().enforce_timezone(value).astimezone(UTC)


class CommaSeparated(serializers.ListField):
    """A query parameter with several values: `a,b,c`. Empty parts are dropped, twins kept once."""

    def __init__(self, **options: Any) -> None:
        options.setdefault("child", Text(max_length=64))
        options.setdefault("max_length", MOST_LINES)
        super().__init__(**options)

    def to_internal_value(self, data: Any) -> list[Any]:
        parts = data.split(",") if isinstance(data, str) else data
        return super().to_internal_value(list(dict.fromkeys(part.strip() for part in parts if part.strip())))


def _plain(field: serializers.Field) -> _Plain:
    """Return what reads the usual values of a simple field as the field itself would, at a tenth of the price.

    Whatever is not plainly right is doubtful: the field then says itself what it makes of it.
    """
    kind, left_out = type(field), _left_out(field)
    if kind is Text and field.max_length and field.trim_whitespace:
        most, least = min(field.max_length, LARGEST_TEXT), field.min_length or 0
        if len(field.validators) == _USUAL_VALIDATORS + bool(field.min_length):

            def text(given: Any) -> Any:
                if given is empty:
                    return left_out()
                if type(given) is not str or len(given) > most or not (given.isascii() and given.isprintable()):
                    return _DOUBTFUL
                value = given.strip()
                return value if len(value) >= least and (value or field.allow_blank) else _DOUBTFUL

            return text
    if kind in (Whole, Quantity) and field.min_value is not None and field.max_value is not None:
        low, high = max(field.min_value, -LARGEST_INTEGER), min(field.max_value, LARGEST_INTEGER)
        if len(field.validators) == len(("lowest", "highest")):

            def whole(given: Any) -> Any:
                if given is empty:
                    return left_out()
                return given if type(given) is int and low <= given <= high else _DOUBTFUL

            return whole
    return lambda given: left_out() if given is empty else _DOUBTFUL


_USUAL_VALIDATORS = 3  # of a bounded text: its length, no zero bytes, no lone surrogates


def _left_out(field: serializers.Field) -> Callable[[], Any]:
    """Return what says what a field stands for that is not sent; it is doubtful where the field must say so itself."""
    default = field.default
    if field.required or field.read_only:
        return lambda: _DOUBTFUL
    if default is empty or isinstance(default, str | int | bool | tuple | NoneType):
        return lambda: default
    if default in (list, dict):
        return lambda: default()
    return lambda: _DOUBTFUL


def _expect(field: serializers.Field) -> tuple[type, str] | None:
    for kinds, expected in (
        ((serializers.BooleanField,), (bool, "true or false is expected.")),
        ((serializers.IntegerField,), (int, "A whole number is expected: a JSON integer such as 2.")),
        (
            (
                serializers.CharField, serializers.UUIDField, serializers.DateTimeField, serializers.DateField,
                serializers.ChoiceField, serializers.DecimalField,
            ),
            (str, "A text is expected."),
        ),
    ):  # fmt: skip
        if isinstance(field, kinds) and not isinstance(field, serializers.MultipleChoiceField):
            return expected
    return None


class StrictSerializer(serializers.Serializer):
    """A request body. Unknown fields are refused by name; `read` collects every fault before it refuses."""

    _readers: ClassVar[dict[type, "StrictSerializer"]] = {}

    @classmethod
    def read(cls, data: Any) -> dict[str, Any]:
        """Return the validated values of a body. Raises: InvalidInput with all faults."""
        try:
            values: dict[str, Any] = cls._reader().run_validation(data)
        except ValidationError as fault:
            raise refusal(fault.detail, data) from None
        return values

    @classmethod
    def _reader(cls) -> "StrictSerializer":
        reader = cls._readers.get(cls)
        if reader is None:
            reader = cls._readers[cls] = cls()
        return reader

    @property
    def _plan(self) -> list[tuple[serializers.Field, str, tuple[type, str] | None, Any, _Plain]]:
        plan = self.__dict__.get("_known_plan")
        if plan is None:
            plan = []
            for field in self._writable_fields:
                check = getattr(self, f"validate_{field.field_name}", None)
                plan.append((field, field.field_name, self._expected(field), check, _plain(field)))
            self.__dict__["_known_names"] = frozenset(name for _field, name, *_others in plan)
            self.__dict__["_known_plan"] = plan  # last: another thread may look for it just now
        return plan

    def _expected(self, field: serializers.Field) -> tuple[type, str] | None:
        """Return the JSON type that a field takes (DRF alone would let "5" pass for 5 and 5 for "5")."""
        if isinstance(field, serializers.ListField | serializers.ListSerializer):
            return list, "A list is expected."
        return _expect(field)

    def run_validation(self, data: Any = empty) -> Any:
        is_empty, data = self.validate_empty_values(data)
        if is_empty:
            return data
        values = self.to_internal_value(data)
        try:
            values = self.validate(values)
        except (ValidationError, DjangoValidationError) as fault:
            raise ValidationError(serializers.as_serializer_error(fault)) from fault
        return values

    def to_internal_value(self, data: Any) -> dict[str, Any]:
        if type(data) is not dict:
            raise ValidationError({"non_field_errors": ["A JSON object is expected."]})
        plan = self._plan
        values: dict[str, Any] = {}
        faults: dict[str, Any] = {}
        for field, name, expected, check, plain in plan:
            given = data.get(name, empty)
            if check is None:
                value = plain(given)
                if value is not _DOUBTFUL:
                    if value is not empty:
                        values[field.source] = value
                    continue
            if expected is not None and given is not empty and given is not None:
                fault = _mistyped(given, expected, getattr(field, "max_length", None))
                if fault is not None:
                    faults[name] = [fault]
                    continue
            try:
                value = field.run_validation(given)
                values[field.source] = check(value) if check is not None else value
            except ValidationError as error:
                faults[name] = _with_choices(field, error.detail)
            except DjangoValidationError as error:
                faults[name] = get_error_detail(error)
            except SkipField:
                pass
        names = self.__dict__["_known_names"]
        if not names.issuperset(data):
            known = ", ".join(sorted(names)) or "none"
            for name in data:
                if name not in names:
                    faults[_sane(name)] = [f"Unknown field; the known ones are: {known}."]
        if faults:
            raise ValidationError(faults)
        return values


class QueryParameters(StrictSerializer):
    """The parameters of a query string: each at most once, unknown ones refused."""

    @classmethod
    def of(cls, request: HttpRequest) -> dict[str, Any]:
        """Return the validated parameters of a request. Raises: InvalidInput with all faults."""
        given = getattr(request, "_request", request).GET
        twice = [name for name in given if len(given.getlist(name)) > 1]
        if twice:
            raise InvalidInput(
                "Each parameter is sent once; several values are separated by commas.",
                errors=[{"field": _sane(name), "value": None, "message": "Sent more than once."} for name in twice],
            )
        return cls.read(given.dict())

    def _expected(self, field: serializers.Field) -> tuple[type, str] | None:
        """Everything in a query string is text."""
        return str, "A text is expected."

    def to_internal_value(self, data: Any) -> dict[str, Any]:
        faults = {
            field.field_name: ["A whole number is expected."]
            for field in self._writable_fields
            if isinstance(field, serializers.IntegerField)
            and not _WHOLE.fullmatch(str(data.get(field.field_name, "0")))
        }
        if faults:
            raise ValidationError(faults)
        return super().to_internal_value(data)


def refusal(detail: Any, data: Any = None) -> InvalidInput:
    """Turn a validation error's detail into the refusal that lists field, value and message of every fault."""
    errors: list[dict[str, Any]] = []
    _flatten(detail, data, "", errors)
    listed = errors[:MOST_ERRORS]
    first = listed[0] if listed else {"field": "", "message": "The request is not valid."}
    message = f"{first['field']}: {first['message']}" if first["field"] else str(first["message"])
    more = len(errors) - 1
    return InvalidInput(message if more < 1 else f"{message} (and {more} more)", errors=listed)


def _with_choices(field: serializers.Field, detail: Any) -> Any:
    """Return what is wrong with a field; where one of a few words was expected, say which."""
    if not isinstance(field, serializers.ChoiceField) or not isinstance(detail, list):
        return detail
    known = ", ".join(str(choice) for choice in field.choices)
    return [
        f"{one} The known ones are: {known}." if getattr(one, "code", "") == "invalid_choice" else one for one in detail
    ]


def _mistyped(given: Any, expected: tuple[type, str], most: int | None) -> str | None:
    """Say what is wrong with the JSON type or the plain size of a value, or None."""
    kind, message = expected
    if kind is list:
        if type(given) is list and len(given) > (most or MOST_LINES):
            return f"At most {most or MOST_LINES} items are allowed in one request."
        return None if type(given) is list else message
    if type(given) is not kind:
        if (
            kind is int and type(given) is float and abs(given) > LARGEST_INTEGER
        ):  # what JSON readers make of long numbers
            return f"At most {LARGEST_INTEGER} is allowed."
        return message
    if isinstance(given, int) and kind is int:
        return None if -LARGEST_INTEGER <= given <= LARGEST_INTEGER else f"At most {LARGEST_INTEGER} is allowed."
    if isinstance(given, str):
        if _UNPRINTABLE.search(given):
            return "Control characters are not allowed."
        if len(given) > LARGEST_TEXT:
            return f"A text of up to {LARGEST_TEXT} characters is expected."
    return None


def _flatten(detail: Any, data: Any, path: str, errors: list[dict[str, Any]]) -> None:
    if isinstance(detail, Mapping):
        for name, inner in detail.items():
            if name == "non_field_errors":
                _flatten(inner, data, path, errors)
            elif isinstance(name, int):
                _flatten(inner, _item(data, name), f"{path}[{name}]", errors)
            else:
                _flatten(inner, _item(data, name), f"{path}.{name}" if path else str(name), errors)
    elif isinstance(detail, list | tuple):
        for position, inner in enumerate(detail):
            if isinstance(inner, Mapping):
                if inner:
                    _flatten(inner, _item(data, position), f"{path}[{position}]", errors)
            else:
                _flatten(inner, data, path, errors)
    else:
        errors.append({"field": path, "value": _shown(data), "message": str(detail)})


def _item(data: Any, key: Any) -> Any:
    try:
        return data[key]
    except (KeyError, IndexError, TypeError):
        return None


def _shown(value: Any) -> Any:
    """Return a value as it is repeated to the sender: scalars, texts cut at 200 characters, no containers."""
    if isinstance(value, str):
        return value[:200]
    return value if isinstance(value, int | float | bool) else None


def _sane(name: str) -> str:
    return name[:80]
