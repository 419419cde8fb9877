"""Price packs: the same prices at a till that is cut off, and the comparison afterwards."""

from datetime import timedelta

import orjson
import pytest

from commerce import audit, clock, transactions
from commerce.actors import Actor
from pricing import offline, packs, quoting, rulesets
from pricing.errors import PricePackForged
from pricing.promotions.index import Situation
from pricing.promotions.terms import Content
from tests.factories import commerce as ground
from tests.factories import pricing as make
from tests.pricing.worked import promotion

pytestmark = pytest.mark.django_db

BY = Actor.system("tests")


@pytest.fixture
def shop(client):
    key = ground.key()
    mug, book = ground.product("MUG"), ground.product("BOOK", tax_class="reduced")
    make.standard_rates()
    make.price_list()
    make.prices({mug.id: 1190, book.id: 2140})
    content = Content(
        (
            promotion("TEN", "percent_off", basis_points=1000, goods={"products": ["MUG"]}),
            promotion("THREE", "buy_get", buy=2, get=1, goods={"products": ["BOOK"]}),
            promotion("CODE", "amount_off", amount_minor=500, conditions={"coupon": {"codes": ["FIVE"]}}),
            promotion("FEW", "amount_off", amount_minor=100, limits={"uses": 5}),
        )
    )
    with transactions.transaction():
        rulesets.publish(content, by=BY)
        rulesets.publish(Content(), by=BY, effective_from=clock.now() + timedelta(hours=2))

    def ask(method, path, body=None):
        more = {"data": body, "content_type": "application/json"} if body is not None else {}
        return getattr(client, method)(f"/api/v1{path}", **more, **key.headers)

    ask.key, ask.ids = key, {"MUG": mug.id, "BOOK": book.id}
    return ask


def take(shop):
    answer = shop("get", "/price-pack?hours=24")
    assert answer.status_code == 200, answer.content
    return orjson.loads(answer.content)


def _same_prices(terms, till, ids, now, basket, minutes, has_code):
    at = now + timedelta(minutes=minutes, seconds=1)
    codes = ("fi ve",) if has_code else ()
    ours = quoting.price(
        [quoting.BasketLine(ids[sku], quantity) for sku, quantity in basket.items()],
        channel=terms,
        at=at,
        shopper=quoting.Shopper(codes=codes),
    )
    theirs = till.price(basket, at, situation=offline.situation(coupons=codes))
    assert [line.total_minor for line in theirs.lines] == [line.total_minor for line in ours.lines]
    assert (theirs.total_minor, theirs.taxes) == (ours.total_minor, ours.taxes)


def test_a_till_that_is_cut_off_asks_for_the_same_prices_also_after_the_next_version(shop):
    now = clock.now()
    pack = take(shop)
    assert pack["header"]["versions"] == [2, 1]
    till = offline.Till(offline.opened(pack["contents"]))
    terms = quoting.ChannelTerms(shop.key.key.channel_id, "EUR", "DE")
    for basket in ({"MUG": 1}, {"BOOK": 3, "MUG": 2}, {"BOOK": 7}):
        for minutes in (0, 119, 121, 600):
            for has_code in (False, True):
                _same_prices(terms, till, shop.ids, now, basket, minutes, has_code)
    with pytest.raises(KeyError):
        till.price({"LAMP": 1}, now, situation=Situation())


def test_sales_of_a_pack_are_compared_and_differences_recorded(shop):
    pack = take(shop)
    at = (clock.now() + timedelta(seconds=1)).isoformat()
    sale = {"at": at, "lines": [{"sku": "MUG", "quantity": 2}]}
    body = {
        "header": pack["header"],
        "signature": pack["signature"],
        "sales": [
            {**sale, "reference": "1", "total_minor": 2142},
            {**sale, "reference": "2", "total_minor": 2380},
            {**sale, "reference": "3", "total_minor": 2142, "at": (clock.now() - timedelta(days=1)).isoformat()},
        ],
    }
    answer = shop("post", "/price-pack/reconciliations", body)
    assert answer.status_code == 200, answer.content
    told = [(one["reference"], one["verdict"], one["difference_minor"]) for one in answer.json()["sales"]]
    assert told == [("1", "agrees", 0), ("2", "differs", 238), ("3", "outside_the_pack", 0)]
    (entry,) = audit.timeline("price_pack", pack["header"]["pack"])
    assert (entry.after["difference_minor"], entry.after["references"]) == (238, ["2", "3"])


def test_a_pack_that_was_changed_or_is_another_channels_is_refused(shop, client):
    pack = take(shop)
    sale = {"reference": "1", "at": clock.now().isoformat(), "lines": [{"sku": "MUG", "quantity": 1}], "total_minor": 1}
    later = {**pack["header"], "expires_at": "2999-01-01T00:00:00Z"}
    body = {"header": later, "signature": pack["signature"], "sales": [sale]}
    answer = shop("post", "/price-pack/reconciliations", body)
    assert (answer.status_code, answer.json()["code"]) == (422, "price_pack_forged")
    stranger = quoting.ChannelTerms(10**9, "EUR", "DE")
    with pytest.raises(PricePackForged), transactions.transaction():
        packs.reconcile(pack["header"], pack["signature"], [], channel=stranger, by=BY)


def test_a_pack_holds_for_one_to_72_hours(shop):
    for hours in ("0", "73", "x"):
        assert shop("get", f"/price-pack?hours={hours}").status_code == 400
