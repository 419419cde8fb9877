"""`python -m tests.benchmarks NAME [--seconds N]`: run one benchmark, or list them."""

import argparse
import importlib
import sys

from tests.benchmarks import house  # noqa: F401  (sets the environment before anything reads settings)

BENCHMARKS = {
    "reserve-hot": "tests.benchmarks.reserve:hot",
    "reserve-spread": "tests.benchmarks.reserve:spread",
    "reserve-batch": "tests.benchmarks.reserve:batch",
    "availability": "tests.benchmarks.availability:run",
    "availability-grid": "tests.benchmarks.availability_grid:run",
    "drop": "tests.benchmarks.drop:run",
    "route": "tests.benchmarks.route:run",
    "place-order": "tests.benchmarks.place_order:run",
    "webhook-orders": "tests.benchmarks.webhook_orders:run",
    "staff-queue": "tests.benchmarks.staff_queue:run",
    "quote": "tests.benchmarks.quote:run",
    "simulate": "tests.benchmarks.simulate:run",
    "relay": "tests.benchmarks.relay:run",
    "import": "tests.benchmarks.history:run",
    "import-prices": "tests.benchmarks.import_prices:run",
    "reconcile": "tests.benchmarks.reconcile:run",
    "forecast": "tests.benchmarks.forecast:run",
    "stock-simulation": "tests.benchmarks.stock_simulation:run",
    "verify-ledger": "tests.benchmarks.verify_ledger:run",
    "point-in-time": "tests.benchmarks.point_in_time:run",
}
DEFAULT_SECONDS = 30.0  # of measuring, all parts together; set-up and proof come on top, 55 s in all


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("name", nargs="?", choices=sorted(BENCHMARKS))
    parser.add_argument("--seconds", type=float, default=DEFAULT_SECONDS, help="measuring time, all parts together")
    arguments = parser.parse_args()
    if arguments.name is None:
        print("\n".join(sorted(BENCHMARKS)))
        return 0
    module, function = BENCHMARKS[arguments.name].split(":")
    document = getattr(importlib.import_module(module), function)(arguments.seconds)
    return 0 if document["verified"] else 1


if __name__ == "__main__":
    sys.exit(main())
