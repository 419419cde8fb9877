"""What the messages of an order look like to staff."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.utils.translation import gettext_lazy as _

from orders.models import Notice
from orders.notices import NoticeChannel, NoticeState, Silence
from orders.notifications import catalogue, notices
from orders.staff import words
from orders.staff.words import Word

CHANNELS: dict[str, Word] = {
    NoticeChannel.EMAIL.value: Word(_("E-mail"), "mail"),
    NoticeChannel.SMS.value: Word(_("SMS"), "message-square"),
    NoticeChannel.PUSH.value: Word(_("Alert"), "bell"),
    NoticeChannel.WEBHOOK.value: Word(_("by the sales channel"), "webhook"),
}
STATES: dict[str, Word] = {
    NoticeState.PENDING.value: Word(_("on its way"), "clock", "busy"),
    NoticeState.SENT.value: Word(_("sent"), "check", "ok"),
    NoticeState.PARKED.value: Word(_("not delivered"), "mail-x", "bad"),
    NoticeState.SILENCED.value: Word(_("not sent"), "bell-off", "done"),
}
SILENCES = {
    Silence.NO_CONSENT.value: _("no consent"),
    Silence.NO_ADDRESS.value: _("no address"),
    Silence.NO_TEXT.value: _("no text"),
    Silence.TOO_LATE.value: _("too late"),
    Silence.NO_LONGER_TRUE.value: _("no longer true"),
}


@dataclass(frozen=True, slots=True)
class Shown:
    """A message as the page of its order shows it."""

    id: UUID
    title: Any
    channel: Word
    state: Word
    why: Any
    at: datetime
    can_resend: bool


def of_order(order_id: UUID, *, may_resend: bool) -> list[Shown]:
    """Return the messages of an order, newest first. One query."""
    return [_shown(row, may_resend=may_resend) for row in notices.of_order(order_id)]


def _shown(row: Notice, *, may_resend: bool) -> Shown:
    message = catalogue.get(row.code)
    return Shown(
        id=row.pk,
        title=message.title if message else row.code,
        channel=words.word(CHANNELS, row.channel),
        state=words.word(STATES, row.state),
        why=SILENCES.get(row.reason, "") if row.state == NoticeState.SILENCED else row.last_error,
        at=row.sent_at or row.created_at,
        can_resend=may_resend
        and row.channel in (NoticeChannel.EMAIL, NoticeChannel.SMS)
        and row.state in (NoticeState.SENT, NoticeState.PARKED)
        and row.reason != Silence.NO_CONSENT,
    )
