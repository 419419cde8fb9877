"""The timeline pages: what happened to a product here, or to everything here, and what was here at a past moment."""

import csv
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Any
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from django import forms
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_GET

from commerce import catalog, clock
from commerce.actors import ActorKind
from commerce.product_refs import ProductRef
from commerce.roles import Permission
from commerce.staff import links, people, shell
from inventory import corrections, timeline
from inventory.ledger import LevelKey
from inventory.staff import shelf_words, words
from inventory.stock import Condition
from inventory.timeline import Entry, Filters, Page, Position, Snapshot

MOST_EXPORTED = 100_000  # rows of one file; more is a matter for the API
ROWS_AT_ONCE = 500
LONGEST_POSITION = 100


class TimelineForm(forms.Form):
    """What of the timeline is wanted. Days are the store's, both inclusive; a moment is the store's local time."""

    kind = forms.ChoiceField(
        label=_("What happened"),
        required=False,
        choices=[("", _("Everything")), *((kind.value, label) for kind, (label, _icon) in words.KINDS.items())],
    )
    condition = forms.ChoiceField(
        label=_("Condition"), required=False, choices=[("", _("All conditions")), *words.CONDITIONS.items()]
    )
    since = forms.DateField(
        label=_("From day"), required=False, widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
    )
    until = forms.DateField(
        label=_("To day"), required=False, widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
    )
    who = forms.CharField(max_length=80, required=False)
    at = forms.DateTimeField(
        label=_("Stock on"),
        required=False,
        input_formats=["%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S"],
        widget=forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M"),
        error_messages={"invalid": _("Enter a day and a time.")},
    )

    def clean(self) -> dict[str, Any]:
        values: dict[str, Any] = self.cleaned_data
        since, until = values.get("since"), values.get("until")
        if since and until and until < since:
            self.add_error("until", _now("The last day lies before the first one."))
        if values.get("at") and values["at"] > clock.now():
            self.add_error("at", _now("This moment has not come yet. Choose one that has passed."))
        return values

    @property
    def filters(self) -> Filters:
        """What was asked for, as far as it is valid."""
        values = self.cleaned_data
        kind, _colon, identifier = str(values.get("who") or "").partition(":")
        return Filters(
            kinds=[values["kind"]] if values.get("kind") else [],
            condition=values.get("condition") or "",
            actor=(kind, identifier) if kind in set(ActorKind) and identifier else None,
            since=_start(values.get("since")),
            until=_start(values["until"] + timedelta(days=1)) if values.get("until") else None,
        )


@dataclass(frozen=True, slots=True)
class Change:
    """One of the numbers that an entry changed, before and after."""

    label: Any
    before: int
    after: int


@dataclass(frozen=True, slots=True)
class Row:
    """One entry in the reader's words."""

    entry: Entry
    label: Any
    icon: str
    reason: Any
    condition: Any  # empty for the ordinary one
    who: str
    who_key: str
    cause: links.Link | None
    changes: list[Change]
    is_correctable: bool


@require_GET
@shell.require(Permission.VIEW_STOCK)
def page(request: HttpRequest) -> HttpResponse:
    """Show what happened to one product here, or to all, newest first; of one product also what was here at a moment."""
    store = shell.here(request)
    text = shell.typed(request.GET.get("sku", ""))
    product = _product(text)
    form = TimelineForm(request.GET)
    is_valid = form.is_valid() and (product is not None or not text)
    found = _read(store.id, product, form.filters, _position(request)) if is_valid else Page([], None)
    rows = _rows(found.entries, granted=shell.permissions(request))
    chosen = form.filters.actor if is_valid else None
    somebody = {":".join(chosen): people.names([chosen])[chosen]} if chosen else {}
    facts = {
        "form": form,
        "product": product,
        "unknown": text if text and product is None else "",
        "rows": rows,
        "actor": next(iter(somebody.values()), ""),
        "people": sorted(({row.who_key: row.who for row in rows} | somebody).items(), key=lambda one: one[1]),
        "chosen": next(iter(somebody), ""),
        "is_filtered": bool(form.changed_data) or product is not None,
        "is_newest": "before" not in request.GET,
        "older_url": _address(request, before=str(found.older)) if found.older else "",
        "newest_url": _address(request, before=""),
        "all_people_url": _address(request, who="", before=""),
        "csv_url": _address(request, name="timeline-csv", before="") if rows else "",
        "shelf_moves": shelf_words.moves(store.id, product.id) if product else [],
        "moment": form.cleaned_data.get("at") if is_valid else None,
        "was": _was(product, store.id, form.cleaned_data["at"])
        if is_valid and product and form.cleaned_data.get("at")
        else [],
    }
    return render(request, "inventory/timeline.html", facts, status=200 if is_valid else 422)


@require_GET
@shell.require(Permission.VIEW_STOCK)
def export(request: HttpRequest) -> HttpResponse | StreamingHttpResponse:
    """Send the same entries as a file, row by row, at most MOST_EXPORTED."""
    store = shell.here(request)
    text = shell.typed(request.GET.get("sku", ""))
    product, form = _product(text), TimelineForm(request.GET)
    if not form.is_valid() or (text and product is None):
        return page(request)
    lines = _lines(store, product, form.filters, translation.get_language() or "en")
    name = f"{store.code}-{product.sku if product else 'all'}-{timezone.localdate():%Y-%m-%d}.csv"
    safe = "".join(letter if letter.isalnum() or letter in "-_." else "_" for letter in name)
    return StreamingHttpResponse(
        lines,
        content_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{safe}"', "Cache-Control": "no-store"},
    )


