"""Identifiers that sort by time, so that journals grow at the end of their indexes."""

import secrets
import time
from uuid import UUID


def new() -> UUID:
    """Return a UUID version 7 (RFC 9562): 48 bits of milliseconds, then random bits."""
    random = _random(74)
    milliseconds = time.time_ns() // 1_000_000 & 0xFFFF_FFFF_FFFF
    return UUID(int=milliseconds << 80 | 0x7 << 76 | random >> 62 << 64 | 0b10 << 62 | random & 0x3FFF_FFFF_FFFF_FFFF)


_random = secrets.randbits
