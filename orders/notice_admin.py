"""Admin of messages: their texts with preview, test and versions; the log of what was sent, to read."""

from dataclasses import replace
from typing import Any, ClassVar

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import URLPattern, path, reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.admin import ModelAdmin
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminTextareaWidget, UnfoldAdminTextInputWidget

from commerce import clock
from commerce.actors import Actor
from commerce.admin_base import ReadOnlyAdmin, VerbAdmin, granted
from commerce.errors import CommerceError
from commerce.roles import Permission
from commerce.transactions import transaction
from orders import queries, reminders
from orders.models import Fulfilment, Notice, NoticeTemplate, Order, PickupReminder
from orders.notices import (
    LANGUAGES,
    LONGEST_BODY,
    LONGEST_SUBJECT,
    WRITTEN,
    NoticeChannel,
    Text,
    faults,
    filled,
    paragraphs_of,
)
from orders.notifications import catalogue, letters, sending, templates
from orders.notifications.catalogue import Message

FAULTS = {
    "unknown_variable": gettext_lazy("There is no variable %(value)s here; choose one of the list below."),
    "stray_brace": gettext_lazy("A brace has no partner; variables are written as {number}."),
    "missing_variable": gettext_lazy("The text needs %(value)s; without it the customer is left alone."),
    "no_subject": gettext_lazy("An e-mail needs a subject."),
    "two_lines": gettext_lazy("A subject is one line."),
    "empty": gettext_lazy("The text is empty."),
    "long_subject": gettext_lazy("The subject is too long."),
    "long_text": gettext_lazy("This text has at most %(longest)s characters."),
}
NOBODY = "Erika Beispiel"  # a preview shows no customer's name


class TextForm(forms.Form):
    """A text of a message, as people write it."""

    subject = forms.CharField(
        label=gettext_lazy("Subject"), required=False, max_length=LONGEST_SUBJECT, widget=UnfoldAdminTextInputWidget
    )
    body = forms.CharField(
        label=gettext_lazy("Text"), max_length=6_000, widget=UnfoldAdminTextareaWidget(attrs={"rows": 18})
    )


@admin.register(NoticeTemplate)
class NoticeTemplateAdmin(ModelAdmin):
    """Texts of messages: one page lists them all, one writes the next version of one."""

    views: ClassVar[Permission] = Permission.MANAGE_MESSAGES

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.views in granted(request)

    has_module_permission = has_view_permission
    has_change_permission = has_view_permission

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def get_urls(self) -> list[URLPattern]:
        own = [
            path(
                "write/<str:code>/<str:language>/<str:channel>/",
                self.admin_site.admin_view(self.write),
                name="orders_noticetemplate_write",
            )
        ]
        return [*own, *super().get_urls()]

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        """List every message with its texts, and which of them people wrote."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        written = templates.counts()
        rows = [
            {
                "message": message,
                "texts": [
                    {
                        "label": f"{channel.value} · {language}",
                        "version": written.get((message.code, language, channel.value), 0),
                        "url": _address(message.code, language, channel),
                    }
                    for channel in sorted(WRITTEN)
                    for language in LANGUAGES
                    if message.text(language, channel) or (message.code, language, channel.value) in written
                ],
            }
            for message in catalogue.every()
        ]
        facts = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": _("Texts of messages"),
            "rows": rows,
        }
        return render(request, "admin/notice_texts.html", facts)

    def write(self, request: HttpRequest, code: str, language: str, channel: str) -> HttpResponse:
        """Show a text with its preview; save it as the next version, or send it to oneself."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        message, way = _named(code, language, channel)
        current = templates.current(code, language, way)
        initial = {"subject": current.text.subject, "body": current.text.body} if current else {}
        form = TextForm(request.POST or None, initial=initial)
        text = Text(initial.get("subject", ""), initial.get("body", ""))
        if request.method == "POST" and form.is_valid():
            text = Text(form.cleaned_data["subject"], form.cleaned_data["body"])
            for fault in faults(text, way, message.all_variables, message.needed):
                form.add_error(fault.field, FAULTS[fault.code] % {"value": fault.value, "longest": LONGEST_BODY[way]})
            if form.is_valid() and "save" in request.POST:
                answer = self._save(request, message, language, way, text, form)
                if answer is not None:
                    return answer
        shown = _preview(message, text, language, way) if not form.errors else None
        if request.method == "POST" and "test" in request.POST and shown and not form.errors:
            self._test(request, message, language, way, shown)
        facts = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": f"{message.title} · {way.value} · {language}",
            "form": form,
            "preview": shown,
            "variables": [f"{{{name}}}" for name in sorted(message.all_variables)],
            "needed": [f"{{{name}}}" for name in message.needed],
            "version": current.version if current else 0,
            "versions": templates.versions(code, language, way),
            "back": reverse("admin:orders_noticetemplate_changelist"),
        }
        return render(request, "admin/notice_text.html", facts, status=422 if form.errors else 200)

    def _save(
        self, request: HttpRequest, message: Message, language: str, way: NoticeChannel, text: Text, form: TextForm
    ) -> HttpResponse | None:
        try:
            with transaction():
                row = templates.write(
                    message.code, language=language, channel=way, text=text, user=request.user,
                    by=Actor.staff(request.user), at=clock.now(),
                )  # fmt: skip
        except CommerceError as refusal:
            form.add_error(None, refusal.message)
            return None
        messages.success(request, _("Version %(version)s counts from now on.") % {"version": row.version})
        return HttpResponseRedirect(_address(message.code, language, way))

    def _test(
        self, request: HttpRequest, message: Message, language: str, way: NoticeChannel, shown: dict[str, Any]
    ) -> None:
        if way is not NoticeChannel.EMAIL or not request.user.email:
            messages.error(request, _("A test goes to your own e-mail address; your account has none."))
            return
        outcome = sending.send_test(
            message.code, language=language, channel=way, to=request.user.email, subject=shown["subject"],
            body=shown["body"], html=shown["html"],
        )  # fmt: skip
        if outcome.is_sent:
            messages.success(request, _("The test is on its way to %(address)s.") % {"address": request.user.email})
        else:
            messages.error(request, _("The test could not be sent: %(error)s") % {"error": outcome.error})


