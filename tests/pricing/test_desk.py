"""The desk of promotions: merchandisers write, colleagues approve, two at one draft lose nothing; refusals are sentences."""

from datetime import timedelta
from typing import Any

import pytest
from django import forms
from django.test import Client
from django.urls import reverse

from commerce import accounts, clock
from commerce.actors import Actor
from commerce.models import User
from commerce.roles import Role
from commerce.transactions import transaction
from inventory.places import locations
from pricing import approvals, drafts, pricelists, rulesets, taxes
from pricing.approving import Measure, Rank, State
from pricing.desk.benefits import FORMS
from pricing.models import RulesetDraft
from pricing.pricelists import NewPrice
from pricing.promotions import documents
from pricing.promotions.terms import Content, Goods, PercentOff, Promotion
from pricing.terms import PriceBasis
from tests.factories import commerce as ground

pytestmark = pytest.mark.django_db
BY = Actor.system("test")


def person(name: str, role: Role) -> User:
    with transaction():
        user = accounts.add_user(name, "quite a long one 7", f"{name.title()} Test", "en", by=BY)
        locations.assign(user, role, None, by=BY)
    return user


def signed_in(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


@pytest.fixture(autouse=True)
def _known_revenue(monkeypatch: pytest.MonkeyPatch) -> None:
    from pricing import trade

    monkeypatch.setattr(trade, "_revenue", [lambda ids, since, until: {}])


@pytest.fixture
def sku() -> str:
    """A lamp for 100.00 that the web shop sells."""
    with transaction():
        taxes.set_standard_rates(by=BY)
        pricelists.add_list("eur", name="Euro", currency="EUR", country="DE", basis=PriceBasis.GROSS, by=BY)
    lamp = ground.product(category="Light/Lamps")
    with transaction():
        pricelists.set_prices("eur", [NewPrice(lamp.id, 10_000)], by=BY)
    ground.channel(code="web")
    return lamp.sku


@pytest.fixture
def anna() -> User:
    return person("anna", Role.MERCHANDISER)


@pytest.fixture
def bert() -> User:
    return person("bert", Role.MERCHANDISER)


def draft_of(author: User, sku: str, basis_points: int = 2_000) -> RulesetDraft:
    content = Content((Promotion("sale", "Lamp sale", PercentOff(basis_points), Goods(products=(sku,))),))
    with transaction():
        draft = drafts.begin("Autumn", by=Actor.staff(author))
        return drafts.change(draft.id, revision=draft.revision, content=content, by=Actor.staff(author))


def page(draft: RulesetDraft, name: str = "pricing_draft", *args: Any) -> str:
    return reverse(f"admin:{name}", args=[draft.pk, *args])


def form_of(response: Any) -> dict[str, Any]:
    """Return what a browser would send of an editor's forms as they stand."""
    sent: dict[str, Any] = {"revision": response.context["revision"]}
    for form in (response.context["form"], response.context["benefit"]):
        for field in form:
            value = field.value()
            if isinstance(field.field, forms.ChoiceField) and not isinstance(field.field, forms.MultipleChoiceField):
                value = value or field.field.choices[0][0]
            if value not in (None, "", []):
                sent[field.html_name] = value
    return sent


def test_from_the_first_page_to_the_rules_in_force(sku, anna, bert):
    client = signed_in(anna)
    answer = client.post(reverse("admin:pricing_rulesetdraft_changelist"), {"title": "Autumn sale"}, follow=True)
    draft = RulesetDraft.objects.get(title="Autumn sale")
    assert "No promotion yet" in answer.content.decode()
    new = page(draft, "pricing_draft_new_promotion", "percent_off")
    sent = form_of(client.get(new)) | {
        "id": "LAMPS", "name": "Lamps 20 %", "products": sku, "benefit-basis_points": "20,00", "benefit-level": "line",
    }  # fmt: skip
    answer = client.post(new, sent, follow=True)
    assert "20 % off" in answer.content.decode()
    draft.refresh_from_db()
    for action in ("submit",):
        assert client.post(page(draft, "pricing_draft_step", action), {"revision": draft.revision}).status_code == 302
    draft.refresh_from_db()
    assert draft.state == State.SUBMITTED
    own = client.post(page(draft, "pricing_draft_step", "approve"), {"submission": 1})
    assert own.status_code == 422
    assert "Ask a colleague" in own.content.decode()
    colleague = signed_in(bert)
    assert "Approve" in colleague.get(page(draft)).content.decode()
    assert colleague.post(page(draft, "pricing_draft_step", "approve"), {"submission": 1}).status_code == 302
    draft.refresh_from_db()
    assert client.post(page(draft, "pricing_draft_step", "publish"), {"revision": draft.revision}).status_code == 302
    version = rulesets.in_force(clock.now())
    assert version is not None
    assert version.content["promotions"][0]["benefit"]["basis_points"] == 2_000
    shown = client.get(reverse("admin:pricing_version", args=[version.number])).content.decode()
    assert "approved by Bert Test" in shown


def test_the_second_of_two_people_is_told_what_changed_and_goes_on(sku, anna, bert):
    draft = draft_of(anna, sku)
    first, second = signed_in(anna), signed_in(bert)
    address = page(draft, "pricing_draft_promotion", "sale")
    seen = form_of(second.get(address))
    other = page(draft, "pricing_draft_new_promotion", "free_shipping")
    first.post(other, form_of(first.get(other)) | {"id": "FREE", "name": "Free shipping"})
    answer = second.post(address, seen | {"benefit-basis_points": "15"})
    assert answer.status_code == 409
    text = answer.content.decode()
    assert "Anna Test changed this draft" in text
    assert "FREE added" in text
    assert form_of(answer)["benefit-basis_points"] == "15"
    answer = second.post(address, form_of(answer), follow=True)
    draft.refresh_from_db()
    content = documents.content_from(draft.content)
    assert [one.id for one in content.promotions] == ["sale", "FREE"]
    assert content.promotions[0].benefit == PercentOff(1_500)


def test_a_fault_stands_beside_its_field_and_nothing_is_lost(sku, anna):
    draft = draft_of(anna, sku)
    client = signed_in(anna)
    address = page(draft, "pricing_draft_promotion", "sale")
    sent = form_of(client.get(address)) | {
        "benefit-basis_points": "120", "valid_from": "2027-01-02T00:00", "valid_until": "2027-01-01T00:00", "prefixes": "N",
    }  # fmt: skip
    answer = client.post(address, sent)
    assert answer.status_code == 422
    assert answer.context["benefit"].errors["basis_points"]
    answer = client.post(address, sent | {"benefit-basis_points": "12"})
    assert {"valid_until", "prefixes"} <= answer.context["form"].errors.keys()
    assert answer.context["form"]["prefixes"].value() == "N"


def test_every_kind_of_benefit_survives_its_form(sku, anna):
    draft = draft_of(anna, sku)
    gives: dict[str, dict[str, str]] = {
        "percent_off": {"basis_points": "12.5", "level": "order"},
        "amount_off": {"amount_minor": "5", "level": "unit"},
        "fixed_price": {"amount_minor": "19,99"},
        "buy_get": {"buy": "2", "get": "1", "reward_kind": "percent", "reward_value": "50", "policy": "cheapest_overall"},
        "bundle": {"pieces_1": "2", "part_1": sku, "pieces_2": "1", "part_2": "Light/Lamps", "reward_kind": "price",
                   "reward_value": "150"},
        "tiered": {"measure": "amount", "counted": "running", "gives": "percent", "from_1": "100", "gain_1": "5",
                   "from_2": "200", "gain_2": "10"},
        "gift": {"sku": sku, "quantity": "1"},
        "free_shipping": {"at_most_minor": "4.90"},
    }  # fmt: skip
    assert gives.keys() == FORMS.keys()
    client = signed_in(anna)
    for kind, fields in gives.items():
        new = page(draft, "pricing_draft_new_promotion", kind)
        sent = form_of(client.get(new)) | {"id": kind, "name": kind} | {f"benefit-{k}": v for k, v in fields.items()}
        answer = client.post(new, sent)
        assert answer.status_code == 302, (kind, answer.context["form"].errors, answer.context["benefit"].errors)
        draft.refresh_from_db()
        before = draft.content
        again = page(draft, "pricing_draft_promotion", kind)
        assert client.post(again, form_of(client.get(again))).status_code == 302
        draft.refresh_from_db()
        assert draft.content == before
    text = client.get(page(draft)).content.decode()
    assert "12.5 % off" in text
    assert "from £" not in text


def test_what_no_field_shows_is_kept(sku, anna):
    draft = draft_of(anna, sku)
    promotion = {
        "id": "sale", "name": "Sale", "benefit": {"kind": "bundle", "reward": {"basis_points": 1000}, "parts": [
            {"goods": {"categories": ["Light/Lamps"], "except_products": ["X-1"]}}]},
        "conditions": {
            "hours": [{"weekdays": [1]}, {"weekdays": [6], "starts": "20:00", "ends": "02:00"}], "zone": "Europe/Vienna",
            "minimum": {"quantity": 2, "goods": {"categories": ["Light/Lamps"]}},
        },
    }  # fmt: skip
    with transaction():
        draft = drafts.change(
            draft.pk, revision=draft.revision, content={"promotions": [promotion]}, by=Actor.staff(anna)
        )
    client, before = signed_in(anna), draft.content
    address = page(draft, "pricing_draft_promotion", "sale")
    assert client.post(address, form_of(client.get(address))).status_code == 302
    draft.refresh_from_db()
    assert draft.content == before


def test_the_example_shows_both_prices_and_why_also_of_what_is_not_saved(sku, anna):
    draft = draft_of(anna, sku)
    client = signed_in(anna)
    assert "20.00 cheaper than now" in client.get(page(draft)).content.decode()
    example = page(draft, "pricing_draft_example")
    basket = {"basket": f"2 x {sku}", "example_channel": "web"}
    assert "40.00 cheaper than now" in client.post(example, basket).content.decode()
    sent = form_of(client.get(page(draft, "pricing_draft_promotion", "sale"))) | basket
    sent |= {"kind": "percent_off", "promotion": "sale", "benefit-basis_points": "30"}
    assert "60.00 cheaper than now" in client.post(example, sent).content.decode()
    assert "has gaps" in client.post(example, sent | {"benefit-basis_points": "x"}).content.decode()
    assert "no product NOPE" in client.post(example, {"basket": "NOPE"}).content.decode()
    draft.refresh_from_db()
    assert draft.content["promotions"][0]["benefit"]["basis_points"] == 2_000
    found = client.get(reverse("admin:pricing_find_products"), {"find": sku[:6].lower()})
    assert sku in found.content.decode()


def test_findings_stand_on_top_and_want_a_reason(sku, anna):
    draft = draft_of(anna, sku)
    both = Content(
        tuple(Promotion(name, name.title(), PercentOff(4_000), Goods(products=(sku,))) for name in ("one", "two"))
    )
    with transaction():
        draft = drafts.change(draft.pk, revision=draft.revision, content=both, by=Actor.staff(anna))
    client = signed_in(anna)
    text = client.get(page(draft)).content.decode()
    assert "“One” and “Two” add up to 64 %" in text
    assert "See to 1 finding" in text
    refused = client.post(page(draft, "pricing_draft_step", "submit"), {"revision": draft.revision})
    assert refused.status_code == 422
    kept = client.post(
        page(draft, "pricing_draft_answers"),
        {"revision": draft.revision, "answer:double_discount:one:two": "Clearance"},
    )
    assert kept.status_code == 302
    draft.refresh_from_db()
    assert client.post(page(draft, "pricing_draft_step", "submit"), {"revision": draft.revision}).status_code == 302


def test_a_rejection_needs_a_reason_and_the_author_reads_it(sku, anna, bert):
    draft = draft_of(anna, sku)
    with transaction():
        draft = drafts.submit(draft.pk, revision=draft.revision, by=Actor.staff(anna))
    colleague = signed_in(bert)
    reject = page(draft, "pricing_draft_step", "reject")
    assert colleague.post(reject, {"submission": 1, "reason": ""}).status_code == 422
    assert colleague.post(reject, {"submission": 1, "reason": "Too deep for lamps"}).status_code == 302
    assert "Too deep for lamps" in signed_in(anna).get(page(draft)).content.decode()


def test_an_emergency_holds_at_once_and_says_so(sku, anna):
    draft = draft_of(anna, sku)
    client = signed_in(anna)
    step = page(draft, "pricing_draft_step", "publish_in_emergency")
    assert client.post(step, {"revision": draft.revision, "reason": ""}).status_code == 422
    assert client.post(step, {"revision": draft.revision, "reason": "Typo in a price"}).status_code == 302
    assert rulesets.in_force(clock.now()) is not None
    assert "holds meanwhile" in client.get(page(draft)).content.decode()


def test_a_version_is_withdrawn_with_a_reason_and_gone_back_to(sku, anna, bert):
    with transaction():
        first = rulesets.publish(Content(), by=BY)
        second = rulesets.publish(Content((Promotion("p", "P", PercentOff(100)),)), by=BY)
    client = signed_in(bert)
    withdraw = reverse("admin:pricing_version_withdraw", args=[second])
    assert client.post(withdraw, {"reason": ""}).status_code == 422
    assert client.post(withdraw, {"reason": "Wrong day"}).status_code == 302
    assert rulesets.in_force(clock.now()).number == first  # type: ignore[union-attr]
    answer = client.post(reverse("admin:pricing_version_roll_back", args=[second]), follow=True)
    assert f"Back to version {second}" in answer.content.decode()
    assert RulesetDraft.objects.get().of_number == second


def test_who_may_not_stays_outside(sku, anna):
    draft = draft_of(anna, sku)
    clerk = signed_in(person("carl", Role.CLERK))
    for address in (reverse("admin:pricing_rulesetdraft_changelist"), page(draft)):
        assert clerk.get(address).status_code in (302, 403)
    assert clerk.post(page(draft, "pricing_draft_step", "discard"), {"revision": 2}).status_code in (302, 403)
    draft.refresh_from_db()
    assert draft.state == State.DRAFT


def test_a_lead_is_asked_for_large_changes(sku, anna, bert):
    with transaction():  # what the migration sets; a test that empties all tables may have gone before
        approvals.set_threshold(Measure.DEPTH, 5_000, Rank.LEAD, by=BY)
    draft = draft_of(anna, sku, 6_000)
    client = signed_in(anna)
    assert "1 × person who answers for prices" in client.get(page(draft)).content.decode()
    client.post(page(draft, "pricing_draft_step", "submit"), {"revision": draft.revision})
    signed_in(bert).post(page(draft, "pricing_draft_step", "approve"), {"submission": 1})
    draft.refresh_from_db()
    assert approvals.missing(draft) == {Rank.LEAD: 1}
    signed_in(person("lea", Role.ADMINISTRATOR)).post(page(draft, "pricing_draft_step", "approve"), {"submission": 1})
    draft.refresh_from_db()
    assert draft.state == State.APPROVED


def test_a_window_ends_after_it_begins_and_is_by_the_clock_of_the_trade(sku, anna):
    draft = draft_of(anna, sku)
    client, address = signed_in(anna), page(draft, "pricing_draft_window")
    sent = {"title": "Autumn", "revision": draft.revision, "effective_from": "2027-03-28T00:00"}
    wrong = client.post(address, sent | {"effective_to": "2027-03-27T00:00"})
    assert "comes before the beginning" in wrong.content.decode()
    skipped = client.post(address, sent | {"effective_to": "2027-03-28T02:30"})
    assert "The clock skips this hour" in skipped.content.decode()
    assert client.post(address, sent | {"effective_to": "2027-03-29T00:00"}).status_code == 302
    draft.refresh_from_db()
    assert draft.effective_to - draft.effective_from == timedelta(hours=23)


def test_groups_and_guards_are_set(sku, anna):
    draft = draft_of(anna, sku)
    client, address = signed_in(anna), page(draft, "pricing_draft_stacking")
    sent = {"revision": draft.revision, "code_0": "sale", "mode_0": "best", "basket_cap_basis_points": "40"}
    assert client.post(address, sent).status_code == 302
    draft.refresh_from_db()
    assert draft.content["stacking"] == {"groups": [{"code": "sale", "mode": "best"}], "basket_cap_basis_points": 4_000}
    assert client.get(page(draft, "pricing_draft_promotion", "sale")).status_code == 200
