"""Make the reference's tables and put stock into them: `python -m tests.benchmarks.plain_django.setup PRODUCTS PIECES`."""

import os
import sys

import django

os.environ["DJANGO_SETTINGS_MODULE"] = "tests.benchmarks.plain_django.settings"


def main(products: int, pieces: int) -> None:
    django.setup()
    from django.core.management import call_command

    from tests.benchmarks.plain_django.models import Stock

    call_command("migrate", run_syncdb=True, verbosity=0)
    Stock.objects.bulk_create(
        [Stock(sku=f"SKU-{number:05}", location="BENCH", on_hand=pieces) for number in range(products)],
        batch_size=5_000,
    )


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
