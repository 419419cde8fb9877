"""The pages of counting as staff use them: begin, count blindly, hand in, decide, name finds, rules."""

import re
from datetime import timedelta
from uuid import uuid4

import pytest
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse

from commerce import clock
from commerce.actors import Actor
from commerce.models import User
from commerce.roles import Permission, Role
from commerce.staff import links
from commerce.transactions import transaction
from inventory import shelves
from inventory.counting import CountKind, CountState
from inventory.models import CountFinding, CountRecord, StockCount
from inventory.places import locations
from inventory.places.locations import LocationRef
from inventory.stocktaking import lists, rules
from tests.factories import commerce as make
from tests.factories import inventory as goods
from tests.inventory.conftest import BY, Shelf
from tests.inventory.counting import Counting

pytestmark = pytest.mark.django_db

BOOKS = 7391  # a figure that stands nowhere else on a page


def person(role: Role, store: LocationRef | None) -> User:
    user = make.user()
    with transaction():
        locations.assign(user, role, store.id if store else None, by=make.TESTER)
    return user


def signed_in(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def clerk(shelf: Shelf) -> Client:
    return signed_in(person(Role.CLERK, shelf.store))


def manager(shelf: Shelf) -> Client:
    return signed_in(person(Role.STORE_MANAGER, shelf.store))


def address(name: str, *args: object) -> str:
    return reverse(f"inventory-staff:{name}", args=args)


def begin(client: Client, kind: str = "store", **values: object) -> HttpResponse:
    data = {"count_id": uuid4(), "kind": kind, "condition": "sellable", "shelf": "", "category": "", "note": ""}
    return client.post(address("count-new"), data | values)


def begun(client: Client, kind: str = "store", **values: object) -> StockCount:
    assert begin(client, kind, **values).status_code == 302
    return StockCount.objects.latest("opened_at")


def scan(client: Client, count: StockCount, text: str, **values: object) -> HttpResponse:
    data = {
        "text": text,
        "scan_id": uuid4(),
        "scanned_at": clock.utc_text(clock.now()),
        "sent_at": clock.utc_text(clock.now()),
    }
    return client.post(address("count-scan", count.pk), data | values, headers={"HX-Request": "true"})


def text_of(answer: HttpResponse) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", answer.content.decode()))


# --- counting -----------------------------------------------------------------------------------------------------------


def test_from_a_new_count_to_the_journal(shelf: Shelf) -> None:
    client = clerk(shelf)
    count = begun(client)
    assert "Being counted" in text_of(client.get(address("counts")))
    scan(client, count, shelf.sku)
    answer = scan(client, count, shelf.sku, quantity="8", mode="replace")
    assert answer.context["now"].own == 8
    assert 'data-sound="ok"' in answer.content.decode()
    handed_in = client.post(address("count-hand-in", count.pk), follow=True)
    assert "1 difference was booked." in text_of(handed_in)
    assert shelf.figure().on_hand == 8
    assert "Done" in text_of(client.get(address("counts")))


def test_no_page_of_a_counter_shows_a_figure_of_the_books(shelf: Shelf) -> None:
    shelf.receive(BOOKS - 10)
    client = clerk(shelf)
    count = begun(client)
    pages = [
        client.get(address("count-new")),
        client.get(address("counts")),
        client.get(address("count", count.pk)),
        client.get(address("count-list", count.pk)),
        scan(client, count, shelf.sku, quantity="3"),
        client.post(address("count-hand-in", count.pk), follow=True),
    ]
    assert [page.status_code for page in pages] == [200] * len(pages)
    assert not [page for page in pages if re.search("7[.,]?391", page.content.decode())]
    seen = text_of(manager(shelf).get(address("count-review", count.pk)))
    assert re.search("7[.,]?391", seen)  # who decides sees it


def test_the_page_tells_to_count_the_pickup_shelf_too(shelf: Shelf) -> None:
    client = clerk(shelf)
    assert "waits on the pickup shelf" in text_of(client.get(address("count", begun(client).pk)))


def test_an_unknown_barcode_is_kept_and_said(shelf: Shelf) -> None:
    client = clerk(shelf)
    count = begun(client)
    answer = scan(client, count, "4006381333931")
    assert answer.status_code == 200
    assert "No product has the code 4006381333931. It is kept as a find" in text_of(answer)
    assert 'data-sound="stop"' in answer.content.decode()
    assert CountFinding.objects.get().text == "4006381333931"


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"text": "  "}, "Nothing was read"),
        ({"quantity": "-3"}, "number of pieces"),
        ({"quantity": "1e9"}, "number of pieces"),
        ({"quantity": "999999999"}, "number of pieces"),
        ({"quantity": "٣"}, "number of pieces"),
    ],
)
def test_what_can_not_be_counted_is_refused_with_a_sentence(
    shelf: Shelf, values: dict[str, str], sentence: str
) -> None:
    client = clerk(shelf)
    count = begun(client)
    answer = scan(client, count, values.get("text", shelf.sku), **{k: v for k, v in values.items() if k != "text"})
    assert answer.status_code in (400, 422)
    assert sentence in text_of(answer)
    assert not CountRecord.objects.exists()


