"""What a web process has loaded when its first request comes: all views, and nothing that only rare work needs."""

import subprocess
import sys
from pathlib import Path

BASE_DIR = Path(__file__).resolve().parents[2]
RARELY_NEEDED = ("openpyxl", "pywebpush", "scipy", "statsforecast")  # some 70 MB and a second of starting, each process


def test_a_web_process_has_loaded_all_views_and_nothing_for_rare_work() -> None:
    asked = subprocess.run(
        [sys.executable, "-c", "import sys, commerce.wsgi; print(*sorted(sys.modules))"],
        cwd=BASE_DIR, capture_output=True, text=True, check=True,
    )  # fmt: skip
    loaded = set(asked.stdout.split())
    assert {"commerce.urls", "inventory.api.reservation_views", "orders.staff.urls"} <= loaded
    assert loaded.isdisjoint(RARELY_NEEDED)
