"""The sealed journal: tampering with the past is found, to the level and its versions, by whoever has one hash.

Every few minutes what was written since is proven and sealed as a segment: per level its versions (from, to], their digests,
and one hash over all of that and the hash before. Versions of a level have no gap and are committed in order, so a segment is
exact without a clock, and no transaction that commits late slips by.

Someone with power over the database can write the whole chain anew; then its newest hash is another one. So the hash is worth
writing down elsewhere, and `verify(expect=…)` asks for it.
"""

import hashlib
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from django.db import connection
from django.db.models import Sum

from commerce import audit, clock, locks
from commerce.actors import Actor
from commerce.operations.checks import Finding
from commerce.transactions import durable, transaction, transaction_required
from inventory import verification
from inventory.models import JournalSeal

ENTRIES_OF_A_SEGMENT = 50_000  # sealed by one transaction in well under a second
BEGINNING = "0" * 64  # what the first seal follows
MOST_FINDINGS = 100

_UNSEALED = """
SELECT id, from_version, to_version - greatest(0, running - %(most)s) AS to_version FROM (
    SELECT l.id, coalesce(m.version, 0) AS from_version, l.version AS to_version,
           sum(l.version - coalesce(m.version, 0)) OVER (ORDER BY l.id)::bigint AS running
    FROM inventory_stocklevel l LEFT JOIN inventory_sealedlevel m ON m.level_id = l.id
    WHERE l.version > coalesce(m.version, 0) AND l.id <> ALL (%(without)s)
) level WHERE running - (to_version - from_version) < %(most)s ORDER BY id
"""
_MARK = """
INSERT INTO inventory_sealedlevel (level_id, version) SELECT * FROM unnest(%s::bigint[], %s::bigint[])
ON CONFLICT (level_id) DO UPDATE SET version = excluded.version
"""


@dataclass(frozen=True, slots=True)
class Seal:
    """What a seal says of itself. `hash` is the one to write down elsewhere."""

    number: int
    hash: str
    sealed_at: datetime
    entries: int


@dataclass(frozen=True, slots=True)
class Sealing:
    """What one sealing did: the seal if there was anything to seal, and per level why it was left out."""

    seal: Seal | None
    refused: dict[int, Finding]


@transaction_required
def seal_next(*, by: Actor, at: datetime, most: int = ENTRIES_OF_A_SEGMENT, without: Collection[int] = ()) -> Sealing:
    """Prove and seal the next unsealed entries, at most `most`; one at a time, however many ask.

    A level whose new entries break a law is left out and named in `refused`: what is sealed was right when it was sealed.
    `without` are levels to leave aside.
    """
    locks.hold(locks.Purpose.JOURNAL_SEAL)
    with connection.cursor() as cursor:
        cursor.execute(_UNSEALED, {"most": most, "without": list(without)})
        spans = cursor.fetchall()
    refused = verification.breaches(*_columns(spans)) if spans else {}
    level_ids, froms, tos = _columns([span for span in spans if span[0] not in refused])
    counts, digests = _digests(level_ids, froms, tos)
    for level_id, from_version, to_version, count in zip(level_ids, froms, tos, counts, strict=True):
        if count != to_version - from_version:
            what = f"level {level_id}, entries {from_version + 1} to {to_version}"
            refused[level_id] = Finding(
                verification.LAWS["chain"], what, f"{to_version - from_version} entries", f"{count} entries"
            )
    kept = [place for place, level_id in enumerate(level_ids) if level_id not in refused]
    if not kept:
        return Sealing(None, refused)
    last = newest()
    row = JournalSeal(
        number=last.number + 1 if last else 1,
        previous=last.hash if last else BEGINNING,
        sealed_at=at,
        entries=sum(counts[place] for place in kept),
        level_ids=[level_ids[place] for place in kept],
        from_versions=[froms[place] for place in kept],
        to_versions=[tos[place] for place in kept],
        digests=[digests[place] for place in kept],
    )
    row.hash = _hash(row)
    row.save(force_insert=True)
    with connection.cursor() as cursor:
        cursor.execute(_MARK, [row.level_ids, row.to_versions])
    audit.record(
        "inventory.seals.seal_next",
        "journal_seal",
        row.number,
        by=by,
        after={"hash": row.hash, "entries": row.entries},
    )
    return Sealing(Seal(row.number, row.hash, at, row.entries), refused)


@dataclass(frozen=True, slots=True)
class Sealed:
    """What a round of sealings did: segments and entries sealed, and per level why it was left out."""

    segments: int
    entries: int
    refused: dict[int, Finding]


