"""What all admin pages share: who may enter, how a form becomes one verb call, and journals that nobody can change.

The admin holds no rules. A form that writes calls its room's verb, signed by the person; a refusal of the verb comes
back as an error at its field with everything still filled in. The audit is the history, so Django's own log is not kept.
"""

import json
from collections.abc import Callable, Iterable, Sequence
from functools import cache, cached_property
from json import JSONEncoder
from typing import Any, ClassVar
from urllib.parse import urlencode

from babel.numbers import format_currency
from django import forms
from django.contrib import messages
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.db.models import AutoField, CharField, Field, JSONField, Model, QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.decorators import method_decorator
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.text import capfirst
from django.utils.translation import get_language, gettext_lazy
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from unfold.admin import ModelAdmin, TabularInline
from unfold.decorators import display
from unfold.sites import UnfoldAdminSite
from unfold.utils import prettify_json
from unfold.widgets import UnfoldAdminTextInputWidget

from commerce import admin_navigation, admin_words, integrity
from commerce.actors import Actor
from commerce.errors import CommerceError
from commerce.money import Money
from commerce.roles import Permission
from commerce.staff import refusals, shell
from commerce.transactions import transaction

MOST_COUNTED = 10_000  # rows; further back a filter helps more than page 101
ROWS_PER_PAGE = 50
CODES = frozenset({"condition", "kind", "state", "status", "counterparty", "actor_kind", "object_type"})  # hold enums
NUMBERS = frozenset(
    {"aggregate_sequence", "position", "schema_version", "status", "version"}
)  # name things, count nothing

# Whoever has one of these everywhere works at a desk and may open the admin.
OPENS_ADMIN = frozenset(
    {
        Permission.MANAGE_CATALOG,
        Permission.MANAGE_PRICES,
        Permission.MANAGE_CHANNELS,
        Permission.MANAGE_USERS,
        Permission.MANAGE_MESSAGES,
    }
)


def granted(request: HttpRequest) -> frozenset[Permission]:
    """Return what the signed-in person may do at all locations: the admin knows no single store."""
    return shell.permissions_everywhere(request)