@pytest.mark.parametrize(
    "wrong", ["", "yesterday", "2026-11-21T10:00:00", "0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z"]
)
def test_a_device_without_a_sensible_clock_still_counts(shelf: Shelf, wrong: str) -> None:
    client = clerk(shelf)
    count = begun(client)
    scan(client, count, shelf.sku, scanned_at=wrong, sent_at=wrong, offset_ms="NaN", scan_id="no uuid")
    record = CountRecord.objects.get()
    assert count.opened_at <= record.counted_at <= clock.now()


def test_a_device_whose_clock_is_a_day_off_counts_at_the_right_moment(shelf: Shelf) -> None:
    """The piece was scanned an hour ago without a connection, and two were sold since."""
    start = clock.now()
    day = timedelta(days=1)
    with clock.frozen(start):
        client = clerk(shelf)
        count = begun(client, "free")
    with clock.frozen(start + timedelta(hours=1)):
        scanned, sent = clock.utc_text(start + timedelta(minutes=5) + day), clock.utc_text(clock.now() + day)
        scan(client, count, shelf.sku, scanned_at=scanned, sent_at=sent, offset_ms=str(-day.total_seconds() * 1000))
        record = CountRecord.objects.get()
    assert abs(record.counted_at - start - timedelta(minutes=5)) < timedelta(seconds=5)
    assert not record.is_time_doubtful


def test_a_count_on_paper_lists_shelves_and_room_to_write(shelf: Shelf) -> None:
    with transaction():
        shelves.put_away(shelf.store.id, "A3", [shelf.product_id], by=BY, at=clock.now())
    client = clerk(shelf)
    count = begun(client, "shelf", shelf="a3")
    page = text_of(client.get(address("count-list", count.pk)))
    assert "A3 Lamp" in page
    assert "Pieces" in page


@pytest.mark.parametrize(
    ("kind", "values", "sentence"),
    [
        ("directed", {}, "Nothing is due by the rules"),
        ("shelf", {"shelf": "Z9"}, "No product is noted on this shelf"),
        ("shelf", {"shelf": "!!"}, "code of a shelf"),
        ("category", {}, "Choose which category"),
    ],
)
def test_a_count_of_nothing_says_what_to_do_instead(
    shelf: Shelf, kind: str, values: dict[str, str], sentence: str
) -> None:
    answer = begin(clerk(shelf), kind, **values)
    assert answer.status_code in (400, 422)
    assert sentence in text_of(answer)
    assert not StockCount.objects.exists()


def test_handing_in_nothing_is_explained(shelf: Shelf) -> None:
    client = clerk(shelf)
    count = begun(client)
    assert "Nothing was counted yet" in text_of(client.post(address("count-hand-in", count.pk), follow=True))


def test_sent_without_scripts_it_counts_as_well(shelf: Shelf) -> None:
    client = clerk(shelf)
    count = begun(client)
    answer = client.post(address("count-scan", count.pk), {"text": shelf.sku, "quantity": "10", "mode": "replace"})
    assert answer.status_code == 302
    assert CountRecord.objects.get().quantity == 10


