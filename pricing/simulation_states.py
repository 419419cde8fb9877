"""Where a simulation of a draft stands. [pure]"""

from enum import StrEnum


class SimulationState(StrEnum):
    WAITING = "waiting"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
