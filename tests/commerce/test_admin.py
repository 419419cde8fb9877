"""The admin: opened by roles, writing through verbs, bounded in queries, secrets shown once."""

import re
from typing import Any

import pytest
from django.contrib import admin
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from commerce import accounts, audit, catalog, clock, gtin, ids
from commerce.actors import Actor
from commerce.admin_base import ReadOnlyAdmin
from commerce.admin_navigation import navigation
from commerce.channels import keys
from commerce.models import AuditEntry, Channel, ChannelKey, Product, User
from commerce.roles import Role
from commerce.transactions import transaction
from inventory import movements
from inventory.models import Location, StaffAssignment, StockEntry
from inventory.places import locations
from pricing import pricelists, taxes
from pricing.models import PriceEntry, PriceList, TaxRate

pytestmark = pytest.mark.django_db
BY = Actor.system("test")
PASSWORD = "quite a long one 7"
MOST_QUERIES = 20  # of a list page, with any number of rows


def person(username: str, role: Role, location: int | None = None) -> User:
    with transaction():
        user = accounts.add_user(username, PASSWORD, "Test Person", "en", by=BY)
        locations.assign(user, role, location, by=BY)
    return user


def signed_in(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


@pytest.fixture
def administrator() -> Client:
    return signed_in(person("boss", Role.ADMINISTRATOR))


@pytest.fixture
def merchandiser() -> Client:
    return signed_in(person("merch", Role.MERCHANDISER))


@pytest.fixture
def store() -> locations.LocationRef:
    with transaction():
        return locations.add_location(
            code="BER09", name="Berlin", kind="store", country="DE", region="BE",
            opening_hours="Mo-Sa 09:00-20:00", capabilities=["pickup"], by=BY,
        )  # fmt: skip


@pytest.fixture
def channel() -> Channel:
    with transaction():
        return catalog.add_channel(code="shop", name="Shop", kind="web", country="DE", currency="EUR", by=BY)


@pytest.fixture
def product() -> catalog.ProductRef:
    with transaction():
        return catalog.add_product(sku="ADM-1", name="Spade", gtins=[gtin.with_check_digit("952000000901")], by=BY)


def url(page: str, *args: object) -> str:
    return reverse(f"admin:{page}", args=args)


def fields_of(response: Any, **changes: Any) -> dict[str, Any]:
    """Return what a browser would send of the form shown, with changes."""
    form = response.context["adminform"].form
    values = {form.add_prefix(name): form[name].value() for name in form.fields}
    for formset in response.context["inline_admin_formsets"]:
        for name, value in formset.formset.management_form.initial.items():
            values[f"{formset.formset.prefix}-{name}"] = value
        for row in formset.formset.forms:
            for name in row.fields:
                values[row.add_prefix(name)] = row[name].value()
    flat = {key: value for key, value in values.items() if value is not None and value is not False}
    return {**flat, **changes}


class TestAccess:
    def test_sends_strangers_to_the_staff_sign_in(self, client: Client) -> None:
        response = client.get(url("index"), follow=True)
        assert response.redirect_chain[-1][0].startswith(reverse("staff:sign-in"))

    def test_leads_nobody_to_another_site(self, merchandiser: Client) -> None:
        for target, leads_to in (
            ("/admin/commerce/product/", "/admin/commerce/product/"),
            ("https://evil.example/", "/admin/"),
            ("//evil.example/", "/admin/"),
        ):
            assert merchandiser.get("/admin/login/", {"next": target})["Location"] == leads_to

    def test_is_closed_to_those_who_work_at_a_counter(self, store: locations.LocationRef) -> None:
        for number, (role, place) in enumerate(
            [(Role.CLERK, store.id), (Role.STORE_MANAGER, store.id), (Role.SERVICE_AGENT, None)]
        ):
            client = signed_in(person(f"person{number}", role, place))
            assert client.get(url("index"), follow=True).status_code == 403
            assert client.get(url("commerce_product_changelist"), follow=True).status_code == 403

    def test_shows_a_merchandiser_products_and_prices_only(self, merchandiser: Client) -> None:
        opened = {
            "commerce_product",
            "pricing_pricelist",
            "pricing_priceentry",
            "pricing_taxrate",
            "inventory_stocklevel",
        }
        closed = {"commerce_user", "commerce_channelkey", "orders_order", "customers_profile", "commerce_auditentry"}
        assert {merchandiser.get(url(f"{page}_changelist")).status_code for page in opened} == {200}
        assert {merchandiser.get(url(f"{page}_changelist")).status_code for page in closed} == {403}

    def test_shows_an_administrator_everything_in_both_languages(self, administrator: Client) -> None:
        for language in ("en", "de"):
            User.objects.update(language=language)
            for model in admin.site._registry:
                page = f"{model._meta.app_label}_{model._meta.model_name}_changelist"
                assert administrator.get(url(page)).status_code == 200, page

    def test_journals_speak_the_language_of_their_reader(
        self, administrator: Client, store: locations.LocationRef, product: catalog.ProductRef
    ) -> None:
        User.objects.update(language="de")
        with transaction():
            movements.receive(
                [movements.Receipt(ids.new(), product.id, store.id, 4)], by=BY, at=clock.now(), reason="delivery"
            )
        entry = StockEntry.objects.get()
        for page in (url("inventory_stockentry_changelist"), url("inventory_stockentry_change", entry.pk)):
            text = administrator.get(page).content.decode()
            assert "Wareneingang" in text
            assert ">received<" not in text
            assert "object (" not in text

    def test_sidebar_names_only_what_may_be_opened(self, rf: Any, merchandiser: Client) -> None:
        response = merchandiser.get(url("index"))
        links = {item["link"] for group in navigation(response.wsgi_request) for item in group["items"]}
        assert url("commerce_product_changelist") in links
        assert url("commerce_user_changelist") not in links

    def test_nothing_can_be_deleted_and_journals_not_changed(self, administrator: Client) -> None:
        request = administrator.get(url("index")).wsgi_request
        for page in admin.site._registry.values():
            assert not page.has_delete_permission(request)
            if isinstance(page, ReadOnlyAdmin):
                assert not page.has_add_permission(request)
                assert not page.has_change_permission(request)


class TestProducts:
    def test_adding_one_calls_the_verb_with_its_barcodes(self, merchandiser: Client) -> None:
        page = merchandiser.get(url("commerce_product_add"))
        code = gtin.with_check_digit("952000000902")
        data = fields_of(page, sku="ADM-2", name="Rake", **{"gtins-0-gtin": code, "gtins-0-pieces": 1})
        response = merchandiser.post(url("commerce_product_add"), data, follow=True)
        assert response.status_code == 200
        made = Product.objects.get(sku="ADM-2")
        assert [row.gtin for row in made.gtins.all()] == [code.zfill(14)]
        entry = AuditEntry.objects.get(verb="commerce.catalog.add_product", object_id=str(made.pk))
        assert entry.actor_label == "Test Person"

    def test_a_refusal_of_the_verb_is_an_error_in_the_form(self, merchandiser: Client) -> None:
        page = merchandiser.get(url("commerce_product_add"))
        response = merchandiser.post(url("commerce_product_add"), fields_of(page, sku=" !", name="Rake"))
        assert response.status_code == 200
        assert "sku" in response.context["adminform"].form.errors
        assert response.context["adminform"].form["name"].value() == "Rake"
        assert not Product.objects.filter(name="Rake").exists()

    def test_a_wrong_barcode_is_refused_at_its_field(self, merchandiser: Client, product: catalog.ProductRef) -> None:
        page = merchandiser.get(url("commerce_product_change", product.id))
        data = fields_of(page, **{"gtins-1-gtin": "4006381333932", "gtins-1-pieces": 1})
        response = merchandiser.post(url("commerce_product_change", product.id), data)
        assert response.status_code == 200
        assert "check digit" in response.content.decode()

    def test_changing_one_is_in_the_audit(self, merchandiser: Client, product: catalog.ProductRef) -> None:
        page = merchandiser.get(url("commerce_product_change", product.id))
        response = merchandiser.post(
            url("commerce_product_change", product.id), fields_of(page, name="Better spade"), follow=True
        )
        assert response.status_code == 200
        assert Product.objects.get(pk=product.id).name == "Better spade"
        latest = audit.timeline("product", product.id)[-1]
        assert (latest.verb, latest.before) == ("commerce.catalog.change_product", {"name": "Spade"})
        history = merchandiser.get(url("commerce_product_history", product.id))
        assert f"object_id={product.id}" in history.headers["Location"]


class TestLocations:
    def test_wrong_opening_hours_are_refused_at_their_field(
        self, administrator: Client, store: locations.LocationRef
    ) -> None:
        page = administrator.get(url("inventory_location_change", store.id))
        data = fields_of(page, opening_hours="whenever we like")
        response = administrator.post(url("inventory_location_change", store.id), data)
        assert response.status_code == 200
        assert "opening_hours" in response.context["adminform"].form.errors
        assert Location.objects.get(pk=store.id).opening_hours == "Mo-Sa 09:00-20:00"

    def test_right_ones_are_saved(self, administrator: Client, store: locations.LocationRef) -> None:
        page = administrator.get(url("inventory_location_change", store.id))
        data = fields_of(page, opening_hours="Mo-Su 08:00-22:00", pickup_slot_capacity=4)
        administrator.post(url("inventory_location_change", store.id), data)
        changed = Location.objects.get(pk=store.id)
        assert (changed.opening_hours, changed.pickup_slot_capacity) == ("Mo-Su 08:00-22:00", 4)
        assert changed.capabilities == ["pickup"]


class TestKeys:
    def issue(self, client: Client, channel: Channel) -> Any:
        page = client.get(url("commerce_channelkey_add"))
        data = fields_of(page, channel=channel.pk, name="Shop", scopes=["orders:read", "orders:write"])
        return client.post(url("commerce_channelkey_add"), data)

    def test_a_key_is_shown_once_and_never_again(self, administrator: Client, channel: Channel) -> None:
        response = self.issue(administrator, channel)
        plain = re.search(r'value="(ko_[^"]+)"', response.content.decode())
        assert plain
        assert "no-store" in response.headers["Cache-Control"]
        key = ChannelKey.objects.get()
        assert bytes(key.secret_hash) == keys.digest(plain[1].split("_", 2)[2])
        for page in (url("commerce_channelkey_change", key.pk), url("commerce_channelkey_changelist")):
            assert plain[1] not in administrator.get(page).content.decode()

    def test_rotating_asks_first_and_then_shows_the_new_one(self, administrator: Client, channel: Channel) -> None:
        self.issue(administrator, channel)
        old = ChannelKey.objects.get()
        action = url("commerce_channelkey_rotate", old.pk)
        assert administrator.get(action).status_code == 200
        assert ChannelKey.objects.count() == 1
        response = administrator.post(action, {"hours": 1})
        assert re.search(r'value="ko_[^"]+"', response.content.decode())
        assert ChannelKey.objects.count() == 2
        old.refresh_from_db()
        assert old.expires_at is not None

    def test_a_revoked_key_can_not_be_rotated_and_the_page_says_why(
        self, administrator: Client, channel: Channel
    ) -> None:
        self.issue(administrator, channel)
        key = ChannelKey.objects.get()
        administrator.post(url("commerce_channelkey_revoke", key.pk), {"reason": "lost"})
        key.refresh_from_db()
        assert key.revoked_at is not None
        response = administrator.post(url("commerce_channelkey_rotate", key.pk), {"hours": 1})
        assert "revoked" in response.content.decode()
        assert ChannelKey.objects.count() == 1

    def test_a_merchandiser_can_do_none_of_it(self, merchandiser: Client, channel: Channel) -> None:
        with transaction():
            key, _ = keys.issue(channel, name="Shop", scopes=["orders:read"], by=BY)
        assert merchandiser.post(url("commerce_channelkey_rotate", key.pk), {"hours": 1}).status_code == 403
        assert ChannelKey.objects.count() == 1


class TestPeople:
    def test_adding_someone_with_a_role(self, administrator: Client, store: locations.LocationRef) -> None:
        page = administrator.get(url("commerce_user_add"))
        data = fields_of(
            page, username="new.clerk", first_name="New", last_name="Clerk", language="de", password=PASSWORD,
            **{"assignments-0-role": "clerk", "assignments-0-location": store.id},
        )  # fmt: skip
        assert administrator.post(url("commerce_user_add"), data).status_code == 302
        user = User.objects.get(username="new.clerk")
        assert user.check_password(PASSWORD)
        assert not user.is_superuser
        assert list(user.assignments.values_list("role", "location_id")) == [("clerk", store.id)]

    def test_taking_a_role_away(self, administrator: Client, store: locations.LocationRef) -> None:
        user = person("leaver", Role.CLERK, store.id)
        held = StaffAssignment.objects.get(user=user)
        page = administrator.get(url("commerce_user_change", user.pk))
        data = fields_of(page, **{"assignments-0-id": held.pk, "assignments-0-DELETE": "on"})
        administrator.post(url("commerce_user_change", user.pk), data)
        assert not StaffAssignment.objects.filter(user=user).exists()
        assert audit.timeline("user", user.pk)[-1].verb == "inventory.locations.unassign"

    def test_a_forgotten_password_is_replaced_and_a_name_corrected(
        self, administrator: Client, store: locations.LocationRef
    ) -> None:
        user = person("forgetful", Role.CLERK, store.id)
        page = administrator.get(url("commerce_user_change", user.pk))
        data = fields_of(page, first_name="Corrected", password="another long pass phrase")
        assert administrator.post(url("commerce_user_change", user.pk), data).status_code == 302
        user.refresh_from_db()
        assert user.first_name == "Corrected"
        assert user.check_password("another long pass phrase")
        verbs = {entry.verb for entry in audit.timeline("user", user.pk)}
        assert {"commerce.accounts.rename", "commerce.accounts.set_password"} <= verbs
        assert "another long" not in str([entry.after for entry in audit.timeline("user", user.pk)])

    def test_a_weak_password_is_refused(self, administrator: Client) -> None:
        page = administrator.get(url("commerce_user_add"))
        data = fields_of(page, username="weak", first_name="W", last_name="K", language="de", password="password")
        response = administrator.post(url("commerce_user_add"), data)
        assert "password" in response.context["adminform"].form.errors
        assert not User.objects.filter(username="weak").exists()


class TestPrices:
    def test_a_new_price_takes_over(self, merchandiser: Client, product: catalog.ProductRef) -> None:
        with transaction():
            list_id = pricelists.add_list("eur", name="Euro", currency="EUR", by=BY)
        page = merchandiser.get(url("pricing_priceentry_add"))
        data = fields_of(page, price_list=list_id, sku="ADM-1", amount="19.90", min_quantity=1)
        assert merchandiser.post(url("pricing_priceentry_add"), data).status_code == 302
        assert PriceEntry.objects.get().amount_minor == 1990
        data["amount"] = "19.999"
        response = merchandiser.post(url("pricing_priceentry_add"), data)
        assert response.context["adminform"].form.errors == {"amount": ["The currency has fewer decimal places."]}

    def test_a_list_is_opened_by_the_verb_and_its_codes_are_capitals(self, merchandiser: Client) -> None:
        page = merchandiser.get(url("pricing_pricelist_add"))
        data = fields_of(page, code="web-at", name="Web", currency="eur", country="at")
        assert merchandiser.post(url("pricing_pricelist_add"), data).status_code == 302
        assert PriceList.objects.values_list("currency", "country").get() == ("EUR", "AT")
        data |= {"code": "web-x", "country": "1"}
        errors = merchandiser.post(url("pricing_pricelist_add"), data).context["adminform"].form.errors
        assert "country" in errors

    def test_a_tax_rate_is_set_by_the_verb(self, merchandiser: Client) -> None:
        page = merchandiser.get(url("pricing_taxrate_add"))
        data = fields_of(page, country="de", tax_class="standard", percent="19")
        assert merchandiser.post(url("pricing_taxrate_add"), data).status_code == 302
        assert TaxRate.objects.get().basis_points == 1900
        assert AuditEntry.objects.filter(verb="pricing.taxes.set_rate").exists()
        assert taxes.STANDARD_RATES


@pytest.mark.parametrize("rows", [3, 30])
def test_lists_cost_the_same_whatever_their_length(administrator: Client, rows: int) -> None:
    with transaction():
        catalog.add_products([catalog.ProductSpec(sku=f"N-{n}", name=f"N {n}") for n in range(rows)], by=BY)
    for page in ("commerce_product_changelist", "commerce_auditentry_changelist", "commerce_user_changelist"):
        with CaptureQueriesContext(connection) as queries:
            assert administrator.get(url(page)).status_code == 200
        assert len(queries) <= MOST_QUERIES, page


class TestKits:
    def test_a_kit_gets_its_components_in_the_form(self, merchandiser: Client, product: catalog.ProductRef) -> None:
        page = merchandiser.get(url("commerce_product_add"))
        values = fields_of(page, sku="SET-1", name="Garden set", kind="kit", **{
            "components-0-sku": "ADM-1", "components-0-quantity": "2",
        })  # fmt: skip
        assert merchandiser.post(url("commerce_product_add"), values).status_code == 302
        kit = catalog.products_by_sku(["SET-1"])["SET-1"]
        assert (kit.components, kit.is_active) == (((product.id, 2),), False)
        change = url("commerce_product_change", kit.id)
        values = fields_of(merchandiser.get(change), is_active="on", **{"components-0-quantity": "3"})
        assert merchandiser.post(change, values).status_code == 302
        kit = catalog.products_by_sku(["SET-1"])["SET-1"]
        assert (kit.components, kit.is_active) == (((product.id, 3),), True)

    def test_what_can_not_be_in_it_is_said_in_the_form(self, merchandiser: Client) -> None:
        with transaction():
            kit = catalog.add_product(sku="SET-1", name="Garden set", kind="kit", by=BY)
        change = url("commerce_product_change", kit.id)
        for sku, says in (("NONE", "There is no product NONE."), ("SET-1", "SET-1 is a kit itself")):
            values = fields_of(merchandiser.get(change), **{"components-0-sku": sku, "components-0-quantity": "1"})
            assert says in merchandiser.post(change, values).content.decode()

    def test_other_products_have_none(self, merchandiser: Client, product: catalog.ProductRef) -> None:
        page = merchandiser.get(url("commerce_product_change", product.id))
        assert "components-TOTAL_FORMS" not in page.content.decode()
