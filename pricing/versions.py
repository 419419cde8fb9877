"""Which version of the promotions is in force when, as every process remembers it.

Contents never change, so each is read and indexed once per process; which of them are to be known belongs to a revision.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import orjson
from django.db import connection

from pricing.promotions import documents
from pricing.promotions.index import Index
from pricing.promotions.terms import Content

Key = tuple[int, str]  # number, transaction that wrote it
NO_RULES: Key = (0, "")
CONTENTS_KEPT = 32  # versions: what is in force, what is to come, and some that just were
INDEXES_KEPT = 256  # versions × channels × countries

# What is in force at an instant or comes after it: nothing that took effect before the last one without an end.
_KNOWN = """
SELECT (SELECT number FROM pricing_rulesetrevision), known.number, known.effective_from, known.effective_to,
       known.withdrawn_at, known.written_in, channel.code
FROM commerce_channel AS channel LEFT JOIN LATERAL (
    SELECT version.number, version.effective_from, version.effective_to, withdrawal.withdrawn_at,
           version.xmin::text AS written_in
    FROM pricing_rulesetversion AS version
    LEFT JOIN pricing_rulesetwithdrawal AS withdrawal ON withdrawal.version_id = version.number
    WHERE version.effective_from >= coalesce((
            SELECT max(base.effective_from) FROM pricing_rulesetversion AS base
            WHERE base.effective_from <= %(since)s AND base.effective_to IS NULL
              AND NOT EXISTS (SELECT 1 FROM pricing_rulesetwithdrawal AS gone WHERE gone.version_id = base.number)
        ), '-infinity')
      AND (version.effective_to IS NULL OR version.effective_to > %(since)s)
      AND (withdrawal.withdrawn_at IS NULL OR withdrawal.withdrawn_at > %(since)s)
) AS known ON true
WHERE channel.id = %(channel)s
ORDER BY known.effective_from DESC, known.number DESC
"""
_CONTENT = "SELECT content FROM pricing_rulesetversion WHERE number = %s"


@dataclass(frozen=True, slots=True)
class Window:
    """When a version holds: within `[starts_at, ends_at)`, and not from `withdrawn_at` on."""

    number: int
    starts_at: datetime
    ends_at: datetime | None
    withdrawn_at: datetime | None
    written_in: str = ""  # its transaction: one that was rolled back may have had the same number

    @property
    def key(self) -> Key:
        """What its content is remembered under."""
        return self.number, self.written_in

    def holds(self, at: datetime) -> bool:
        """Whether it may be in force at an instant."""
        return (
            self.starts_at <= at
            and (self.ends_at is None or at < self.ends_at)
            and (self.withdrawn_at is None or at < self.withdrawn_at)
        )


@dataclass(frozen=True, slots=True)
class Known:
    """The versions that a channel has to know, the one that took effect last first."""

    channel: str
    windows: tuple[Window, ...]

    def key_at(self, at: datetime) -> Key:
        """Return the key of the version in force, or NO_RULES where there is none."""
        for window in self.windows:
            if window.holds(at):
                return window.key
        return NO_RULES


_contents: dict[Key, Content] = {NO_RULES: Content()}
_indexes: dict[tuple[Key, str, str, str], Index] = {}


def known(channel_id: int, since: datetime) -> tuple[int, Known]:
    """Return the revision, and the versions in force since an instant or to come, as they are stored now."""
    with connection.cursor() as cursor:
        cursor.execute(_KNOWN, {"channel": channel_id, "since": since})
        rows: Sequence[tuple] = cursor.fetchall()
    if not rows:
        return -1, Known("", ())
    windows = tuple(Window(*row[1:6]) for row in rows if row[1] is not None)
    return rows[0][0] or 0, Known(rows[0][6], windows)


def index(version: Key, channel: str, country: str, currency: str) -> Index:
    """Return the promotions of a version that can hold on a channel, in a country and currency."""
    key = (version, channel, country, currency)
    found = _indexes.get(key)
    if found is None:
        found = Index(content(version), channel=channel, country=country, currency=currency)
        for oldest in list(_indexes)[: len(_indexes) - INDEXES_KEPT + 1]:  # a list: other threads add meanwhile
            _indexes.pop(oldest, None)
        _indexes[key] = found
    return found


def content(version: Key) -> Content:
    """Return what a version says."""
    found = _contents.get(version)
    if found is None:
        with connection.cursor() as cursor:
            cursor.execute(_CONTENT, [version[0]])
            row = cursor.fetchone()
        found = documents.content_from(_read(row[0]))
        for oldest in [one for one in list(_contents) if one != NO_RULES][: len(_contents) - CONTENTS_KEPT]:
            _contents.pop(oldest, None)
        _contents[version] = found
    return found


def forget() -> None:
    """Drop what this process remembers of versions."""
    _contents.clear()
    _contents[NO_RULES] = Content()
    _indexes.clear()


def _read(stored: object) -> dict:
    return stored if isinstance(stored, dict) else dict(orjson.loads(str(stored)))
