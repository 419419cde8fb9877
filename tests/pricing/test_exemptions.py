"""Goods that the law exempts from naming a prior price, and claims of drafts looked at wherever they are made."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import orjson
import pytest
from django.db import DatabaseError, connection
from django.db.transaction import atomic
from django.urls import reverse
from django.utils import translation

from commerce import audit, catalog, clock, transactions
from commerce.actors import Actor
from commerce.errors import InvalidInput
from commerce.roles import Role
from inventory.places import locations
from pricing import (
    announced,
    conflicts,
    costs,
    drafts,
    exemptions,
    impact,
    offline,
    packs,
    pricelists,
    quoting,
    rulesets,
    tasks,
)
from pricing.claims import ExemptionKind
from pricing.conflicts import Code
from pricing.desk import findings
from pricing.exemptions import Named
from pricing.models import AppliedPrice, PriorPriceExemption
from pricing.pricelists import NewPrice
from pricing.promotions.terms import Conditions, Content, FixedPrice, Goods, PercentOff, Promotion
from pricing.quotes import BasketLine, ChannelTerms
from tests.factories import commerce as ground
from tests.factories import pricing as make

pytestmark = pytest.mark.django_db

BY = Actor.system("tests")
BERLIN = ZoneInfo("Europe/Berlin")


def day(month: int, number: int, hour: int = 0) -> datetime:
    return datetime(2026, month, number, hour, tzinfo=BERLIN)


def off(basis_points: int, sku: str = "QUARK", **terms: Any) -> Promotion:
    return Promotion("off", "Best before", PercentOff(basis_points), Goods(products=(sku,)), Conditions(**terms))


@pytest.fixture
def quark() -> Iterator[tuple[ChannelTerms, int]]:
    """Curd for 0.99 that cost 0.89 until the day before: 20 % off today's price is 11.23 % off the prior one."""
    with clock.frozen(day(3, 1)):
        with transactions.transaction():
            channel = catalog.add_channel(code="web-de", name="Web", kind="web", country="DE", currency="EUR", by=BY)
            product = catalog.add_product(sku="QUARK", name="Curd", category="Food/Dairy", by=BY)
        make.standard_rates()
        make.price_list()
        with transactions.transaction():
            entries = [NewPrice(product.id, 89, 1, day(1, 1), day(3, 2)), NewPrice(product.id, 99, 1, day(3, 2))]
            pricelists.set_prices("standard", entries, by=BY)
    with clock.frozen(day(3, 3)):
        yield ChannelTerms(channel.pk, "EUR", "DE"), product.id


def exempt(named: Named, **terms: Any) -> PriorPriceExemption:
    with transactions.transaction():
        return exemptions.exempt(
            named, ExemptionKind.SHORT_SHELF_LIFE, **{"reason": "Best before in 3 days", "by": BY} | terms
        )


def publish(*promotions: Promotion) -> None:
    with transactions.transaction():
        rulesets.publish(Content(promotions), by=BY)


def told(quark: tuple[ChannelTerms, int], at: datetime) -> tuple[int | None, int | None, str]:
    line = quoting.price([BasketLine(quark[1], 1)], channel=quark[0], at=at).lines[0]
    return line.prior_price_minor, line.savings_basis_points, line.prior_price_exemption


@pytest.mark.parametrize("is_product", [True, False], ids=["a product", "its category"])
def test_a_quote_names_no_prior_price_of_exempt_goods_while_they_are(quark, is_product):
    publish(off(2_000))
    assert told(quark, day(3, 3, 8)) == (89, 1_123, "")
    row = exempt(Named(quark[1]) if is_product else Named(category="Food"), valid_until=day(3, 6))
    assert told(quark, day(3, 3, 8)) == (None, None, "short_shelf_life")
    assert told(quark, day(3, 6)) == (89, 1_123, "")
    with clock.frozen(day(3, 4)), transactions.transaction():
        exemptions.end(row.pk, reason="Sold out", by=BY)
    assert told(quark, day(3, 3, 8)) == (None, None, "short_shelf_life")
    assert told(quark, day(3, 4)) == (89, 1_123, "")
    assert [one.verb for one in audit.timeline("prior_price_exemption", row.pk)] == [
        "pricing.exemptions.exempt", "pricing.exemptions.end",
    ]  # fmt: skip