class ReminderForm(forms.ModelForm):
    """A step of a ladder: which message, how long before the end."""

    message = forms.ChoiceField(
        label=gettext_lazy("message"),
        choices=[(code, code) for code in reminders.MESSAGES],
        widget=UnfoldAdminSelectWidget,
    )

    class Meta:
        model = PickupReminder
        fields = "__all__"  # noqa: DJ007 (the admin names them)


@admin.register(PickupReminder)
class PickupReminderAdmin(VerbAdmin):
    """When customers are reminded of a pickup: everywhere, at a location, on a channel; without any, 30 and 8 hours before."""

    views = Permission.MANAGE_MESSAGES
    writes = Permission.MANAGE_MESSAGES
    form = ReminderForm
    audited_as = "pickup_reminder"
    list_display = ["message", "hours_before", "location", "channel", "is_active"]
    list_select_related = ["location", "channel"]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        return ["message", "location", "channel"] if obj else []

    def add(self, request: HttpRequest, values: dict[str, Any], *, by: Actor) -> object:
        location, channel = values.get("location"), values.get("channel")
        return reminders.set_step(
            message=values["message"],
            hours_before=values["hours_before"],
            location_id=location.pk if location else None,
            channel_id=channel.pk if channel else None,
            is_active=values["is_active"],
            by=by,
        )

    def change(self, request: HttpRequest, obj: Any, values: dict[str, Any], *, by: Actor) -> None:
        reminders.set_step(
            message=obj.message,
            hours_before=values.get("hours_before", obj.hours_before),
            location_id=obj.location_id,
            channel_id=obj.channel_id,
            is_active=values.get("is_active", obj.is_active),
            by=by,
        )


@admin.register(Notice)
class NoticeAdmin(ReadOnlyAdmin):
    """What was sent, to which order's customer; whom and what exactly is read from the order."""

    views = Permission.MANAGE_MESSAGES
    list_display = ["created_at", "order", "code", "channel", "state", "reason", "attempts", "sent_at"]
    list_select_related = ["order"]
    list_filter = ["state", "channel", "code", "reason"]
    search_fields = ["order__number__exact"]
    search_help_text = gettext_lazy("Order number, exactly")
    ordering = ["-created_at"]


def _named(code: str, language: str, channel: str) -> tuple[Message, NoticeChannel]:
    message = catalogue.get(code)
    if message is None or language not in LANGUAGES or channel not in {one.value for one in WRITTEN}:
        raise Http404
    return message, NoticeChannel(channel)


def _address(code: str, language: str, channel: NoticeChannel) -> str:
    return reverse("admin:orders_noticetemplate_write", args=[code, language, channel.value])


def _preview(message: Message, text: Text, language: str, way: NoticeChannel) -> dict[str, Any] | None:
    """Return the text as the newest order would fill it, with an invented customer; None while there is no order.

    A message about pickups is shown with an order that somebody fetches, where there is one.
    """
    fetched = (
        Fulfilment.objects.exclude(pickup_code="").order_by("-created_at", "-id").values_list("order_id", "id").first()
    )
    part_id = None
    newest = Order.objects.order_by("-placed_at", "-id").values_list("id", flat=True).first()
    if fetched is not None and message.code.startswith("pickup."):
        newest, part_id = fetched
    if newest is None:
        return None
    order = replace(queries.order(newest), contact_name=NOBODY, language=language, tracking_token="x" * 43)
    facts = {"fulfilment_id": str(part_id or order.fulfilments[0].id)}
    values = letters.words(message, order, facts, language=language)
    subject, body = filled(text.subject, values), filled(text.body, values)
    html = letters.as_html(subject, body, shop=values["shop"], language=language) if way is NoticeChannel.EMAIL else ""
    parts = paragraphs_of(body) if way is NoticeChannel.EMAIL else []
    return {"subject": subject, "body": body, "html": html, "parts": parts}