# --- deciding -----------------------------------------------------------------------------------------------------------


def large(shelf: Shelf, client: Client) -> StockCount:
    """A count that waits for a second person: two pieces of ten are left."""
    count = begun(client)
    scan(client, count, shelf.sku, quantity="2")
    client.post(address("count-hand-in", count.pk))
    return count


def decide(client: Client, count: StockCount, shelf: Shelf, do: str, pieces: int = -8, **values: object) -> str:
    data = {"item": f"{shelf.product_id}:{pieces}", "do": do} | values
    return text_of(client.post(address("count-decide", count.pk), data, follow=True))


def test_the_manager_books_a_large_difference_as_it_was_seen(shelf: Shelf) -> None:
    count, boss = large(shelf, clerk(shelf)), manager(shelf)
    page = boss.get(address("count-review", count.pk))
    assert [row["pieces"] for row in page.context["waiting"]] == [-8]
    assert "another one by now" in decide(boss, count, shelf, "approve", pieces=-7)
    assert shelf.figure().on_hand == 10
    assert "1 product was decided" in decide(boss, count, shelf, "approve")
    assert shelf.figure().on_hand == 2
    assert lists.get(count.pk).state is CountState.POSTED


def test_the_manager_who_counted_it_does_not_decide(shelf: Shelf) -> None:
    boss = manager(shelf)
    count = large(shelf, boss)
    assert "somebody else decides" in text_of(boss.get(address("count-review", count.pk)))
    assert "somebody else has to decide" in decide(boss, count, shelf, "approve")
    assert shelf.figure().on_hand == 10
    assert "1 product was decided" in decide(manager(shelf), count, shelf, "approve")


def test_counted_again_or_left_as_it_is(shelf: Shelf) -> None:
    client, boss = clerk(shelf), manager(shelf)
    count = large(shelf, client)
    assert "Say why the books stand" in decide(boss, count, shelf, "leave")
    assert "counted anew" in decide(boss, count, shelf, "recount")
    assert "Count again" in text_of(client.get(address("count", count.pk)))
    scan(client, count, shelf.sku, quantity="1")
    client.post(address("count-hand-in", count.pk))
    assert "The books stand" in decide(boss, count, shelf, "leave", note="Found in the window")
    assert shelf.figure().on_hand == 10


def test_choosing_nothing_or_nonsense_is_said(shelf: Shelf) -> None:
    count, boss = large(shelf, clerk(shelf)), manager(shelf)
    answer = boss.post(address("count-decide", count.pk), {"item": "x:y", "do": "approve"}, follow=True)
    assert "Choose at least one" in text_of(answer)


def test_a_find_is_named_or_put_aside(shelf: Shelf) -> None:
    client, boss = clerk(shelf), manager(shelf)
    count = begun(client)
    scan(client, count, "unknown one", quantity="9")
    scan(client, count, "nothing at all")
    client.post(address("count-hand-in", count.pk))
    first, second = (row.finding for row in lists.findings(count.pk))

    def name(finding: CountFinding, **values: str) -> str:
        return text_of(boss.post(address("count-finding", count.pk, finding.pk), values, follow=True))

    assert "No product is called" in name(first, sku="still unknown")
    assert "It counts as Lamp" in name(first, sku=shelf.sku)
    assert "put aside" in name(second, do="dismiss")
    assert "already" in name(second, do="dismiss")
    assert "1 product was decided" in decide(boss, count, shelf, "approve", pieces=-1)
    assert shelf.figure().on_hand == 9


def test_a_count_can_be_cancelled_by_the_manager_only(shelf: Shelf) -> None:
    client = clerk(shelf)
    count = begun(client)
    assert client.post(address("count-cancel", count.pk)).status_code == 403
    manager(shelf).post(address("count-cancel", count.pk))
    assert lists.get(count.pk).state is CountState.CANCELLED
    assert "Cancelled" in text_of(client.get(address("count", count.pk)))
    assert "kept for the manager" in text_of(scan(client, count, shelf.sku))


