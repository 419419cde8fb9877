"""What the state machines share: examples that leave nothing behind, and how many of them there are.

Every example runs in a transaction of its own, marked as a test's wrapper, so that verbs see what interfaces see; it is
rolled back when the example ends. All triggers and constraints of the laws are immediate, so they hold inside it.
"""

import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db import connection
from django.db import transaction as django_transaction
from hypothesis import HealthCheck, settings
from hypothesis.stateful import RuleBasedStateMachine

from commerce import clock
from commerce.errors import CommerceError
from commerce.operations import checks
from commerce.transactions import transaction

BEGINNING = datetime(2026, 11, 18, 11, 0, tzinfo=UTC)  # noon in Berlin on a Wednesday without a holiday

# A machine that finds something takes minutes to find the shortest way to it, and one that runs for a night takes the night.
SECONDS_TO_SHRINK = 36_000 if "MACHINE_EXAMPLES" in os.environ else 900


def bounded(*, examples: int, steps: int) -> settings:
    """Return how long a machine runs. In CI the same examples every time, so that a red is a change and not luck.

    `MACHINE_EXAMPLES` lets it go through as many of others, for a night.
    """
    return settings(
        max_examples=int(os.environ.get("MACHINE_EXAMPLES", examples)),
        stateful_step_count=steps,
        deadline=None,
        derandomize="CI" in os.environ,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much],
    )


@dataclass(frozen=True)
class Done:
    """A verb did it and returned this."""

    value: Any


class RolledBack(RuleBasedStateMachine):
    """A machine whose every example starts from the same database and proves the books when it ends."""

    def __init__(self) -> None:
        super().__init__()
        self.now = BEGINNING
        self._example = django_transaction.atomic()
        self._example._from_testcase = True
        self._example.__enter__()

    def attempt(self, verb: Callable[..., Any], *arguments: Any, **options: Any) -> Done | CommerceError:
        """Call a verb as an interface does, in one transaction at the machine's time; return what came of it."""
        with clock.frozen(self.now):
            try:
                with transaction():
                    return Done(verb(*arguments, **options))
            except CommerceError as refusal:
                return refusal

    def wait(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)

    def at_the_end(self) -> None:
        """Prove what holds for a whole example. The product's own checks come after it."""

    def teardown(self) -> None:
        try:
            if sys.exc_info()[0] is None:  # a step that failed says more than what follows from it
                self.at_the_end()
                connection.check_constraints()
                assert checks.run(at=self.now) == []
        finally:
            django_transaction.set_rollback(True)
            self._example.__exit__(None, None, None)


def outcome(came: Done | CommerceError) -> str:
    """Return "done" or the code of the refusal."""
    return "done" if isinstance(came, Done) else came.code
