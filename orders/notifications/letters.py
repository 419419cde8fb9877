"""A message as it goes out: the text of its version filled with what the order says now, in the customer's language."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from babel.numbers import format_currency
from django.conf import settings
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from commerce import queries as ground
from commerce.money import Money
from inventory.places import locations
from orders.notices import LANGUAGES, NoticeChannel, filled, paragraphs_of
from orders.notifications import templates
from orders.notifications.catalogue import Message
from orders.queries import FulfilmentView, OrderView

MOST_GOODS = 20  # lines of an order that a message lists; the page shows all


@dataclass(frozen=True, slots=True)
class Letter:
    """What a gateway sends. `reference` is the same at every attempt, so that the other side can tell a repetition."""

    channel: NoticeChannel
    to: str
    subject: str
    body: str
    html: str = ""
    language: str = "de"
    reference: str = ""


def language_of(order: OrderView) -> str:
    """Return the language that an order's customer reads; German when theirs is none of ours."""
    return order.language if order.language in LANGUAGES else "de"


def address_of(order: OrderView, channel: NoticeChannel) -> str:
    """Return where a message of this channel goes, or nothing."""
    return {NoticeChannel.EMAIL: order.contact_email, NoticeChannel.SMS: order.contact_phone}.get(channel, "")


def compose(
    message: Message,
    order: OrderView,
    *,
    channel: NoticeChannel,
    facts: Mapping[str, Any],
    to: str = "",
    reference: str = "",
) -> tuple[Letter, int] | None:
    """Return the letter and the version of its text, or None when there is no text for the channel."""
    language = language_of(order)
    written = templates.current(message.code, language, channel)
    if written is None:
        return None
    values = words(message, order, facts, language=language)
    subject, body = filled(written.text.subject, values), filled(written.text.body, values)
    html = as_html(subject, body, shop=values["shop"], language=language) if channel is NoticeChannel.EMAIL else ""
    letter = Letter(
        channel=channel,
        to=to or address_of(order, channel),
        subject=subject,
        body=body,
        html=html,
        language=language,
        reference=reference,
    )
    return letter, written.version


def as_html(subject: str, body: str, *, shop: str, language: str) -> str:
    """Return a text as the simple HTML that every mail program shows."""
    with translation.override(language):
        return render_to_string(
            "orders/mail.html",
            {"subject": subject, "parts": paragraphs_of(body), "shop": shop, "language": language},
        )


def tracking_url(order: OrderView) -> str:
    """Return the address of the customer's page; its token is the key."""
    return settings.PUBLIC_URL + reverse("tracking", args=[order.tracking_token])


def words(message: Message, order: OrderView, facts: Mapping[str, Any], *, language: str) -> dict[str, str]:
    """Return what every variable of a message stands for, in a language and in the time of the place."""
    part = part_of(order, facts)
    about = part or next(iter(order.fulfilments), None)
    place = about.meeting_place if about is not None else locations.active()[0]  # it is being routed: no place yet
    with translation.override(language), timezone.override(ZoneInfo(place.time_zone)):
        values = {
            "greeting": _("Hello %(name)s,") % {"name": order.contact_name} if order.contact_name else _("Hello,"),
            "name": order.contact_name,
            "number": order.number,
            "shop": ground.channel_name(order.channel_id),
            "tracking_url": tracking_url(order),
            "total": str(
                format_currency(Money(order.total_minor, order.currency).decimal, order.currency, locale=language)
            ),
            "goods": _goods(order),
            "place": place.name,
            "place_address": ", ".join(
                one for one in (place.street, f"{place.postal_code} {place.city}".strip()) if one
            ),
            "placed_on": day(order.placed_at),
            **(
                _of_part(order, part)
                if part
                else dict.fromkeys(("window", "code", "keep_until", "promised", "missing"), "")
            ),
            "parcel": "",
            **message.words(order, facts),
        }
    return values


def part_of(order: OrderView, facts: Mapping[str, Any]) -> FulfilmentView | None:
    """Return the part of an order that a message is about; the only one when nothing is said."""
    wanted = facts.get("fulfilment_id")
    if wanted is None:
        return order.fulfilments[0] if len(order.fulfilments) == 1 else None
    return next((one for one in order.fulfilments if one.id == UUID(str(wanted))), None)


def _of_part(order: OrderView, part: FulfilmentView) -> dict[str, str]:
    window = ""
    if part.window_starts_at and part.window_ends_at:
        window = _("%(day)s, %(from)s to %(until)s") % {
            "day": day(part.window_starts_at),
            "from": clock_time(part.window_starts_at),
            "until": clock_time(part.window_ends_at),
        }
    gone = sum(line.rejected for line in part.lines)
    missing = ngettext(
        "Unfortunately we could not find %(count)s piece. It is not delivered and you do not pay for it.",
        "Unfortunately we could not find %(count)s pieces. They are not delivered and you do not pay for them.",
        gone,
    ) % {"count": gone}
    return {
        "window": window,
        "code": part.pickup_code,
        "keep_until": moment(part.keep_until) if part.keep_until else "",
        "promised": moment(part.promised_at),
        "missing": missing if gone else "",
    }


def _goods(order: OrderView) -> str:
    lines = [
        f"– {line.quantity - line.cancelled} × {line.name}" for line in order.lines if line.quantity > line.cancelled
    ]
    more = len(lines) - MOST_GOODS
    if more > 0:
        lines = lines[:MOST_GOODS]
        lines.append("– " + ngettext("and %(count)s more item", "and %(count)s more items", more) % {"count": more})
    return "\n".join(lines)


def instant(given: object) -> datetime | None:
    """Return an instant that facts name, or None when they name none."""
    return datetime.fromisoformat(given) if isinstance(given, str) else None


def day(at: datetime) -> str:
    """Return a day with its name, in the language and time zone at hand: "Friday, 4 December 2026"."""
    local = timezone.localtime(at)
    return f"{date_format(local, 'l')}, {date_format(local, 'DATE_FORMAT')}"


def clock_time(at: datetime) -> str:
    """Return a time of day, in the time zone at hand."""
    return date_format(timezone.localtime(at), "H:i")


def moment(at: datetime) -> str:
    """Return a day and a time, in the language and time zone at hand."""
    return _("%(day)s, %(time)s") % {"day": day(at), "time": clock_time(at)}
