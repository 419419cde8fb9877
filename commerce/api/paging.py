"""Pages by position, not by number: rows that come or go meanwhile neither repeat nor hide others.

A cursor holds the last row's place in the order and is signed, so that nobody has to defend against made-up ones.
"""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

import orjson
from django.core import signing
from django.db.models import Q, QuerySet
from rest_framework import serializers

from commerce.api.bodies import QueryParameters, Whole
from commerce.errors import InvalidInput

PAGE = 50
LARGEST_PAGE = 200
LONGEST_CURSOR = 1000


class PageParameters(QueryParameters):
    """What every list takes: how many rows, and where to go on."""

    limit = Whole(
        required=False, default=PAGE, min_value=1, max_value=LARGEST_PAGE, help_text="Rows per page, 1 to 200."
    )
    cursor = serializers.CharField(
        required=False, max_length=LONGEST_CURSOR, help_text="`next_cursor` of the page before; opaque."
    )


class CursorPaging:
    """Pages of a queryset in the order of `ordering`, all ascending or all descending, the last column unique.

    `CursorPaging("sku")`, `CursorPaging("-placed_at", "-id")`. Rows may be model instances, dicts or dataclasses.
    """

    def __init__(self, *ordering: str) -> None:
        self.ordering = ordering or ("pk",)
        self.columns = tuple(column.lstrip("-") for column in self.ordering)
        self.is_descending = self.ordering[0].startswith("-")
        if any(column.startswith("-") != self.is_descending for column in self.ordering):
            raise ValueError("A cursor walks in one direction.")
        # A cursor of a list in another order is none of ours: its values may not even be of the columns' types.
        self._signer = signing.Signer(salt=f"kontor.cursor:{','.join(self.ordering)}", sep=".")

    def page(
        self,
        request: Any,
        rows: QuerySet[Any],
        *,
        limit: int = PAGE,
        cursor: str | None = None,
        present: Callable[[Sequence[Any]], Sequence[Any]] = list,
    ) -> dict[str, Any]:
        """Return one page as a document: {items, next_cursor, next}; both are null on the last page.

        One query. Raises: InvalidInput for a cursor that is not ours.
        """
        if cursor:
            rows = rows.filter(self._after(self._position(cursor)))
        found = list(rows.order_by(*self.ordering)[: limit + 1])
        shown = found[:limit]
        next_cursor = self.cursor_after(shown[-1]) if len(found) > limit else None
        return {
            "items": list(present(shown)),
            "next_cursor": next_cursor,
            "next": self._link(request, next_cursor) if next_cursor else None,
        }

    def cursor_after(self, row: Any) -> str:
        """Return the cursor that continues after `row`."""
        values = [row[column] if isinstance(row, dict) else getattr(row, column) for column in self.columns]
        return self._signer.sign_object(
            [{"at": value.isoformat()} if isinstance(value, datetime) else value for value in values],
            serializer=_Orjson,
        )

    def _position(self, cursor: str) -> list[Any]:
        try:
            values = self._signer.unsign_object(cursor, serializer=_Orjson)
        except (signing.BadSignature, ValueError) as error:
            raise _wrong(cursor) from error
        if len(values) != len(self.columns):
            raise _wrong(cursor)
        return [datetime.fromisoformat(value["at"]) if isinstance(value, dict) else value for value in values]

    def _after(self, position: list[Any]) -> Q:
        """(a, b) after (x, y): a after x, or a equal to x and b after y.

        That a is not before x follows from it, and is said all the same: it lets an index begin there.
        """
        step = "lt" if self.is_descending else "gt"
        condition = Q()
        equal = Q()
        for column, value in zip(self.columns, position, strict=True):
            condition |= equal & Q(**{f"{column}__{step}": value})
            equal &= Q(**{column: value})
        return Q(**{f"{self.columns[0]}__{step}e": position[0]}) & condition

    @staticmethod
    def _link(request: Any, cursor: str) -> str:
        django_request = getattr(request, "_request", request)
        parameters = django_request.GET.dict() | {"cursor": cursor}
        return f"{django_request.build_absolute_uri(django_request.path)}?{urlencode(parameters)}"


class _Orjson:
    @staticmethod
    def dumps(value: Any) -> bytes:
        return orjson.dumps(value)

    @staticmethod
    def loads(data: bytes) -> Any:
        return orjson.loads(data)


def _wrong(cursor: str) -> InvalidInput:
    message = "This cursor is not one of ours; start again without it."
    return InvalidInput(message, errors=[{"field": "cursor", "value": cursor[:200], "message": message}])