@durable
def seal_waiting(*, by: Actor, most_segments: int, watch: Callable[[int], Any] | None = None) -> Sealed:
    """Seal what waits, a transaction per segment, at most `most_segments`; a level that is wrong holds up no other.

    `watch` is told the entries of each segment. Safe to run twice and at the same time.
    """
    segments, entries = 0, 0
    refused: dict[int, Finding] = {}
    while segments < most_segments:
        with transaction():
            sealing = seal_next(by=by, at=clock.now(), without=refused)
        if sealing.seal is None and not sealing.refused:
            break
        refused |= sealing.refused
        if sealing.seal is not None:
            segments, entries = segments + 1, entries + sealing.seal.entries
            if watch:
                watch(sealing.seal.entries)
    return Sealed(segments, entries, refused)


def newest() -> Seal | None:
    """Return the newest seal."""
    row = JournalSeal.objects.order_by("-number").values_list("number", "hash", "sealed_at", "entries").first()
    return Seal(*row) if row else None


def unsealed() -> int:
    """Return how many entries wait for their seal."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT coalesce(sum(l.version - coalesce(m.version, 0)), 0) FROM inventory_stocklevel l"
            " LEFT JOIN inventory_sealedlevel m ON m.level_id = l.id"
        )
        return int(cursor.fetchone()[0])


def sealed(*, up_to: int) -> int:
    """Return how many entries the segments up to a number seal."""
    found = JournalSeal.objects.filter(number__lte=up_to).aggregate(entries=Sum("entries"))
    return int(found["entries"] or 0)


def number_of(seal_hash: str) -> int | None:
    """Return the number of the seal with a hash that somebody wrote down, None when no seal has it."""
    wanted, last = seal_hash.strip().lower(), newest()
    if last is not None and last.hash == wanted:
        return last.number
    following = JournalSeal.objects.filter(previous=wanted, number__gt=1).values_list("number", flat=True).first()
    return following - 1 if following else None


# --- verifying ------------------------------------------------------------------------------------------------------

SEALS = "inventory: sealed entries are as they were sealed"
CHAIN = "inventory: every seal follows the one before it"
MARKS = "inventory: seals leave nothing out"
KNOWN = "inventory: the hash that was written down is in the chain"

# A level's segments meet: each begins where the one before ended, the first at 0, and the last ends at the mark.
_GAPS = """
SELECT 'level ' || level_id || ', seal ' || number AS what, 'from version ' || before AS expected,
       'from version ' || from_version AS found
FROM (
    SELECT level_id, number, from_version, lag(to_version, 1, 0::bigint) OVER (PARTITION BY level_id ORDER BY number) AS before
    FROM inventory_journalseal, unnest(level_ids, from_versions, to_versions) AS part (level_id, from_version, to_version)
) part WHERE from_version <> before
UNION ALL
SELECT 'level ' || coalesce(m.level_id, part.level_id), 'sealed up to ' || coalesce(part.version, 0),
       'marked up to ' || coalesce(m.version, 0)
FROM (
    SELECT level_id, max(to_version) AS version
    FROM inventory_journalseal, unnest(level_ids, to_versions) AS part (level_id, to_version) GROUP BY level_id
) part FULL JOIN inventory_sealedlevel m ON m.level_id = part.level_id
WHERE m.version IS DISTINCT FROM part.version
"""
_RANGE = """
SELECT min(e.recorded_at), max(e.recorded_at), min(p.sku), min(place.code), min(l.condition)
FROM inventory_stocklevel l
JOIN commerce_product p ON p.id = l.product_id JOIN inventory_location place ON place.id = l.location_id
LEFT JOIN inventory_stockentry e ON e.level_id = l.id AND e.version > %s AND e.version <= %s
WHERE l.id = %s
"""


def verify(*, expect: str = "", watch: Callable[[int, int], Any] | None = None) -> list[Finding]:
    """Work out every seal again and return what differs, the first broken segment first, down to levels and versions.

    `expect` is a hash that was written down once: it must be in the chain. `watch` is told entries done and to do. Reads a
    segment at a time, so memory is bounded; safe while others write and seal.
    """
    findings: list[Finding] = []
    all_entries, done = sum(JournalSeal.objects.values_list("entries", flat=True)), 0
    previous, number, is_known = BEGINNING, 0, not expect
    for seal in _in_order():
        number += 1
        if (seal.number, seal.previous) != (number, previous):
            findings.append(
                Finding(
                    CHAIN,
                    f"seal {seal.number}",
                    f"seal {number} after {previous}",
                    f"seal {seal.number} after {seal.previous}",
                )
            )
        findings += _differences(seal)
        number, previous, is_known = seal.number, seal.hash, is_known or seal.hash == expect.lower()
        done += seal.entries
        if watch:
            watch(done, all_entries)
        if len(findings) >= MOST_FINDINGS:
            return findings[:MOST_FINDINGS]
    with connection.cursor() as cursor:
        cursor.execute(f"{_GAPS} LIMIT {MOST_FINDINGS}")
        findings += [Finding(MARKS, *row) for row in cursor.fetchall()]
    if not is_known:
        findings.append(Finding(KNOWN, f"{number} seals", expect, f"newest {previous}"))
    return findings


def differences(number: int) -> list[Finding]:
    """Return where one segment's entries, its seal or its place in the chain are not what was sealed."""
    seal = JournalSeal.objects.get(number=number)
    findings = _differences(seal)
    before = JournalSeal.objects.filter(number=number - 1).values_list("hash", flat=True).first()
    if seal.previous != (before or BEGINNING):
        findings.insert(
            0, Finding(CHAIN, f"seal {number}", f"seal {number} after {before or BEGINNING}", f"after {seal.previous}")
        )
    return findings