def test_a_timeline_leads_to_the_count(shelf: Shelf) -> None:
    counting = Counting.begin(shelf.store.id)
    counting.count(shelf.sku, 9)
    counting.hand_in()
    cause = ("count", str(counting.ref.id))
    link = links.resolve([cause], granted={Permission.COUNT_STOCK})[cause]
    assert counting.ref.number in str(link.label)
    assert clerk(shelf).get(link.url).status_code == 200
    assert links.resolve([cause], granted={Permission.VIEW_STOCK})[cause] == links.Link(link.label)


# --- who may, and how much it costs -------------------------------------------------------------------------------------


def test_everybody_else_is_refused(shelf: Shelf) -> None:
    count = Counting.begin(shelf.store.id, CountKind.STORE).ref
    agent, boss, elsewhere = (
        signed_in(person(Role.SERVICE_AGENT, shelf.store)),
        clerk(shelf),
        signed_in(person(Role.STORE_MANAGER, goods.store())),
    )
    for name, args in (("counts", ()), ("count-new", ()), ("count", (count.id,)), ("count-list", (count.id,))):
        assert agent.get(address(name, *args)).status_code == 403
        assert Client().get(address(name, *args)).status_code == 302
    for name in ("count-scan", "count-hand-in"):
        assert agent.post(address(name, count.id)).status_code == 403
        assert elsewhere.post(address(name, count.id), {"text": "x"}).status_code == 404
    assert boss.get(address("count-review", count.id)).status_code == 403
    assert boss.post(address("count-decide", count.id)).status_code == 403
    assert boss.post(address("count-finding", count.id, uuid4())).status_code == 403
    for name in ("count", "count-review", "count-list"):
        assert elsewhere.get(address(name, count.id)).status_code == 404
    assert elsewhere.post(address("count-cancel", count.id)).status_code == 404


def test_rules_are_for_who_decides_everywhere(shelf: Shelf) -> None:
    values = {
        "a_days": 7,
        "b_days": 30,
        "c_days": 90,
        "items_at_once": 12,
        "approve_above_pieces": 3,
        "approve_above_value": 20,
    }
    assert manager(shelf).get(address("count-rules")).status_code == 403
    chief = signed_in(person(Role.STORE_MANAGER, None))
    assert chief.get(address("count-rules")).status_code == 200
    chief.post(address("count-rules"), values | {"at": shelf.store.code})
    assert rules.policy(shelf.store.id).a_days == 7
    assert rules.policy(shelf.store.id).approve_above_minor == 2_000
    assert rules.policy(None).a_days == 30
    wrong = chief.post(address("count-rules"), values | {"b_days": 3})
    assert wrong.status_code == 422
    assert "Class A is counted at least as often" in text_of(wrong)
    assert chief.get(address("count-rules") + "?at=NOWHERE").status_code == 404


def test_pages_ask_the_database_as_often_for_many_products_as_for_few(
    shelf: Shelf, django_assert_max_num_queries: object
) -> None:
    client, boss = clerk(shelf), manager(shelf)
    for _ in range(30):
        goods.receive(make.product(category="Cups").id, shelf.store.id, 20)
    count = begun(client)
    for item in lists.sheet(lists.get(count.pk), by=BY).left:
        scan(client, count, item.sku)
    for who, name, args, most in (
        (client, "counts", (), 11),
        (client, "count-new", (), 12),
        (client, "count", (count.pk,), 16),
        (client, "count-list", (count.pk,), 14),
    ):
        with django_assert_max_num_queries(most):  # type: ignore[operator]
            assert who.get(address(name, *args)).status_code == 200
    client.post(address("count-hand-in", count.pk))
    with django_assert_max_num_queries(17):  # type: ignore[operator]
        assert len(boss.get(address("count-review", count.pk)).context["waiting"]) == 31


def test_the_menu_counts_what_waits_here(shelf: Shelf) -> None:
    Counting.begin(shelf.store.id)
    Counting.begin(goods.store().id)
    assert lists.waiting(shelf.store.id) == 1
    assert isinstance(BY, Actor)