def test_a_price_that_is_not_reduced_says_nothing_of_an_exemption(quark):
    exempt(Named(quark[1]))
    assert told(quark, day(3, 3, 8)) == (None, None, "")


def test_a_claim_of_exempt_goods_is_answered_for_instead_of_refused(quark):
    content = Content((off(2_000, valid_from=day(3, 4), valid_until=day(3, 6)),))

    def found() -> list[conflicts.Finding]:
        looked = announced.looked_at(impact.catalogue(clock.now()), content, at=day(3, 3))
        return conflicts.check(content, looked.articles, effective_from=day(3, 3))

    assert [one.code for one in found()] == [Code.UNTRUE_CLAIM]
    row = exempt(Named(quark[1]), valid_until=day(3, 5))
    assert [one.code for one in found()] == [Code.UNTRUE_CLAIM]  # it ends before the reduction does
    with transactions.transaction():
        exemptions.end(row.pk, reason="Longer", by=BY)
    exempt(Named(category="Food/Dairy"), valid_until=day(3, 6))
    (one,) = found()
    assert (one.code, one.severity.value, one.facts["kinds"]) == (Code.EXEMPT_CLAIM, "warning", ["short_shelf_life"])
    with translation.override("en"):
        said = findings.finding(one, {"off": "Best before"})
    assert "short shelf life" in said["text"]
    assert "QUARK" in said["text"]


def test_a_pack_names_the_prior_prices_and_exemptions_that_quotes_name(quark):
    publish(off(2_000, valid_from=day(3, 3, 6), valid_until=day(3, 3, 20)))
    exempt(Named(quark[1]), valid_from=day(3, 3, 12), valid_until=day(3, 3, 15))
    pack = packs.make(quark[0], at=clock.now(), ttl=timedelta(hours=24))
    till = offline.Till(offline.opened(orjson.loads(orjson.dumps(pack["contents"]))))
    seen = []
    for hour in (1, 6, 11, 12, 14, 15, 19, 20, 23):
        at = day(3, 3, hour)
        line = till.price({"QUARK": 1}, at).lines[0]
        seen.append((line.prior_price_minor, line.savings_basis_points, line.prior_price_exemption))
        assert seen[-1] == told(quark, at), hour
    assert len(set(seen)) == 3
    before = {**pack["contents"], "products": [row[:8] for row in pack["contents"]["products"]]}
    assert offline.Till(offline.opened(before)).price({"QUARK": 1}, day(3, 3, 7)).lines[0].prior_price_minor is None


@pytest.mark.parametrize(
    ("terms", "field"),
    [
        ({"reason": "  "}, "reason"),
        ({"reason": "x" * 201}, "reason"),
        ({"valid_from": day(3, 2)}, "valid_from"),
        ({"valid_until": day(3, 3)}, "valid_until"),
        ({"valid_from": day(3, 5), "valid_until": day(3, 4)}, "valid_until"),
    ],
)
def test_an_exemption_needs_a_reason_and_a_time_to_come(quark, terms, field):
    with pytest.raises(InvalidInput) as refused:
        exempt(Named(quark[1]), **terms)
    assert [one["field"] for one in refused.value.errors] == [field]


def test_goods_are_exempt_once_at_a_time_and_for_good(quark):
    for named in (Named(), Named(quark[1], "Food")):
        with pytest.raises(InvalidInput):
            exempt(named)
    row = exempt(Named(category="Food"), valid_until=day(3, 10))
    exempt(Named(quark[1]))
    with pytest.raises(InvalidInput, match="exempt already"):
        exempt(Named(category="Food"), valid_from=day(3, 9))
    later = exempt(Named(category="Food"), valid_from=day(3, 10))
    with transactions.transaction():
        exemptions.end(later.pk, reason="A mistake", by=BY)
    later.refresh_from_db()
    assert later.valid.isempty
    for pk, ends_at in ((later.pk, None), (row.pk, day(3, 2)), (row.pk, day(3, 11))):
        with pytest.raises(InvalidInput), transactions.transaction():
            exemptions.end(pk, reason="Again", ends_at=ends_at, by=BY)
    for statement in (
        "DELETE FROM pricing_priorpriceexemption",
        "TRUNCATE pricing_priorpriceexemption",
        "UPDATE pricing_priorpriceexemption SET reason = 'other'",
        "UPDATE pricing_priorpriceexemption SET valid = tstzrange(lower(valid), NULL) WHERE NOT isempty(valid)"
        " AND NOT upper_inf(valid)",
    ):
        with pytest.raises(DatabaseError), atomic(), connection.cursor() as cursor:
            cursor.execute(statement)


