"""Doors to files of prices: bring one, see what it would change, let it be written."""

import base64
import binascii
from typing import Any, ClassVar
from uuid import UUID

from django.http import HttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema

from commerce.actors import Actor
from commerce.api.authentication import check_scope
from commerce.api.views import ApiRequest, ApiView
from commerce.errors import InvalidInput
from commerce.roles import Scope
from pricing.api.price_bodies import ExportQuery, FileConfirmation, FileDocument, FileRequest
from pricing.api.promotion_views import author_of
from pricing.exchange import exporting, files
from pricing.file_states import Kind
from pricing.models import PriceFile


class PriceFilesView(ApiView):
    """Files of prices and costs."""

    scopes: ClassVar = {"POST": Scope.PRICES_WRITE}

    @extend_schema(operation_id="price_files_create", request=FileRequest, responses={202: FileDocument})
    def post(self, request: ApiRequest) -> HttpResponse:
        """Bring a file of prices, costs or promotions (CSV, XLSX); it is looked at in seconds, and written when confirmed.

        Promotions become a draft of the person that the key acts for, never rules in force. Keys of other channels don't
        see the file.
        """
        wanted = FileRequest.read(request.data)
        try:
            content = base64.b64decode(wanted["content"], validate=True)
        except (binascii.Error, ValueError):
            message = "Send the file in base64."
            raise InvalidInput(message, errors=[{"field": "content", "value": None, "message": message}]) from None

        by = _author(request, wanted["kind"])

        def work() -> tuple[int, Any]:
            made = files.bring(
                content, name=wanted["name"], kind=wanted["kind"], price_list=wanted["price_list"],
                takes_good_rows=wanted["takes_good_rows"], by=by, channel=request.auth.channel_code,
            )  # fmt: skip
            return 202, _document(made)

        return self.once(request, work)


class PriceFileView(ApiView):
    """One file of prices."""

    scopes: ClassVar = {"GET": Scope.PRICES_WRITE}

    @extend_schema(operation_id="price_files_retrieve", responses={200: FileDocument})
    def get(self, request: ApiRequest, file_id: UUID) -> HttpResponse:
        """Read how far a file is: counts, what would change, and every fault with line, field, value and way out."""
        return self.reply(_document(files.get(file_id, channel=request.auth.channel_code)))


class PriceFileConfirmationView(ApiView):
    """The word that a file may be written."""

    scopes: ClassVar = {"POST": Scope.PRICES_WRITE}

    @extend_schema(operation_id="price_files_confirm", request=FileConfirmation, responses={202: FileDocument})
    def post(self, request: ApiRequest, file_id: UUID) -> HttpResponse:
        """Let a file be written that was looked at: all of it in one transaction, or the rows without a fault."""
        wanted = FileConfirmation.read(request.data)

        def work() -> tuple[int, Any]:
            known = files.get(file_id, channel=request.auth.channel_code)
            by = _author(request, known.kind)
            found = files.confirm(file_id, by=by, takes_good_rows=wanted["takes_good_rows"])
            return 202, _document(found)

        return self.once(request, work)


class PriceExportView(ApiView):
    """Prices, costs or promotions as they are."""

    scopes: ClassVar = {"GET": Scope.PRICES_WRITE}

    @extend_schema(
        operation_id="price_export_retrieve", parameters=[ExportQuery],
        responses={(200, "text/csv"): OpenApiTypes.BINARY},
    )  # fmt: skip
    def get(self, request: ApiRequest) -> HttpResponse:
        """Read what is in force and to come as a file that can be brought again and then says nothing new."""
        asked = ExportQuery.of(request)
        kind, code = Kind(asked["kind"]), asked["price_list"]
        if asked["format"] == "xlsx":
            return HttpResponse(
                exporting.as_sheet(kind, code),
                content_type="application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
            )
        return HttpResponse("".join(exporting.as_csv(kind, code)), content_type="text/csv; charset=utf-8")


def _author(request: ApiRequest, kind: str) -> Actor:
    """Return who brings a file: promotions become a draft, which a person writes. Raises: MissingScope, NotAuthor."""
    if kind != Kind.PROMOTIONS:
        return request.auth.actor
    check_scope(request.auth, Scope.PROMOTIONS_WRITE)
    return author_of(request)


def _document(file: PriceFile) -> dict[str, Any]:
    return {
        "id": file.pk, "kind": file.kind, "name": file.name, "state": file.state, "price_list": file.price_list,
        "rows_read": file.rows_read, "rows_new": file.rows_new, "rows_changed": file.rows_changed,
        "rows_same": file.rows_same, "rows_wrong": file.rows_wrong, "differences": file.differences,
        "draft": file.result if file.kind == Kind.PROMOTIONS else "",
        "faults": file.faults, "warnings": file.warnings, "failure": file.failure, "applied_at": file.applied_at,
    }  # fmt: skip
