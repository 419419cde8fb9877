"""The staff shell through its pages: who gets in, where they work, what they see, and how it says no."""

from collections.abc import Iterator

import pytest
from django.http import HttpRequest, HttpResponse
from django.test import Client
from django.urls import reverse

from commerce import clock
from commerce.models import AuditEntry, Quota, User
from commerce.roles import PERMISSIONS, Permission, Role
from commerce.staff import attempts, shell
from commerce.transactions import transaction
from inventory.places import locations
from inventory.places.locations import LocationRef
from tests.factories import commerce as make
from tests.factories import inventory as make_inventory

pytestmark = pytest.mark.django_db

SIGN_IN, HOME, MORE = "/staff/sign-in/", "/staff/", "/staff/more/"


@pytest.fixture
def here() -> LocationRef:
    return make_inventory.store(name="Store Here")


@pytest.fixture
def there() -> LocationRef:
    return make_inventory.store(name="Store There")


def staff(role: Role, *places: LocationRef) -> User:
    person = make.user()
    with transaction():
        for place in places:
            locations.assign(person, role, place.id, by=make.TESTER)
    return person


def signed_in(person: User) -> Client:
    client = Client()
    client.force_login(person)
    return client


def try_password(client: Client, name: str, password: str, **more: str) -> HttpResponse:
    return client.post(SIGN_IN, {"username": name, "password": password, **more})


# --- signing in and out ----------------------------------------------------------------------------------------------


def test_the_right_password_opens_the_page_that_was_asked_for(here: LocationRef) -> None:
    person, client = staff(Role.CLERK, here), Client()
    asked = client.get("/staff/stock/?q=lamp")
    assert asked.status_code == 302
    form = client.get(asked["Location"])
    assert b"/staff/stock/?q=lamp" in form.content
    answer = try_password(client, person.username, make.PASSWORD, next="/staff/stock/?q=lamp")
    assert (answer.status_code, answer["Location"]) == (302, "/staff/stock/?q=lamp")
    assert client.get("/staff/stock/?q=lamp").status_code == 200


@pytest.mark.parametrize("address", ["https://elsewhere.example/", "//elsewhere.example/", "javascript:alert(1)"])
def test_signing_in_never_leads_to_another_site(here: LocationRef, address: str) -> None:
    answer = try_password(Client(), staff(Role.CLERK, here).username, make.PASSWORD, next=address)
    assert answer["Location"] == HOME


def test_a_wrong_password_and_an_unknown_name_are_refused_with_the_same_words(here: LocationRef) -> None:
    person = staff(Role.CLERK, here)
    gone = staff(Role.CLERK, here)
    User.objects.filter(pk=gone.pk).update(is_active=False)
    answers = [
        try_password(Client(), person.username, "wrong"),
        try_password(Client(), "nobody-of-that-name", "wrong"),
        try_password(Client(), gone.username, make.PASSWORD),
    ]
    sentences = {answer.context["form"].non_field_errors()[0] for answer in answers}
    assert [answer.status_code for answer in answers] == [422] * 3
    assert len(sentences) == 1


def test_too_many_wrong_passwords_close_the_door_for_this_name_only_and_for_a_while(here: LocationRef) -> None:
    person, colleague = staff(Role.CLERK, here), staff(Role.CLERK, here)
    now = clock.now()
    with clock.frozen(now):
        for _attempt in range(attempts.FAILURES_PER_NAME):
            assert try_password(Client(), person.username, "wrong").status_code == 422
        refused = try_password(Client(), person.username, make.PASSWORD)
        assert refused.status_code == 429
        assert "15" in refused.context["form"].non_field_errors()[0]
        assert try_password(Client(), colleague.username, make.PASSWORD).status_code == 302
    with clock.frozen(now + attempts.FORGOTTEN_AFTER):
        assert try_password(Client(), person.username, make.PASSWORD).status_code == 302


def test_right_passwords_are_not_counted(here: LocationRef) -> None:
    person = staff(Role.CLERK, here)
    for _shift in range(attempts.FAILURES_PER_NAME + 2):
        assert try_password(Client(), person.username, make.PASSWORD).status_code == 302


@pytest.mark.parametrize(
    ("proxies", "forwarded", "address"),
    [
        (0, "203.0.113.9", "192.0.2.1"),
        (1, "203.0.113.9", "203.0.113.9"),
        (1, "made.up, 203.0.113.9", "203.0.113.9"),
        (2, "made.up, 203.0.113.9, 198.51.100.7", "203.0.113.9"),
        (2, "203.0.113.9", "192.0.2.1"),
        (1, "", "192.0.2.1"),
    ],
)
def test_behind_a_proxy_attempts_count_for_who_asked(rf, settings, proxies: int, forwarded: str, address: str) -> None:
    settings.PROXIES = proxies
    request = rf.get("/", REMOTE_ADDR="192.0.2.1", HTTP_X_FORWARDED_FOR=forwarded)
    assert attempts.address_of(request) == address


