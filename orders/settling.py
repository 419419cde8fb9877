"""Which line of a bank belongs to which payment, when amounts are a little off, days pass, and texts are cut short. [pure]

Comparable lines are found by blocking, never by comparing everything with everything. Each pair is compared on a few levels
(amount, days between, reference, text); how much each level says is estimated from the pairs themselves by expectation
maximisation (Fellegi and Sunter 1969; Winkler 2000), so no truth is needed and no weight is guessed. One line belongs to one
payment: the best set of pairs is an assignment, solved exactly within each group of lines that compete, and what competitors
take from a pair's certainty is counted on both sides.
"""

import math
import re
from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray


class Band(StrEnum):
    """What may be done with a match: settled by itself, put before a person, or nothing was found."""

    AUTOMATIC = "automatic"
    PROPOSED = "proposed"
    UNMATCHED = "unmatched"


@dataclass(frozen=True, slots=True)
class Line:
    """One side of a match: what it is called, how much, on which day, and what is said about it."""

    id: str
    amount_minor: int
    on: date
    text: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tolerance:
    """How far two lines may be apart: the amount by a part of it, the second line by days before and after the first."""

    amount_part: float = 0.13
    days_before: int = 1
    days_after: int = 21
    most_candidates: int = 40  # of one line; the nearest in amount and day are kept
    automatic_from: float = 0.90  # the certainty from which nobody has to look
    proposed_from: float = 0.20


@dataclass(frozen=True, slots=True)
class Match:
    """A pair of lines and how certain it is, from 0 to 1."""

    left: str
    right: str
    certainty: float
    band: Band


@dataclass(frozen=True, slots=True)
class Outcome:
    """The matches, best first, and how many pairs had to be compared."""

    matches: tuple[Match, ...]
    compared: int
    left_over: tuple[str, ...]
    right_over: tuple[str, ...]


AMOUNT_STEPS = (0.0, 0.002, 0.01, 0.02, 0.04, 0.07)
DAY_STEPS = (0, 1, 2, 3, 6, 10)
SHORTEST_REFERENCE = 4
MOST_ROUNDS = 40
MOST_WORDS = 60  # of a text
LARGEST_EXACT = 400  # lines of one side in a group that is solved exactly; larger ones are cut at their weakest pairs


def reconcile(left: Sequence[Line], right: Sequence[Line], tolerance: Tolerance | None = None) -> Outcome:
    """Match lines one to one. The order of the lines changes nothing but ties.

    Work grows with the lines times `most_candidates`, not with their product.
    """
    known = tolerance or Tolerance()
    pairs = np.array(list(_candidates(left, right, known)), dtype=np.int64).reshape(-1, 2)
    if not len(pairs):
        return Outcome((), 0, tuple(line.id for line in left), tuple(line.id for line in right))
    levels = _compare(left, right, pairs)
    odds = _odds(levels, len(left), len(right), len(pairs))
    certainty = _certainty(pairs, odds)
    chosen = _assign(pairs, odds, certainty, known)
    matches = sorted(
        (
            Match(
                left[pairs[place, 0]].id,
                right[pairs[place, 1]].id,
                float(certainty[place]),
                Band.AUTOMATIC if certainty[place] >= known.automatic_from else Band.PROPOSED,
            )
            for place in chosen
        ),
        key=lambda match: (-match.certainty, match.left),
    )
    taken_left, taken_right = {match.left for match in matches}, {match.right for match in matches}
    return Outcome(
        tuple(matches),
        len(pairs),
        tuple(line.id for line in left if line.id not in taken_left),
        tuple(line.id for line in right if line.id not in taken_right),
    )


# --- which pairs are compared -----------------------------------------------------------------------------------------


def _candidates(left: Sequence[Line], right: Sequence[Line], known: Tolerance) -> Iterator[tuple[int, int]]:
    """Yield pairs that share a word (or the exact amount) and lie within the tolerance, at most so many per line."""
    blocks: dict[str, list[tuple[float, int]]] = defaultdict(list)
    for place, line in enumerate(right):
        for key in _keys(line):
            blocks[key].append((math.log(max(abs(line.amount_minor), 1)), place))
    for block in blocks.values():
        block.sort()
    width = math.log1p(known.amount_part) + 1e-9
    for place, line in enumerate(left):
        centre = math.log(max(abs(line.amount_minor), 1))
        found: dict[int, float] = {}
        for key in _keys(line):
            block = blocks.get(key, [])
            first, last = bisect_left(block, (centre - width, -1)), bisect_right(block, (centre + width, len(right)))
            for amount, other in block[first:last]:
                days = (right[other].on - line.on).days
                if -known.days_before <= days <= known.days_after and (right[other].amount_minor > 0) == (
                    line.amount_minor > 0
                ):
                    found[other] = abs(amount - centre) / width + abs(days) / (known.days_after + 1)
        for other in sorted(found, key=lambda one: (found[one], one))[: known.most_candidates]:
            yield place, other


