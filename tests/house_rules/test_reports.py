"""Reports of benchmarks speak of what the benchmarks measure: a metric or a reference that is gone, or new, is told here."""

import re

from tests.house_rules.source import ROOT

FOLDER = ROOT / "tests" / "benchmarks"
REPORT = (FOLDER / "forecast-report.md").read_text()
SOURCES = "".join((FOLDER / name).read_text() for name in ("forecast.py", "stock_simulation.py", "rolling.py"))


def test_every_metric_and_reference_of_the_report_is_measured() -> None:
    rows = re.findall(r"^\| `(?:retail|uci)` `(\w+)` \|", REPORT, re.MULTILINE)
    heads = [re.findall(r"\w+", line) for line in REPORT.splitlines() if line.startswith("| | ours |")]
    named = {*rows, *(name for head in heads for name in head)}
    assert {"mase", "pinball", "stock", "fill_percent", "croston", "fixed_by_product"} <= named
    assert {name for name in named if not re.search(rf'["_}}]{name}"', SOURCES)} == set()


def test_every_reference_that_is_measured_stands_in_the_report() -> None:
    measured = {*re.findall(r'"(fixed_\w+)"', SOURCES), *re.findall(r'rates\["(\w+_naive)"\]', SOURCES)}
    assert measured
    assert {name for name in measured if name not in REPORT} == set()
