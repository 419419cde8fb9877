"""Sources of stock statements: who may tell us absolute figures, of which places, and who is right when they differ."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any

from commerce import audit, integrity
from commerce.actors import Actor
from commerce.errors import DuplicateCode, InvalidInput, NotFound
from commerce.roles import Role
from commerce.transactions import transaction_required
from inventory.models import StatementPolicy, StatementSource
from inventory.places import groups
from inventory.reconciling import Decision, Meaning, SourceKind

MOST_SOURCES = 500

integrity.refuse(
    "inventory_statementsource_code_key", lambda: DuplicateCode("There is a source with this code already.")
)


@dataclass(frozen=True, slots=True)
class Policy:
    """Who is right about figures of one meaning; `tolerance_pieces` only matters within a tolerance."""

    decision: Decision
    tolerance_pieces: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceTerms:
    """What is agreed with a source. It may state the meanings that have a policy, of its location or group, or of all."""

    name: str
    kind: SourceKind
    policies: Mapping[Meaning, Policy]
    channel_id: int | None = None
    location_id: int | None = None
    group_id: int | None = None
    owner_role: Role = Role.STORE_MANAGER
    repair_hours: int = 24
    patience_minutes: int = 60
    most_hours_old: int = 72
    is_active: bool = True


@dataclass(frozen=True, slots=True)
class SourceRef:
    """A source as other modules read it."""

    id: int
    code: str
    terms: SourceTerms = field(repr=False)

    def speaks_of(self, location_id: int | None) -> bool:
        """Whether the source may state figures of a place; of all places together only a channel can."""
        if location_id is None:
            return self.terms.channel_id is not None
        if self.terms.group_id is not None:
            return location_id in groups.members().get(self.terms.group_id, ())
        return self.terms.location_id in (None, location_id)


@transaction_required
def set_source(code: str, terms: SourceTerms, *, by: Actor, at: datetime, is_new: bool = False) -> SourceRef:
    """Agree on these terms with a source, a new one or one that is known. The same terms again change nothing.

    Raises: InvalidInput naming what is wrong; DuplicateCode when it has to be new and is known.
    """
    _check(code, terms)
    row = StatementSource.objects.select_for_update().filter(code=code).first()
    if row is not None and is_new:
        raise DuplicateCode(f"There is a source {code} already.", code=code)
    before = None if row is None else _facts(_ref(row).terms)
    after = _facts(terms)
    if row is not None and before == after:
        return _ref(row)
    if row is None:
        row = StatementSource(code=code, created_at=at)
    for name in (
        "name", "channel_id", "location_id", "group_id", "repair_hours", "patience_minutes", "most_hours_old", "is_active",
    ):  # fmt: skip
        setattr(row, name, getattr(terms, name))
    row.kind, row.owner_role = terms.kind.value, terms.owner_role.value
    row.save()
    StatementPolicy.objects.filter(source=row).exclude(meaning__in=[m.value for m in terms.policies]).delete()
    for meaning, policy in terms.policies.items():
        StatementPolicy.objects.update_or_create(
            source=row,
            meaning=meaning.value,
            defaults={"decision": policy.decision.value, "tolerance_pieces": policy.tolerance_pieces},
        )
    audit.record(
        "inventory.statement_sources.set_source",
        "statement_source",
        row.pk,
        by=by,
        before=before,
        after={"code": code} | after,
    )
    return SourceRef(row.pk, code, terms)


def source(code: str) -> SourceRef:
    """Return a source by its code. Raises: NotFound."""
    row = StatementSource.objects.filter(code=code).first()
    if row is None:
        raise NotFound(f"There is no source of stock statements called {code!r}.", source=code)
    return _ref(row)


def sources() -> list[SourceRef]:
    """Return all sources, by code."""
    rows = StatementSource.objects.prefetch_related("policies").order_by("code")[:MOST_SOURCES]
    return [_ref(row) for row in rows]


def of_channel(channel_id: int) -> list[SourceRef]:
    """Return the sources for which a channel's keys may speak."""
    return [
        _ref(row)
        for row in StatementSource.objects.filter(channel_id=channel_id)
        .prefetch_related("policies")
        .order_by("code")[:MOST_SOURCES]
    ]


@transaction_required
def lock(code: str) -> SourceRef | None:
    """Lock a source until the transaction ends, so that its statements are read one after the other."""
    row = StatementSource.objects.select_for_update().filter(code=code).first()
    return None if row is None else _ref(row)


def _ref(row: StatementSource) -> SourceRef:
    terms = SourceTerms(
        name=row.name, kind=SourceKind(row.kind), channel_id=row.channel_id, location_id=row.location_id,
        group_id=row.group_id, owner_role=Role(row.owner_role), repair_hours=row.repair_hours,
        patience_minutes=row.patience_minutes, most_hours_old=row.most_hours_old, is_active=row.is_active,
        policies={
            Meaning(policy.meaning): Policy(Decision(policy.decision), policy.tolerance_pieces)
            for policy in sorted(row.policies.all(), key=lambda policy: policy.meaning, reverse=True)
        },
    )  # fmt: skip
    return SourceRef(row.pk, row.code, terms)


def _facts(terms: SourceTerms) -> dict[str, Any]:
    facts = asdict(terms)
    facts["policies"] = {meaning.value: asdict(policy) for meaning, policy in sorted(terms.policies.items())}
    return facts


def _check(code: str, terms: SourceTerms) -> None:
    errors = [{"field": name, "value": value, "message": message} for name, value, message in _faults(code, terms)]
    if errors:
        raise InvalidInput(f"{errors[0]['field']}: {errors[0]['message']}", errors=errors)


def _faults(code: str, terms: SourceTerms) -> Sequence[tuple[str, object, str]]:
    faults: list[tuple[str, object, str]] = []
    if not code or len(code) > 40 or not code.replace("-", "").replace("_", "").isalnum() or not code.isascii():
        faults.append(("code", code, "up to 40 letters, digits, - and _ are expected"))
    if not terms.name.strip() or len(terms.name) > 120:
        faults.append(("name", terms.name, "a name of up to 120 characters is expected"))
    if not terms.policies:
        faults.append(("policies", "", "say for at least one meaning who is right"))
    if terms.location_id is not None and terms.group_id is not None:
        faults.append(("group", terms.group_id, "name a location or a group of locations, not both"))
    for name, lowest, highest in (
        ("repair_hours", 1, 8_760),
        ("patience_minutes", 0, 525_600),
        ("most_hours_old", 1, 8_760),
    ):
        if not lowest <= getattr(terms, name) <= highest:
            faults.append((name, getattr(terms, name), f"a whole number from {lowest} to {highest} is expected"))
    for meaning, policy in terms.policies.items():
        if not 0 <= policy.tolerance_pieces <= 1_000_000:
            faults.append((f"policies.{meaning}", policy.tolerance_pieces, "a tolerance has 0 to 1,000,000 pieces"))
    return faults
