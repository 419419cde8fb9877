"""import: the two real invoice files into journal and past sales; rows per second end to end."""

import os
import re
import subprocess
import sys
import time
from pathlib import Path

from tests.benchmarks import goods, house, report

FILES = ["online_retail_2009-12_2010-12.csv.gz", "online_retail_2010-12_2011-09.csv.gz"]
ROWS = {FILES[0]: 525_461, FILES[1]: 334_054}


def run(seconds: float) -> dict[str, object]:
    """Import the first file; with `--seconds` above 60 both. The data stays where it is: KONTOR_SHARED_DATA, or ../shared/data."""
    folder = Path(os.environ.get("KONTOR_SHARED_DATA", house.ROOT.parent / "shared" / "data")) / "online-retail"
    chosen = FILES if seconds > 60 else FILES[:1]
    missing = [name for name in chosen if not (folder / name).exists()]
    if missing:
        raise SystemExit(
            f"{missing[0]} is not in {folder}: set KONTOR_SHARED_DATA to the folder with online-retail in it."
        )
    with house.ready():
        started = time.perf_counter()
        done = subprocess.run(
            [sys.executable, "manage.py", "import_sales", *(str(folder / name) for name in chosen), "--mapping", "online-retail"],
            cwd=house.ROOT, capture_output=True, text=True,
        )  # fmt: skip
        took = time.perf_counter() - started
        print(re.sub(r"[^\n]*\r", "", done.stdout)[-3_000:])
        proof_started = time.perf_counter()
        clean = done.returncode == 0 and goods.books_are_clean()
        proof = time.perf_counter() - proof_started
        with house.database() as cursor:
            cursor.execute("SELECT count(*) FROM inventory_stockentry")
            entries = int(cursor.fetchone()[0])
    rows = sum(ROWS[name] for name in chosen)
    figures = {
        "per_second": round(rows / took, 1),
        "seconds": round(took, 1),
        "entries": float(entries),
        "verified_entries_per_second": round(entries / proof, 1),
    }
    return report.show(
        "import", "rows", figures, {}, {}, verified=clean, goals={"rows per second": (figures["per_second"], 10_000)}
    )
