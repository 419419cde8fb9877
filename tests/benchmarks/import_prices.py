"""import-prices: 100,000 prices from a file, compared and then written, over a list that has them all at other amounts."""

import time

from tests.benchmarks import house, report

PRODUCTS = 20_000
TIERS = (1, 5, 10, 50, 100)
ROWS = PRODUCTS * len(TIERS)
GOAL_SECONDS = 60


def run(seconds: float) -> dict[str, object]:
    """Write a file once into an empty list, then again with other prices, and once more as it is; measure the second."""
    with house.ready():
        _shop()
        first = _import(_file(0))
        second = _import(_file(7))
        third = _import(_file(7))
        clean = _holds(7) and first["new"] == ROWS and second["changed"] == ROWS and third["same"] == ROWS
    figures = {
        "per_second": ROWS / second["seconds"],
        "seconds": second["seconds"],
        "compare_seconds": second["compare_seconds"],
        "write_seconds": second["write_seconds"],
        "first_seconds": first["seconds"],
        "again_seconds": third["seconds"],
    }
    return report.show(
        "import-prices", "prices", figures, {}, {}, verified=clean,
        goals={"seconds less than a minute for 100,000 prices": (GOAL_SECONDS - second["seconds"], 0)},
        notes=("each row takes the place of another price; `first` goes into an empty list, `again` changes nothing",),
    )  # fmt: skip


def _shop() -> None:
    from commerce import catalog
    from commerce.actors import Actor
    from commerce.transactions import transaction
    from tests.factories import pricing

    by = Actor.system("benchmark")
    for start in range(0, PRODUCTS, 5_000):
        with transaction():
            catalog.add_products(
                [
                    catalog.ProductSpec(sku=f"P-{number:06d}", name=f"Product {number}")
                    for number in range(start, start + 5_000)
                ],
                by=by,
            )
    pricing.price_list()


def _file(more: int) -> bytes:
    lines = ["Artikelnummer;ab Menge;Preis"]
    for number in range(PRODUCTS):
        for place, quantity in enumerate(TIERS):
            minor = 1_000 + number % 3_000 + more - 10 * place
            lines.append(f"P-{number:06d};{quantity};{minor // 100},{minor % 100:02d}")
    return "\n".join(lines).encode("cp1252")


def _import(content: bytes) -> dict[str, float]:
    from commerce.actors import Actor
    from commerce.transactions import transaction
    from pricing.exchange import files
    from pricing.file_states import Kind

    by = Actor.system("benchmark")
    began = time.perf_counter()
    with transaction():
        made = files.bring(content, name="prices.csv", kind=Kind.PRICES, price_list="standard", by=by)
    files.work(made.pk)
    compared = time.perf_counter()
    with transaction():
        files.confirm(made.pk, by=by)
    files.work(made.pk)
    ended = time.perf_counter()
    found = files.get(made.pk)
    return {
        "seconds": ended - began, "compare_seconds": compared - began, "write_seconds": ended - compared,
        "new": found.rows_new, "changed": found.rows_changed, "same": found.rows_same,
    }  # fmt: skip


def _holds(more: int) -> bool:
    with house.database() as cursor:
        cursor.execute("SELECT count(*), sum(amount_minor) FROM pricing_priceentry WHERE upper_inf(valid)")
        count, total = cursor.fetchone()
    wanted = sum(
        1_000 + number % 3_000 + more - 10 * place for number in range(PRODUCTS) for place in range(len(TIERS))
    )
    return (count, int(total)) == (ROWS, wanted)
