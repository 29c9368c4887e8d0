"""How many bytes may go through: so many at once, and so many a second after that."""

from __future__ import annotations


class Allowance:
    """A bucket that fills with time and may be overdrawn by one piece. Times are seconds of one monotonic clock."""

    def __init__(self, rate_bytes_s: float, burst_bytes: float) -> None:
        self._rate_bytes_s, self._burst_bytes = rate_bytes_s, burst_bytes
        self._left_bytes = burst_bytes
        self._filled_s = 0.0

    def take(self, size_bytes: int, now_s: float) -> None:
        """So much has gone through."""
        self._fill(now_s)
        self._left_bytes -= size_bytes

    def spent(self, now_s: float) -> bool:
        """Whether nothing more may go through yet."""
        self._fill(now_s)
        return self._left_bytes < 0

    def _fill(self, now_s: float) -> None:
        came = (now_s - self._filled_s) * self._rate_bytes_s
        self._left_bytes = min(self._burst_bytes, self._left_bytes + came)
        self._filled_s = now_s
