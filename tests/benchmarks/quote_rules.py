"""The promotions and baskets of the benchmark `quote`: two hundred of a retailer's kinds over ten thousand products."""

import random

from pricing.promotions import documents
from pricing.promotions.terms import Content

PRODUCTS, CATEGORIES, PROMOTIONS = 10_000, 100, 200


def sku(number: int) -> str:
    """Return the SKU of a product of the benchmark."""
    return f"SKU-{number:05}"


def category(number: int) -> str:
    """Return the category of a product: a hundred of them below ten departments."""
    return f"D{number % 10}/C{number % CATEGORIES}"


def content(promotions: int = PROMOTIONS) -> Content:
    """Return so many active promotions: on products, categories and all goods, of every kind, in groups and alone."""
    drawn = random.Random(20)
    found = []
    for number in range(promotions):
        kind = number % 10
        goods: dict[str, object] = {"categories": [category(drawn.randrange(CATEGORIES))]}
        if kind in (0, 1, 2):
            goods = {"products": sorted({sku(drawn.randrange(PRODUCTS)) for _ in range(300)})}
        one: dict[str, object] = {"id": f"P{number:03}", "name": f"Promotion {number}", "priority": drawn.randrange(10)}
        if kind in (0, 3, 4):
            one["benefit"] = {"kind": "percent_off", "basis_points": drawn.randrange(5, 30) * 100}
            one["group"] = f"department-{number % 5}"
        elif kind == 1:
            one["benefit"] = {"kind": "fixed_price", "amount_minor": drawn.randrange(500, 2500)}
        elif kind == 2:
            one["benefit"] = {"kind": "amount_off", "amount_minor": drawn.randrange(50, 300), "level": "unit"}
        elif kind == 5:
            one["benefit"] = {"kind": "buy_get", "buy": 2, "get": 1}
        elif kind == 6:
            parts = [{"goods": goods, "quantity": 1}, {"goods": {"categories": [category(number + 3)]}, "quantity": 1}]
            one["benefit"] = {"kind": "bundle", "parts": parts, "reward": {"basis_points": 1500}}
        elif kind == 7:
            tiers = [{"at_least": 5_000, "basis_points": 300}, {"at_least": 15_000, "basis_points": 700}]
            one["benefit"] = {"kind": "tiered", "tiers": tiers}
        elif kind == 8:
            one["benefit"] = {"kind": "amount_off", "amount_minor": 1000}
            one["conditions"] = {"coupon": {"codes": [f"CODE{number}"]}}
            goods = {}
        else:
            one["benefit"] = {"kind": "percent_off", "basis_points": 500, "level": "order"}
            one["conditions"] = {"minimum": {"amount_minor": drawn.randrange(10_000, 90_000)}}
            goods = {} if number % 50 == 9 else goods
            one["phase"] = 2
        one["goods"] = goods
        found.append(one)
    groups = [{"code": f"department-{number}", "mode": "best"} for number in range(5)]
    return documents.content_from({"promotions": found, "stacking": {"groups": groups}})


def baskets(count: int, lines: int) -> list[list[tuple[int, int]]]:
    """Return baskets of (product number, pieces)."""
    drawn = random.Random(lines)
    return [[(one, drawn.randrange(1, 4)) for one in drawn.sample(range(PRODUCTS), lines)] for _ in range(count)]