def _keys(line: Line) -> list[str]:
    """Return what a line is looked up by: its first word, its references, and without any text its exact amount."""
    words = line.text.upper().split()
    keys = [f"w:{words[0]}"] if words else []
    keys += [f"r:{word[:8]}" for word in words[1:] if _is_reference(word)]
    return keys or [f"a:{line.amount_minor}"]


def _is_reference(word: str) -> bool:
    return len(word) >= SHORTEST_REFERENCE and any(sign.isdigit() for sign in word)


# --- how they compare -------------------------------------------------------------------------------------------------


def _compare(left: Sequence[Line], right: Sequence[Line], pairs: NDArray[np.int64]) -> list[NDArray[np.int64]]:
    """Return, for each way of comparing, the level of every pair."""
    amounts_left = np.array([max(abs(line.amount_minor), 1) for line in left], dtype=float)[pairs[:, 0]]
    amounts_right = np.array([max(abs(line.amount_minor), 1) for line in right], dtype=float)[pairs[:, 1]]
    apart = np.abs(np.log(amounts_right / amounts_left))
    days_left = np.array([line.on.toordinal() for line in left])[pairs[:, 0]]
    days_right = np.array([line.on.toordinal() for line in right])[pairs[:, 1]]
    days = np.abs(days_right - days_left)
    said_left, said_right = [_said(line) for line in left], [_said(line) for line in right]
    texts = np.empty((len(pairs), 2), dtype=np.int64)
    for place, (one, other) in enumerate(pairs):
        texts[place] = _text_levels(said_left[one], said_right[other])
    return [
        np.searchsorted(np.array(AMOUNT_STEPS) + 1e-9, apart),
        np.searchsorted(np.array(DAY_STEPS), days),
        texts[:, 0],
        texts[:, 1],
    ]


def _said(line: Line) -> tuple[str, str]:
    """Return the text in one spelling, and its reference if it has one."""
    words = line.text.upper().split()
    return " ".join(words), next((word for word in words[1:] if _is_reference(word)), "")


def _text_levels(one: tuple[str, str], other: tuple[str, str]) -> tuple[int, int]:
    """Return how far two texts agree from their start, and whether their references do (cut ones count as far as they go)."""
    (text, reference), (other_text, other_reference) = one, other
    shorter = min(len(text), len(other_text))
    common = 0
    while common < shorter and text[common] == other_text[common]:
        common += 1
    if common == shorter:  # one is the beginning of the other
        level = 8 if len(text) == len(other_text) and shorter > 11 else 7 if shorter > 11 else 6 if shorter > 6 else 5
    else:
        words = text[:common].count(" ")
        level = min(words, 4)
    if reference and other_reference:
        cut = min(len(reference), len(other_reference))
        return level, 3 if reference[:cut] == other_reference[:cut] else 0
    return level, 2 if not reference and not other_reference else 1


# --- what that says ---------------------------------------------------------------------------------------------------


def _odds(levels: list[NDArray[np.int64]], lefts: int, rights: int, count: int) -> NDArray[np.float64]:
    """Return the odds of each pair to be one, by expectation maximisation over the levels."""
    share = min(lefts, rights) / count * 0.5
    sizes = [int(level.max()) + 1 for level in levels]
    # To begin with, agreement counts for a match: the better the level, the likelier.
    beliefs = [np.linspace(2, 1, size) if place < 2 else np.linspace(1, 2, size) for place, size in enumerate(sizes)]
    matching = [belief**4 / (belief**4).sum() for belief in beliefs]
    others = [
        (np.bincount(level, minlength=size) + 0.5) / (count + 0.5 * size)
        for level, size in zip(levels, sizes, strict=True)
    ]
    probability = np.zeros(count)
    for _ in range(MOST_ROUNDS):
        logs = np.full(count, math.log(share / (1 - share)))
        for level, match, other in zip(levels, matching, others, strict=True):
            logs += (np.log(match) - np.log(other))[level]
        new = 1 / (1 + np.exp(-np.clip(logs, -60, 60)))
        moved = float(np.abs(new - probability).max())
        probability = new
        share = float(np.clip(probability.mean(), 1 / count, min(lefts, rights) / count))
        for place, (level, size) in enumerate(zip(levels, sizes, strict=True)):
            hit = np.bincount(level, weights=probability, minlength=size) + 0.5
            miss = np.bincount(level, weights=1 - probability, minlength=size) + 0.5
            matching[place], others[place] = hit / hit.sum(), miss / miss.sum()
        if moved < 1e-4:
            break
    logs = np.full(count, math.log(share / (1 - share)))
    for level, match, other in zip(levels, matching, others, strict=True):
        logs += (np.log(match) - np.log(other))[level]
    return np.exp(np.clip(logs, -40, 40))


