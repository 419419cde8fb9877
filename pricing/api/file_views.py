"""Doors to files of prices: bring one, see what it would change, let it be written."""

import base64
import binascii
from typing import Any, ClassVar
from uuid import UUID

from django.http import HttpResponse
from drf_spectacular.utils import extend_schema

from commerce.api.views import ApiRequest, ApiView
from commerce.errors import InvalidInput
from commerce.roles import Scope
from pricing.api.price_bodies import FileConfirmation, FileDocument, FileRequest
from pricing.exchange import files
from pricing.models import PriceFile


class PriceFilesView(ApiView):
    """Files of prices and costs."""

    scopes: ClassVar = {"POST": Scope.PRICES_WRITE}

    @extend_schema(operation_id="price_files_create", request=FileRequest, responses={202: FileDocument})
    def post(self, request: ApiRequest) -> HttpResponse:
        """Bring a file of prices or costs (CSV, XLSX); it is looked at within seconds, and written when it is confirmed."""
        wanted = FileRequest.read(request.data)
        try:
            content = base64.b64decode(wanted["content"], validate=True)
        except (binascii.Error, ValueError):
            message = "Send the file in base64."
            raise InvalidInput(message, errors=[{"field": "content", "value": None, "message": message}]) from None

        def work() -> tuple[int, Any]:
            made = files.bring(
                content, name=wanted["name"], kind=wanted["kind"], price_list=wanted["price_list"],
                takes_good_rows=wanted["takes_good_rows"], by=request.auth.actor,
            )  # fmt: skip
            return 202, _document(made)

        return self.once(request, work)


class PriceFileView(ApiView):
    """One file of prices."""

    scopes: ClassVar = {"GET": Scope.PRICES_WRITE}

    @extend_schema(operation_id="price_files_retrieve", responses={200: FileDocument})
    def get(self, request: ApiRequest, file_id: UUID) -> HttpResponse:
        """Read how far a file is: counts, what would change, and every fault with line, field, value and way out."""
        return self.reply(_document(files.get(file_id)))


class PriceFileConfirmationView(ApiView):
    """The word that a file may be written."""

    scopes: ClassVar = {"POST": Scope.PRICES_WRITE}

    @extend_schema(operation_id="price_files_confirm", request=FileConfirmation, responses={202: FileDocument})
    def post(self, request: ApiRequest, file_id: UUID) -> HttpResponse:
        """Let a file be written that was looked at: all of it in one transaction, or the rows without a fault."""
        wanted = FileConfirmation.read(request.data)

        def work() -> tuple[int, Any]:
            found = files.confirm(file_id, by=request.auth.actor, takes_good_rows=wanted["takes_good_rows"])
            return 202, _document(found)

        return self.once(request, work)


def _document(file: PriceFile) -> dict[str, Any]:
    return {
        "id": file.pk, "kind": file.kind, "name": file.name, "state": file.state, "price_list": file.price_list,
        "rows_read": file.rows_read, "rows_new": file.rows_new, "rows_changed": file.rows_changed,
        "rows_same": file.rows_same, "rows_wrong": file.rows_wrong, "differences": file.differences,
        "faults": file.faults, "warnings": file.warnings, "failure": file.failure, "applied_at": file.applied_at,
    }  # fmt: skip
