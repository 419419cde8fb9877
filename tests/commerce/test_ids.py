"""Identifiers: of version 7, sorted by time, none twice, whoever draws them."""

import os
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise

from commerce import ids


def test_they_are_of_version_7_and_sort_by_time() -> None:
    drawn = [ids.new() for _ in range(2_000)]
    assert {(one.version, one.variant) for one in drawn} == {(7, "specified in RFC 4122")}
    assert all(earlier.int >> 80 <= later.int >> 80 for earlier, later in pairwise(drawn))


def test_threads_never_draw_one_twice() -> None:
    with ThreadPoolExecutor(8) as threads:
        drawn = [one for many in threads.map(lambda _: [ids.token() for _ in range(500)], range(16)) for one in many]
    assert len(set(drawn)) == 8_000
    assert {len(one) for one in drawn} == {32}


def test_a_forked_process_draws_its_own() -> None:
    ids.token()  # what is left of this draw must not be used by both
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.write(writing, "".join(ids.token() for _ in range(20)).encode())
        os._exit(0)
    os.waitpid(child, 0)
    theirs = os.read(reading, 640).decode()
    os.close(reading)
    os.close(writing)
    assert {theirs[at : at + 32] for at in range(0, 640, 32)}.isdisjoint(ids.token() for _ in range(300))
