"""When the cores are measured: before a run that asks for it, never while another run would be disturbed, at most every few minutes."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from typing import Any

from app.recorder.calibration import calibrate

_FRESH_S = 300.0
_log = logging.getLogger("schedscope.calibration")


class Calibrator:
    """Keeps the last measurement. All calls belong to one event loop."""

    def __init__(self, measure: Callable[[], dict[str, Any]] = calibrate, fresh_s: float = _FRESH_S) -> None:
        self._measure, self._fresh_s = measure, fresh_s
        self._last: dict[str, Any] | None = None
        self._measuring = asyncio.Lock()

    async def cores(self, alone: bool) -> dict[str, Any] | None:
        """A measurement of the last minutes; a new one where that is older and this run is `alone` on the server; else None."""
        async with self._measuring:
            if self._last is not None and time.time() - self._last["measured_s"] < self._fresh_s:
                return self._last
            if not alone:
                return None
            try:
                self._last = await asyncio.to_thread(self._measure)
            except (OSError, ValueError):
                _log.exception("the cores could not be measured")
                self._last = None
            return self._last
