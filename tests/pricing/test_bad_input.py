"""What people and programs get wrong, through the API and through the forms: a clear sentence, and no wrong cent."""

import re
from itertools import pairwise
from pathlib import Path

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import translation

from commerce import accounts
from commerce.actors import Actor
from commerce.errors import InvalidInput
from commerce.models import User
from commerce.roles import Role, Scope
from commerce.transactions import transaction
from inventory.places import locations
from pricing import drafts, pricelists, rulesets
from pricing.desk import faults
from pricing.models import PriceEntry, RulesetDraft
from pricing.pricelists import Computed
from tests.factories import commerce as ground
from tests.factories import pricing as make

pytestmark = pytest.mark.django_db
TEN = {"id": "TEN", "name": "Ten", "benefit": {"kind": "percent_off", "basis_points": 1000}}


@pytest.fixture
def mug():
    make.standard_rates()
    make.price_list()
    ref = ground.product("MUG")
    make.prices({ref.id: 1190})
    return ref


@pytest.fixture
def anna() -> User:
    with transaction():
        user = accounts.add_user("anna", "quite a long one 7", "Anna", "de", by=ground.TESTER)
        locations.assign(user, Role.MERCHANDISER, None, by=ground.TESTER)
    return user


def desk(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def api(path, body, *scopes):
    key = ground.key(None, *scopes) if scopes else ground.key()
    return Client().post(f"/api/v1{path}", body, content_type="application/json", **key.headers)


@pytest.mark.parametrize(
    ("body", "status", "said"),
    [
        ({"lines": []}, 400, "lines"),
        ({"lines": [{"sku": "MUG", "quantity": 1}] * 1001}, 400, "At most 1000 items"),
        ({"lines": [{"sku": "MUG", "quantity": 0}]}, 400, "negative"),
        ({"lines": [{"sku": "MUG", "quantity": 1_000_001}]}, 400, "1000000"),
        ({"lines": [{"sku": "MUG", "quantity": 1}], "currency": "XTS"}, 422, "There is no XTS price for MUG"),
        ({"lines": [{"sku": "MUG", "quantity": 1}], "currency": "euro"}, 400, "currency"),
    ],
)
def test_a_basket_that_can_not_be_is_refused_with_a_sentence(mug, body, status, said):
    answer = api("/quotes", body)
    assert answer.status_code == status
    assert said in answer.content.decode()


@pytest.mark.parametrize(
    ("typed", "verdict"), [(" save -10 ", "applied"), ("SAVE10X", "unknown"), ("ｓａｖｅ10", "applied")]
)
def test_codes_are_read_as_people_type_them(mug, typed, verdict):
    with transaction():
        coded = TEN | {"conditions": {"coupon": {"codes": ["Save-10" if "-" in typed else "save10"]}}}
        rulesets.publish({"promotions": [coded]}, by=make.BY)
    quote = api("/quotes", {"lines": [{"sku": "MUG", "quantity": 1}], "coupons": [typed]}).json()
    assert [one["verdict"] for one in quote["coupons"]] == [verdict]
    assert quote["total_minor"] == (1071 if verdict == "applied" else 1190)


def test_a_price_that_ends_before_it_begins_is_refused_by_api_and_form(mug, anna):
    window = {"valid_from": "2030-02-01T00:00:00Z", "valid_until": "2030-01-01T00:00:00Z"}
    body = {"prices": [{"sku": "MUG", "amount_minor": 900, **window}]}
    answer = api("/price-lists/standard/prices", body, Scope.PRICES_WRITE)
    assert (answer.status_code, "ends after it starts" in answer.content.decode()) == (400, True)
    form = {
        "price_list": str(PriceEntry.objects.get().price_list_id), "sku": "MUG", "amount": "9", "min_quantity": "1",
        "valid_from_0": "01.02.2030", "valid_from_1": "00:00", "valid_until_0": "01.01.2030", "valid_until_1": "00:00",
    }  # fmt: skip
    assert desk(anna).post(reverse("admin:pricing_priceentry_add"), form).status_code == 200
    assert PriceEntry.objects.count() == 1


@pytest.mark.parametrize("length", [2, 5])
def test_a_circle_of_lists_is_refused_with_its_way_however_long(mug, anna, length):
    """A list can only follow one that is there, so no circle comes in by the API; the form that could close one says which."""
    codes = ["standard", *(f"step-{number}" for number in range(1, length))]
    for base, code in pairwise(codes):
        body = {"code": code, "name": code, "currency": "EUR", "computed": {"base": base, "basis_points": 9000}}
        assert api("/price-lists", body, Scope.PRICES_WRITE).status_code == 201
    again = {"code": "standard", "name": "S", "currency": "EUR", "computed": {"base": codes[-1], "basis_points": 9000}}
    assert 400 <= api("/price-lists", again, Scope.PRICES_WRITE).status_code < 500
    ahead = {"code": "ahead", "name": "A", "currency": "EUR", "computed": {"base": "not-yet", "basis_points": 9000}}
    assert 400 <= api("/price-lists", ahead, Scope.PRICES_WRITE).status_code < 500
    with pytest.raises(InvalidInput) as refused, transaction():
        pricelists.compute_list("standard", Computed(codes[-1], 9000), by=make.BY)
    assert " → ".join(["standard", *reversed(codes[1:]), "standard"]) in refused.value.message
    quote = api("/quotes", {"lines": [{"sku": "MUG", "quantity": 1}]})
    assert quote.status_code == 201


def test_a_list_that_follows_itself_is_refused_by_api_and_form(mug, anna):
    itself = {"code": "loop", "name": "Loop", "currency": "EUR", "computed": {"base": "loop", "basis_points": 9000}}
    assert api("/price-lists", itself, Scope.PRICES_WRITE).status_code in (400, 404, 422)
    with transaction():
        pricelists.add_list("b", name="b", currency="EUR", computed=Computed("standard", 9000), by=make.BY)
    from pricing.models import PriceList

    base, follower = PriceList.objects.get(code="standard"), PriceList.objects.get(code="b")
    page = reverse("admin:pricing_pricelist_change", args=[base.pk])
    client = desk(anna)
    form = client.get(page).context["adminform"].form
    sent = {name: form[name].value() for name in form.fields if form[name].value() not in (None, False, "")}
    answer = client.post(page, sent | {"base_list": follower.pk, "formula_percent": "90"})
    assert answer.status_code == 200, "the form comes back with the refusal"
    assert PriceList.objects.get(code="standard").base_list_id is None


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"benefit-basis_points": "140"}, "100"),
        ({"valid_from": "2030-02-01T00:00", "valid_until": "2030-01-01T00:00"},
         "Eine Aktion endet, nachdem sie begonnen hat"),
        ({"prefixes": "AB"}, "Ein Anfang hat mindestens drei Zeichen"),
        ({"id": "TEN"}, "Diesen Code hat schon eine andere Aktion"),
    ],
)  # fmt: skip
def test_the_form_of_a_promotion_says_in_german_what_is_wrong(mug, anna, more, said):
    with transaction():
        draft = drafts.begin("Herbst", by=Actor.staff(anna))
        draft = drafts.change(draft.id, revision=draft.revision, content={"promotions": [TEN]}, by=Actor.staff(anna))
    client = desk(anna)
    page = reverse("admin:pricing_draft_new_promotion", args=[draft.pk, "percent_off"])
    shown = client.get(page)
    sent = {"revision": shown.context["revision"]}
    for form in (shown.context["form"], shown.context["benefit"]):
        for field in form:
            value = field.value()
            choices = getattr(field.field, "choices", None)
            if choices and not isinstance(value, list | tuple):
                value = value or next(iter(choices))[0]
            if value not in (None, "", []):
                sent[field.html_name] = value
    sent |= {
        "id": "NEU",
        "name": "Neu",
        "products": "MUG",
        "benefit-basis_points": "20",
        "benefit-level": "line",
    } | more
    answer = client.post(page, sent)
    assert said in answer.content.decode()
    assert [one["id"] for one in RulesetDraft.objects.get(pk=draft.pk).content["promotions"]] == ["TEN"]


def test_every_sentence_of_the_reader_is_known_to_the_forms():
    folder = Path(drafts.__file__).parent / "promotions"
    text = (folder / "reading.py").read_text() + (folder / "documents.py").read_text()
    found = re.findall(r'(?:fault|note)\(\s*[^"]*?(?:f?"[^"]*",\s*)?[^"\n]*\n?\s*"([A-Z][^"]+\.)"', text)
    assert len(found) > 15
    of_programs = (
        "An object with",
        "There is no such field",
        "One of these is",
        "A benefit is one",
        "Say what the promotion",
    )
    told = [re.sub(r"{[^}]*}", "7", one) for one in found if not one.startswith(of_programs)]
    with translation.override("de"):
        missing = [one for one in told if faults.said(one) == one]
    assert missing == [], f"no German sentence for people: {missing}"
