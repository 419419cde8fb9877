"""Messages to customers as text: which variables a template may use, how it is filled, how often sending is tried. [pure]"""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from html import escape


class NoticeChannel(StrEnum):
    EMAIL = "email"
    SMS = "sms"
    PUSH = "push"
    WEBHOOK = "webhook"


class NoticeState(StrEnum):
    PENDING = "pending"
    SENT = "sent"
    PARKED = "parked"  # given up: a person has to look
    SILENCED = "silenced"  # never to be sent: no consent, no address, too late


class Silence(StrEnum):
    """Why nothing was sent."""

    NO_CONSENT = "no_consent"
    NO_ADDRESS = "no_address"
    NO_TEXT = "no_text"
    TOO_LATE = "too_late"
    NO_LONGER_TRUE = "no_longer_true"


LANGUAGES = ("de", "en")
WRITTEN = frozenset({NoticeChannel.EMAIL, NoticeChannel.SMS})  # channels whose texts people write
LONGEST_SUBJECT = 120
LONGEST_BODY = {NoticeChannel.EMAIL: 5_000, NoticeChannel.SMS: 480}  # an SMS of four parts still arrives as one
# Two days in all: a mail server that is down over a weekend's night is waited for.
RETRY_SECONDS = (30, 120, 600, 1_800, 7_200, 21_600, 43_200, 86_400)
MOST_ATTEMPTS = len(RETRY_SECONDS) + 1
LONGEST_PAUSE = timedelta(days=1)

_PLACEHOLDER = re.compile(r"\{([a-z_]+)\}")
_BRACE = re.compile(r"[{}]")
_ADDRESS = re.compile(r"https?://[^\s<>\"]+")


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong with a text: in which field, what, and the way out. `code` names the kind, for other languages."""

    field: str
    value: str
    message: str
    code: str


@dataclass(frozen=True, slots=True)
class Text:
    """A text of one language and channel. Variables stand in braces: `{number}`. An SMS has no subject."""

    subject: str
    body: str


def faults(text: Text, channel: NoticeChannel, variables: Collection[str], needed: Collection[str] = ()) -> list[Fault]:
    """Return everything that is wrong with a text: unknown variables, stray braces, missing ones, too long, empty."""
    found = []
    for field, value in (("subject", text.subject), ("body", text.body)):
        for name in sorted(set(_PLACEHOLDER.findall(value)) - set(variables)):
            found.append(
                Fault(
                    field,
                    f"{{{name}}}",
                    f"There is no variable {{{name}}} here; choose one of the list.",
                    "unknown_variable",
                )
            )
        if _BRACE.search(_PLACEHOLDER.sub("", value)):
            found.append(
                Fault(field, value[:80], "A brace has no partner; variables are written as {number}.", "stray_brace")
            )
    for name in sorted(set(needed) - set(_PLACEHOLDER.findall(text.body))):
        found.append(
            Fault(
                "body",
                f"{{{name}}}",
                f"The text needs {{{name}}}; without it the customer is left alone.",
                "missing_variable",
            )
        )
    if channel is NoticeChannel.EMAIL and not text.subject.strip():
        found.append(Fault("subject", "", "An e-mail needs a subject.", "no_subject"))
    if "\n" in text.subject or "\r" in text.subject:
        found.append(Fault("subject", text.subject[:80], "A subject is one line.", "two_lines"))
    if not text.body.strip():
        found.append(Fault("body", "", "The text is empty.", "empty"))
    if len(text.subject) > LONGEST_SUBJECT:
        found.append(
            Fault("subject", text.subject[:80], f"A subject has at most {LONGEST_SUBJECT} characters.", "long_subject")
        )
    longest = LONGEST_BODY.get(channel, LONGEST_BODY[NoticeChannel.EMAIL])
    if len(text.body) > longest:
        found.append(Fault("body", text.body[:80], f"This text has at most {longest} characters.", "long_text"))
    return found


def filled(text: str, values: Mapping[str, str]) -> str:
    """Return a text with its variables filled in. A line whose variables are all empty goes away, and so does its paragraph."""
    paragraphs = []
    for paragraph in text.replace("\r\n", "\n").strip().split("\n\n"):
        lines = []
        for given in paragraph.split("\n"):
            names = _PLACEHOLDER.findall(given)
            if names and not any(values.get(name, "").strip() for name in names):
                continue
            lines.append(_PLACEHOLDER.sub(lambda match: values.get(match[1], ""), given).rstrip())
        if any(line.strip() for line in lines):
            paragraphs.append("\n".join(lines))
    return "\n\n".join(paragraphs)


def paragraphs_of(text: str) -> list[dict[str, object]]:
    """Return what an HTML mail shows for a text: paragraphs, lists (lines with a dash) and buttons (a lone address)."""
    shown: list[dict[str, object]] = []
    for paragraph in text.split("\n\n"):
        lines = paragraph.split("\n")
        if all(line.startswith("– ") for line in lines):
            shown.append({"kind": "list", "lines": [line.removeprefix("– ") for line in lines]})
        elif len(lines) == 1 and _ADDRESS.fullmatch(lines[0].strip()):
            shown.append({"kind": "button", "url": lines[0].strip()})
        else:
            shown.append({"kind": "text", "html": "<br>".join(_linked(line) for line in lines)})
    return shown


def _linked(line: str) -> str:
    linked, end = [], 0
    for match in _ADDRESS.finditer(line):
        linked.append(escape(line[end : match.start()]))
        linked.append(f'<a href="{escape(match[0])}">{escape(match[0])}</a>')
        end = match.end()
    return "".join([*linked, escape(line[end:])])


def next_attempt(attempts: int, *, at: datetime, asked: timedelta | None = None) -> datetime | None:
    """Return when to try again after so many attempts, or None when it is time to give up.

    `asked` is the pause that the other side wants; it is honoured up to a day.
    """
    if attempts >= MOST_ATTEMPTS:
        return None
    pause = timedelta(seconds=RETRY_SECONDS[max(attempts, 1) - 1])
    return at + min(max(pause, asked or pause), LONGEST_PAUSE)
