"""How long a client waits before it reconnects."""

import random
from datetime import datetime, timezone
from email.utils import parsedate_to_datetime
from typing import Optional

_MAX_SERVER_DELAY = 300.0  # seconds; upper limit of the server's times


class Backoff:
    """Random waits that double with each failure; what the server asks for is their minimum.

    :param initial: Longest first wait in seconds, unless the server sent ``retry:``.
    :param longest: Seconds beyond which no wait grows.
    """

    def __init__(self, initial: float, longest: float):
        self._initial, self._longest = initial, longest
        self.retry: Optional[float] = None
        """The server's ``retry:`` in seconds."""

    def delay(self, failures: int, after: float) -> float:
        """Returns the wait in seconds after that many failures in a row and a ``Retry-After``; 0 without one."""
        least = min(max(self.retry or 0, after), _MAX_SERVER_DELAY)

        # `retry: 0` allows one immediate reconnection, not a loop against a dead server.
        base = self._initial if self.retry is None else self.retry
        base = max(base, self._initial) if failures > 1 else base

        longest = max(min(self._longest, base * 2 ** min(failures - 1, 30)), least * 1.5)
        return random.uniform(least, longest)


def retry_after(value: str) -> float:
    """Returns the seconds of a ``Retry-After``, which are a number or a date (RFC 9110, 10.2.3); 0 without one."""
    if value.isascii() and value.isdigit():
        return float(value)
    try:
        date = parsedate_to_datetime(value)
    except (TypeError, ValueError):
        return 0.0
    date = date if date.tzinfo else date.replace(tzinfo=timezone.utc)
    return max(0.0, (date - datetime.now(timezone.utc)).total_seconds())
