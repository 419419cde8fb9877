"""The life of a rule: drafted, previewed, activated by who saw it, retired; and what no rule may say."""

from datetime import datetime, time, timedelta
from typing import Any

import pytest
from django.db import IntegrityError
from django.db import transaction as database

from commerce import clock
from commerce.errors import InvalidInput, NotFound
from commerce.models import AuditEntry
from commerce.transactions import transaction
from inventory.cascade import RuleState
from inventory.errors import ConfirmationNeeded, PreviewNeeded, SharingStateWrong
from inventory.models import BufferRule
from inventory.sharing import buffer_rules
from inventory.sharing.buffer_rules import Draft, Preview
from inventory.sharing.scopes import ScopeIds
from tests.factories import commerce as ground
from tests.factories import inventory as make
from tests.inventory.conftest import BY, Shelf
from tests.inventory.sharing import activate, another_channel, drafted, holding, retire, seen

pytestmark = pytest.mark.django_db


def preview(rule_id: int, at: datetime | None = None) -> Preview:
    with transaction():
        return buffer_rules.preview(rule_id, at=at or clock.now())


def listed(shelf: Shelf) -> None:
    from commerce import catalog

    with transaction():
        catalog.list_products(shelf.channel_id, [shelf.product_id], by=BY)


# --- preview --------------------------------------------------------------------------------------------------------------


def test_a_preview_counts_what_changes_from_real_figures_and_changes_nothing(shelf: Shelf) -> None:
    listed(shelf)
    abroad, unlisted = make.store(country="CH", region="ZH"), ground.product()
    make.receive(shelf.product_id, abroad.id, 50)  # no channel of ours sells from there
    make.receive(unlisted.id, shelf.store.id, 50)  # nobody offers it
    shelf.reserve(3)
    effect = preview(drafted("fixed", 2)).effect
    assert (effect.products, effect.locations, effect.channels, effect.changed) == (1, 1, 1, 1)
    assert (effect.pieces_before, effect.pieces_after, effect.emptied) == (7, 5, 0)
    [change] = effect.biggest
    assert (change.sku, change.location, change.before, change.after) == (shelf.sku, shelf.store.code, 7, 5)
    assert seen(shelf) == 10


def test_a_preview_stands_on_the_rules_that_hold(shelf: Shelf) -> None:
    listed(shelf)
    holding("fixed", 4)
    assert preview(drafted("fixed", 3)).effect.changed == 0  # the stricter one wins already
    looser = preview(drafted("fixed", 1, scope=ScopeIds(product_id=shelf.product_id)))
    assert (looser.effect.pieces_before, looser.effect.pieces_after) == (6, 9)
    assert [found.how for found in looser.contradictions] == ["loosens"]


def test_a_rule_is_not_activated_unseen(shelf: Shelf) -> None:
    rule_id, at = drafted(), clock.now()
    with pytest.raises(PreviewNeeded), transaction():
        buffer_rules.activate(rule_id, by=BY, at=at)
    preview(rule_id, at - timedelta(hours=1))
    with pytest.raises(PreviewNeeded), transaction():
        buffer_rules.activate(rule_id, by=BY, at=at)
    preview(rule_id)
    with transaction():
        buffer_rules.change(rule_id, Draft(name="Other", purpose="buffer", kind="fixed", amount=9), by=BY)
    with pytest.raises(PreviewNeeded), transaction():
        buffer_rules.activate(rule_id, by=BY, at=at)
    activate(rule_id)
    assert seen(shelf) == 1


@pytest.mark.parametrize(("kind", "amount"), [("percentage", 100), ("cap", 0), ("fixed", 10), ("cut_off", 11)])
def test_withholding_everything_has_to_be_confirmed_in_words(shelf: Shelf, kind: str, amount: int) -> None:
    listed(shelf)
    rule_id = drafted(kind, amount, name="Stop the sale")
    assert preview(rule_id).words == "Stop the sale"
    for words in ("", "yes", "Stop"):
        with pytest.raises(ConfirmationNeeded) as refusal, transaction():
            buffer_rules.activate(rule_id, words=words, by=BY, at=clock.now())
        assert refusal.value.detail["words"] == "Stop the sale"
    activate(rule_id, words=" stop the sale ")
    assert seen(shelf) == 0


def test_what_leaves_something_needs_no_words(shelf: Shelf) -> None:
    listed(shelf)
    assert preview(drafted("fixed", 9)).words == ""


# --- life -----------------------------------------------------------------------------------------------------------------


def test_who_wrote_and_who_activated_it_is_kept_and_audited(shelf: Shelf) -> None:
    rule_id = holding()
    row = BufferRule.objects.get(pk=rule_id)
    assert (row.state, row.author, row.activator) == ("active", BY.label, BY.label)
    retire(rule_id)
    verbs = AuditEntry.objects.filter(object_type="buffer_rule", object_id=str(rule_id)).order_by("id")
    assert [entry.verb.rpartition(".")[2] for entry in verbs] == ["draft", "activate", "retire"]
    assert verbs[1].after["preview"]["changed"] == 0
    assert [one.pk for one in buffer_rules.listed(RuleState.RETIRED)] == [rule_id]