def _in_order() -> Iterator[JournalSeal]:
    """Yield the seals by number, one at a time."""
    number = 0
    while seal := JournalSeal.objects.filter(number__gt=number).order_by("number").first():
        yield seal
        number = seal.number


def _differences(seal: JournalSeal) -> list[Finding]:
    """Return where a segment's entries, or the seal itself, are not what was sealed."""
    counts, digests = _digests(seal.level_ids, seal.from_versions, seal.to_versions)
    findings = []
    for level_id, from_version, to_version, count, digest, sealed in zip(
        seal.level_ids, seal.from_versions, seal.to_versions, counts, digests, seal.digests, strict=False
    ):
        if digest != sealed:
            what = f"seal {seal.number}, {_named(level_id, from_version, to_version)}"
            findings.append(
                Finding(SEALS, what, f"{to_version - from_version} entries, {sealed}", f"{count} entries, {digest}")
            )
    is_whole = (
        len(digests) == len(seal.from_versions) == len(seal.to_versions) == len(seal.digests) == len(seal.level_ids)
    )
    if not is_whole or _hash(seal) != seal.hash or seal.entries != sum(seal.to_versions) - sum(seal.from_versions):
        levels = f"levels {min(seal.level_ids, default=0)} to {max(seal.level_ids, default=0)}"
        found = f"{sum(counts)} entries, {_hash(seal)}"
        findings.append(
            Finding(SEALS, f"seal {seal.number} itself, {levels}", f"{seal.entries} entries, {seal.hash}", found)
        )
    return findings


def _named(level_id: int, from_version: int, to_version: int) -> str:
    """Say which entries of which level, for the person who has to look at them."""
    versions = f"entries {from_version + 1} to {to_version}"
    with connection.cursor() as cursor:
        cursor.execute(_RANGE, [from_version, to_version, level_id])
        first, last, sku, place, condition = cursor.fetchone()
    if sku is None:
        return f"level {level_id}, {versions}"
    recorded = f", recorded {_text(first)} to {_text(last)}" if first else ""
    return f"level {level_id} ({sku} at {place}, {condition}), {versions}{recorded}"


def _digests(level_ids: Sequence[int], froms: Sequence[int], tos: Sequence[int]) -> tuple[list[int], list[str]]:
    """Return how many entries each span has and their digest, worked out by the database."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT entries, digest FROM inventory_seal_digests(%s::bigint[], %s::bigint[], %s::bigint[]) ORDER BY place",
            [list(level_ids), list(froms), list(tos)],
        )
        rows = cursor.fetchall()
    return [count for count, _ in rows], [digest for _, digest in rows]


def _hash(seal: JournalSeal) -> str:
    """Return the hash over all that the seal says: plain lines, so that anyone can work it out."""
    digest = hashlib.sha256(f"{seal.number} {seal.previous} {_text(seal.sealed_at)} {seal.entries}\n".encode())
    parts = zip(seal.level_ids, seal.from_versions, seal.to_versions, seal.digests, strict=False)
    for level_id, from_version, to_version, entries in parts:
        digest.update(f"{level_id} {from_version} {to_version} {entries}\n".encode())
    return digest.hexdigest()


def _text(instant: datetime) -> str:
    return instant.astimezone(UTC).isoformat(timespec="microseconds")


def _columns(spans: Sequence[Sequence[int]]) -> tuple[list[int], list[int], list[int]]:
    return [span[0] for span in spans], [span[1] for span in spans], [span[2] for span in spans]
