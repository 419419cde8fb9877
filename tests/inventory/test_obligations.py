"""What a channel was guaranteed: owed to it, withheld from the others, counted to the piece, and over when it is over."""

from datetime import timedelta
from uuid import uuid4

import pytest
from django.db import IntegrityError, connection
from django.db import transaction as database
from hypothesis import given
from hypothesis import strategies as st

from commerce import clock
from commerce.errors import InvalidInput, NotFound
from commerce.models import AuditEntry
from commerce.transactions import transaction
from inventory import allocations
from inventory.allocations import Demand
from inventory.errors import SharingStateWrong
from inventory.models import Obligation, ObligationShare, ObligationTake
from inventory.sharing import buffers, obligations, owing
from inventory.sharing.obligations import Agreement, Take
from inventory.sharing.scopes import ScopeIds
from tests.factories import commerce as ground
from tests.factories import inventory as make
from tests.inventory.conftest import BY, Shelf
from tests.inventory.sharing import agreed, another_channel, categorised, seen


def taken(shelf: Shelf, pieces: int, *, location_id: int | None = None, channel_id: int | None = None) -> object:
    """Count pieces as whoever promises does, and return the cause."""
    cause = uuid4()
    with transaction():
        obligations.take(
            channel_id or shelf.channel_id,
            [Take(cause, shelf.product_id, location_id or shelf.store.id, pieces)],
            at=clock.now(),
        )
    buffers.forget()  # as after a second
    return cause


def given_back(cause: object, pieces: int | None = None) -> int:
    with transaction():
        back = obligations.give_back([(cause, pieces)], at=clock.now())  # type: ignore[list-item]
    buffers.forget()
    return back


@pytest.mark.django_db
def test_what_is_owed_is_withheld_from_the_others_until_it_is_taken(shelf: Shelf) -> None:
    other = another_channel()
    obligation_id = agreed(shelf, 6, product_id=shelf.product_id, location_id=shelf.store.id)
    assert (seen(shelf), seen(shelf, channel_id=other.pk)) == (10, 4)
    cause = taken(shelf, 4)
    assert seen(shelf, channel_id=other.pk, free=6) == 4
    taken(shelf, 5)  # more than it was guaranteed, from what is free for all
    assert seen(shelf, channel_id=other.pk, free=1) == 1
    assert Obligation.objects.get(pk=obligation_id).taken == 9
    assert given_back(cause, 1) == 1
    assert given_back(cause) == 3
    assert given_back(cause) == 0
    assert given_back(uuid4()) == 0
    assert Obligation.objects.get(pk=obligation_id).taken == 5
    assert seen(shelf, channel_id=other.pk, free=5) == 4


@pytest.mark.django_db
def test_others_and_other_products_count_nothing(shelf: Shelf) -> None:
    other, product = another_channel(), ground.product()
    obligation_id = agreed(shelf, 6)
    taken(shelf, 2, channel_id=other.pk)
    with transaction():
        assert obligations.take(shelf.channel_id, [Take(uuid4(), product.id, shelf.store.id, 2)], at=clock.now()) == 0
        assert obligations.take(None, [Take(uuid4(), shelf.product_id, shelf.store.id, 2)], at=clock.now()) == 0
    assert Obligation.objects.get(pk=obligation_id).taken == 0


@pytest.mark.django_db
def test_a_piece_counts_once_for_the_guarantee_that_ends_first(shelf: Shelf) -> None:
    late, early = agreed(shelf, 5, hours=48), agreed(shelf, 5, hours=2)
    taken(shelf, 3)
    assert dict(Obligation.objects.values_list("pk", "taken")) == {late: 0, early: 3}


@pytest.mark.django_db
def test_sums_are_what_the_journal_of_takes_says(shelf: Shelf) -> None:
    obligation_id = agreed(shelf, 9)
    causes = [taken(shelf, pieces) for pieces in (1, 2, 3)]
    given_back(causes[1])
    journal = ObligationTake.objects.filter(obligation_id=obligation_id).values_list("quantity", flat=True)
    assert sum(journal) == Obligation.objects.get(pk=obligation_id).taken == 4


@pytest.mark.django_db
def test_a_broad_guarantee_is_spread_by_what_is_free_and_drawn_anew(shelf: Shelf) -> None:
    other_store, other_channel = make.store(), another_channel()
    make.receive(shelf.product_id, other_store.id, 30)
    categorised(shelf, "Lamps")
    agreed(shelf, 8, category="Lamps")
    shares = {(one.product_id, one.location_id): one.pieces for one in ObligationShare.objects.all()}
    assert shares == {(shelf.product_id, shelf.store.id): 2, (shelf.product_id, other_store.id): 6}
    assert seen(shelf, channel_id=other_channel.pk) == 8
    taken(shelf, 7, location_id=other_store.id)
    assert seen(shelf, channel_id=other_channel.pk) + seen(
        shelf, channel_id=other_channel.pk, location_id=other_store.id, free=23
    ) == 33 - 1  # fmt: skip
    with transaction():  # nothing left here: what is owed is kept over there
        allocations.allocate([Demand(uuid4(), shelf.product_id, shelf.store.id, 10)], by=BY, at=clock.now())
    with transaction():
        assert obligations.spread_due(by=BY, at=clock.now()) == 1
    assert [(one.location_id, one.pieces) for one in ObligationShare.objects.all()] == [(other_store.id, 1)]
    with transaction():
        assert obligations.spread_due(by=BY, at=clock.now()) == 0