def test_a_state_allows_what_it_allows(shelf: Shelf) -> None:
    rule_id, other = holding(), drafted()
    same = Draft(name="Other", purpose="buffer", kind="fixed", amount=9)
    with pytest.raises(SharingStateWrong), transaction():
        buffer_rules.change(rule_id, same, by=BY)
    with pytest.raises(SharingStateWrong), transaction():
        buffer_rules.discard(rule_id, by=BY)
    with pytest.raises(SharingStateWrong), transaction():
        buffer_rules.activate(rule_id, by=BY, at=clock.now())
    with pytest.raises(SharingStateWrong), transaction():
        buffer_rules.retire(other, by=BY, at=clock.now())
    with pytest.raises(NotFound), transaction():
        buffer_rules.retire(10**9, by=BY, at=clock.now())
    with transaction():
        buffer_rules.discard(other, by=BY)
    with pytest.raises(NotFound):
        buffer_rules.stored(other)


@pytest.mark.parametrize(
    "change",
    [
        {"amount": 7},
        {"name": "Other"},
        {"ends_at": datetime(2030, 1, 1, tzinfo=clock.now().tzinfo)},
        {"state": "draft"},
    ],
)
def test_the_database_keeps_what_an_active_rule_says(shelf: Shelf, change: dict[str, Any]) -> None:
    rule_id = holding()
    with pytest.raises(IntegrityError, match="stays as it is"), database.atomic():
        BufferRule.objects.filter(pk=rule_id).update(**change)
    with pytest.raises(IntegrityError, match="stays as it is"), database.atomic():
        BufferRule.objects.filter(pk=rule_id).delete()
    retire(rule_id)
    with pytest.raises(IntegrityError, match="stays as it is"), database.atomic():
        BufferRule.objects.filter(pk=rule_id).update(state="active", retired_at=None)


def test_the_database_knows_no_rule_that_was_activated_unseen(shelf: Shelf) -> None:
    rule_id = drafted()
    with pytest.raises(IntegrityError, match="buffer_rule_active_after_preview"), database.atomic():
        BufferRule.objects.filter(pk=rule_id).update(state="active", activator="X", activated_at=clock.now())


# --- bad input ------------------------------------------------------------------------------------------------------------

TOMORROW = clock.now() + timedelta(days=1)


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"kind": "percentage", "amount": 101}, "amount"),
        ({"kind": "percentage", "amount": 0}, "amount"),
        ({"kind": "fixed", "amount": -1}, "amount"),
        ({"kind": "cap", "amount": -1}, "amount"),
        ({"kind": "fixed", "amount": 10**12}, "amount"),
        ({"kind": "half"}, "kind"),
        ({"purpose": "measured"}, "purpose"),
        ({"name": " "}, "name"),
        ({"priority": 10_000}, "priority"),
        ({"starts_at": TOMORROW, "ends_at": TOMORROW}, "ends_at"),
        ({"daily_from": time(9)}, "daily_until"),
        ({"daily_from": time(9), "daily_until": time(9)}, "daily_until"),
        ({"daily_from": time(9, 0, 30), "daily_until": time(10)}, "daily_from"),
        ({"scope": ScopeIds(category="Nothing")}, "category"),
        ({"scope": ScopeIds(product_id=10**9)}, "product"),
        ({"scope": ScopeIds(location_id=10**9)}, "location"),
        ({"scope": ScopeIds(group_id=10**9)}, "group"),
        ({"scope": ScopeIds(channel_id=10**9)}, "channel"),
    ],
)
def test_what_no_rule_can_say_is_refused_with_its_field(shelf: Shelf, values: dict[str, Any], field: str) -> None:
    wanted: dict[str, Any] = {"name": "Rule", "purpose": "buffer", "kind": "fixed", "amount": 2}
    with pytest.raises(InvalidInput) as refusal, transaction():
        buffer_rules.draft(Draft(**(wanted | values)), by=BY, at=clock.now())
    assert [error["field"] for error in refusal.value.errors] == [field]
    assert not BufferRule.objects.exists()


def test_two_scopes_of_one_kind_and_a_holdback_from_a_till_are_refused(shelf: Shelf) -> None:
    till = another_channel(kind="pos")
    product = ground.product(category="Cups")
    scopes = {
        "group": ScopeIds(location_id=shelf.store.id, group_id=10**9),
        "category": ScopeIds(product_id=product.id, category="Cups"),
    }
    for field, scope in scopes.items():
        with pytest.raises(InvalidInput) as refusal:
            drafted(scope=scope)
        assert field in [error["field"] for error in refusal.value.errors]
    with pytest.raises(InvalidInput, match="till"):
        drafted(purpose="holdback", scope=ScopeIds(channel_id=till.pk))


def test_a_rule_that_is_over_is_not_activated(shelf: Shelf) -> None:
    rule_id = drafted(ends_at=clock.now() - timedelta(minutes=1))
    with pytest.raises(InvalidInput, match="has ended"):
        activate(rule_id)


def test_the_database_refuses_a_percentage_over_100(shelf: Shelf) -> None:
    rule_id = drafted("percentage", 50)
    with pytest.raises(IntegrityError, match="buffer_rule_amount_in_bounds"), database.atomic():
        BufferRule.objects.filter(pk=rule_id).update(amount=101)