class KontorAdminSite(UnfoldAdminSite):
    """The admin, opened by roles; people sign in where all staff do."""

    index_title = gettext_lazy("Overview")
    enable_nav_sidebar = True

    def has_permission(self, request: HttpRequest) -> bool:
        return bool(granted(request) & OPENS_ADMIN)

    def index(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Any:
        """Show the departments with their pages."""
        return super().index(
            request, {**(extra_context or {}), "departments": _shown(admin_navigation.navigation(request))}
        )

    @method_decorator(never_cache)
    def login(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """Send people to the staff sign-in; say so when they are signed in but have no business here."""
        target = request.GET.get("next") or ""
        if not url_has_allowed_host_and_scheme(target, {request.get_host()}, require_https=request.is_secure()):
            target = reverse("admin:index")
        if request.user.is_authenticated:
            return HttpResponseRedirect(target) if self.has_permission(request) else shell.refuse(request)
        return redirect_to_login(target)


class BoundedPaginator(Paginator):
    """Counts at most `MOST_COUNTED` rows: nobody turns to page 500, and counting millions costs seconds."""

    @cached_property
    def count(self) -> int:
        rows = self.object_list[: MOST_COUNTED + 1]
        return min(rows.count() if isinstance(rows, QuerySet) else len(rows), MOST_COUNTED)


class _Guarded:
    """Rights by role: `views` opens the pages, `writes` the forms. Nothing can be deleted."""

    views: ClassVar[Permission]
    writes: ClassVar[Permission | None] = None

    def __init__(self, model: type[Model], admin_site: Any) -> None:
        _translated(getattr(self, "model", None) or model)  # an inline is given its parent, and has a model of its own
        super().__init__(model, admin_site)  # type: ignore[call-arg]

    def has_view_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return self.views in granted(request) or self._writes(request)

    def has_module_permission(self, request: HttpRequest) -> bool:
        return self.has_view_permission(request)

    def has_add_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return self._writes(request)

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return self._writes(request)

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def wanted(self, request: HttpRequest, object_id: str) -> Any:
        """Return the object that an action's address names. Raises: Http404, also for an id that can't be one."""
        found = self.get_object(request, object_id)  # type: ignore[attr-defined]
        if found is None:
            raise Http404
        return found

    def _writes(self, request: HttpRequest) -> bool:
        return self.writes is not None and self.writes in granted(request)


def _translated(model: type[Model]) -> None:
    """Let the names that Django made of class and field names be translated, too."""
    names = model._meta
    for named, attribute in [(names, "verbose_name"), (names, "verbose_name_plural")] + [
        (field, "verbose_name") for field in names.fields
    ]:
        if getattr(named, attribute) in admin_words.WORDS:
            setattr(named, attribute, gettext_lazy(str(getattr(named, attribute))))
    if model.__str__ is Model.__str__:  # a journal's row has no name of its own: what it is, and which
        setattr(model, "__str__", _named)  # noqa: B010 (a class is given a method)


def _named(row: Model) -> str:
    return f"{capfirst(row._meta.verbose_name)} {row.pk}"


def in_words(value: str) -> str:
    """Return the value of an enum, or the verb of an audit entry, as people read it; what is no word of ours stays."""
    label = admin_words.VERBS.get(value) or value.replace("_", " ").capitalize()
    return _(label) if label in admin_words.WORDS or value in admin_words.VERBS else value


class _Readable(JSONEncoder):
    """Writes letters of all languages as letters."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**{**options, "ensure_ascii": False})


def _document(value: Any) -> str:
    return prettify_json(value, _Readable) or json.dumps(value, ensure_ascii=False, indent=2)


def _teller(field: Field) -> Callable[[Any], str] | None:
    """Return how to tell a field's value where Django alone would show a code, 1.042 for the number 1042, or null."""
    if isinstance(field, JSONField):
        return _document
    if isinstance(field, CharField) and field.name in CODES and not field.choices:
        return in_words
    return str if isinstance(field, AutoField) or field.name in NUMBERS else None


@cache  # Django compares columns by identity
def _column(field: Field, tell: Callable[[Any], str]) -> Callable[[Any], str]:
    @display(description=field.verbose_name, ordering=field.name)
    def shown(row: Any) -> str:
        value = getattr(row, field.attname)
        return "-" if value is None or value == "" else tell(value)

    return shown


def _told(model: type[Model], columns: Iterable[Any]) -> list[Any]:
    """Return columns with those replaced that Django would show in a way that people can't read."""
    tellers = {field.name: (field, _teller(field)) for field in model._meta.fields}
    chosen = ((one, *tellers.get(one, (None, None))) for one in columns)
    return [one if tell is None else _column(field, tell) for one, field, tell in chosen]


def money(minor: int, currency: str) -> str:
    """Return an amount as the reader's language writes it."""
    return format_currency(Money(minor, currency).decimal, currency, locale=get_language() or "de")


class ReadOnlyAdmin(_Guarded, ModelAdmin):
    """A journal or a picture of the state: can be read, filtered and searched, never changed here."""

    show_full_result_count = False
    paginator = BoundedPaginator
    list_per_page = ROWS_PER_PAGE
    list_fullwidth = True

    def get_readonly_fields(self, request: HttpRequest, obj: Model | None = None) -> Sequence[str]:
        hidden = self.exclude or ()
        own = [field.name for field in self.opts.fields if field.name not in hidden]
        return [*_told(self.model, own), *super().get_readonly_fields(request, obj)]

    def get_fields(self, request: HttpRequest, obj: Model | None = None) -> list[Any]:
        return list(self.get_readonly_fields(request, obj))

    def get_list_display(self, request: HttpRequest) -> list[Any]:
        return _told(self.model, super().get_list_display(request))

    def has_add_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False


class ReadOnlyInline(_Guarded, TabularInline):
    """Rows that belong to the object shown, as a table."""

    extra = 0
    can_delete = False
    show_change_link = False
    hide_title = True  # a row of a table needs no heading of its own

    def get_fields(self, request: HttpRequest, obj: Model | None = None) -> list[Any]:
        return _told(self.model, self.fields or ())

    def get_readonly_fields(self, request: HttpRequest, obj: Model | None = None) -> Sequence[str]:
        return self.get_fields(request, obj)

    def has_add_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False


class VerbAdmin(_Guarded, ModelAdmin):
    """Forms whose saving is a verb: subclasses say which, in `add` and `change`."""

    show_full_result_count = False
    paginator = BoundedPaginator
    list_per_page = ROWS_PER_PAGE
    list_fullwidth = True
    warn_unsaved_form = True
    audited_as: ClassVar[str] = ""  # the audit's object type, for the history button
    audited_by: ClassVar[str] = "pk"  # the field that the audit names the object by

    def add(self, request: HttpRequest, values: dict[str, Any], *, by: Actor) -> object:
        """Call the verb that makes one; return its primary key."""
        raise PermissionDenied

    def change(self, request: HttpRequest, obj: Any, values: dict[str, Any], *, by: Actor) -> None:
        """Call the verb that changes one; `values` are the changed fields only."""
        raise PermissionDenied

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        by = Actor.staff(request.user)
        if not change:
            obj.pk = self.add(request, form.cleaned_data, by=by)
            obj._state.adding = False
            return
        values = {name: form.cleaned_data[name] for name in form.changed_data if name in form.cleaned_data}
        if values:
            self.change(request, obj, values, by=by)

    def save_formset(self, request: HttpRequest, form: Any, formset: Any, change: bool) -> None:
        """Write nothing: subclasses that let rows be added or taken away call the verbs for them."""
        formset.save(commit=False)

    def changeform_view(
        self, request: HttpRequest, object_id: str | None = None, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        """Show or save a form. Django opens the one transaction; a refusal rolls it back and comes back in the form."""
        try:
            with integrity.translated():
                return super().changeform_view(request, object_id, form_url, extra_context)
        except CommerceError as refusal:
            request._refusal = refusal
            return super().changeform_view(request, object_id, form_url, extra_context)

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        made = super().get_form(request, obj, change=change, **kwargs)
        refusal: CommerceError | None = getattr(request, "_refusal", None)
        return made if refusal is None else _refused(made, refusal)

    def history_view(self, request: HttpRequest, object_id: str, extra_context: Any = None) -> HttpResponse:
        """Show what the audit knows of the object."""
        obj = self.get_object(request, object_id)
        if obj is None or not self.audited_as:
            return HttpResponseRedirect(reverse("admin:index"))
        query = {"object_type": self.audited_as, "object_id": str(getattr(obj, self.audited_by))}
        return HttpResponseRedirect(f"{reverse('admin:commerce_auditentry_changelist')}?{urlencode(query)}")

    def log_addition(self, request: HttpRequest, obj: Any, message: Any) -> None:
        """Nothing: the verb has written the audit."""

    def log_change(self, request: HttpRequest, obj: Any, message: Any) -> None:
        """Nothing: the verb has written the audit."""


def _refused(made: type[forms.ModelForm], refusal: CommerceError) -> type[forms.ModelForm]:
    class Refused(made):
        def clean(self) -> dict[str, Any]:
            cleaned: dict[str, Any] = super().clean() or self.cleaned_data
            messages = [str(error.get("message") or refusal.message) for error in refusal.errors]
            for error, message in zip(refusal.errors, messages, strict=True):
                name = error.get("field", "")
                self.add_error(name if name in self.fields else None, refusals.said(message))
            # What is no more than the sum of its fields' messages is said at the fields.
            if not messages or not all(message in refusal.message for message in messages):
                self.add_error(None, refusals.sentence(refusal))
            return cleaned

    return Refused


def each(
    request: HttpRequest, rows: QuerySet[Any], verb: Callable[[Any], object], *, done: str, most: int = 500
) -> None:
    """Do `verb` to up to `most` chosen rows, each in a transaction of its own; say how many worked and why others didn't."""
    count = 0
    for row in rows[:most]:
        try:
            with transaction():
                verb(row)
        except CommerceError as refusal:
            messages.error(request, f"{row}: {refusals.sentence(refusal)}")
        else:
            count += 1
    if count:
        messages.success(request, done.format(count=count))


class ReasonForm(forms.Form):
    """Why."""

    reason = forms.CharField(label=gettext_lazy("Reason"), max_length=200, widget=UnfoldAdminTextInputWidget)


def confirmed(
    admin: ModelAdmin,
    request: HttpRequest,
    *,
    title: str,
    consequence: str,
    form: forms.Form,
    verb: Callable[[dict[str, Any]], HttpResponse | None],
    back: str,
) -> HttpResponse:
    """Ask before a verb with consequences, then do it in one transaction; a refusal stays on the page. GET changes nothing."""
    refusal = ""
    if request.method == "POST" and form.is_valid():
        try:
            with transaction():
                answer = verb(form.cleaned_data)
        except CommerceError as error:
            refusal = refusals.sentence(error)
        else:
            return answer or HttpResponseRedirect(back)
    facts = {"title": title, "consequence": consequence, "form": form, "refusal": refusal, "back": back}
    return _page(admin, request, "admin/confirm.html", facts)


def shown_once(admin: ModelAdmin, request: HttpRequest, *, title: str, secret: str, back: str) -> HttpResponse:
    """Show a secret in this very answer, which nobody stores; it can't be shown again."""
    response = _page(admin, request, "admin/shown_once.html", {"title": title, "secret": secret, "back": back})
    response["Cache-Control"] = "no-store"
    return response


def _page(admin: ModelAdmin, request: HttpRequest, template: str, facts: dict[str, Any]) -> HttpResponse:
    return render(request, template, {**admin.admin_site.each_context(request), "opts": admin.opts, **facts})


def _shown(groups: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Name the pages so that a template can reach them: `items` of a dict is its method there."""
    return [{"title": group["title"], "items_shown": group["items"]} for group in groups]
