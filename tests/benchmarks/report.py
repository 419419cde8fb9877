"""How every benchmark speaks: a table for people, and as the last line one JSON object for programs."""

import json
from typing import Any

Figures = dict[str, float]


def show(
    name: str,
    unit: str,
    ours: Figures,
    references: dict[str, Figures],
    ratios: Figures,
    *,
    verified: bool,
    goals: dict[str, tuple[float, float]] | None = None,
    notes: tuple[str, ...] = (),
) -> dict[str, Any]:
    """Print the result. `goals` maps a description to (measured, wanted); `verified` says the books were checked."""
    columns = {"ours": ours, **references}
    metrics = sorted({metric for figures in columns.values() for metric in figures})
    width = max([len(metric) for metric in metrics] + [18])
    print(f"\n{name} ({unit})")
    print(f"{'':{width}} " + " ".join(f"{column:>16}" for column in columns))
    for metric in metrics:
        cells = " ".join(
            f"{figures[metric]:>16,.2f}" if metric in figures else f"{'–':>16}" for figures in columns.values()
        )
        print(f"{metric:{width}} {cells}")
    for ratio, value in ratios.items():
        print(f"{ratio:{width}} {value:>16,.2f} ×")
    for goal, (measured, wanted) in (goals or {}).items():
        print(f"goal {goal}: {measured:,.2f} of {wanted:,.2f} — {'reached' if measured >= wanted else 'not reached'}")
    for note in notes:
        print(f"note: {note}")
    print(f"books checked after the run: {'clean' if verified else 'NOT CLEAN'}")
    document = {
        "name": name,
        "unit": unit,
        "ours": ours,
        "references": references,
        "ratios": {key: round(value, 2) for key, value in ratios.items()},
        "verified": verified,
    }
    print(json.dumps(document))
    return document