def _product(text: str) -> ProductRef | None:
    found = catalog.product_by_barcode(text) if text else None
    return found[0] if found else None


def _position(request: HttpRequest) -> Position | None:
    """Return where the page goes on; an address that was cut or made up begins at the newest entry."""
    try:
        return Position.parse(request.GET["before"][:LONGEST_POSITION])
    except (KeyError, ValueError, OverflowError):
        return None


def _address(request: HttpRequest, name: str = "timeline", **changes: str) -> str:
    kept = {key: value for key, value in (request.GET.dict() | changes).items() if value}
    return f"{reverse(f'inventory-staff:{name}')}{'?' if kept else ''}{urlencode(kept)}"


def _start(day: Any) -> datetime | None:
    """Return the moment at which a day begins at the store; where clocks jump over midnight, the first one there is."""
    return timezone.make_aware(datetime.combine(day, time())) if day else None


def _read(
    location_id: int,
    product: ProductRef | None,
    filters: Filters,
    before: Position | None,
    at_most: int = timeline.PAGE,
) -> Page:
    if product is not None:
        return timeline.of_product(product.id, location_id, filters=filters, before=before, at_most=at_most)
    return timeline.of_location(location_id, filters=filters, before=before, at_most=at_most)


def _was(product: ProductRef, location_id: int, at: datetime) -> list[tuple[Any, Snapshot]]:
    """Return what was there at the moment: the sellable pieces always, others where there were some."""
    keys = {condition: LevelKey(product.id, location_id, condition.value) for condition in Condition}
    levels = timeline.levels_at(list(keys.values()), at=at)
    return [
        (words.CONDITIONS[condition], levels[key])
        for condition, key in keys.items()
        if condition is Condition.SELLABLE or any(levels[key][:3])
    ]


def _rows(entries: Sequence[Entry], *, granted: Collection[Permission] | None = None) -> list[Row]:
    """Put entries into words: people and causes are asked for all of them at once."""
    who = people.names((entry.actor_kind, entry.actor_id) for entry in entries)
    causes = links.resolve(
        ((entry.cause_type, entry.cause_id) for entry in entries if entry.cause_type), granted=granted
    )
    return [
        Row(
            entry=entry,
            label=words.kind(entry.kind),
            icon=words.icon(entry.kind),
            reason=words.reason(entry.reason),
            condition="" if entry.condition == Condition.SELLABLE else words.CONDITIONS[Condition(entry.condition)],
            who=who[entry.actor_kind, entry.actor_id],
            who_key=f"{entry.actor_kind}:{entry.actor_id}",
            cause=causes.get((entry.cause_type, entry.cause_id)),
            changes=[
                Change(label, after - delta, after)
                for label, delta, after in (
                    (_("on hand"), entry.on_hand_delta, entry.on_hand_after),
                    (_("promised"), entry.allocated_delta, entry.allocated_after),
                    (_("in baskets"), entry.held_delta, entry.held_after),
                )
                if delta
            ],
            is_correctable=not corrections.obstacle(entry.kind, entry.cause_type, entry.on_hand_delta),
        )
        for entry in entries
    ]


# --- the file -------------------------------------------------------------------------------------------------------

_HEAD = (
    "recorded_at", "occurred_at", "sku", "name", "condition", "kind", "on_hand_before", "on_hand_after", "promised_before",
    "promised_after", "in_baskets_before", "in_baskets_after", "reason", "cause", "cause_type", "cause_id", "who", "source",
)  # fmt: skip


class _Echo:
    """What a csv writer writes to when the line itself is wanted."""

    def write(self, line: str) -> str:
        return line


def _lines(store: shell.Store, product: ProductRef | None, filters: Filters, language: str) -> Iterator[str]:
    """Yield the file's lines. They are sent after the view ended, so language and time zone are set for each portion."""
    writer, zone, before, done = csv.writer(_Echo()), ZoneInfo(store.time_zone), None, 0
    yield "\ufeff" + writer.writerow(_HEAD)  # the mark lets spreadsheets read umlauts
    while done < MOST_EXPORTED:
        with translation.override(language):
            found = _read(store.id, product, filters, before, ROWS_AT_ONCE)
            lines = [writer.writerow(_cells(row, zone)) for row in _rows(found.entries)]
        yield from lines
        done, before = done + len(lines), found.older
        if before is None:
            return


def _cells(row: Row, zone: ZoneInfo) -> list[Any]:
    entry = row.entry
    return [
        _moment(entry.recorded_at, zone), _moment(entry.occurred_at, zone), _plain(entry.sku), _plain(entry.name),
        entry.condition, str(row.label),
        entry.on_hand_after - entry.on_hand_delta, entry.on_hand_after,
        entry.allocated_after - entry.allocated_delta, entry.allocated_after,
        entry.held_after - entry.held_delta, entry.held_after,
        _plain(str(row.reason)), _plain(str(row.cause.label)) if row.cause else "", entry.cause_type, _plain(entry.cause_id),
        _plain(row.who), _plain(entry.source),
    ]  # fmt: skip


def _moment(instant: datetime, zone: ZoneInfo) -> str:
    return instant.astimezone(zone).isoformat(sep=" ", timespec="seconds")


def _plain(text: str) -> str:
    """Return text that no spreadsheet takes for a formula."""
    return f"'{text}" if text.startswith(("=", "+", "-", "@", "\t", "\r")) else text
