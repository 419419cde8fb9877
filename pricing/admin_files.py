"""Admin of files: bring one, look at what it would change, write it; take prices out again."""

import csv
import io
from typing import Any, ClassVar
from urllib.parse import urlencode

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect, StreamingHttpResponse
from django.shortcuts import render
from django.urls import URLPattern, path, reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.decorators import display
from unfold.widgets import UnfoldAdminSelectWidget

from commerce.actors import Actor
from commerce.admin_base import ReadOnlyAdmin
from commerce.errors import CommerceError
from commerce.roles import Permission
from commerce.staff import refusals
from commerce.transactions import transaction
from pricing.exchange import columns, exporting, files, tables
from pricing.file_states import STANDS, Kind, State
from pricing.models import PriceFile, PriceList

MOST_SHOWN = 100
BORDERED = "border border-base-200 rounded-default px-3 py-2 dark:border-base-700"
KINDS = {
    Kind.PRICES: gettext_lazy("Prices"),
    Kind.COSTS: gettext_lazy("Landed costs"),
    Kind.PROMOTIONS: gettext_lazy("Promotions, into a draft"),
}
STATES = {
    State.UPLOADED: gettext_lazy("waits to be looked at"),
    State.CHECKING: gettext_lazy("is being looked at"),
    State.CHECKED: gettext_lazy("looked at"),
    State.CONFIRMED: gettext_lazy("waits to be written"),
    State.APPLYING: gettext_lazy("is being written"),
    State.APPLIED: gettext_lazy("written"),
    State.FAILED: gettext_lazy("failed"),
    State.DISCARDED: gettext_lazy("put away"),
}


class UploadForm(forms.Form):
    """A file, what it holds, and the list of rows that name none."""

    file = forms.FileField(
        label=gettext_lazy("File"),
        help_text=gettext_lazy("CSV or XLSX with a heading: SKU, price list, from quantity, amount, currency, valid from, until."),
        widget=forms.ClearableFileInput(attrs={"accept": ".csv,.xlsx,text/csv", "class": BORDERED}),
    )  # fmt: skip
    kind = forms.ChoiceField(
        label=gettext_lazy("What it holds"), choices=list(KINDS.items()), widget=UnfoldAdminSelectWidget
    )
    price_list = forms.ChoiceField(
        label=gettext_lazy("Price list"), required=False, widget=UnfoldAdminSelectWidget,
        help_text=gettext_lazy("For rows that name none."),
    )  # fmt: skip

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        lists = [(code, f"{code} · {name}") for code, name in PriceList.objects.values_list("code", "name")[:500]]
        self.fields["price_list"].choices = [("", "–"), *lists]

    def clean_file(self) -> Any:
        found = self.cleaned_data["file"]
        if found.size > tables.LARGEST_FILE:
            limit = tables.LARGEST_FILE // 2**20
            raise forms.ValidationError(_("A file has up to {limit} MB; send it in parts.").format(limit=limit))
        return found


