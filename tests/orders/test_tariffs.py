"""What carriers charge, computed by hand: by weight or volume, at break points, at least; in decisions, options, admin and API."""

from datetime import time

import pytest

from commerce import catalog
from commerce.roles import Scope
from commerce.transactions import transaction
from orders.models import RoutingDecision, ShippingService
from orders.routing import carriers, standing, worlds
from orders.sourcing import tariff_text
from orders.sourcing.tariffs import Bulk, Service, Zone
from tests.factories import commerce as ground

DE = frozenset({"DE"})
HOME = {"street": "Ackerstraße 1", "postal_code": "10115", "city": "Berlin", "country": "DE"}
PARCEL = Zone("de", DE, 2, ((2_000, 429), (5_000, 499), (10_000, 669), (31_500, 1_149)))
# A forwarder: 12.00 once and 1.10 a kg up to 30 kg, then 0.80 up to 100 kg, 0.55 up to 300 kg; 19.50 at least.
FREIGHT = Zone("freight", DE, 3, ((30_000, 1_200), (100_000, 1_200), (300_000, 1_200)), None, 1_950, (110, 80, 55))


def service(zone: Zone, divisor: int | None = None) -> Service:
    return Service("x", "X", "Carrier", "DE", (zone,), volume_divisor=divisor)


def box(length: int, width: int, height: int) -> int:
    return length * width * height


@pytest.mark.parametrize(
    ("divisor", "grams", "mm3", "charged", "cost"),
    [
        (None, 900, box(600, 400, 300), 900, 429),  # by weight alone, however large it is
        (5_000, 900, box(600, 400, 300), 14_400, 1_149),  # 72,000 cm³ / 5000 = 14.4 kg
        (6_000, 900, box(600, 400, 300), 12_000, 1_149),  # 72,000 cm³ / 6000 = 12 kg
        (5_000, 900, box(300, 200, 100), 1_200, 429),  # 6,000 cm³ / 5000 = 1.2 kg
        (5_000, 4_000, box(300, 200, 100), 4_000, 499),  # heavier than it is large
        (5_000, 900, 0, 900, 429),  # nobody measured it
        (5_000, 10, box(100, 100, 100) + 1, 201, 429),  # 1,000 cm³ and a bit: 200 g and a bit, the next gram
    ],
)
def test_large_and_light_goods_are_charged_by_their_volume(divisor, grams, mm3, charged, cost):
    asked = service(PARCEL, divisor)
    assert asked.charged_grams(Bulk(grams, mm3)) == charged
    assert asked.cost_minor(PARCEL, Bulk(grams, mm3)) == cost


@pytest.mark.parametrize(
    ("grams", "cost"),
    [
        (1, 1_950),  # 12.00 + 1 × 1.10 is less than the least charge
        (6_000, 1_950),  # 12.00 + 6 × 1.10 = 18.60
        (7_000, 1_970),  # 12.00 + 7 × 1.10
        (7_001, 2_080),  # a started kilogram: 8 × 1.10
        (20_000, 3_400),  # 12.00 + 20 × 1.10
        (22_000, 3_600),  # 36.20 by its own weight, 36.00 declared at the break of 30 kg: 12.00 + 30 × 0.80
        (30_000, 3_600),
        (50_000, 5_200),  # 12.00 + 50 × 0.80
        (68_000, 6_640),  # 12.00 + 68 × 0.80; at the break of 100 kg it would be 12.00 + 100 × 0.55 = 67.00
        (69_000, 6_700),  # 67.20 by weight, 67.00 at the break
        (300_000, 17_700),
        (310_000, 17_700 + 2_300),  # a second consignment of 10 kg: 12.00 + 10 × 1.10
    ],
)
def test_a_break_point_is_never_dearer_than_the_weight_beyond_it(grams, cost):
    assert FREIGHT.cost_minor(grams) == cost


def test_a_flat_price_that_falls_holds_for_lighter_ones_too():
    assert [Zone("z", DE, 1, ((1_000, 500), (2_000, 450))).cost_minor(one) for one in (1, 1_000, 2_000, 3_000)] == [
        450, 450, 450, 900,
    ]  # fmt: skip
    assert Zone("z", DE, 1, ((1_000, 500),), None, 620).cost_minor(1) == 620


