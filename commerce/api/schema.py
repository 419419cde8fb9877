"""What the OpenAPI document says of every operation without being asked: its scope, its problems, its idempotency key.

Views add `extend_schema` for what is theirs: parameters, bodies, successful answers and examples.
"""

from typing import Any

from drf_spectacular.extensions import OpenApiSerializerFieldExtension
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.plumbing import ResolvedComponent
from drf_spectacular.utils import Direction, OpenApiParameter, inline_serializer
from rest_framework import serializers

from commerce.api.bodies import CommaSeparated, StrictSerializer
from commerce.api.problems import MEDIA_TYPE
from commerce.idempotency import HEADER, LONGEST_KEY

API = "/api/v1/"
TAGS = {
    "commerce": "Catalogue and channels",
    "inventory": "Goods",
    "pricing": "Prices",
    "customers": "Customers",
    "orders": "Orders",
}

PROBLEM = {
    "type": "object",
    "description": "A refusal (RFC 9457). `code` is stable; further members are facts of that code.",
    "required": ["type", "title", "status", "detail", "instance", "code", "request_id"],
    "properties": {
        "type": {"type": "string", "examples": ["/problems/invalid_input"]},
        "title": {"type": "string"},
        "status": {"type": "integer", "minimum": 400, "maximum": 599},
        "detail": {"type": "string", "description": "One sentence for people."},
        "instance": {"type": "string", "description": "The path that was asked."},
        "code": {"type": "string", "pattern": "^[a-z][a-z0-9_]*$"},
        "request_id": {"type": "string"},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["field", "value", "message"],
                "properties": {
                    "field": {"type": "string", "examples": ["lines[0].quantity"]},
                    "value": {"description": "What was sent, when it was a plain value."},
                    "message": {"type": "string"},
                },
            },
        },
    },
}

_ALWAYS = {
    400: "The request is not valid: `errors` names each field, its value and the way out.",
    401: "No key, or one that is unknown, revoked or expired.",
    403: "The key lacks the scope that this operation needs, or the object is not the caller's.",
    404: "What was named does not exist, or not for this caller.",
    405: "The method is not known here.",
    422: "Understood, but it can't be done as asked.",
    429: "The key's requests of this minute are used up; `Retry-After` says when to go on.",
    500: "A fault of ours; nothing was changed.",
    503: "Busy for a moment; send the same request again after `Retry-After`.",
}
_WITH_BODY = {
    413: "The body is larger than the server reads.",
    415: "The body is not declared as application/json.",
}
_WRITING = {
    409: "The state of things refuses it, or the first request with this idempotency key is still running.",
    410: "What was named has ended.",
    422: "Understood, but it can't be done as asked; or the idempotency key belongs to another request.",
}
_IDEMPOTENCY_KEY = OpenApiParameter(
    HEADER,
    {"type": "string", "minLength": 1, "maxLength": LONGEST_KEY, "pattern": "^[!-~]([ -~]*[!-~])?$"},
    OpenApiParameter.HEADER,
    description="Makes the request safe to repeat: a replay gets the first answer and changes nothing. Kept 48 hours.",
)


_NEXT_CURSOR = "Send it as `cursor` to go on; null on the last page."
_NEXT = "The address of the next page; null on the last one."
_COMMA_SEPARATED = "x-comma-separated"  # from the field to its parameter, never in the document