@admin.register(PriceFile)
class PriceFileAdmin(ReadOnlyAdmin):
    """Files of prices: what each would change, or did."""

    views = Permission.MANAGE_PRICES
    list_display: ClassVar[list[str]] = [
        "name", "told_kind", "told_state", "rows_read", "rows_new", "rows_changed", "rows_wrong", "uploaded_at",
    ]  # fmt: skip
    list_filter: ClassVar[list[str]] = ["kind", "state"]
    ordering: ClassVar[list[str]] = ["-uploaded_at"]
    change_list_template = "admin/pricing/price_files.html"

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).defer("content", "differences", "faults", "warnings")

    @display(description=gettext_lazy("What it holds"))
    def told_kind(self, row: PriceFile) -> str:
        return str(KINDS[Kind(row.kind)])

    @display(description=gettext_lazy("State"))
    def told_state(self, row: PriceFile) -> str:
        return str(STATES[State(row.state)])

    def get_urls(self) -> list[URLPattern]:
        own = [
            path("bring/", self.admin_site.admin_view(self.bring_view), name="pricing_pricefile_bring"),
            path("export/", self.admin_site.admin_view(self.export_view), name="pricing_pricefile_export"),
            path(
                "<uuid:file_id>/faults/", self.admin_site.admin_view(self.faults_view), name="pricing_pricefile_faults"
            ),
        ]
        return [*own, *super().get_urls()]

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> Any:
        """Show the list, with the ways in and out on top."""
        lists = list(PriceList.objects.values_list("code", "name")[:500])
        return super().changelist_view(
            request, {**(extra_context or {}), "kinds": list(KINDS.items()), "price_lists": lists}
        )

    def bring_view(self, request: HttpRequest) -> HttpResponse:
        """Take a file and let the worker look at it."""
        self._check(request)
        form = UploadForm(request.POST or None, request.FILES or None)
        if request.method == "POST" and form.is_valid():
            upload = form.cleaned_data["file"]
            try:
                with transaction():
                    made = files.bring(
                        upload.read(), name=upload.name, kind=form.cleaned_data["kind"],
                        price_list=form.cleaned_data["price_list"], by=Actor.staff(request.user),
                    )  # fmt: skip
            except CommerceError as refusal:
                form.add_error(None, refusals.sentence(refusal))
            else:
                return HttpResponseRedirect(reverse("admin:pricing_pricefile_change", args=[made.pk]))
        facts = {"title": _("Bring a file of prices"), "form": form, "heading": columns.EXPORTED}
        return self._page(request, "admin/pricing/price_file_bring.html", facts)

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Show what a file would change or did; confirm it or put it away."""
        self._check(request)
        row = self.get_object(request, object_id)
        if row is None:
            raise Http404
        if request.method == "POST":
            by = Actor.staff(request.user)
            try:
                with transaction():
                    if "discard" in request.POST:
                        files.discard(row.pk, by=by)
                    else:
                        files.confirm(row.pk, by=by, takes_good_rows="good_rows" in request.POST)
            except CommerceError as refusal:
                messages.error(request, refusals.sentence(refusal))
            return HttpResponseRedirect(request.path)
        state = State(row.state)
        facts = {
            "title": row.name,
            "file": row,
            "kind": KINDS[Kind(row.kind)],
            "state": STATES[state],
            "is_at_work": state not in STANDS,
            "is_ready": state is State.CHECKED,
            "can_be_put_away": state in (State.CHECKED, State.FAILED),
            "says_nothing_new": state is State.CHECKED and not (row.rows_new or row.rows_changed),
            "differences": row.differences[:MOST_SHOWN],
            "failure": refusals.said(row.failure),
            "faults": [
                {**one, "message": refusals.said(str(one["message"]))}
                for one in sorted(row.faults[:MOST_SHOWN], key=lambda one: int(one["line"]))
            ],
            "warnings": row.warnings[:MOST_SHOWN],
            "more_faults": max(0, row.rows_wrong - MOST_SHOWN),
            "draft_result": row.result,
        }
        return self._page(request, "admin/pricing/price_file.html", facts)

    def faults_view(self, request: HttpRequest, file_id: Any) -> HttpResponse:
        """Send all faults of a file, for whoever mends them."""
        self._check(request)
        try:
            found = files.faults_of(file_id)
        except CommerceError:
            raise Http404 from None
        kept = io.StringIO(newline="")
        writer = csv.writer(kept, delimiter=";")
        writer.writerow(columns.REJECTS)
        writer.writerows([*cells, refusals.said(message)] for *cells, message in columns.rejects(found))
        return _attached("\ufeff" + kept.getvalue(), "faults.csv", "text/csv; charset=utf-8")

    def export_view(self, request: HttpRequest) -> HttpResponse | StreamingHttpResponse:
        """Send prices, costs or promotions as a file."""
        self._check(request)
        kind, ending = request.GET.get("kind", ""), request.GET.get("format", "csv")
        if kind not in list(Kind) or ending not in exporting.FORMATS:
            raise Http404
        code = request.GET.get("list", "")[:40]
        if ending == "xlsx":
            return _attached(
                exporting.as_sheet(Kind(kind), code), f"{kind}.xlsx",
                "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
            )  # fmt: skip
        return _attached("".join(exporting.as_csv(Kind(kind), code)), f"{kind}.csv", "text/csv; charset=utf-8")

    def _check(self, request: HttpRequest) -> None:
        if not self.has_view_permission(request):
            raise PermissionDenied

    def _page(self, request: HttpRequest, template: str, facts: dict[str, Any]) -> HttpResponse:
        return render(request, template, {**self.admin_site.each_context(request), "opts": self.opts, **facts})


def _attached(content: str | bytes, name: str, kind: str) -> HttpResponse:
    response = HttpResponse(content, content_type=kind)
    response["Content-Disposition"] = f'attachment; filename="{urlencode({"": name})[1:]}"'
    response["X-Content-Type-Options"] = "nosniff"
    return response
