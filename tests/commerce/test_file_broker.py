"""The broker of one machine: no message is seen before it is whole, and none is lost."""

import threading
from pathlib import Path

import pytest
from kombu import Connection, Queue

from commerce import file_broker
from commerce.celery import app

MESSAGES = 300


@pytest.fixture
def connection(tmp_path: Path) -> Connection:
    for name in ("queue", "control"):
        (tmp_path / name).mkdir()
    options = {
        "data_folder_in": str(tmp_path / "queue"),
        "data_folder_out": str(tmp_path / "queue"),
        "control_folder": str(tmp_path / "control"),
    }
    return Connection("filesystem://localhost//", transport_options=options)


def test_tasks_travel_by_this_broker_where_files_are_asked_for(connection: Connection) -> None:
    assert app.conf.broker_url.startswith("filesystem://")
    assert connection.transport_cls == "filesystem"
    assert isinstance(connection.transport, file_broker.Transport)


def test_whoever_looks_while_messages_are_written_sees_whole_ones_each_once(
    connection: Connection, tmp_path: Path
) -> None:
    queue, done = Queue("tests"), threading.Event()
    halves: list[bytes] = []
    numbers: list[int] = []

    def look() -> None:
        while not done.is_set():
            for path in (tmp_path / "queue").glob("*.msg"):
                content = path.read_bytes()
                if not content.endswith(b"}"):
                    halves.append(content)

    watcher = threading.Thread(target=look)
    watcher.start()
    try:
        with connection, connection.Producer() as producer:
            for number in range(MESSAGES):
                producer.publish({"number": number}, routing_key="tests", declare=[queue])
            done.set()
            watcher.join()
            with connection.SimpleQueue(queue) as taken:
                for _ in range(MESSAGES):
                    message = taken.get(timeout=5)
                    numbers.append(message.payload["number"])
                    message.ack()
    finally:
        done.set()
        watcher.join()
    assert not halves
    assert sorted(numbers) == list(range(MESSAGES))
    assert [path.name for path in (tmp_path / "queue").iterdir()] == []