def test_counted_attempts_hold_no_names_and_fit_into_a_fixed_number_of_rows(here: LocationRef) -> None:
    try_password(Client(), "somebody@example.com", "wrong")
    keys = list(Quota.objects.filter(key__startswith="sign-in:").values_list("key", flat=True))
    assert keys
    assert all(int(key.rpartition(":")[2]) < attempts.BUCKETS for key in keys)


def test_signing_out_needs_a_press_and_ends_the_session(here: LocationRef) -> None:
    client = signed_in(staff(Role.CLERK, here))
    assert client.get("/staff/sign-out/").status_code == 405
    assert client.post("/staff/sign-out/").status_code == 302
    assert client.get(MORE)["Location"].startswith(SIGN_IN)


# --- where someone works ---------------------------------------------------------------------------------------------


def test_a_clerk_of_one_store_sees_only_that_store(here: LocationRef, there: LocationRef) -> None:
    page = signed_in(staff(Role.CLERK, here)).get(MORE).content.decode()
    assert "Store Here" in page
    assert "Store There" not in page


def test_who_works_at_two_stores_can_change_between_them(here: LocationRef, there: LocationRef) -> None:
    client = signed_in(staff(Role.CLERK, here, there))
    assert client.get(MORE).context["shell"].store.id == here.id
    answer = client.post("/staff/store/", {"store": there.code, "next": "/staff/stock/?q=lamp"})
    assert answer["Location"] == "/staff/stock/"  # back to the room, not to a thing of the old store
    assert client.get(MORE).context["shell"].store.id == there.id


def test_nobody_changes_to_a_store_where_they_do_not_work(here: LocationRef, there: LocationRef) -> None:
    client = signed_in(staff(Role.CLERK, here))
    refused = client.post("/staff/store/", {"store": there.code})
    assert refused.status_code == 403
    assert client.get(MORE).context["shell"].store.id == here.id


def test_a_role_counts_only_at_its_store(here: LocationRef, there: LocationRef) -> None:
    person = staff(Role.CLERK, here)
    with transaction():
        locations.assign(person, Role.MERCHANDISER, there.id, by=make.TESTER)
    client = signed_in(person)
    assert client.get("/staff/stock/receive/").status_code == 200
    client.post("/staff/store/", {"store": there.code})
    refused = client.get("/staff/stock/receive/")
    assert refused.status_code == 403
    assert "Store There" in refused.content.decode()


def test_someone_without_a_store_is_told_whom_to_ask() -> None:
    client = signed_in(make.user())
    assert client.get(HOME, follow=True).status_code == 200
    assert "assigned to any store" in client.get(MORE).content.decode()
    assert client.get("/staff/stock/").status_code == 403


def test_the_first_administrator_may_do_everything_everywhere(here: LocationRef, there: LocationRef) -> None:
    client = signed_in(make.user(is_administrator=True))
    shown = client.get(MORE).context["shell"]
    assert {store.id for store in shown.stores} == {here.id, there.id}
    assert set(shown.can) == {permission.value for permission in Permission}


# --- rooms and guards --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("role", list(Role))
def test_the_menu_shows_exactly_the_rooms_that_a_role_may_enter(here: LocationRef, role: Role) -> None:
    client = signed_in(staff(role, here))
    shown = {room.url for room in client.get(MORE).context["shell"]._all_rooms}
    for entry in shell._menu.values():
        allowed = entry.permission in PERMISSIONS[role] and not entry.is_for_all_stores  # they work at one store
        address = reverse(entry.url_name)
        assert (address in shown) is allowed
        assert client.get(address).status_code == (200 if allowed else 403), address


def test_the_start_page_is_the_first_room_of_the_role(here: LocationRef) -> None:
    client = signed_in(staff(Role.MERCHANDISER, here))
    assert client.get(HOME)["Location"] == "/staff/stock/"


def test_the_rail_marks_the_room_one_is_in_and_its_pages_too(here: LocationRef) -> None:
    client = signed_in(staff(Role.CLERK, here))
    for address in ("/staff/stock/", "/staff/stock/receive/"):
        assert [room.key for room in client.get(address).context["shell"].rooms if room.is_current] == ["stock"]
    assert not [room for room in client.get(MORE).context["shell"].rooms if room.is_current]


def test_the_phone_gets_at_most_five_places(here: LocationRef) -> None:
    shown = signed_in(make.user(is_administrator=True)).get(MORE).context["shell"]
    assert shown.places_on_a_phone == 4  # and "More"
    assert {room.key for room in shown.rooms[4:]} <= {room.key for room in shown.rooms_in_more}


