"""Matching payments with bank lines: one to one, bounded, the same in any order, and careful where two could be meant."""

from datetime import date, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orders import settlement_formats, settling
from orders.settlement_formats import FORMATS, LineKind, Unreadable
from orders.settling import Band, Line, Tolerance

DAY = date(2026, 11, 18)
NAMES = ("ANNA BERG", "KARL MAIER", "J B", "M CORVINUS", "FELIX ROTH")


def book(count: int) -> tuple[list[Line], list[Line]]:
    """Payments and the bank lines that pay them: later, cut short, and every fourth a little off."""
    left, right = [], []
    for number in range(count):
        name = f"{NAMES[number % len(NAMES)]}{number % 7} {number * 7919:08d} invoice"
        amount = 1_000 + number * 137 % 50_000
        left.append(Line(f"p{number}", amount, DAY + timedelta(number % 30), name))
        paid = amount if number % 4 else round(amount * 0.98)
        right.append(Line(f"b{number}", paid, DAY + timedelta(number % 30 + 1 + number % 3), name[:22]))
    return left, right


def test_lines_are_matched_one_to_one_and_rightly():
    left, right = book(400)
    outcome = settling.reconcile(left, list(reversed(right)))
    automatic = [match for match in outcome.matches if match.band is Band.AUTOMATIC]
    assert len(automatic) > 350
    assert all(match.left[1:] == match.right[1:] for match in automatic)
    assert len({match.right for match in outcome.matches}) == len(outcome.matches)
    assert len(outcome.matches) + len(outcome.left_over) == 400


def test_work_grows_with_the_lines_not_with_their_product():
    left = [Line(f"p{n}", 1000, DAY, "SAME NAME") for n in range(600)]
    right = [Line(f"b{n}", 1000, DAY, "SAME NAME") for n in range(600)]
    outcome = settling.reconcile(left, right, Tolerance(most_candidates=10))
    assert outcome.compared == 600 * 10
    assert all(match.band is not Band.AUTOMATIC for match in outcome.matches)  # nobody can know which is whose


@settings(max_examples=20, deadline=None)
@given(st.randoms(use_true_random=False))
def test_the_order_of_lines_says_nothing(random):
    left, right = book(120)
    first = {(match.left, match.right) for match in settling.reconcile(left, right).matches}
    random.shuffle(left)
    random.shuffle(right)
    again = {(match.left, match.right) for match in settling.reconcile(left, right).matches}
    assert len(first ^ again) <= 2  # ties


@pytest.mark.parametrize(
    ("left", "right"),
    [([], []), ([Line("p", 100, DAY, "A")], []), ([Line("p", 100, DAY, "A")], [Line("b", 900, DAY, "A")])],
)
def test_nothing_is_made_of_nothing(left, right):
    outcome = settling.reconcile(left, right)
    assert (outcome.matches, outcome.compared) == ((), 0)


@pytest.mark.parametrize(
    ("text", "amount", "rule", "band"),
    [
        ("Order K-100 042 thank you", 4760, "named_exact", Band.AUTOMATIC),
        ("K100042", 4700, "named_differs", Band.PROPOSED),
        ("rent", 4760, "exact_alone", Band.PROPOSED),
        ("rent", 4761, None, None),
    ],
)
def test_few_lines_are_judged_by_rule(text, amount, rule, band):
    verdict = settling.by_rule(Line("b", amount, DAY, text), ("K-100042",), 4760, rivals=0)
    assert (verdict.rule, verdict.band) == (rule, band) if verdict else rule is None


@pytest.mark.parametrize(
    ("text", "minor"), [("1.234,56", 123456), ("-12,50", -1250), ("12.5", 1250), ("1234.56 €", 123456), ("7", 700)]
)
def test_amounts_are_read_as_banks_write_them(text, minor):
    assert settlement_formats.minor(text, "amount") == minor


@pytest.mark.parametrize("text", ["", "abc", "1,234", "NaN", "1e99", "0,001", "∞"])
def test_what_is_no_amount_is_refused_with_its_column(text):
    with pytest.raises(Unreadable, match="Betrag"):
        settlement_formats.minor(text, "Betrag")


@pytest.mark.parametrize("text", ["2026-11-30", "30.11.2026", "2026-11-30 08:15:00", "2026-11-30T08:15:00+01:00"])
def test_days_are_read_as_they_come(text):
    assert settlement_formats.day(text, "date") == date(2026, 11, 30)


@settings(max_examples=100, deadline=None)
@given(st.dictionaries(st.sampled_from(["Betrag", "Buchungstag", "Verwendungszweck"]), st.text(max_size=30)))
def test_no_line_breaks_the_reader(row):
    where = settlement_formats.columns(["Betrag", "Buchungstag", "Verwendungszweck"], FORMATS["bank"])
    try:
        parsed = settlement_formats.parse(row, where, FORMATS["bank"], currency="EUR")
    except Unreadable:
        return
    assert parsed.kind is LineKind.BANK
    assert parsed.amount_minor
