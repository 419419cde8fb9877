"""Rows of promotions: the simple ones in columns, all of them as documents; what is read becomes a draft, never a version."""

from collections.abc import Iterator, Mapping
from typing import Any

import orjson

from commerce import clock
from commerce.actors import Actor
from commerce.errors import InvalidInput
from commerce.transactions import transaction_required
from pricing import differences, drafts, rulesets
from pricing.exchange import cells, columns, tables
from pricing.exchange.columns import Fault
from pricing.exchange.outcome import Difference, Outcome
from pricing.file_states import Kind
from pricing.promotions import documents
from pricing.promotions.terms import AmountOff, Content, FixedPrice, PercentOff, Promotion

CURRENCY = "EUR"  # amounts in columns; documents carry minor units
_SIMPLE = {"percent_off", "amount_off", "fixed_price"}


def compare(content: bytes, *, most_faults: int) -> Outcome:
    """Return what a file would change of the promotions in force. Raises: UnreadableFile."""
    return _read(content, most_faults=most_faults)[0]


@transaction_required
def write(content: bytes, *, title: str, by: Actor, most_faults: int) -> Outcome:
    """Make a draft of the rules in force with the promotions of a file in them; others stay. Raises: UnreadableFile, NotAuthor."""
    outcome, after = _read(content, most_faults=most_faults)
    if after is None or not (outcome.rows_new or outcome.rows_changed):
        return outcome
    draft = drafts.begin(title[: drafts.LONGEST_TITLE], by=by)
    drafts.change(draft.id, revision=draft.revision, content=after, by=by)
    outcome.result = str(draft.id)
    return outcome


def export() -> Iterator[list[str]]:
    """Yield the promotions in force as rows, without their heading."""
    for one in in_force().promotions:
        yield row_of(one)


def in_force() -> Content:
    """Return what the rules say now."""
    found = rulesets.in_force(clock.now())
    return documents.content_from(found.content) if found else Content()


def row_of(promotion: Promotion) -> list[str]:
    """Return a promotion as a row; its document says all of it, the columns what people change in a table."""
    benefit = promotion.benefit
    percent = f"{benefit.basis_points / 100:g}" if isinstance(benefit, PercentOff) else ""
    amount = ""
    if isinstance(benefit, AmountOff | FixedPrice):
        amount = cells.amount_text(benefit.amount_minor, CURRENCY)
    terms = promotion.conditions
    return [
        cells.guarded(promotion.id), cells.guarded(promotion.name), documents.kind_of(benefit), percent, amount,
        cells.guarded(" | ".join(promotion.goods.products)), cells.guarded(" | ".join(promotion.goods.categories)),
        cells.instant_text(terms.valid_from), cells.instant_text(terms.valid_until),
        orjson.dumps(documents.document(promotion), option=orjson.OPT_SORT_KEYS).decode(),
    ]  # fmt: skip


def _read(content: bytes, *, most_faults: int) -> tuple[Outcome, Content | None]:
    outcome = Outcome()
    found = tables.rows(content)
    first = next(found, None)
    if first is None:
        raise tables.UnreadableFile("The file is empty; send one with a heading and rows.")
    places, faults = columns.heading(first[1], Kind.PROMOTIONS)
    if faults:
        outcome.faults, outcome.rows_wrong = faults, len(faults)
        return outcome, None
    before = in_force()
    known = {one.id: one for one in before.promotions}
    merged = dict(known)
    lines: dict[str, int] = {}
    for line, row in found:
        outcome.rows_read += 1
        values = {name: row[place] for name, place in places.items() if place < len(row)}
        try:
            promotion = documents.from_document(_document(values, known))
        except (InvalidInput, ValueError) as refusal:
            errors = refusal.errors if isinstance(refusal, InvalidInput) and refusal.errors else [{}]
            outcome.rows_wrong += 1
            for one in errors[:20]:
                text = str(one.get("message") or refusal)
                field, value = str(one.get("field") or "document"), str(one.get("value") or "")
                if len(outcome.faults) < most_faults:
                    outcome.faults.append(Fault(line, field, value[: columns.LONGEST_VALUE], text))
            continue
        if promotion.id in lines:
            outcome.rows_wrong += 1
            message = f"This promotion stands on line {lines[promotion.id]}, too; leave one out."
            outcome.faults.append(Fault(line, "id", promotion.id, message))
            continue
        lines[promotion.id] = line
        merged[promotion.id] = promotion
    after = Content(tuple(merged.values()), before.stacking, before.policy, before.tax_rounding)
    try:
        after = documents.check(after)
    except InvalidInput as refusal:
        for one in refusal.errors:
            outcome.rows_wrong += 1
            value = str(one.get("value") or "")[: columns.LONGEST_VALUE]
            outcome.faults.append(Fault(1, str(one.get("field")), value, str(one.get("message"))))
        return outcome, None
    changed = differences.between(before, after)
    for change in changed.changes:
        is_new = change.promotion_id not in known
        outcome.rows_new += is_new
        outcome.rows_changed += not is_new
        told = merged[change.promotion_id]
        outcome.differences.append(
            Difference(
                lines.get(change.promotion_id, 0), change.promotion_id, "" if is_new else known[change.promotion_id].name,
                f"{told.name} ({documents.kind_of(told.benefit)})",
            )
        )  # fmt: skip
    outcome.rows_same = len(lines) - outcome.rows_new - outcome.rows_changed
    return outcome, after


def _document(values: Mapping[str, object], known: Mapping[str, Promotion]) -> dict[str, Any]:
    """Return a row's document: what it carries, or what is in force, with its columns laid over. Raises: ValueError."""
    text = {name: str(value).strip() for name, value in values.items()}
    identifier = text.get("id", "")
    if text.get("document"):
        try:
            made = orjson.loads(text["document"])
        except orjson.JSONDecodeError:
            raise ValueError("This is no JSON; leave the cell empty or take it from an export.") from None
        if not isinstance(made, dict):
            raise ValueError("A promotion's document is a JSON object.")
    else:
        made = documents.document(known[identifier]) if identifier in known else {}
    made["id"] = identifier
    if text.get("name"):
        made["name"] = text["name"]
    kind = text.get("kind") or str((made.get("benefit") or {}).get("kind") or "percent_off")
    if kind in _SIMPLE and (text.get("percent") or text.get("amount")):
        benefit = made.get("benefit") if isinstance(made.get("benefit"), dict) else {}
        level = {"level": benefit["level"]} if benefit and benefit.get("kind") == kind and "level" in benefit else {}
        if kind == "percent_off":
            share = text.get("percent", "").removesuffix("%").strip().replace(",", ".")
            try:
                points = round(float(share) * 100)
            except ValueError:
                raise ValueError("Write a percentage as 20 or 12,5.") from None
            made["benefit"] = {"kind": kind, "basis_points": points, **level}
        else:
            made["benefit"] = {
                "kind": kind,
                "amount_minor": cells.amount_minor(text.get("amount", ""), CURRENCY),
                **level,
            }
    for name in ("products", "categories"):
        if text.get(name):
            goods = dict(made.get("goods") or {})
            goods[name] = sorted({one.strip() for one in text[name].split("|") if one.strip()})
            made["goods"] = goods
    for name in ("valid_from", "valid_until"):
        at = cells.instant(values.get(name, ""))
        if at is not None:
            terms = dict(made.get("conditions") or {})
            terms[name] = cells.instant_text(at)
            made["conditions"] = terms
    return made