@pytest.mark.django_db
def test_it_begins_and_ends_and_can_be_ended(shelf: Shelf) -> None:
    other, at = another_channel(), clock.now()
    obligation_id = agreed(shelf, 6, product_id=shelf.product_id, location_id=shelf.store.id, hours=2)
    figure = [(shelf.product_id, shelf.store.id, 10, 10)]
    moments = [at - timedelta(hours=2), at, at + timedelta(hours=3)]
    assert [buffers.withheld(other.pk, figure, at=moment)[0] for moment in moments] == [0, 6, 0]
    with transaction():
        obligations.end(obligation_id, by=BY, at=at, reason="withdrawn")
    assert seen(shelf, channel_id=other.pk) == 10
    with pytest.raises(SharingStateWrong), transaction():
        obligations.end(obligation_id, by=BY, at=at)
    with pytest.raises(NotFound), transaction():
        obligations.end(10**9, by=BY, at=at)
    verbs = AuditEntry.objects.filter(object_type="obligation").order_by("id").values_list("verb", flat=True)
    assert [verb.rpartition(".")[2] for verb in verbs] == ["agree", "end"]


@pytest.mark.django_db
def test_where_nothing_is_guaranteed_nobody_counts_and_nobody_asks(shelf: Shelf, django_assert_num_queries) -> None:
    buffers.has_obligations()
    with transaction(), django_assert_num_queries(0):
        obligations.take(shelf.channel_id, [Take(uuid4(), shelf.product_id, shelf.store.id, 1)], at=clock.now())
        obligations.give_back([(uuid4(), None)], at=clock.now())


@pytest.mark.django_db
def test_what_cannot_be_agreed_is_refused_with_its_field(shelf: Shelf) -> None:
    at = clock.now()
    whole = ScopeIds(channel_id=shelf.channel_id, product_id=shelf.product_id)
    wrong = [
        (whole, 0, at + timedelta(hours=1), "quantity"),
        (whole, 5, at - timedelta(days=2), "ends_at"),
        (whole, 5, at - timedelta(minutes=1), "ends_at"),
        (ScopeIds(product_id=shelf.product_id), 5, at + timedelta(hours=1), "channel"),
        (ScopeIds(channel_id=shelf.channel_id), 5, at + timedelta(hours=1), "product"),
    ]
    for scope, quantity, ends_at, field in wrong:
        wanted = Agreement(
            name="G", scope=scope, quantity=quantity, starts_at=at - timedelta(days=1), ends_at=ends_at
        )  # fmt: skip
        with pytest.raises(InvalidInput) as refusal, transaction():
            obligations.agree(wanted, by=BY, at=at)
        assert [error["field"] for error in refusal.value.errors] == [field]


@pytest.mark.django_db
def test_the_database_keeps_what_was_agreed_and_what_was_taken(shelf: Shelf) -> None:
    obligation_id = agreed(shelf, 6)
    taken(shelf, 2)
    for change in ({"quantity": 60}, {"ends_at": clock.now()}, {"channel_id": another_channel().pk}):
        with pytest.raises(IntegrityError, match="stays as it is"), database.atomic():
            Obligation.objects.filter(pk=obligation_id).update(**change)
    for act in (lambda rows: rows.update(quantity=1), lambda rows: rows.delete()):
        with pytest.raises(IntegrityError, match="is a journal"), database.atomic():
            act(ObligationTake.objects.all())
    untouched = agreed(shelf, 1)
    with pytest.raises(IntegrityError, match="stays as it is"), database.atomic(), connection.cursor() as cursor:
        cursor.execute("DELETE FROM inventory_obligation WHERE id = %s", [untouched])


levels = st.dictionaries(st.tuples(st.integers(1, 4), st.integers(1, 4)), st.integers(-2, 50), max_size=8)


@given(st.integers(-3, 120), levels)
def test_a_spread_keeps_all_that_is_owed_and_no_more_than_is_free(owed: int, free: dict[tuple[int, int], int]) -> None:
    shares = owing.spread(owed, free)
    assert sum(shares.values()) == max(min(owed, sum(pieces for pieces in free.values() if pieces > 0)), 0)
    assert all(0 < pieces <= free[key] for key, pieces in shares.items())
    assert shares == owing.spread(owed, dict(reversed(free.items())))


@given(st.integers(-3, 120), st.dictionaries(st.tuples(st.integers(1, 4), st.integers(1, 4)), st.integers(1, 50)))
def test_a_trimmed_spread_keeps_what_is_owed_now(owed: int, shares: dict[tuple[int, int], int]) -> None:
    kept = owing.trimmed(shares, owed)
    assert sum(kept.values()) == min(max(owed, 0), sum(shares.values()))
    assert all(0 < pieces <= shares[key] for key, pieces in kept.items())