class ProblemAwareSchema(AutoSchema):
    """Our operations, each with its problem documents, scope and idempotency key."""

    def get_operation_id(self) -> str:
        """A GET that names no single object lists."""
        made = super().get_operation_id()
        is_list = self.method == "GET" and not self.path.endswith("}")
        return f"{made.removesuffix('_retrieve')}_list" if is_list and made.endswith("_retrieve") else made

    def get_tags(self) -> list[str]:
        return [TAGS.get(type(self.view).__module__.partition(".")[0], "Other")]

    def get_operation(self, *args: Any, **kwargs: Any) -> dict[str, Any] | None:
        """Say at the end of the description which scope the operation needs."""
        operation: dict[str, Any] | None = super().get_operation(*args, **kwargs)
        if operation is None:
            return None
        if "summary" not in operation:
            operation["summary"] = operation.get("description", "").partition(".")[0]
        scope = getattr(self.view, "scopes", {}).get(self.method)
        if scope is not None:
            operation["description"] = f"{operation.get('description', '')}\n\nScope: `{scope.value}`.".strip()
        return operation

    def get_override_parameters(self) -> list[Any]:
        return [*super().get_override_parameters(), *([_IDEMPOTENCY_KEY] if self._writes() else [])]

    def _process_override_parameters(self, direction: str = "request") -> dict[tuple[str, str], Any]:
        """Say of comma-separated parameters how they are written."""
        parameters: dict[tuple[str, str], Any] = super()._process_override_parameters(direction)
        for parameter in parameters.values():
            if parameter is not None and parameter["schema"].pop(_COMMA_SEPARATED, False):
                parameter |= {"style": "form", "explode": False}
        return parameters

    def _get_response_bodies(self, direction: Direction = "response") -> dict[str, Any]:
        responses: dict[str, Any] = super()._get_response_bodies(direction)
        problem = self._problem()
        for status, description in self._problems().items():
            responses.setdefault(
                str(status), {"description": description, "content": {MEDIA_TYPE: {"schema": problem.ref}}}
            )
        return dict(sorted(responses.items()))

    def _map_basic_serializer(self, serializer: Any, direction: str) -> dict[str, Any]:
        schema: dict[str, Any] = super()._map_basic_serializer(serializer, direction)
        if direction == "request" and isinstance(serializer, StrictSerializer):
            schema["additionalProperties"] = False
        for field in schema.get("properties", {}).values():
            for form in (field, *field.get("oneOf", ())):
                if form.get("default") == "" and ("format" in form or "pattern" in form):
                    del form["default"]  # an empty text means "left out"; it is no e-mail address
        return schema

    def _problems(self) -> dict[int, str]:
        found = dict(_ALWAYS)
        if self.method in ("POST", "PUT", "PATCH"):
            found |= _WITH_BODY
        if self._writes():
            found |= _WRITING
        return found

    def _problem(self) -> ResolvedComponent:
        component = ResolvedComponent(
            name="Problem", type=ResolvedComponent.SCHEMA, schema=PROBLEM, object="commerce.api.problems"
        )
        self.registry.register_on_missing(component)
        return component

    def _writes(self) -> bool:
        return self.method in ("POST", "PUT", "PATCH", "DELETE") and self.method not in getattr(
            self.view, "reading", frozenset()
        )


class CommaSeparatedField(OpenApiSerializerFieldExtension):
    """`a,b,c` is an array in OpenAPI's words; the parameter says how it is written."""

    target_class = CommaSeparated
    match_subclasses = True

    def map_serializer_field(self, auto_schema: Any, direction: str) -> dict[str, Any]:
        child = auto_schema._map_serializer_field(self.target.child, direction)
        return {"type": "array", "items": child, "maxItems": self.target.max_length, _COMMA_SEPARATED: True}


def page_of(item: type[serializers.Serializer] | dict[str, Any]) -> Any:
    """Return a page of `item` (a serializer, or a schema) as `CursorPaging` answers it, for `extend_schema(responses=…)`."""
    if isinstance(item, dict):
        return {
            "type": "object",
            "required": ["items", "next_cursor", "next"],
            "properties": {
                "items": {"type": "array", "items": item},
                "next_cursor": {"type": ["string", "null"], "description": _NEXT_CURSOR},
                "next": {"type": ["string", "null"], "format": "uri", "description": _NEXT},
            },
        }
    return inline_serializer(
        name=f"{item.__name__}Page",
        fields={
            "items": item(many=True),
            "next_cursor": serializers.CharField(allow_null=True, help_text=_NEXT_CURSOR),
            "next": serializers.URLField(allow_null=True, help_text=_NEXT),
        },
    )


def only_the_api(endpoints: list[tuple[str, str, str, Any]]) -> list[tuple[str, str, str, Any]]:
    """Keep what is under /api/v1/ (a hook of spectacular)."""
    return [endpoint for endpoint in endpoints if endpoint[0].startswith(API)]
