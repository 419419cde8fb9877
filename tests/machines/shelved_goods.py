"""On which shelves goods lie, for the machine of goods. Shelves have no quantities: nothing of the books follows from them."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import invariant, rule

from inventory import shelves
from tests.machines.known_goods import needs, step
from tests.machines.moving_goods import places, products, rarely
from tests.machines.stated_goods import StatedGoods

CODES = ("A-1", "A-2", "B 7")
codes = st.sampled_from(CODES)
KIT = 2


@dataclass
class Shelf:
    code: str
    placed_at: datetime
    is_first: bool  # where pickers look first


class ShelvedGoods(StatedGoods):
    def __init__(self) -> None:
        super().__init__()
        self.shelves: dict[tuple[int, int], list[Shelf]] = {}  # by place and product, in the order they were put there

    @step(
        place=places, code=codes, wanted=st.lists(products, min_size=1, max_size=2, unique=True), is_primary=st.booleans(),
        with_kit=rarely,
    )  # fmt: skip
    def put_away(self, place: int, code: str, wanted: list[int], is_primary: bool, with_kit: bool) -> None:
        """A kit lies nowhere: what is in it does."""
        location_id = self.place(place)
        numbers = [*wanted, KIT] if with_kit else wanted
        fresh = self.say(
            "not_goods" if with_kit else "", shelves.put_away, location_id, code.lower(),
            [self.product(one) for one in numbers], is_primary=is_primary,
        )  # fmt: skip
        if with_kit:
            return
        new = 0
        for number in wanted:
            here = self.shelves.setdefault((location_id, self.product(number)), [])
            mine = next((one for one in here if one.code == code), None)
            if mine is None:
                here.append(mine := Shelf(code, self.now, False))
                new += 1
            if is_primary or len(here) == 1:
                self._look_first(here, mine)
        assert fresh == new

    @staticmethod
    def _look_first(here: list[Shelf], first: Shelf) -> None:
        for one in here:
            one.is_first = one is first

    @needs(lambda self: any(self.shelves.values()))
    @step(data=st.data(), away_from=codes, to=codes)
    def relocate(self, data: Any, away_from: str, to: str) -> None:
        (location_id, product_id), here = data.draw(st.sampled_from([one for one in self.shelves.items() if one[1]]))
        old, new = (next((one for one in here if one.code == code), None) for code in (away_from, to))
        code = "invalid_input" if old is None and new is None else ""
        self.say(code, shelves.relocate, location_id, product_id, away_from=away_from, to=to)
        if old is None or old is new:
            return
        here.remove(old)
        if new is None:
            here.append(Shelf(to, self.now, old.is_first))
        elif old.is_first:
            self._look_first(here, new)

    @needs(lambda self: any(self.shelves.values()))
    @step(data=st.data(), code=codes)
    def take_off(self, data: Any, code: str) -> None:
        (location_id, product_id), here = data.draw(st.sampled_from([one for one in self.shelves.items() if one[1]]))
        self.say("", shelves.take_off, location_id, product_id, code)
        gone = next((one for one in here if one.code == code), None)
        if gone is None:
            return
        here.remove(gone)
        if gone.is_first and here:
            last = max(one.placed_at for one in here)
            self._look_first(here, [one for one in here if one.placed_at == last][-1])

    @invariant()
    def pickers_look_where_goods_lie(self) -> None:
        for place in self.ground.places:
            found = shelves.of(place.id, [product.id for product in self.ground.products])
            for product in self.ground.products:
                here = self.shelves.get((place.id, product.id), [])
                codes = found.get(product.id, [])
                assert sorted(codes) == sorted(one.code for one in here)
                assert codes[:1] == [one.code for one in here if one.is_first]

    @rule(data=st.data(), what=st.sampled_from(["put_away", "put_away", "relocate", "take_off"]))
    def put_in_order(self, data: Any, what: str) -> None:
        self.take(what, data)
