"""Promotions as somebody would work them out on paper: slow, piece by piece, every choice tried. For comparison only.

Amounts are shared with fractions, choices of groups are all followed to the end, nothing is shared with the engine.
"""

from fractions import Fraction


def half_up(value: Fraction) -> int:
    """Return the nearest whole number, halves up."""
    return (2 * value.numerator + value.denominator) // (2 * value.denominator)


def share(total: int, weights: list[int]) -> list[int]:
    """Share by largest remainder, ties to the larger weight, then to the first."""
    exact = [Fraction(total * weight, sum(weights)) for weight in weights]
    parts = [int(one) for one in exact]
    order = sorted(range(len(weights)), key=lambda i: (-(exact[i] - parts[i]), -weights[i], i))
    for position in order[: total - sum(parts)]:
        parts[position] += 1
    return parts


class Paper:
    """Lines as lists of pieces, and what was written about them."""

    def __init__(self, lines, floors):
        self.original = [price * quantity for price, quantity in lines]
        self.pieces = [[price] * quantity for price, quantity in lines]
        self.used = [0] * len(lines)
        self.floors = floors
        self.cuts = []  # (promotion, {line: minor}) in order

    def copy(self):
        other = Paper([], self.floors)
        other.original = self.original
        other.pieces = [list(one) for one in self.pieces]
        other.used = list(self.used)
        other.cuts = [(promotion, dict(cuts)) for promotion, cuts in self.cuts]
        return other

    def amount(self, line):
        return sum(self.pieces[line])

    def cut(self, promotion, cuts, used=None):
        self.cuts.append((promotion, dict(cuts)))
        for line, minor in cuts.items():
            if minor:
                parts = share(minor, self.pieces[line])
                self.pieces[line] = [piece - part for piece, part in zip(self.pieces[line], parts, strict=True)]
        for line, count in (used or {}).items():
            self.used[line] += count


def discount(paper, promotion):
    """Return (cuts by line, pieces used up by line) of a promotion now, or None for nothing."""
    kind, terms = promotion["kind"], promotion
    lines = promotion["lines"]
    minimum = promotion.get("minimum")
    if minimum is not None and sum(paper.amount(line) for line in range(len(paper.pieces))) < minimum:
        return None
    used = {}
    now = {line: paper.amount(line) for line in lines}
    base = {line: paper.original[line] if promotion.get("original") else now[line] for line in lines}
    if kind == "percent_line":
        cuts = {line: min(now[line], half_up(Fraction(base[line] * terms["percent"], 100))) for line in lines}
    elif kind in ("percent_order", "amount_order", "tiered"):
        if kind == "percent_order":
            wanted = half_up(Fraction(sum(base.values()) * terms["percent"], 100))
        elif kind == "amount_order":
            wanted = terms["amount"]
        else:
            steps = [step for step in terms["steps"] if step[0] <= sum(now.values())]
            wanted = half_up(Fraction(sum(base.values()) * steps[-1][1], 100)) if steps else 0
        wanted = min(wanted, sum(now.values()))
        parts = share(wanted, [now[line] for line in lines]) if wanted else [0] * len(lines)
        cuts = dict(zip(lines, parts, strict=True))
    elif kind == "percent_unit":
        pieces = {line: paper.pieces[line] for line in lines}
        if promotion.get("original"):
            pieces = {line: [Fraction(paper.original[line], len(pieces[line]))] * len(pieces[line]) for line in lines}
        of_pieces = {
            line: sum(half_up(Fraction(one * terms["percent"], 100)) for one in pieces[line]) for line in lines
        }
        cuts = {line: min(now[line], of_pieces[line]) for line in lines}
    elif kind == "amount_unit":
        cuts = {line: sum(min(piece, terms["amount"]) for piece in paper.pieces[line]) for line in lines}
    elif kind == "fixed_price":
        cuts = {line: sum(max(0, piece - terms["price"]) for piece in paper.pieces[line]) for line in lines}
    else:
        free = []
        for line in lines:
            free += [(-piece, line) for piece in sorted(paper.pieces[line], reverse=True)[paper.used[line] :]]
        free.sort()
        size = terms["buy"] + terms["get"]
        sets = len(free) // size
        if kind == "per_set":
            in_sets = free[: sets * size]
            rewarded = [one for place, one in enumerate(in_sets) if place % size >= terms["buy"]]
        else:
            rewarded = free[len(free) - sets * terms["get"] :] if sets else []
            in_sets = free[: sets * terms["buy"]] + rewarded
        cuts = dict.fromkeys(lines, 0)
        for line in lines:
            whole = sum(-piece for piece, of_line in rewarded if of_line == line)
            cuts[line] = half_up(Fraction(whole * terms["percent"], 100))
        for _piece, line in in_sets:
            used[line] = used.get(line, 0) + 1
    cap = promotion.get("cap")
    cuts = {line: minor for line, minor in cuts.items() if minor}
    if cap is not None and sum(cuts.values()) > cap:
        order = sorted(cuts)
        by_amount = kind in ("percent_line", "percent_unit", "percent_order", "amount_order", "amount_unit", "tiered")
        parts = share(cap, [now[line] if by_amount else cuts[line] for line in order])
        if any(part > cuts[line] for line, part in zip(order, parts, strict=True)):
            parts = share(cap, [cuts[line] for line in order])
        cuts = {line: part for line, part in zip(order, parts, strict=True) if part}
    return (cuts, used) if cuts else None