def _certainty(pairs: NDArray[np.int64], odds: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return how certain each pair is beside all that compete with it for either line, or for being none at all.

    It errs on the careful side: a competitor counts in full even where it is better matched elsewhere.
    """
    by_left = np.bincount(pairs[:, 0], weights=odds)
    by_right = np.bincount(pairs[:, 1], weights=odds)
    certainty: NDArray[np.float64] = odds / (1 + by_left[pairs[:, 0]] + by_right[pairs[:, 1]] - odds)
    return certainty


# --- one to one -------------------------------------------------------------------------------------------------------


def _assign(
    pairs: NDArray[np.int64], odds: NDArray[np.float64], certainty: NDArray[np.float64], known: Tolerance
) -> list[int]:
    """Return the places of the pairs that together are likeliest, each line once."""
    from scipy.optimize import linear_sum_assignment  # here, so that web workers stay light

    worth = np.log(odds)
    good = np.flatnonzero(certainty >= known.proposed_from / 10)
    chosen: list[int] = []
    for group in _groups(pairs, good):
        lefts = {line: row for row, line in enumerate(sorted({int(pairs[place, 0]) for place in group}))}
        rights = {line: row for row, line in enumerate(sorted({int(pairs[place, 1]) for place in group}))}
        if max(len(lefts), len(rights)) > LARGEST_EXACT:
            chosen += _greedy(pairs, group, certainty)
            continue
        floor = float(worth[group].min()) - 1
        cost = np.full((len(lefts), len(rights)), floor)
        where = {}
        for place in group:
            row, column = lefts[int(pairs[place, 0])], rights[int(pairs[place, 1])]
            cost[row, column] = worth[place]
            where[row, column] = place
        for row, column in zip(*linear_sum_assignment(cost - floor, maximize=True), strict=True):
            if (row, column) in where:
                chosen.append(where[row, column])
    return [place for place in chosen if certainty[place] >= known.proposed_from]


def _greedy(pairs: NDArray[np.int64], group: list[int], certainty: NDArray[np.float64]) -> list[int]:
    """Return the best pairs one after the other: for groups too large to be solved exactly."""
    lefts: set[int] = set()
    rights: set[int] = set()
    chosen = []
    for place in sorted(group, key=lambda one: (-certainty[one], one)):
        one, other = int(pairs[place, 0]), int(pairs[place, 1])
        if one not in lefts and other not in rights:
            lefts.add(one)
            rights.add(other)
            chosen.append(place)
    return chosen


def _groups(pairs: NDArray[np.int64], places: NDArray[np.int64]) -> list[list[int]]:
    """Return the pairs in groups that share no line with each other."""
    parent: dict[int, int] = {}

    def root(node: int) -> int:
        while parent.setdefault(node, node) != node:
            parent[node] = parent[parent[node]]
            node = parent[node]
        return node

    for place in places:
        one, other = root(int(pairs[place, 0])), root(-1 - int(pairs[place, 1]))
        if one != other:
            parent[one] = other
    groups: dict[int, list[int]] = defaultdict(list)
    for place in places:
        groups[root(int(pairs[place, 0]))].append(int(place))
    return list(groups.values())


# --- few lines: by rule -----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Ruled:
    """What a rule says of a pair: which rule, how far the amounts are apart, and whether that needs nobody."""

    rule: str  # named_exact, named_differs, exact_alone, exact_several
    difference_minor: int
    band: Band


def by_rule(
    line: Line, names: Sequence[str], wanted_minor: int, *, rivals: int, tolerance_minor: int = 0
) -> Ruled | None:
    """Judge one line against one thing that is waited for: by what it is called in the text, then by its amount.

    `rivals` is how many other open things have the same amount. A name in the text with the right amount needs nobody; without
    a name it needs a person, and so does a name with another amount. None: they have nothing to do with each other.
    """
    said = plain(line.text)
    called = any(name and plain(name) in said for name in names)
    difference = line.amount_minor - wanted_minor
    if called and abs(difference) <= tolerance_minor:
        return Ruled("named_exact", difference, Band.AUTOMATIC)
    if called:
        return Ruled("named_differs", difference, Band.PROPOSED)
    if difference == 0:
        return Ruled("exact_alone" if rivals == 0 else "exact_several", 0, Band.PROPOSED)
    return None


def plain(text: str) -> str:
    """Return a text in capitals without anything but letters and digits."""
    return "".join(sign for sign in text.upper() if sign.isalnum())


def words(text: str) -> set[str]:
    """Return the words of a text as `plain` would write them, and neighbours written together: "K-100 042" is K100042 too."""
    parts = [plain(part) for part in re.split(r"[^0-9A-Za-z]+", text) if part][:MOST_WORDS]
    return {"".join(parts[first : first + count]) for first in range(len(parts)) for count in (1, 2, 3)}
