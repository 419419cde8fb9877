"""From where an order is served, as a pure decision: who wins, and why each other lost."""

from orders import sourcing
from orders.sourcing import Candidate, Reason


def candidate(code: str, *, distance: float | None = 1.0, available: int = 10, **values: object) -> Candidate:
    defaults = {"is_active": True, "capabilities": frozenset({"ship"}), "available": {7: available}}
    return Candidate(location_id=ord(code[0]), code=code, name=code, distance_km=distance, **(defaults | values))


def order_of(decision: sourcing.Decision) -> list[str]:
    return [verdict.candidate.code for verdict in decision.verdicts if verdict.is_able]


def test_the_nearest_with_everything_wins_and_the_losers_say_why():
    decision = sourcing.decide(
        [
            candidate("far", distance=300.0),
            candidate("near", distance=20.0),
            candidate("nearer", distance=5.0, available=1),
            candidate("closed", is_active=False),
            candidate("counter", capabilities=frozenset({"pickup"})),
            candidate("abroad", is_within_customs=False),
        ],
        method="ship",
        wanted={7: 2},
    )
    assert decision.chosen.code == "near"
    assert order_of(decision) == ["near", "far"]
    lost = {verdict.candidate.code: verdict.reasons for verdict in decision.verdicts if not verdict.is_able}
    assert lost == {
        "nearer": (Reason.NOT_ENOUGH_STOCK,),
        "closed": (Reason.INACTIVE,),
        "counter": (Reason.METHOD_NOT_OFFERED,),
        "abroad": (Reason.BEHIND_CUSTOMS,),
    }
    assert decision.nearly.candidate.code == "nearer"
    assert decision.nearly.short == {7: 1}


def test_without_distances_the_one_with_most_left_then_the_lower_code():
    decision = sourcing.decide(
        [candidate("b", distance=None), candidate("a", distance=None), candidate("c", distance=None, available=50)],
        method="ship",
        wanted={7: 1},
    )
    assert order_of(decision) == ["c", "a", "b"]


def test_the_decision_does_not_depend_on_the_order_of_candidates():
    candidates = [candidate("a", distance=3.0), candidate("b", distance=3.0), candidate("c", distance=1.0)]
    forward = sourcing.decide(candidates, method="ship", wanted={7: 1})
    assert forward == sourcing.decide(candidates[::-1], method="ship", wanted={7: 1})


def test_nobody_able_is_a_decision_too():
    decision = sourcing.decide([candidate("a", available=0)], method="ship", wanted={7: 1})
    assert decision.chosen is None
    assert decision.verdicts[0].document() == {
        "location": "a", "name": "a", "able": False, "reasons": ["not_enough_stock"], "short": {"7": 0},
        "distance_km": 1.0, "rank": None,
    }  # fmt: skip
    assert sourcing.decide([], method="ship").chosen is None
