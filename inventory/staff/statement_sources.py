"""The page of sources: who may tell absolute figures, what they mean, who is right, and when they were last heard."""

from typing import Any

from django import forms
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_GET, require_http_methods

from commerce import clock, queries, transactions
from commerce.errors import CommerceError, NotFound
from commerce.roles import Permission, Role
from commerce.staff import refusals, shell
from inventory.places import groups, locations
from inventory.reconciliation import refused as refused_statements
from inventory.reconciliation import sources as statement_sources
from inventory.reconciliation import statements
from inventory.reconciliation.sources import Policy, SourceRef, SourceTerms
from inventory.reconciling import Decision, Meaning, SourceKind
from inventory.staff import discrepancy_words as words

desk = shell.require(Permission.MANAGE_DISCREPANCIES, at_all_stores=True)
OWNERS = {Role.STORE_MANAGER: _("Store manager"), Role.MERCHANDISER: _("Merchandiser")}
UNSTATED = ("", _("Not stated"))
LOCATION, GROUP = "location", "group"


class SourceForm(forms.Form):
    """What is agreed with a source."""

    code = forms.SlugField(label=_("Code"), max_length=40, help_text=_("Stands in every statement; never changes."))
    name = forms.CharField(label=_("Name"), max_length=120)
    kind = forms.ChoiceField(label=_("Kind"), choices=[(kind.value, label) for kind, label in words.SOURCES.items()])
    channel = forms.TypedChoiceField(
        label=_("Channel"),
        required=False,
        coerce=int,
        empty_value=None,
        help_text=_("Keys of this channel may send its statements."),
    )
    places = forms.ChoiceField(label=_("Speaks of"), required=False)
    on_hand = forms.ChoiceField(
        label=_("Who is right about what is on hand"),
        required=False,
        choices=[UNSTATED, *((d.value, label) for d, label in words.DECISIONS.items())],
    )
    available = forms.ChoiceField(
        label=_("Who is right about what is available"),
        required=False,
        choices=[UNSTATED, *((d.value, label) for d, label in words.DECISIONS.items())],
    )
    tolerance = forms.IntegerField(label=_("Tolerance in pieces"), min_value=0, max_value=1_000_000, initial=0)
    owner_role = forms.ChoiceField(
        label=_("Who looks after it"), choices=[(r.value, label) for r, label in OWNERS.items()]
    )
    repair_hours = forms.IntegerField(label=_("Overdue after hours"), min_value=1, max_value=8_760, initial=24)
    patience_minutes = forms.IntegerField(
        label=_("Patience in minutes"),
        min_value=0,
        max_value=525_600,
        initial=60,
        help_text=_("So long a difference may settle itself before it is put right without asking."),
    )
    most_hours_old = forms.IntegerField(label=_("Figures at most hours old"), min_value=1, max_value=8_760, initial=72)
    is_active = forms.BooleanField(label=_("Active"), required=False, initial=True)

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.fields["channel"].choices = [
            ("", _("No channel")),
            *((channel.id, channel.name) for channel in queries.channels()),
        ]
        self.fields["places"].choices = [
            ("", _("All places")),
            *((f"{GROUP}:{group.pk}", group.name) for group in groups.listed()),
            *((f"{LOCATION}:{place.id}", f"{place.code} {place.name}") for place in locations.active()),
        ]

    @classmethod
    def of(cls, source: SourceRef) -> "SourceForm":
        """Return the form filled with what is agreed now."""
        terms = source.terms
        places = f"{GROUP}:{terms.group_id}" if terms.group_id else f"{LOCATION}:{terms.location_id}"
        form = cls(
            initial={
                "code": source.code, "name": terms.name, "kind": terms.kind.value, "channel": terms.channel_id,
                "places": places if terms.group_id or terms.location_id else "", "owner_role": terms.owner_role.value,
                "repair_hours": terms.repair_hours, "patience_minutes": terms.patience_minutes,
                "most_hours_old": terms.most_hours_old, "is_active": terms.is_active,
                "tolerance": max((policy.tolerance_pieces for policy in terms.policies.values()), default=0),
                **{meaning.value: policy.decision.value for meaning, policy in terms.policies.items()},
            }
        )  # fmt: skip
        form.fields["code"].disabled = True
        return form

    @property
    def terms(self) -> SourceTerms:
        values = self.cleaned_data
        scope, _colon, number = values["places"].partition(":")
        return SourceTerms(
            name=values["name"], kind=SourceKind(values["kind"]), channel_id=values["channel"],
            location_id=int(number) if scope == LOCATION else None, group_id=int(number) if scope == GROUP else None,
            owner_role=Role(values["owner_role"]), repair_hours=values["repair_hours"],
            patience_minutes=values["patience_minutes"], most_hours_old=values["most_hours_old"], is_active=values["is_active"],
            policies={
                meaning: Policy(Decision(values[meaning.value]), values["tolerance"])
                for meaning in Meaning if values[meaning.value]
            },
        )  # fmt: skip

    def clean(self) -> dict[str, Any]:
        values: dict[str, Any] = super().clean() or self.cleaned_data
        if not values.get("on_hand") and not values.get("available"):
            self.add_error("on_hand", _now("Say for at least one kind of figure who is right."))
        return values


@require_GET
@desk
def page(request: HttpRequest) -> HttpResponse:
    """List the sources with what is agreed and when they were last heard."""
    last = statements.last_heard()
    refused: dict[str, list[dict[str, Any]]] = {}
    for one in refused_statements.listed(only_standing=True, at_most=statement_sources.MOST_SOURCES):
        refused.setdefault(one.source, []).append(words.refused(one))
    sources = [
        {
            "ref": source,
            "kind": words.SOURCES[source.terms.kind],
            "policies": [
                (words.MEANINGS[meaning], words.DECISIONS[policy.decision])
                for meaning, policy in source.terms.policies.items()
            ],
            "last": last.get(source.id),
            "refused": refused.get(source.code, []),
        }
        for source in statement_sources.sources()
    ]
    return render(request, "inventory/statement_sources.html", {"sources": sources})


@require_http_methods(["GET", "POST"])
@desk
def write(request: HttpRequest, code: str | None = None) -> HttpResponse:
    """Agree with a source on what its figures mean and who is right."""
    try:
        source = statement_sources.source(code) if code is not None else None
    except NotFound:
        raise Http404 from None
    form = SourceForm(request.POST) if request.method == "POST" else SourceForm.of(source) if source else SourceForm()
    status = 200
    if form.is_bound and form.is_valid():
        wanted = code or form.cleaned_data["code"]
        try:
            with transactions.transaction():
                statement_sources.set_source(
                    wanted, form.terms, by=shell.actor(request), at=clock.now(), is_new=code is None
                )
            messages.success(request, _now("Agreed with %(name)s.") % {"name": form.cleaned_data["name"]})
            return redirect("inventory-staff:statement-sources")
        except CommerceError as refusal:
            form.add_error(None, refusals.sentence(refusal))
            status = refusal.status
    elif form.is_bound:
        status = 422
    refused = [words.refused(one) for one in refused_statements.listed(source=code)] if code is not None else []
    facts = {"form": form, "source": source, "refused": refused}
    return render(request, "inventory/statement_source.html", facts, status=status)
