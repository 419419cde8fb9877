"""Identifiers that sort by time, so that journals grow at the end of their indexes."""

import os
import time
from collections import deque
from uuid import UUID

_SIZE = 16
_VERSION_7 = 0x7 << 76 | 0b10 << 62  # with its variant
_RANDOM = 0xFFF << 64 | 0x3FFF_FFFF_FFFF_FFFF  # the bits that are left
_AT_ONCE = 256

# Asking the system for random bytes lets another thread run meanwhile, and coming back costs a turn in the queue of all
# threads: with 32 of them more than the whole rest of a request. So they are drawn in advance, each used once.
_drawn: deque[bytes] = deque()
os.register_at_fork(after_in_child=_drawn.clear)


def new() -> UUID:
    """Return a UUID version 7 (RFC 9562): 48 bits of milliseconds, then random bits."""
    random = int.from_bytes(_draw(), "big")
    milliseconds = time.time_ns() // 1_000_000 & 0xFFFF_FFFF_FFFF
    return UUID(int=milliseconds << 80 | _VERSION_7 | random & _RANDOM)


def token() -> str:
    """Return 32 random hexadecimal digits: a name for something short-lived, such as a request. Not a secret's source."""
    return _draw().hex()


def _draw() -> bytes:
    while True:
        try:
            return _drawn.pop()
        except IndexError:
            fresh = os.urandom(_SIZE * _AT_ONCE)
            _drawn.extend(fresh[start : start + _SIZE] for start in range(0, len(fresh), _SIZE))
