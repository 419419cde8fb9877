"""Asking a carrier for a label: a busy one is asked again a few times, and an answer that never came is unclear, not failed."""

from collections.abc import Callable
from dataclasses import dataclass

from orders.carriers.port import CarrierBusy, CarrierRefused, CarrierUnclear, MadeLabel
from orders.floor import LabelState

BUSY_TRIES = 3


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of asking. `said` are the carrier's words when it did not work."""

    state: LabelState
    number: str = ""
    document: bytes | None = None
    said: str = ""


def answer_of(create: Callable[[], MadeLabel]) -> Answer:
    """Ask and return what came of it; not inside a transaction."""
    for _attempt in range(BUSY_TRIES):
        try:
            made = create()
            return Answer(LabelState.MADE, made.tracking_number, made.document)
        except CarrierBusy as error:
            last = Answer(LabelState.REFUSED, said=str(error))
        except CarrierRefused as error:
            return Answer(LabelState.REFUSED, said=str(error))
        except CarrierUnclear as error:
            return Answer(LabelState.UNCLEAR, said=str(error))
    return last