def endings(paper, slots, applied):
    """Yield every way to the end: (paper, applied names)."""
    if not slots:
        yield paper
        return
    mode, members = slots[0]

    def barred(promotion):
        return any(
            other["name"] in promotion.get("excludes", ()) or promotion["name"] in other.get("excludes", ())
            for other in applied
        )

    if mode == "stack":
        paper, applied = paper.copy(), list(applied)
        for promotion in members:
            clash = any(
                other["name"] in promotion.get("excludes", ()) or promotion["name"] in other.get("excludes", ())
                for other in applied
            )
            found = discount(paper, promotion)
            if found and not clash:
                paper.cut(promotion, *found)
                applied.append(promotion)
        yield from endings(paper, slots[1:], applied)
        return
    choices = [(one, found) for one in members if not barred(one) and (found := discount(paper, one))]
    if mode == "in_order":
        choices = choices[:1]
    elif mode == "lowest":
        choices = sorted(choices, key=lambda one: sum(one[1][0].values()))[:1]
    if mode == "best" or not choices:
        yield from endings(paper.copy(), slots[1:], list(applied))
    for promotion, found in choices:
        other = paper.copy()
        other.cut(promotion, *found)
        yield from endings(other, slots[1:], [*applied, promotion])


def guarded(paper, cap):
    """Take back what goes through floors, then what goes over the cap, from the last promotion on; return the total."""
    cuts = [dict(one) for _promotion, one in paper.cuts]
    for line, floor in enumerate(paper.floors):
        if floor is not None:
            floor = min(floor, paper.original[line])
            for one in reversed(cuts):
                short = floor - (paper.original[line] - sum(each.get(line, 0) for each in cuts))
                if short > 0:
                    one[line] = one.get(line, 0) - min(short, one.get(line, 0))
    given = sum(sum(one.values()) for one in cuts)
    if cap is not None:
        given = min(given, cap)
    return sum(paper.original) - given


def total(lines, slots, floors, cap):
    """Return the smallest total that the rules allow."""
    return min(guarded(paper, cap) for paper in endings(Paper(lines, floors), slots, []))


def best_bundles(lines, bundles):
    """Return the most that bundles can save, every use of every piece tried. `bundles`: ([(lines, pieces)], price)."""
    pieces = [(price, line) for line, (price, quantity) in enumerate(lines) for _ in range(quantity)]
    known = {}

    def sets(parts, free):
        if not parts:
            yield free, 0
            return
        (able, quantity), rest = parts[0], parts[1:]
        for left, amount in picks(able, quantity, free):
            for after, more in sets(rest, left):
                yield after, amount + more

    def picks(able, quantity, free):
        if not quantity:
            yield free, 0
            return
        for line in able:
            if free[line]:
                left = tuple(count - (place == line) for place, count in enumerate(free))
                for after, amount in picks([one for one in able if one >= line], quantity - 1, left):
                    yield after, amount + lines[line][0]

    def best(free):
        if free not in known:
            known[free] = max(
                (
                    max(0, amount - price) + best(left)
                    for parts, price in bundles
                    for left, amount in sets(parts, free)
                    if amount > price
                ),
                default=0,
            )
        return known[free]

    return best(tuple(quantity for _price, quantity in lines)) if pieces else 0
