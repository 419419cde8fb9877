"""verify-ledger: entries proven per second, whole and since the last seals; entries sealed, and seals proven, per second."""

import resource
import time

from tests.benchmarks import house, journal, report

SEGMENTS = 10  # sealed, and proven again, in one run
# The cheapest question that reads the whole journal and still says something of every level.
NAIVE = "SELECT sum(pieces) FROM (SELECT level_id, sum(on_hand_delta) AS pieces FROM inventory_stockentry GROUP BY level_id) level"


def run(seconds: float) -> dict[str, object]:
    with journal.ready(seconds) as long:
        from commerce.actors import Actor
        from commerce.operations import checks
        from inventory import seals

        with house.database() as cursor:  # once, so that both read from memory
            cursor.execute(NAIVE)
            started = time.perf_counter()
            cursor.execute(NAIVE)
            naive = time.perf_counter() - started
        memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        started = time.perf_counter()
        findings = checks.run()
        whole = time.perf_counter() - started
        grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - memory
        started = time.perf_counter()
        sealed = seals.seal_waiting(by=Actor.system("benchmark"), most_segments=SEGMENTS)
        sealing = time.perf_counter() - started
        started = time.perf_counter()
        findings += seals.verify()
        proven, proving = sum(_sealed()), time.perf_counter() - started
        waiting = seals.unsealed()
        started = time.perf_counter()
        findings += checks.run(is_fresh=True)
        fresh = time.perf_counter() - started
    for finding in findings[:5]:
        print(finding)
    figures = {
        "per_second": round(long.entries / whole, 1),
        "seconds": round(whole, 2),
        "entries": float(long.entries),
        "memory_growth_mb": round(grown / 1024, 1),
        "sealed_per_second": round(sealed.entries / sealing, 1),
        "seals_proven_per_second": round(proven / proving, 1),
        "fresh_per_second": round(waiting / fresh, 1),
    }
    reference = {"per_second": round(long.entries / naive, 1), "seconds": round(naive, 2)}
    return report.show(
        "verify-ledger", "entries", figures, {"naive_sum": reference}, {"vs_naive_sum": whole / naive},
        verified=not findings and not sealed.refused, goals={"entries proven per second": (figures["per_second"], 200_000)},
        notes=(long.note, "naive_sum adds up the journal in one statement and compares nothing"),
    )  # fmt: skip


def _sealed() -> list[int]:
    with house.database() as cursor:
        cursor.execute("SELECT entries FROM inventory_journalseal")
        return [int(entries) for (entries,) in cursor.fetchall()]
