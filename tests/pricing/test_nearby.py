"""What is near though the basket holds none of its goods: gifts, sets of which a part is there, what a code unlocked."""

import pytest

from pricing.promotions.index import Situation
from tests.pricing.worked import promotion, quoted

TOYS = {"categories": ["Toys"]}
BOOKS = {1: "Books"}


def near(*promotions, situation=None, categories=BOOKS, line=(2000, 1)):
    told = {"situation": situation} if situation else {}
    quote = quoted(line, promotions=promotions, categories=categories, **told)
    return [(one.promotion, one.missing_minor, one.missing_quantity, one.categories) for one in quote.near]


@pytest.mark.parametrize(
    ("terms", "missing"),
    [
        ({}, (0, 1)),
        ({"conditions": {"minimum": {"quantity": 2, "goods": TOYS}}}, (0, 2)),
        ({"conditions": {"minimum": {"amount_minor": 5000}}}, (3000, 1)),
    ],
)
def test_a_gift_names_the_goods_that_it_takes(terms, missing):
    gift = promotion("GIFT", "gift", sku="BALL", goods=TOYS, **terms)
    assert near(gift) == [("GIFT", *missing, ("Toys",))]
    assert quoted((2000, 1), (900, 3), promotions=[gift], categories={1: "Books", 2: "Toys"}).near == () or terms


def test_a_set_of_which_a_part_is_there_names_the_other_one():
    bundle = promotion(
        "SET", "bundle", reward={"basis_points": 1500},
        parts=[{"goods": TOYS, "quantity": 1}, {"goods": {"categories": ["Books"]}, "quantity": 1}],
    )  # fmt: skip
    two = promotion("TWO", "buy_get", buy=2, get=1, goods=TOYS, rewarded={"categories": ["Books"]})
    assert near(bundle, two) == [("SET", 0, 1, ("Toys",)), ("TWO", 0, 2, ("Toys",))]
    assert near(bundle, two, categories={1: "Garden"}) == []  # nothing of it is in the basket


def test_a_code_that_was_typed_says_which_goods_it_is_for():
    coded = promotion("TOY10", "percent_off", basis_points=1000, goods=TOYS, conditions={"coupon": {"codes": ["TOY"]}})
    assert near(coded, situation=Situation(codes=("TOY",))) == [("TOY10", 0, 1, ("Toys",))]
    assert near(coded) == []


@pytest.mark.parametrize(
    "terms",
    [
        {"conditions": {"customer_groups": ["club"]}},
        {"conditions": {"valid_from": "2027-01-01T00:00:00Z"}},
        {"conditions": {"stock": {"least_available": 5}}},
        {"limits": {"uses": 3}},
    ],
)
def test_what_is_not_for_this_buyer_or_may_be_gone_is_not_near(terms):
    assert near(promotion("GIFT", "gift", sku="BALL", goods=TOYS, **terms)) == []


def test_what_the_basket_is_nearer_to_comes_first_and_no_more_than_ten_are_told():
    own = [
        promotion(f"OWN{number}", "free_shipping", conditions={"minimum": {"amount_minor": 9000 + number}})
        for number in range(9)
    ]
    gifts = [promotion(f"GIFT{number}", "gift", sku="BALL", goods=TOYS) for number in range(4)]
    told = [one[0] for one in near(*own, *gifts)]
    assert told == [*(f"OWN{number}" for number in range(9)), "GIFT0"]