def test_the_text_of_a_tariff_keeps_kilograms_and_the_least_charge():
    text = tariff_text.write([FREIGHT, PARCEL])
    assert text.splitlines()[:2] == [
        "freight; DE; ; 3; 30000; 12,00; 1,10; 19,50",
        "freight; ; ; ; 100000; 12,00; 0,80; ",
    ]
    assert tariff_text.read(text) == ([FREIGHT, PARCEL], [])
    assert tariff_text.read("de; DE; ; 2; 2000; 4,29; ; ")[0] == [Zone("de", DE, 2, ((2_000, 429),))]
    assert [fault.what for fault in tariff_text.read("de; DE; ; 2; 2000; ; 1; 2")[1]] == ["price"]


# --- in the books ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def bulky(shop):
    """Two carriers, the cheaper one charges by volume; and a lamp of 1 kg in a box of 60 × 40 × 30 cm."""
    worlds.forget()
    with transaction():
        for code, cost, divisor in (("by-volume", 390, 5_000), ("by-weight", 450, None)):
            zone = Zone("de", DE, 2, ((2_000, cost), (10_000, cost + 300), (31_500, cost + 900)))
            carriers.set_service(
                code, name=code, carrier="Carrier", origin="DE", zones=[zone], volume_divisor=divisor, cut_off=time(15),
                by=ground.TESTER,
            )  # fmt: skip
        catalog.change_product(shop.products[0].id, weight_grams=1_000, by=ground.TESTER)
        catalog.change_product(
            shop.products[1].id, weight_grams=1_000, length_mm=600, width_mm=400, height_mm=300, by=ground.TESTER
        )
    yield shop
    worlds.forget()


@pytest.mark.django_db
def test_routing_and_options_count_what_volume_costs(bulky, client):
    small = bulky.place({0: 1}, method="ship", ship_to=HOME)
    large = bulky.place({1: 1}, method="ship", ship_to=HOME)
    winners = [
        RoutingDecision.objects.get(order_id=order.id).outcome["shares"][0]["winner"] for order in (small, large)
    ]
    assert [one["service"] for one in winners] == ["by-volume", "by-weight"]
    assert [one["values"]["cost"] for one in winners] == [390, 450]
    with transaction():
        carriers.set_service(
            "by-weight", name="by-weight", carrier="Carrier", origin="DE", is_active=False, by=ground.TESTER,
            zones=[Zone("de", DE, 2, ((2_000, 450),))],
        )  # fmt: skip
    worlds.forget()
    key = ground.key(bulky.channel, Scope.AVAILABILITY_READ)
    costs = []
    for product in bulky.products[:2]:
        body = {
            "lines": [{"sku": product.sku, "quantity": 1}],
            "destination": {"postal_code": "10115", "country": "DE"},
        }
        answer = client.post("/api/v1/fulfilment-options", body, content_type="application/json", **key.headers)
        ways = [one for one in answer.json()["options"] if one["method"] == "ship"]
        costs.append(ways[0]["cost_minor"])
    assert costs == [390, 390 + 900]  # 14.4 kg by volume


@pytest.mark.django_db
def test_the_api_takes_and_tells_the_whole_tariff(shop, client):
    key = ground.key(shop.channel, Scope.ROUTING_MANAGE, Scope.ROUTING_READ)
    zone = {
        "code": "de", "countries": ["DE"], "days": 2, "minimum_minor": 1950,
        "rates": [
            {"up_to_grams": 30_000, "cost_minor": 1_200, "per_kg_minor": 110},
            {"up_to_grams": 100_000, "cost_minor": 1_200, "per_kg_minor": 80},
        ],
    }  # fmt: skip
    body = {
        "name": "Spedition", "carrier": "Graue Fracht", "origin": "DE", "methods": ["ship"], "cut_off": "15:00",
        "collects_on": [1, 2, 3, 4, 5], "delivers_on": [1, 2, 3, 4, 5], "volume_divisor": 4_000, "zones": [zone],
    }  # fmt: skip
    address = "/api/v1/routing/services/freight"
    made = client.put(address, body, content_type="application/json", **key.headers)
    assert made.status_code == 200, made.content
    (told,) = client.get("/api/v1/routing/services", **key.headers).json()["items"]
    assert (told["volume_divisor"], told["zones"][0]["minimum_minor"]) == (4_000, 1_950)
    assert told["zones"][0]["rates"] == zone["rates"]
    (known,) = standing.tariffs().services
    assert known.cost_minor(known.zones[0], Bulk(1_000, 88_000_000)) == 3_600  # 22 kg by volume, at the break
    wrong = client.put(address, body | {"volume_divisor": 10}, content_type="application/json", **key.headers)
    assert (wrong.status_code, wrong.json()["errors"][0]["field"]) == (400, "volume_divisor")
    assert ShippingService.objects.get().volume_divisor == 4_000
