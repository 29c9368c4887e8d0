"""Lecture rooms as they are: who drives them, where the class looks, who voted what. Pure: the caller tells the time in seconds of a steady clock.

A room is known by a short code that is written on the wall and no secret; only the holder of the presenter token, given once when the
room is opened, moves it. Votes are anonymous: of a voter only a keyed hash is kept, and the key goes with the room.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import secrets
from dataclasses import dataclass, field
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

_LETTERS = "23456789ABCDEFGHJKMNPQRSTVWXYZ"
"""What nobody confuses on a projector or a phone: no 0 and O, no 1, I and L, no U (for V)."""
_CODE_LENGTH = 5


class Place(BaseModel):
    """Where the teacher stands: a page of this server, the step, and the view as an address keeps it (static/timeline/viewstate.js)."""

    model_config = ConfigDict(extra="forbid")

    path: str = Field(max_length=600, pattern=r"^/(runs/[A-Za-z0-9_-]+|experiments/[A-Za-z0-9_-]+(\?[A-Za-z0-9_=&.,%+-]*)?)$")
    experiment: str | None = Field(default=None, max_length=64)
    step: Literal["question", "run", "watch", "facts"] | None = None
    view: str = Field(default="", max_length=2000, pattern=r"^(#[!-~]*)?$")
    blank: bool = False


@dataclass(frozen=True, slots=True)
class Bounds:
    """The settings `rooms`, `rooms_per_client`, `room_members`, `room_lifetime_s`."""

    rooms: int
    rooms_per_client: int
    members: int
    lifetime_s: float


class RoomRefusedError(Exception):
    """`field` is what was refused, `bound` what it would have to be; `status` as HTTP has it."""

    def __init__(self, status: int, field: str, detail: str, bound: Any = None) -> None:
        super().__init__(detail)
        self.status, self.field, self.bound = status, field, bound


@dataclass(slots=True)
class Room:
    """One room. Whatever changes it raises `version` (what members are told) or `own_version` (what presenters are told besides)."""

    code: str
    owner: str
    place: Place
    closes_s: float
    token_sha256: bytes
    most_voters: int
    version: int = 0
    own_version: int = 0
    members: int = 0
    revealed: set[str] = field(default_factory=set)
    _key: bytes = field(default_factory=lambda: secrets.token_bytes(32))
    _votes: dict[str, dict[bytes, int]] = field(default_factory=dict)

    def is_presenter(self, token: str) -> bool:
        """Is this the token that was given when the room was opened?"""
        return hmac.compare_digest(hashlib.sha256(token.encode()).digest(), self.token_sha256)

    def move(self, place: Place) -> None:
        """The teacher looks elsewhere."""
        if place != self.place:
            self.place = place
            self.version += 1

    def reveal(self, shown: bool) -> None:
        """The votes on the question at hand are shown to everybody, or no longer."""
        experiment = self.place.experiment
        if experiment is not None and shown != (experiment in self.revealed):
            (self.revealed.add if shown else self.revealed.discard)(experiment)
            self.version += 1

    def vote(self, voter: str, answer: int, answers: int) -> None:
        """One vote of each on the question at hand; the last one counts. Raises RoomRefusedError; nothing changes then."""
        experiment = self.place.experiment
        if experiment is None or experiment in self.revealed:
            raise RoomRefusedError(409, "vote", "no question is open for votes")
        if not 0 <= answer < answers:
            raise RoomRefusedError(422, "vote", f"the answers count from 0 to {answers - 1}", answers - 1)
        votes = self._votes.setdefault(experiment, {})
        name = hashlib.blake2b(voter.encode(), key=self._key, digest_size=16).digest()
        if name not in votes and len(votes) >= self.most_voters:
            raise RoomRefusedError(429, "vote", f"at most {self.most_voters} can vote", self.most_voters)
        votes[name] = answer
        self.own_version += 1

    def counts(self, answers: int) -> list[int]:
        """How many chose each answer of the question at hand."""
        votes = list(self._votes.get(self.place.experiment or "", {}).values())
        return [votes.count(answer) for answer in range(answers)]

    def enter(self, most: int) -> None:
        """One more is here. Raises RoomRefusedError when the room is full."""
        if self.members >= most:
            raise RoomRefusedError(503, "room_members", f"the room is full: {most} are here", most)
        self.members += 1
        self.own_version += 1

    def leave(self) -> None:
        """One has gone."""
        self.members -= 1
        self.own_version += 1

    def told(self, answers: int, *, presenter: bool) -> str:
        """What a member is told, as JSON: all of it each time, so that whoever missed something lacks nothing.

        `{"code", "place", "votes": null | {"total", "counts": null | […]}}`; a presenter always learns the total, and `members`.
        """
        shown = self.place.experiment in self.revealed
        counts = self.counts(answers) if shown or presenter else []
        votes = {"total": sum(counts), "counts": counts if shown else None} if answers and (shown or presenter) else None
        whole = {"code": self.code, "place": self.place.model_dump(), "votes": votes}
        return json.dumps(whole | ({"members": self.members} if presenter else {}), ensure_ascii=False)


class Rooms:
    """All rooms that are open."""

    def __init__(self, bounds: Bounds) -> None:
        self.bounds = bounds
        self._open: dict[str, Room] = {}

    def open(self, owner: str, place: Place, now_s: float) -> tuple[Room, str]:
        """A room and its presenter token. Raises RoomRefusedError."""
        self.expire(now_s)
        if len(self._open) >= self.bounds.rooms:
            raise RoomRefusedError(503, "rooms", f"at most {self.bounds.rooms} rooms are open at once", self.bounds.rooms)
        if sum(room.owner == owner for room in self._open.values()) >= self.bounds.rooms_per_client:
            most = self.bounds.rooms_per_client
            raise RoomRefusedError(429, "rooms_per_client", f"at most {most} rooms for one client; close one first", most)
        token = secrets.token_urlsafe(24)
        code = self._new_code()
        digest = hashlib.sha256(token.encode()).digest()
        room = Room(code, owner, place, now_s + self.bounds.lifetime_s, digest, 2 * self.bounds.members)
        self._open[code] = room
        return room, token

    def _new_code(self) -> str:
        while True:
            code = "".join(secrets.choice(_LETTERS) for _ in range(_CODE_LENGTH))
            if code not in self._open:
                return code

    def find(self, code: str) -> Room | None:
        """The room of a code, however it was typed."""
        return self._open.get(code.strip().upper())

    def close(self, room: Room) -> None:
        """Nobody is in it any more. Idempotent."""
        self._open.pop(room.code, None)

    def expire(self, now_s: float) -> list[Room]:
        """Close those whose time is over; which they were."""
        over = [room for room in self._open.values() if room.closes_s <= now_s]
        for room in over:
            self.close(room)
        return over

    def __len__(self) -> int:
        return len(self._open)
