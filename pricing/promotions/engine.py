"""Promotions on a basket: phases, groups and their modes, exclusions, guards; and which benefit is near. [pure]

Where the choice of a *best* group changes what later promotions give, the choices are followed to the end and the smallest
total wins, so that one promotion more in such a group never makes a basket dearer. At most MOST_ENDINGS ends are looked
at; past that the larger discount is taken, and the outcome says that it was not searched to the end.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from pricing.promotions import effects, guards, nearness
from pricing.promotions.basket import Basket, Line, Runs, after_cut
from pricing.promotions.effects import Candidate, Effect
from pricing.promotions.index import Index, Slot
from pricing.promotions.terms import Bundle, Mode

MOST_ENDINGS = 48  # a few milliseconds for a basket of usual size

APPLIED, BEATEN, EXCLUDED, USED_UP, NOT_REACHED, NO_EFFECT = (
    "applied", "beaten", "excluded", "used_up", "minimum_not_reached", "no_effect",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Considered:
    """A promotion that could have given something, and what became of it. `by` names the one that stood in its way."""

    promotion_id: str
    verdict: str
    minor: int = 0
    by: str = ""


@dataclass(slots=True)
class Outcome:
    """What promotions left of a basket: effects in the order in which they were applied, amounts and pieces by line."""

    effects: list[Effect]
    amounts: list[int]
    pieces: list[Runs]
    considered: list[Considered]
    near: list[nearness.Near]
    offers: list[nearness.Offer]
    candidates: list[Candidate]
    basket: Basket
    is_approximate: bool = False

    def reaches(self, candidate: Candidate) -> bool:
        """Whether what was left of the basket reaches a promotion's minimum."""
        return effects.reaches(candidate, self.basket)


@dataclass(slots=True)
class _Path:
    """A basket on its way through the slots."""

    basket: Basket
    effects: list[Effect] = field(default_factory=list)
    names: dict[str, str] = field(default_factory=dict)  # applied promotions and "group:…", each with the promotion
    barred: dict[str, str] = field(default_factory=dict)  # what they exclude, each with the promotion
    considered: list[Considered] = field(default_factory=list)
    is_approximate: bool = False

    def copy(self) -> _Path:
        return _Path(
            self.basket.copy(), self.effects[:], dict(self.names), dict(self.barred), self.considered[:],
            self.is_approximate,
        )  # fmt: skip

    def bar(self, candidate: Candidate) -> str | None:
        """Return the applied promotion that a candidate never meets, if there is one."""
        promotion = candidate.promotion
        if self.barred:
            by = self.barred.get(promotion.id)
            if by is None and promotion.group:
                by = self.barred.get(f"group:{promotion.group}")
            if by is not None and by != promotion.id:
                return by
        for name in promotion.excludes:
            if name in self.names:
                return self.names[name]
        return None

    def apply(self, effect: Effect) -> None:
        self.basket.cut(effect.cuts)
        self.basket.take(effect.taken)
        self.effects.append(effect)
        self.is_approximate |= effect.is_approximate
        promotion = effect.promotion
        self.names[promotion.id] = promotion.id
        if promotion.group:
            self.names[f"group:{promotion.group}"] = promotion.id
        for name in promotion.excludes:
            self.barred.setdefault(name, promotion.id)


def apply(
    lines: Sequence[Line], index: Index, candidates: Sequence[Candidate], *, nearby: Callable[[], Sequence[Candidate]] = tuple,
    tells: bool = True,
) -> Outcome:  # fmt: skip
    """Apply the promotions that hold, in their order, to lines at list price. The same input gives the same outcome.

    Without `tells` only what it costs is worked out: neither pieces, nor what is near or offered, nor what gave nothing.
    """
    start = _Path(Basket(lines))
    path = start
    if candidates:
        path = _Run(index, index.slots(candidates), lines).end(start)
    given = [effect for effect in path.effects if effect.cuts or effect.forfeits]
    if not tells:
        return Outcome(given, path.basket.amounts, [], [], [], [], [], path.basket, path.is_approximate)
    return Outcome(
        effects=given,
        amounts=path.basket.amounts,
        pieces=_pieces(lines, given),
        considered=path.considered + _unheard(candidates, path),
        near=nearness.near(candidates, path.basket, {effect.promotion.id for effect in given}, nearby),
        offers=nearness.offers(candidates, path.basket),
        candidates=list(candidates),
        basket=path.basket,
        is_approximate=path.is_approximate,
    )


