"""point-in-time: what was on hand of a product at any past moment, beside adding up the journal until then."""

import random
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from tests.benchmarks import house, journal, report

AT_ONCE = 500
BOUND_MS = 5.0
NAIVE = """
SELECT coalesce(sum(e.on_hand_delta), 0) FROM inventory_stocklevel l JOIN inventory_stockentry e ON e.level_id = l.id
WHERE l.product_id = %s AND l.location_id = %s AND l.condition = 'sellable' AND e.occurred_at <= %s
"""


def run(seconds: float) -> dict[str, object]:
    with journal.ready(seconds) as long:
        from commerce import clock
        from inventory import timeline
        from inventory.ledger import LevelKey

        now, draw = clock.now(), random.Random(1)
        hot, cold = long.product_ids[: journal.HOT], long.product_ids[journal.HOT :]

        def moment() -> tuple[LevelKey, datetime]:
            product_id = draw.choice(hot if draw.random() < 0.5 else cold)
            return LevelKey(product_id, long.location_id), now - timedelta(days=730 * draw.random())

        single, answers = _timed(seconds / 3, lambda: (asked := moment(), timeline.on_hand_at([asked])[0]))
        many, _ = _timed(seconds / 3, lambda: timeline.on_hand_at([moment() for _ in range(AT_ONCE)]))
        wrong = 0
        with house.database() as cursor:

            def add_up() -> tuple[Any, int]:
                asked = moment()
                cursor.execute(NAIVE, [asked[0].product_id, asked[0].location_id, asked[1]])
                return asked, int(cursor.fetchone()[0])

            naive, sums = _timed(seconds / 3, add_up, at_most=2_000)
        for asked, expected in sums[:200]:
            wrong += timeline.on_hand_at([asked])[0] != expected
    figures = _figures(single) | {"p99_of_500_ms": round(_percentile(many, 0.99), 2), "entries": float(long.entries)}
    reference = _figures(naive)
    return report.show(
        "point-in-time", "reads", figures, {"naive_sum": reference},
        {"vs_naive_sum": reference["p50_ms"] / figures["p50_ms"]}, verified=wrong == 0 and bool(answers),
        goals={f"p99 under {BOUND_MS:.0f} ms (times)": (BOUND_MS / figures["p99_ms"], 1.0)},
        notes=(long.note, f"{min(len(sums), 200)} answers compared with the sum of the journal until then, {wrong} differ"),
    )  # fmt: skip


def _timed(seconds: float, work: Callable[[], Any], at_most: int = 1_000_000) -> tuple[list[float], list[Any]]:
    """Work for that long after ten rounds of warming up; return milliseconds and answers."""
    for _ in range(10):
        work()
    took, answers, until = [], [], time.perf_counter() + seconds
    while len(took) < at_most and time.perf_counter() < until:
        started = time.perf_counter()
        answers.append(work())
        took.append((time.perf_counter() - started) * 1_000)
    return took, answers


def _percentile(took: list[float], part: float) -> float:
    return sorted(took)[min(int(len(took) * part), len(took) - 1)]


def _figures(took: list[float]) -> dict[str, float]:
    return {
        "per_second": round(len(took) / sum(took) * 1_000, 1),
        "p50_ms": round(_percentile(took, 0.5), 3),
        "p99_ms": round(_percentile(took, 0.99), 3),
    }
