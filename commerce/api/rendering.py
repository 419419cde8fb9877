"""JSON in and out: orjson's bytes go straight into the answer; what comes in must be JSON of sane size and shape."""

import json
from datetime import datetime
from decimal import Decimal
from typing import Any

import orjson
from django.core.exceptions import RequestDataTooBig
from django.http import HttpRequest, HttpResponse, UnreadablePostError
from django.utils.functional import Promise
from rest_framework.parsers import BaseParser
from rest_framework.renderers import BaseRenderer

from commerce.errors import BodyTooLarge, InvalidInput, MalformedJson, UnsupportedMediaType

JSON = "application/json"
DEEPEST = 32  # levels of nesting; our deepest document has five

_OPTIONS = orjson.OPT_UTC_Z | orjson.OPT_NON_STR_KEYS


def encode(document: Any) -> bytes:
    """Return a document as JSON: instants in UTC with a Z, UUIDs and exact decimals as text.

    A number of more than 64 bits is none of ours, only an address or a body repeated in a refusal; it goes out as text.
    """
    try:
        return orjson.dumps(document, default=_primitive, option=_OPTIONS)
    except orjson.JSONEncodeError:
        return orjson.dumps(_within_64_bits(document), default=_primitive, option=_OPTIONS)


def reply(document: Any, status: int = 200, headers: dict[str, str] | None = None) -> HttpResponse:
    """Return a JSON answer; without a document, one without a body."""
    if document is None:
        return HttpResponse(b"", status=status, headers=headers)
    body = encode(document)
    # Said here, since each question whether a header is there already costs more than the header.
    own = {"Content-Type": JSON, "Content-Length": str(len(body)), "Cache-Control": "no-store"}
    return HttpResponse(body, status=status, headers=own | (headers or {}))


def body_of(request: HttpRequest) -> bytes:
    """Return the bytes of a body. Raises: BodyTooLarge, InvalidInput when the connection broke while it was read."""
    from django.conf import settings

    try:
        return request.body
    except RequestDataTooBig:
        limit = settings.DATA_UPLOAD_MAX_MEMORY_SIZE
        raise BodyTooLarge(
            f"The body is larger than {limit} bytes; send it in smaller parts.", limit_bytes=limit
        ) from None
    except UnreadablePostError:
        raise InvalidInput("The body could not be read to its end; please send it again.") from None


def decode(request: HttpRequest) -> Any:
    """Return the JSON document of a body.

    Raises: UnsupportedMediaType, BodyTooLarge, MalformedJson (also for invalid UTF-8, NaN, lone surrogates), and
    InvalidInput for nesting that no document of ours has, and for a name that an object says twice.
    """
    body = body_of(request)
    given = (request.META.get("CONTENT_TYPE") or "").partition(";")[0].strip().lower()
    if given != JSON and (body or given):
        raise UnsupportedMediaType(
            f"The body must be sent with Content-Type: {JSON}, not {given or 'nothing'}.", given=given, supported=[JSON]
        )
    if not body:
        raise MalformedJson("A JSON document is expected; the body is empty.", position=0)
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise MalformedJson(
            f"The body stops being JSON at character {error.pos}: {error.msg}.",
            position=error.pos,
            line=error.lineno,
            column=error.colno,
        ) from None
    if _is_too_deep(document):
        raise InvalidInput(f"The document is nested deeper than {DEEPEST} levels.")
    _refuse_repeated_names(body, document)
    return document


class OrjsonRenderer(BaseRenderer):
    """The one representation there is."""

    media_type = JSON
    format = "json"
    charset = None

    def render(self, data: Any, accepted_media_type: str | None = None, renderer_context: Any = None) -> bytes:
        return b"" if data is None else encode(data)


class StrictJSONParser(BaseParser):
    """Reads through `decode`, so that generic DRF views have the same manners as ours."""

    media_type = JSON

    def parse(self, stream: Any, media_type: str | None = None, parser_context: Any = None) -> Any:
        return decode(parser_context["request"]._request)


def _primitive(value: object) -> object:
    if isinstance(value, Decimal | Promise):
        return str(value)
    if isinstance(value, set | frozenset):
        return sorted(value, key=str)
    if isinstance(value, datetime):  # orjson writes all but exotic time zones itself
        return value.isoformat()
    raise TypeError(f"{type(value).__name__} has no JSON form")


def _within_64_bits(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _within_64_bits(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_within_64_bits(inner) for inner in value]
    return str(value) if type(value) is int and value.bit_length() > 63 else value


def _refuse_repeated_names(body: bytes, document: Any) -> None:
    """Refuse an object that says a name twice: of the two values a reader would silently get the last.

    What was read has a colon less than what was sent for each name that got lost, so two counts settle it for almost every
    body; only one that differs, or that writes colons as escapes, is read a second time. Raises: InvalidInput.
    """
    has_escapes = b"\\u003a" in body or b"\\u003A" in body
    if has_escapes or body.count(b":") > orjson.dumps(document).count(b":"):
        json.loads(body, object_pairs_hook=_each_once, parse_int=str, parse_float=str)


def _each_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        name = next(one for one in names if names.count(one) > 1)
        raise InvalidInput(
            f"'{name[:80]}' stands twice in one object, so what is meant is not clear. Send it once.",
            errors=[{"field": name[:80], "value": None, "message": "given twice"}],
        )
    return found


def _is_too_deep(document: Any) -> bool:
    """Walk level by level, which needs no recursion and is over at once for flat documents."""
    level = [document]
    for _depth in range(DEEPEST):
        level = [
            inner
            for value in level
            for inner in (value.values() if type(value) is dict else value)
            if type(inner) is dict or type(inner) is list
        ] if level and type(level[0]) in (dict, list) else []  # fmt: skip
        if not level:
            return False
    return True