def test_a_fragment_of_an_ended_session_moves_the_whole_page_to_the_sign_in() -> None:
    answer = Client().get(
        "/staff/stock/", headers={"HX-Request": "true", "HX-Current-URL": "http://testserver/staff/stock/?q=lamp"}
    )
    assert answer["HX-Redirect"] == f"{SIGN_IN}?next=/staff/stock/%3Fq%3Dlamp"


@pytest.fixture
def bell() -> Iterator[shell.MenuEntry]:
    """A room with a counter, for this test only."""
    entry = shell.MenuEntry(
        key="bell",
        label="Bell",
        icon="bell",
        url_name="staff:more",
        permission=Permission.VIEW_STOCK,
        order=1,
        counter=lambda store: 7,
    )
    shell.register_menu(entry)
    yield entry
    del shell._menu["bell"]


def test_the_pulse_renews_the_counters_and_tells_an_ended_session(here: LocationRef, bell: shell.MenuEntry) -> None:
    answer = signed_in(staff(Role.CLERK, here)).get("/staff/pulse/").content.decode()
    assert 'id="waiting-bell"' in answer
    assert "hx-swap-oob" in answer
    assert ">7<" in answer
    assert Client().get("/staff/pulse/").status_code == 401


# --- finding -----------------------------------------------------------------------------------------------------------


def test_a_scan_in_the_search_field_leads_to_the_thing(here: LocationRef) -> None:
    product = make.product(name="Copper kettle")
    client = signed_in(staff(Role.CLERK, here))
    for text in (product.gtins[0], product.sku, "copper kettle"):
        answer = client.get("/staff/find/", {"q": text})
        assert answer.status_code == 302
        assert answer["Location"].startswith("/staff/stock/?q=")


@pytest.mark.parametrize("text", ["zzz nothing", "4000000000019", "zzz\x00zzz", "%", "_" * 5000, "' OR 1=1 --"])
def test_what_nobody_knows_is_said_kindly(here: LocationRef, text: str) -> None:
    answer = signed_in(staff(Role.CLERK, here)).get("/staff/find/", {"q": text})
    assert answer.status_code == 200
    assert "Nothing found" in answer.content.decode()


def test_an_empty_search_says_what_can_be_searched(here: LocationRef) -> None:
    answer = signed_in(staff(Role.CLERK, here)).get("/staff/find/?q=", follow=True)
    assert "Scan a barcode" in answer.content.decode()


def test_who_may_not_see_stock_finds_no_goods(here: LocationRef) -> None:
    product = make.product()
    request = HttpRequest()
    request.user, request.session = make.user(), {}  # type: ignore[assignment]
    assert shell.find(request, product.sku) is None


# --- language ----------------------------------------------------------------------------------------------------------


def test_the_language_is_kept_with_the_person_and_signed_in_the_audit(here: LocationRef) -> None:
    person = staff(Role.CLERK, here)
    client = signed_in(person)
    assert "Sign out" in client.get(MORE).content.decode()
    client.post("/staff/language/", {"language": "de", "next": MORE})
    assert "Abmelden" in client.get(MORE).content.decode()
    assert User.objects.get(pk=person.pk).language == "de"
    entry = AuditEntry.objects.get(verb="commerce.accounts.set_language", object_id=str(person.pk))
    assert (entry.actor_id, entry.after) == (str(person.pk), {"language": "de"})


def test_the_sign_in_page_speaks_both_languages() -> None:
    client = Client()
    for language, word in (("de", "Anmelden"), ("en", "Sign in")):
        assert client.post("/staff/language/", {"language": language, "next": SIGN_IN})["Location"] == SIGN_IN
        assert word in client.get(SIGN_IN).content.decode()


def test_who_changes_the_language_at_the_door_keeps_it_and_the_next_person_keeps_theirs(here: LocationRef) -> None:
    german, english = staff(Role.CLERK, here), staff(Role.CLERK, here)
    client = Client()
    client.post("/staff/language/", {"language": "de"})
    try_password(client, german.username, make.PASSWORD)
    assert "Abmelden" in client.get(MORE).content.decode()
    client.post("/staff/sign-out/")
    try_password(client, english.username, make.PASSWORD)
    assert "Sign out" in client.get(MORE).content.decode()


def test_who_may_administer_finds_the_way_and_nobody_else_is_sent_there(here: LocationRef) -> None:
    for role, may in ((Role.MERCHANDISER, True), (Role.ADMINISTRATOR, True), (Role.CLERK, False)):
        person = make.user()
        with transaction():
            locations.assign(person, role, here.id if role is Role.CLERK else None, by=make.TESTER)
        client = signed_in(person)
        assert ('href="/admin/"' in client.get(MORE).content.decode()) is may
        assert (client.get("/admin/", follow=True).status_code == 200) is may


def test_a_language_that_nobody_speaks_here_changes_nothing(here: LocationRef) -> None:
    person = staff(Role.CLERK, here)
    signed_in(person).post("/staff/language/", {"language": "xx"})
    assert User.objects.get(pk=person.pk).language == "en"
