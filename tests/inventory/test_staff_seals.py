"""The sealed journal on screen: its segments, when they were proven and by whom, and what to do when one does not match."""

import pytest
from django.test import Client

from commerce.roles import Role
from inventory import seal_proofs, seals
from inventory.staff import seals as pages
from inventory.tasks import prove_seals
from tests.inventory.conftest import BY, Shelf
from tests.inventory.test_seals import ENTRY, Forge, adjust, forge, seal  # noqa: F401 (a fixture)
from tests.inventory.test_staff_promises import signed_in, text_of

pytestmark = pytest.mark.django_db

PAGE = "/staff/stock/seals/"


def test_before_anything_is_sealed_the_page_says_when_it_will_be() -> None:
    client = signed_in()
    page = text_of(client.get(PAGE))
    assert "Nothing is sealed yet" in page
    assert "Not proven yet" in page
    assert "There is nothing to prove here" in text_of(client.post(f"{PAGE}prove/", follow=True))
    assert client.get(f"{PAGE}1/").status_code == 404


def test_segments_stand_with_their_entries_and_who_proved_them_when(shelf: Shelf) -> None:
    adjust(shelf, 6)  # seven entries with the receipt
    first, _second = seal(most=3), seal(most=3)
    assert first
    client = signed_in()
    page = text_of(client.get(PAGE))
    assert "1 – 3" in page
    assert "4 – 6" in page
    assert first.hash[:12] in page
    assert "Everything is as it was sealed." in text_of(client.post(f"{PAGE}prove/", follow=True))
    proof = seal_proofs.last()
    assert proof
    assert (proof.number, proof.entries, proof.found, proof.actor_kind) == (2, 6, 0, "staff")
    seal()
    assert "Proven up to segment 2" in text_of(client.get(PAGE)), "the third is not proven yet"
    assert "Older segments" not in text_of(client.get(PAGE))
    assert "1 – 3" not in text_of(client.get(PAGE, {"before": "2"})).replace("1 – 3", "", 1)
    assert prove_seals() == 0
    assert "by Kontor itself" in text_of(client.get(PAGE))


def test_one_segment_is_worked_out_again_and_names_its_goods(shelf: Shelf) -> None:
    adjust(shelf, 2)
    seal()
    page = text_of(signed_in().get(f"{PAGE}1/"))
    assert "as it was sealed" in page
    assert f"Lamp {shelf.sku}" in page.replace("  ", " ")
    assert "When something does not match" not in page


def test_a_changed_entry_is_named_with_what_to_do(shelf: Shelf, forge: Forge) -> None:  # noqa: F811 (the fixture)
    adjust(shelf, 2)
    seal()
    forge(f"UPDATE inventory_stockentry SET reason = 'other words' {ENTRY}")
    client = signed_in()
    assert "1 finding does not match." in text_of(client.post(f"{PAGE}prove/", follow=True))
    page = text_of(client.get(PAGE))
    assert "Does not match" in page
    assert f"seal 1, level {level_of(shelf)} ({shelf.sku} at" in page.replace(" )", ")").replace("( ", "(")
    assert "Change nothing and book nothing against it." in page
    segment = text_of(client.get(f"{PAGE}1/"))
    assert "This segment is not as it was sealed" in segment
    assert "Change nothing and book nothing against it." in segment


def level_of(shelf: Shelf) -> int:
    from inventory.models import StockLevel

    return StockLevel.objects.get(product_id=shelf.product_id).pk


def test_a_hash_that_was_written_down_is_found_or_missed(shelf: Shelf) -> None:
    made = [seal(), adjust(shelf, 1), seal()]
    client = signed_in()
    for one in (made[0], made[2]):
        assert one
        assert f"hash of segment {one.number}." in text_of(client.get(PAGE, {"hash": f" {one.hash.upper()} "}))
    assert "No segment has this hash." in text_of(client.get(PAGE, {"hash": "0" * 64}))
    assert "No segment has this hash." in text_of(client.get(PAGE, {"hash": "nonsense"}))
    for nonsense in ("x", "-1", "9" * 40):
        assert client.get(PAGE, {"before": nonsense}).status_code == 200
    assert client.get(f"{PAGE}{'9' * 40}/").status_code == 404


def test_what_is_too_much_for_a_page_is_left_to_the_night(shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
    seal()
    monkeypatch.setattr(pages, "PROVEN_AT_ONCE", 0)
    client = signed_in()
    assert "Prove it now" not in text_of(client.get(PAGE))
    client.post(f"{PAGE}prove/")
    assert seal_proofs.last() is None
    assert seal_proofs.prove(by=BY) == []
    assert seals.newest() is not None


def test_only_those_who_look_after_differences_everywhere_see_it(shelf: Shelf) -> None:
    assert Client().get(PAGE).status_code == 302
    for client in (signed_in(Role.CLERK, shelf.store.id), signed_in(Role.STORE_MANAGER, shelf.store.id)):
        for answer in (client.get(PAGE), client.get(f"{PAGE}1/"), client.post(f"{PAGE}prove/")):
            assert answer.status_code == 403