def test_the_api_exempts_lists_and_ends(client, quark):
    key = ground.key()

    def post(path: str, body: dict[str, Any]) -> Any:
        return client.post(
            f"/api/v1/prior-price-exemptions{path}", body, content_type="application/json", **key.headers
        )

    made = post("", {"sku": "QUARK", "kind": "perishable", "reason": "Fresh"})
    assert (made.status_code, made.json()["valid_until"]) == (201, None), made.json()
    asked = {"products": [{"sku": "QUARK", "claim_basis_points": 9_000}]}
    (seen,) = client.post("/api/v1/prior-prices", asked, content_type="application/json", **key.headers).json()[
        "products"
    ]
    assert (seen["exempt_because"], seen["exempt_reason"], seen["claim_is_true"]) == ("perishable", "Fresh", None)
    assert "say at the goods" in seen["message"]
    listed = client.get("/api/v1/prior-price-exemptions?limit=1", **key.headers).json()
    assert ([one["sku"] for one in listed["items"]], listed["next_before"]) == (["QUARK"], None)
    ended = post(f"/{made.json()['id']}/end", {"reason": "Gone"})
    assert (ended.status_code, ended.json()["is_called_off"]) == (200, True)
    for path, body, status, code in (
        ("", {"sku": "GONE", "kind": "perishable", "reason": "x"}, 422, "unknown_product"),
        ("", {"kind": "perishable", "reason": "x"}, 400, "invalid_input"),
        ("", {"sku": "QUARK", "kind": "cheap", "reason": "x"}, 400, "invalid_input"),
        ("/999999999/end", {"reason": "x"}, 404, "prior_price_exemption_not_found"),
    ):
        answer = post(path, body)
        assert (answer.status_code, answer.json()["code"]) == (status, code), answer.json()


@pytest.mark.parametrize(("language", "said"), [("en", "Exempt from naming"), ("de", "Von der Angabe")])
def test_the_admin_exempts_shows_it_as_evidence_and_ends_it(quark, client, language, said):
    publish(off(2_000))
    tasks.log_applied_prices()
    person = ground.user(language=language)
    with transactions.transaction():
        locations.assign(person, Role.MERCHANDISER, None, by=BY)
    client.force_login(person)
    sent = {"sku": "QUARK", "category": "", "kind": "perishable", "reason": "Freshly made",
            "valid_from_0": "", "valid_from_1": "", "valid_until_0": "", "valid_until_1": ""}  # fmt: skip
    refused = client.post(reverse("admin:pricing_priorpriceexemption_add"), {**sent, "reason": ""})
    assert refused.status_code == 200
    assert client.post(reverse("admin:pricing_priorpriceexemption_add"), sent).status_code == 302
    row = PriorPriceExemption.objects.get()
    evidence = reverse("admin:pricing_appliedprice_change", args=[AppliedPrice.objects.latest("from_at").pk])
    page = client.get(evidence, HTTP_ACCEPT_LANGUAGE=language).content.decode()
    assert said in page
    assert "Freshly made" in page
    change = reverse("admin:pricing_priorpriceexemption_change", args=[row.pk])
    assert client.get(change).status_code == 200
    assert client.post(change, {"ends_at_0": "", "ends_at_1": "", "end_reason": ""}).status_code == 200
    assert client.post(change, {"ends_at_0": "", "ends_at_1": "", "end_reason": "Sold"}).status_code == 302
    row.refresh_from_db()
    assert row.valid.isempty or row.valid.upper == clock.now()


# --- claims of drafts, wherever they are made ----------------------------------------------------------------------------


