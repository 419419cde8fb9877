"""The broker of one machine: tasks travel as files, and whoever sees a file sees all of it.

Kombu's transport writes a message into the file under its last name, so that a worker that looks at that moment finds an
empty message, and ends (github.com/celery/kombu/issues/1551). Here the file gets its name when it is whole.
"""

import os
import uuid
from time import time_ns
from typing import Any

from kombu.exceptions import ChannelError
from kombu.transport import TRANSPORT_ALIASES, filesystem
from kombu.utils.json import dumps


class Channel(filesystem.Channel):
    def _put(self, queue: str, payload: Any, **kwargs: Any) -> None:  # type: ignore[override]  # bases differ in its name
        """Put a message onto a queue, whole or not at all. Names sort by time, as the reader takes the first."""
        name = f"{time_ns() // 1_000_000}_{uuid.uuid4()}"
        draft = os.path.join(self.data_folder_out, f"{name}.draft")  # no name of a message, so nobody takes it
        try:
            with open(draft, "wb") as file:
                file.write(dumps(payload).encode())
            os.replace(draft, os.path.join(self.data_folder_out, f"{name}.{queue}.msg"))
        except OSError as error:
            raise ChannelError(f"Cannot add a message to {self.data_folder_out}.") from error


class Transport(filesystem.Transport):
    Channel = Channel


def install() -> None:
    """Let `filesystem://` mean this transport in this process."""
    TRANSPORT_ALIASES["filesystem"] = f"{__name__}:Transport"
