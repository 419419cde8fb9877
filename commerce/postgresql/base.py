"""The database backend of the settings. Django asks a connection for its health once per request, a round trip each; here
one that answered within the last second is trusted. Should the server have gone within it, that request is refused with
503 and Django drops the connection.
"""

import time
from collections.abc import Iterator
from itertools import count
from typing import Any

from django.db.backends.postgresql import base

TRUSTED_SECONDS = 1.0


class DatabaseWrapper(base.DatabaseWrapper):
    healthy_at: float = 0.0
    prepared: dict[str, tuple[str, str, float]]  # what `prepared.execute` made on the connection as it is now
    prepared_numbers: Iterator[int]  # of names it gives; none is given twice, whatever became of its statement

    def get_new_connection(self, conn_params: dict[str, Any]) -> Any:
        """Connect; nothing is prepared there yet."""
        self.prepared = {}
        self.prepared_numbers = count(1)
        return super().get_new_connection(conn_params)

    def close_if_health_check_failed(self) -> None:
        """Check the connection at most once a second."""
        now = time.monotonic()
        if self.connection is None or now - self.healthy_at > TRUSTED_SECONDS:
            super().close_if_health_check_failed()
            self.healthy_at = now
        else:
            self.health_check_done = True