class _Run:
    """One way through the slots of a basket, with a bound on how many ends are looked at."""

    def __init__(self, index: Index, slots: Sequence[Slot], lines: Sequence[Line]) -> None:
        self._stacking = index.stacking
        self._is_guarded = guards.are_set(index.stacking, lines)
        self._slots = slots
        self._endings = 0
        self._later: list[int] = []  # by slot: the lines that it and what comes after it look at, one bit each
        self._is_barred: list[bool] = []
        self._most: dict[int, int] = {}  # by slot: the most that it and what comes after it can be worth
        if any(slot.group is not None and slot.group.mode is Mode.BEST for slot in slots):
            self._look_ahead()

    def _look_ahead(self) -> None:
        """Learn of each slot which lines are looked at from it on, and whether anything there excludes another."""
        bits: dict[int, int] = {}  # by the identity of positions, which candidates keep alive
        reads, is_barred = 0, False
        self._later, self._is_barred = [0], [False]
        for slot in reversed(self._slots):
            for one in slot.candidates:
                for positions in (one.positions, one.minimum, *one.parts):
                    known = bits.get(id(positions))
                    if known is None:
                        known = bits[id(positions)] = _bits(positions)
                    reads |= known
                is_barred = is_barred or bool(one.promotion.excludes)
            self._later.append(reads)
            self._is_barred.append(is_barred)
        self._later.reverse()
        self._is_barred.reverse()

    def end(self, path: _Path, first: int = 0) -> _Path:
        """Follow a path through the slots from `first` on to its end, guards applied."""
        number = first
        while number < len(self._slots):
            slot = self._slots[number]
            mode = slot.group.mode if slot.group is not None else Mode.STACK
            if mode is Mode.STACK:
                number = self._stack(path, number)
                continue
            ranked = self._ranked(path, slot, mode)
            if mode is Mode.BEST and len(ranked) and self._matters(path, ranked, number):
                return self._best_end(path, ranked, number)
            if ranked:
                self._choose(path, ranked, 0)
            number += 1
        return self._guarded(path)

    def _guarded(self, path: _Path) -> _Path:
        self._endings += 1
        if self._is_guarded:
            path.effects = [effect.copy() for effect in path.effects]
            guards.limit(path.effects, path.basket, self._stacking)
        return path

    def _stack(self, path: _Path, number: int) -> int:
        """Apply all promotions of a slot, bundles that follow each other at one priority together; return the next slot."""
        slot = self._slots[number]
        waiting = list(slot.candidates)
        following = number + 1
        if slot.group is None and isinstance(waiting[0].promotion.benefit, Bundle):
            while following < len(self._slots):
                next_one = self._slots[following]
                if next_one.group is not None or next_one.key[:2] != slot.key[:2]:
                    break
                if not isinstance(next_one.candidates[0].promotion.benefit, Bundle):
                    break
                waiting.extend(next_one.candidates)
                following += 1
        place = 0
        while place < len(waiting):
            one = waiting[place]
            together = [one]
            if isinstance(one.promotion.benefit, Bundle):
                priority = one.promotion.priority
                for other in waiting[place + 1 :]:
                    if not isinstance(other.promotion.benefit, Bundle) or other.promotion.priority != priority:
                        break
                    together.append(other)
            place += len(together)
            if len(together) > 1:
                self._share(path, together)
                continue
            by = path.bar(one)
            effect = effects.of(one, path.basket)
            if effect is None:
                continue
            if by is not None:
                path.considered.append(Considered(one.promotion.id, EXCLUDED, effect.given_minor, by))
            else:
                path.apply(effect)
        return following

    def _share(self, path: _Path, together: Sequence[Candidate]) -> None:
        able = [one for one in together if path.bar(one) is None]
        for effect in effects.of_bundles(able, path.basket):
            if effect is None:
                continue
            by = path.bar(effect.candidate)
            if by is None:
                path.apply(effect)
            else:
                path.considered.append(Considered(effect.promotion.id, EXCLUDED, effect.given_minor, by))

    def _ranked(self, path: _Path, slot: Slot, mode: Mode) -> list[Effect]:
        """Return what each promotion of a group would give, the one that its mode takes first."""
        found = []
        for one in slot.candidates:
            effect = effects.of(one, path.basket)
            if effect is None:
                continue
            by = path.bar(one)
            if by is not None:
                path.considered.append(Considered(one.promotion.id, EXCLUDED, effect.given_minor, by))
                continue
            found.append(effect)
        if mode is Mode.BEST:
            found.sort(key=lambda effect: -effect.worth(path.basket))  # stable: priority, then id
        elif mode is Mode.LOWEST:
            found.sort(key=lambda effect: effect.worth(path.basket))
        return found

    @staticmethod
    def _choose(path: _Path, ranked: Sequence[Effect], chosen: int | None) -> None:
        """Apply one of a group's effects (None: none of them) and note what became of the others."""
        winner = ranked[chosen].promotion.id if chosen is not None else ""
        if chosen is not None:
            path.apply(ranked[chosen])
        for number, effect in enumerate(ranked):
            if number != chosen:
                path.considered.append(Considered(effect.promotion.id, BEATEN, effect.given_minor, winner))

    def _matters(self, path: _Path, ranked: Sequence[Effect], number: int) -> bool:
        """Whether another choice than the largest discount could leave a smaller total in the end."""
        is_last = number + 1 == len(self._slots)
        if not is_last and (self._is_barred[number + 1] or any(effect.promotion.excludes for effect in ranked)):
            return True
        later = self._later[number + 1]
        for effect in ranked:
            if (later and _bits(effect.cuts) & later) or (effect.taken and _bits(effect.taken) & later):
                return True
        if len(ranked) < 2 or not self._is_guarded:
            return False
        lines = path.basket.lines
        return any(lines[one].floor_minor is not None for effect in ranked for one in (*effect.cuts, *effect.taken))

    def _ceilings(self, basket: Basket, first: int) -> dict[int, int]:
        """Return, by slot, the most that it and those after it can be worth on what may be left of a basket."""
        most, found = 0, {len(self._slots): 0}
        for number in range(len(self._slots) - 1, first - 1, -1):
            slot = self._slots[number]
            worth = [effects.ceiling(one, basket) for one in slot.candidates]
            is_one = slot.group is not None and slot.group.mode is not Mode.STACK
            most += max(worth) if is_one else sum(worth)
            found[number] = most
        return found

    def _best_end(self, path: _Path, ranked: Sequence[Effect], number: int) -> _Path:
        if not self._most:  # the first choice of all: what it leaves to the later ones is the most they ever see
            self._most = self._ceilings(path.basket, number + 1)
        first = path.copy()
        self._choose(first, ranked, 0)
        best = self.end(first, number + 1)
        least, before = best.basket.total(), path.basket.total()
        rough, exact = self._most[number + 1], -1
        for choice in (*range(1, len(ranked)), None):
            own = ranked[choice].worth(path.basket) if choice is not None else 0
            if before - own - rough >= least:
                continue  # whatever comes later can't make it the smallest
            if exact < 0:
                exact = self._ceilings(path.basket, number + 1)[number + 1]
            if before - own - exact >= least:
                continue
            if self._endings >= MOST_ENDINGS:
                best.is_approximate = True
                break
            other = path.copy()
            self._choose(other, ranked, choice)
            end = self.end(other, number + 1)
            total = end.basket.total()
            if total < least:
                best, least = end, total
        return best


def _bits(positions: Iterable[int]) -> int:
    """Return positions as bits of one number."""
    found = 0
    for one in positions:
        found |= 1 << one
    return found


def _pieces(lines: Sequence[Line], given: Sequence[Effect]) -> list[Runs]:
    """Return what each piece costs after what was granted in the end, cut by cut."""
    runs = [line.runs for line in lines]
    for effect in given:
        for position, minor in effect.cuts.items():
            runs[position] = after_cut(runs[position], minor)
    return runs


def _unheard(candidates: Sequence[Candidate], path: _Path) -> list[Considered]:
    """Say of promotions that a coupon unlocked or whose limits are used up why they gave nothing."""
    heard = {effect.promotion.id for effect in path.effects if effect.cuts} | {
        one.promotion_id for one in path.considered
    }
    found = []
    for one in candidates:
        if one.promotion.id in heard:
            continue
        if not one.allowance.has_uses or one.allowance.budget_minor == 0:
            found.append(Considered(one.promotion.id, USED_UP))
        elif one.code:
            verdict = NO_EFFECT if effects.reaches(one, path.basket) else NOT_REACHED
            found.append(Considered(one.promotion.id, verdict))
    return found