@pytest.fixture
def swiss(quark: tuple[ChannelTerms, int]) -> int:
    """The same curd in Switzerland, dearer since yesterday, too, and one that is sold nowhere else."""
    with transactions.transaction():
        channel = catalog.add_channel(code="web-ch", name="Web CH", kind="web", country="CH", currency="CHF", by=BY)
        rosti = catalog.add_product(sku="ROSTI", name="Rösti", category="Food/Ready", by=BY)
        pricelists.add_list("chf", name="Francs", currency="CHF", country="CH", by=BY)
    with clock.frozen(day(3, 1)), transactions.transaction():
        entries = [
            NewPrice(quark[1], 100, 1, day(1, 1)), NewPrice(rosti.id, 300, 1, day(1, 1), day(3, 2)),
            NewPrice(rosti.id, 400, 1, day(3, 2)),
        ]  # fmt: skip
        pricelists.set_prices("chf", entries, by=BY)
    return int(channel.pk)


def judged(content: Content, **limits: Any) -> tuple[dict[Code, Any], announced.Looked]:
    looked = announced.looked_at(impact.catalogue(clock.now()), content, at=day(3, 4), **limits)
    found = conflicts.check(content, looked.articles, effective_from=day(3, 4))
    return {one.code: one.facts for one in found}, looked


def test_claims_are_held_against_every_currency_and_country_that_they_reach(swiss):
    found, looked = judged(Content((off(2_000, "ROSTI"),)))
    assert (found[Code.UNTRUE_CLAIM]["channel"], found[Code.UNTRUE_CLAIM]["currency"]) == ("web-ch", "CHF")
    assert (found[Code.UNTRUE_CLAIM]["prior_minor"], found[Code.UNTRUE_CLAIM]["price_minor"]) == (300, 320)
    assert (set(looked.channels), looked.products, looked.left_out) == ({"web-de", "web-ch"}, 1, 0)
    found, looked = judged(Content((off(2_000, "ROSTI", countries=("DE",)),)))
    assert (found, looked.channels) == ({}, ("web-de",))
    found, looked = judged(Content((off(1_000, "QUARK", currencies=("CHF",)),)))
    assert (found, looked.channels) == ({}, ("web-ch",))
    found, _looked = judged(Content((off(2_000, "QUARK"),)))
    assert found[Code.UNTRUE_CLAIM]["channel"] == "web-de"


def test_what_is_below_cost_in_francs_is_found(swiss):
    rosti = catalog.products_by_sku(["ROSTI"])["ROSTI"]
    with clock.frozen(day(3, 1)), transactions.transaction():
        costs.set_costs([costs.NewCost(rosti.id, 250, "CHF")], by=BY)
    cheap = Promotion("cheap", "Cheap", FixedPrice(200), Goods(products=("ROSTI",)))
    assert judged(Content((cheap,)))[0] == {Code.BELOW_COST: {"skus": ["ROSTI"], "count": 1, "places": ["CHF · CH"]}}


def test_a_page_says_what_was_not_looked_at(swiss):
    content = Content((Promotion("all", "All", PercentOff(1_000)),))
    _found, looked = judged(content, at_most=3)
    assert (looked.products, looked.pasts, looked.looked_at, looked.left_out) == (2, 4, 3, 1)
    with translation.override("en"):
        assert "1 were not looked at" in findings.looked_at(looked)
        assert "not looked at" not in findings.looked_at(judged(content)[1])


def test_a_draft_says_on_its_page_and_at_the_api_where_its_claims_were_looked_at(swiss, client):
    person = ground.user(language="en")
    with transactions.transaction():
        locations.assign(person, Role.MERCHANDISER, None, by=BY)
        draft = drafts.begin("Swiss", by=Actor.staff(person))
        content = Content((off(2_000, "ROSTI"),))
        draft = drafts.change(draft.id, revision=draft.revision, content=content, by=Actor.staff(person))
    client.force_login(person)
    page = client.get(reverse("admin:pricing_draft", args=[draft.pk])).content.decode()
    assert "held against what it cost on web-ch, web-de" in page
    assert "on web-ch" in page
    answer = client.get(f"/api/v1/promotion-drafts/{draft.pk}/findings", **ground.key().headers).json()["claims"]
    assert {"web-ch", "web-de"} <= set(answer["channels"])  # and the channel of the key
    assert (answer["products"], answer["pasts"], answer["left_out"]) == (1, 3, 0)
