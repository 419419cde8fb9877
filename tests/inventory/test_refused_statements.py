"""Figures from outside that were not read: staff see whose, of where, and why, until newer ones were read."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest
from django.utils import translation

from commerce import clock
from commerce.errors import Busy, CommerceError
from commerce.roles import Role
from commerce.transactions import transaction
from inventory.reconciliation import refused as refused_statements
from inventory.reconciliation import sources, statements
from inventory.reconciliation.sources import Policy, SourceTerms
from inventory.reconciliation.statements import Statement
from inventory.reconciling import Decision, Meaning, SourceKind
from inventory.staff import discrepancy_words as words
from tests.factories import inventory as make_inventory
from tests.inventory.conftest import BY, Shelf
from tests.inventory.test_staff_discrepancies import PAGE, SOURCES, signed_in, text_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def said(shelf: Shelf) -> Statement:
    """Figures of the till, of an hour ago, which were read."""
    terms = SourceTerms(name="Till 1", kind=SourceKind.TILL, policies={Meaning.ON_HAND: Policy(Decision.ASK)})
    with transaction():
        sources.set_source("till", terms, by=BY, at=clock.now())
        read = Statement(
            source="till", reference="first", location_id=shelf.store.id, meaning=Meaning.ON_HAND, sequence=7,
            as_of=clock.now() - timedelta(hours=1), lines=((shelf.product_id, 10),),
        )  # fmt: skip
        statements.take(read, by=BY, at=clock.now())
    return read


def refuse(statement: Statement) -> CommerceError:
    with pytest.raises(CommerceError) as refused, transaction():
        statements.take(statement, by=BY, at=clock.now())
    with transaction():
        refused_statements.note(statement, refused.value, by=BY, at=clock.now())
    return refused.value


def earlier(said: Statement) -> Statement:
    return replace(said, reference="late", as_of=said.as_of - timedelta(hours=1))


@pytest.mark.parametrize(
    ("wrong", "english", "german"),
    [
        (earlier, "but newer ones of", "doch neuere vom"),
        (lambda said: replace(said, reference="a", sequence=7, as_of=clock.now()), "came after number 7", "nach Nummer 7"),
        (lambda said: replace(said, reference="b", as_of=clock.now() - timedelta(days=9)), "older than agreed", "älter als"),
        (lambda said: replace(said, reference="c", meaning=Meaning.AVAILABLE), "not what was agreed", "nicht vereinbart"),
        (lambda said: replace(said, lines=()), "came under a number", "unter einer Nummer"),
        (lambda said: replace(said, reference="d", as_of=clock.now() + timedelta(days=1)), "in the future", "Zukunft"),
    ],
)  # fmt: skip
def test_the_sentence_says_what_is_wrong_and_who_mends_it(
    said: Statement, wrong: Callable[[Statement], Statement], english: str, german: str
) -> None:
    refuse(wrong(said))
    one = refused_statements.listed()[0]
    with translation.override("en"):
        assert english in words.refused(one)["sentence"]
        assert "%(" not in words.refused(one)["sentence"]
    with translation.override("de"):
        assert german in words.refused(one)["sentence"]


def test_the_pages_of_differences_and_sources_show_it_until_newer_figures_were_read(said: Statement) -> None:
    refuse(earlier(said))
    manager, merchandiser = signed_in(Role.STORE_MANAGER, None), signed_in(Role.MERCHANDISER, None)
    for answer in (manager.get(f"{PAGE}?place=all"), merchandiser.get(SOURCES), merchandiser.get(f"{SOURCES}till/")):
        assert "but newer ones of" in text_of(answer)
    assert "1 refused since" in text_of(merchandiser.get(SOURCES))
    with transaction():
        newer = replace(said, reference="second", sequence=8, as_of=clock.now())
        statements.take(newer, by=BY, at=clock.now())
    assert "but newer ones of" not in text_of(manager.get(f"{PAGE}?place=all"))
    assert "refused since" not in text_of(merchandiser.get(SOURCES))
    assert "newer ones were read" in text_of(merchandiser.get(f"{SOURCES}till/"))


def test_a_manager_sees_what_was_refused_about_their_own_store(said: Statement, shelf: Shelf) -> None:
    refuse(earlier(said))
    assert "Figures of Till 1 were not read" in text_of(signed_in(Role.STORE_MANAGER, shelf.store).get(PAGE))
    other = make_inventory.store()
    assert "were not read" not in text_of(signed_in(Role.STORE_MANAGER, other).get(PAGE))


def test_what_is_only_busy_is_not_kept(said: Statement) -> None:
    with transaction():
        assert refused_statements.note(said, Busy("Others work on it."), by=BY, at=clock.now()) is False
    assert refused_statements.listed() == []
