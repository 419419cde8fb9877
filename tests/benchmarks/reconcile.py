"""`reconcile`: payments against bank lines with known truth (shared data, synthetic): how many are right without a person.

Both files are shuffled by a seed and get new ids, so that neither order nor id says anything; the truth is only looked at for the
score. Parameters are not fitted to it: weights come from the pairs themselves, and the bounds from the description of the data.
"""

import csv
import gzip
import os
import random
import time
from collections import Counter, defaultdict
from datetime import date
from pathlib import Path
from typing import Any

from orders import settling
from orders.settling import Band, Line
from tests.benchmarks import house, report

FILES = ("transactions_origin.csv.gz", "transactions_destination.csv.gz")
WANTED_PRECISION = 0.99


def run(seconds: float) -> dict[str, Any]:
    """Match everything once (it takes well under the measuring time), beside the usual rule, and score both."""
    seed = 20260107
    left, left_truth = side(FILES[0], "a", seed)
    right, right_truth = side(FILES[1], "b", seed + 1)
    started = time.perf_counter()
    outcome = settling.reconcile(left, right)
    took = time.perf_counter() - started
    automatic = [(match.left, match.right) for match in outcome.matches if match.band is Band.AUTOMATIC]
    everything = [(match.left, match.right) for match in outcome.matches]

    def score(found: list[tuple[str, str]]) -> tuple[float, float]:
        right_ones = sum(left_truth[one] == right_truth[other] for one, other in found)
        return right_ones / max(len(found), 1), right_ones / len(left)

    amounts = {line.id: line.amount_minor for line in (*left, *right)}
    booked = [(one, other) for one, other in automatic if amounts[one] == amounts[other]]
    precision, recall = score(automatic)
    booked_precision, booked_recall = score(booked)
    all_precision, all_recall = score(everything)
    usual_precision, usual_recall = score(usual(left, right))
    pairs = outcome.compared / len(left)
    return report.show(
        "reconcile",
        "share",
        {
            "automatic_precision": precision,
            "automatic_recall": recall,
            "booked_alone_precision": booked_precision,
            "booked_alone_recall": booked_recall,
            "with_proposals_precision": all_precision,
            "with_proposals_recall": all_recall,
            "pairs_per_line": pairs,
            "lines_per_second": len(left) / took,
        },
        {"usual": {"automatic_precision": usual_precision, "automatic_recall": usual_recall}},
        {"recall_vs_usual": recall / usual_recall},
        verified=precision >= WANTED_PRECISION and pairs <= settling.Tolerance().most_candidates,
        goals={"precision of the automatic band": (precision, WANTED_PRECISION)},
        notes=(
            f"{len(left):,} payments and {len(right):,} bank lines, shuffled, new ids; {len(automatic):,} in the automatic band",
            f"{len(booked):,} of these have the very amount: Kontor books those alone, and proposes the others to a person",
            "usual: the exact amount within 21 days, if only one line has it on each side",
        ),
    )


def usual(left: list[Line], right: list[Line]) -> list[tuple[str, str]]:
    """Return what the usual rule finds: an exact amount that only one open line on each side has, and days that fit."""
    by_amount: dict[int, list[Line]] = defaultdict(list)
    for line in right:
        by_amount[line.amount_minor].append(line)
    times = Counter(line.amount_minor for line in left)
    found = []
    for line in left:
        others = by_amount.get(line.amount_minor, [])
        if times[line.amount_minor] == 1 and len(others) == 1 and 0 <= (others[0].on - line.on).days <= 21:
            found.append((line.id, others[0].id))
    return found


def side(name: str, prefix: str, seed: int) -> tuple[list[Line], dict[str, str]]:
    """Return one side, shuffled and with new ids, and what its ids really are."""
    folder = Path(os.environ.get("KONTOR_SHARED_DATA", house.ROOT.parent / "shared" / "data")) / "payment-matching"
    if not (folder / name).exists():
        raise SystemExit(
            f"{name} is not in {folder}: set KONTOR_SHARED_DATA to the folder with payment-matching in it."
        )
    with gzip.open(folder / name, "rt", newline="") as file:
        rows = list(csv.DictReader(file))
    random.Random(seed).shuffle(rows)
    lines = [
        Line(
            f"{prefix}{place}",
            round(float(row["amount"]) * 100),
            date.fromisoformat(row["transaction_date"]),
            row["memo"],
        )
        for place, row in enumerate(rows)
    ]
    return lines, {f"{prefix}{place}": row["ground_truth"] for place, row in enumerate(rows)}
