"""Texts of messages by version: people write a new one, the highest counts, and going back is writing the old one anew."""

from dataclasses import dataclass
from datetime import datetime

from django.contrib.auth.models import AbstractUser
from django.db.models import Max

from commerce import audit, integrity
from commerce.actors import Actor
from commerce.errors import Conflict, InvalidInput, NotFound
from commerce.transactions import transaction_required
from orders.models import NoticeTemplate
from orders.notices import LANGUAGES, WRITTEN, NoticeChannel, Text, faults
from orders.notifications import catalogue

MOST_VERSIONS = 50  # shown; nobody looks further back

integrity.refuse(
    "notice_template_version_once",
    lambda: Conflict("Somebody has just written a new version of this text; look at it and save again."),
)


@dataclass(frozen=True, slots=True)
class Written:
    """The text that counts, and its version: 0 is the one that comes along."""

    text: Text
    version: int


def current(code: str, language: str, channel: NoticeChannel) -> Written | None:
    """Return the text that counts in a language, else in English; None when there is none at all."""
    rows = NoticeTemplate.objects.filter(code=code, channel=channel.value, language__in=[language, "en"])
    newest = {row.language: row for row in rows.order_by("version")}
    message = catalogue.get(code)
    ours = message.texts.get((language, channel)) if message else None
    if row := newest.get(language):
        return Written(Text(row.subject, row.body), row.version)
    if ours is not None:
        return Written(ours, 0)
    if row := newest.get("en"):
        return Written(Text(row.subject, row.body), row.version)
    english = message.text("en", channel) if message else None
    return Written(english, 0) if english else None


@transaction_required
def write(
    code: str,
    *,
    language: str,
    channel: NoticeChannel,
    text: Text,
    user: AbstractUser | None,
    by: Actor,
    at: datetime,
) -> NoticeTemplate:
    """Write the next version of a text; it counts from now on. The same text again changes nothing.

    Raises: InvalidInput naming every variable that is unknown or missing, NotFound for a message that nobody sends.
    """
    message = catalogue.get(code)
    if message is None or channel not in WRITTEN or language not in LANGUAGES:
        raise NotFound("There is no such message.", notice=code, channel=channel.value, language=language)
    text = Text(text.subject.strip(), text.body.replace("\r\n", "\n").strip())
    wrong = faults(text, channel, message.all_variables, message.needed)
    if wrong:
        raise InvalidInput(
            wrong[0].message,
            errors=[{"field": one.field, "value": one.value, "message": one.message} for one in wrong],
        )
    before = (
        NoticeTemplate.objects.filter(code=code, channel=channel.value, language=language).order_by("-version").first()
    )
    if before is not None and (before.subject, before.body) == (text.subject, text.body):
        return before
    row = NoticeTemplate.objects.create(
        code=code,
        channel=channel.value,
        language=language,
        version=before.version + 1 if before else 1,
        subject=text.subject,
        body=text.body,
        written_by=user,
        written_at=at,
    )
    audit.record(
        "orders.notifications.write",
        "notice_template",
        f"{code}:{channel.value}:{language}",
        by=by,
        before={"version": before.version if before else 0},
        after={"version": row.version},
    )
    return row


def versions(code: str, language: str, channel: NoticeChannel) -> list[NoticeTemplate]:
    """Return the versions that people wrote, newest first."""
    rows = NoticeTemplate.objects.filter(code=code, channel=channel.value, language=language)
    return list(rows.select_related("written_by").order_by("-version")[:MOST_VERSIONS])


def counts() -> dict[tuple[str, str, str], int]:
    """Return the newest version of each text that people wrote, by (code, language, channel). One query."""
    rows = NoticeTemplate.objects.values_list("code", "language", "channel").annotate(newest=Max("version"))
    return {(code, language, channel): newest for code, language, channel, newest in rows}
