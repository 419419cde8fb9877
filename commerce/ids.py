"""Identifiers that sort by time, so that journals grow at the end of their indexes."""

import secrets
import time
from uuid import UUID


def new() -> UUID:
    """Return a UUID version 7 (RFC 9562): 48 bits of milliseconds, then random bits."""
    milliseconds = time.time_ns() // 1_000_000
    return UUID(int=(milliseconds & 0xFFFF_FFFF_FFFF) << 80 | 0x7 << 76 | _random(12) << 64 | 0b10 << 62 | _random(62))


_random = secrets.randbits
