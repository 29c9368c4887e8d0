"""All lecture rooms of this server, and what wakes those who are in them."""

from __future__ import annotations

import asyncio
import time

from app.web.roomstate import Room, Rooms


class Hall:
    """The rooms, and what wakes those in them."""

    def __init__(self, rooms: Rooms) -> None:
        self.rooms = rooms
        self._changed: dict[str, asyncio.Event] = {}

    def changed(self, room: Room) -> asyncio.Event:
        """Set at the room's next change."""
        return self._changed.setdefault(room.code, asyncio.Event())

    def wake(self, room: Room) -> None:
        """Something about the room has changed."""
        self._changed.pop(room.code, asyncio.Event()).set()

    def sweep(self) -> None:
        """Close what is over."""
        for room in self.rooms.expire(time.monotonic()):
            self.wake(room)
