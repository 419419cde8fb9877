"""What the faults happen to: two shops, a store with goods, made by the product's own verbs in the database of an installation.

Run as a module (`python -m tests.faults.scene`) beside it, it prints what a client needs to know.
"""

import json
import os
import sys

PIECES = (9_000, 9_000, 9_000, 16)  # of each product; the last one runs out while everything is killed


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "commerce.settings")
    import django

    django.setup()
    from tests.factories import commerce as ground
    from tests.factories import inventory as goods
    from tests.factories import pricing as prices

    store = goods.store(name="Berlin Mitte", pickup_slot_capacity=10_000)
    products = [ground.product() for _ in PIECES]
    for product, pieces in zip(products, PIECES, strict=True):
        goods.receive(product.id, store.id, pieces)
    prices.standard_rates()
    prices.prices({product.id: 1190 for product in products}, price_list=prices.price_list())
    shops = [ground.channel() for _ in range(2)]
    for shop in shops:
        ground.listed(shop, *products)
    told = {
        "store": store.code,
        "skus": [product.sku for product in products],
        "keys": [ground.key(shop).plain for shop in shops],
        "channels": [shop.pk for shop in shops],
    }
    json.dump(told, sys.stdout)


if __name__ == "__main__":
    main()
