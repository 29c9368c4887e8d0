"""Lecture rooms: who may move them, what everybody is told, what is refused; over real HTTP and WebSockets."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from app.web.roomstate import Bounds, Place, RoomRefusedError, Rooms
from bench.rooms import lecture
from tests.web_tools import RunningServer, serving_course

HERE = {"path": "/experiments/prints?count=3", "experiment": "prints", "step": "question"}
PLACE = Place.model_validate(HERE)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    with serving_course(
        tmp_path_factory.mktemp("rooms"), SCHEDSCOPE_ROOMS_PER_CLIENT="1000", SCHEDSCOPE_ROOM_MEMBERS="400"
    ) as server:
        yield server


# --- the state, without sockets


def rooms_of(**bounds: float) -> Rooms:
    return Rooms(Bounds(**{"rooms": 3, "rooms_per_client": 2, "members": 2, "lifetime_s": 100.0, **bounds}))  # type: ignore[arg-type]


def test_a_room_has_a_code_that_is_typed_in_any_case_and_a_token_of_its_own() -> None:
    rooms = rooms_of()
    room, token = rooms.open("teacher", PLACE, 0)
    assert rooms.find(f" {room.code.lower()} ") is room
    assert len(room.code) == 5
    assert room.is_presenter(token)
    assert not room.is_presenter("")
    assert not room.is_presenter(rooms.open("teacher", PLACE, 0)[1])


def test_rooms_are_bounded_and_end() -> None:
    rooms = rooms_of()
    first, _ = rooms.open("a", PLACE, 0)
    rooms.open("a", PLACE, 0)
    with pytest.raises(RoomRefusedError) as refused:
        rooms.open("a", PLACE, 0)
    assert (refused.value.status, refused.value.field, refused.value.bound) == (429, "rooms_per_client", 2)
    rooms.open("b", PLACE, 50)
    with pytest.raises(RoomRefusedError) as refused:
        rooms.open("c", PLACE, 99)
    assert (refused.value.status, refused.value.field, refused.value.bound) == (503, "rooms", 3)
    rooms.open("c", PLACE, 100)  # the first two are over
    assert rooms.find(first.code) is None
    assert len(rooms) == 2


def test_one_vote_of_each_the_last_one_counts_and_nobody_sees_them_before_they_are_shown() -> None:
    room, _ = rooms_of().open("teacher", PLACE, 0)
    for voter, answer in (("a", 0), ("b", 1), ("c", 1), ("a", 1)):
        room.vote(voter, answer, 2)
    assert room.counts(2) == [0, 3]
    assert json.loads(room.told(2, presenter=False))["votes"] is None
    assert json.loads(room.told(2, presenter=True))["votes"] == {"total": 3, "counts": None}
    room.reveal(True)
    assert json.loads(room.told(2, presenter=False))["votes"] == {"total": 3, "counts": [0, 3]}
    with pytest.raises(RoomRefusedError, match="open for votes"):
        room.vote("d", 0, 2)
    assert "'a'" not in repr(room)  # nobody's name is kept


def test_what_changes_nothing_is_not_told_again() -> None:
    room, _ = rooms_of().open("teacher", PLACE, 0)
    versions = []
    for change in (lambda: room.move(PLACE), lambda: room.reveal(False), lambda: room.reveal(True), lambda: room.reveal(True)):
        change()
        versions.append(room.version)
    assert versions == [0, 0, 1, 1]
    room.move(Place(path="/runs/a"))  # without an experiment there is no question, and no votes
    room.reveal(True)
    assert (room.version, room.revealed) == (2, {"prints"})


@pytest.mark.parametrize("answer", [-1, 2])
def test_a_vote_for_what_is_no_answer_is_refused_with_the_bound(answer: int) -> None:
    room, _ = rooms_of().open("teacher", PLACE, 0)
    with pytest.raises(RoomRefusedError) as refused:
        room.vote("a", answer, 2)
    assert (refused.value.field, refused.value.bound) == ("vote", 1)
    assert room.counts(2) == [0, 0]


def test_votes_and_members_are_bounded() -> None:
    room, _ = rooms_of(members=2).open("teacher", PLACE, 0)
    for number in range(4):  # some come back with another browser
        room.vote(f"voter {number}", 0, 2)
    with pytest.raises(RoomRefusedError):
        room.vote("one more", 0, 2)
    room.vote("voter 0", 1, 2)
    room.enter(2)
    room.enter(2)
    with pytest.raises(RoomRefusedError) as refused:
        room.enter(2)
    assert refused.value.bound == 2


@pytest.mark.parametrize(
    "path", ["//elsewhere.example/", "https://elsewhere.example/", "/runs/../x", "/runs/a?b", "javascript:1", "/about"]
)
def test_a_room_leads_nowhere_else(path: str) -> None:
    with pytest.raises(ValueError, match="path"):
        Place.model_validate(HERE | {"path": path})


# --- over the wire


def open_room(server: RunningServer, **place: Any) -> dict[str, Any]:
    answer = server.http.post("/api/rooms", json={"place": HERE | place})
    assert answer.status_code == 201, answer.text
    room: dict[str, Any] = answer.json()
    return room


def enter(server: RunningServer, code: str, *, cookie: bool = True) -> Any:
    headers = {}
    if cookie:
        with httpx.Client(base_url=server.url) as phone:
            phone.get("/")
            headers["Cookie"] = "; ".join(f"{name}={value}" for name, value in phone.cookies.items())
    return connect(f"{server.url.replace('http', 'ws')}/api/rooms/{code}/live", additional_headers=headers)


def hear(connection: Any, **wanted: Any) -> dict[str, Any]:
    """The next state in which these hold."""
    while True:
        said: dict[str, Any] = json.loads(connection.recv(timeout=20))
        if all(said.get(name) == value for name, value in wanted.items()):
            return said


def say(connection: Any, **what: Any) -> None:
    connection.send(json.dumps(what))


def place_of(said: dict[str, Any]) -> str:
    return str(said["place"]["view"]) if "place" in said else ""


def test_everybody_is_told_where_the_teacher_looks_and_late_ones_at_once(server: RunningServer) -> None:
    room = open_room(server)
    with enter(server, room["code"]) as teacher, enter(server, room["code"]) as early:
        assert hear(early)["place"]["step"] == "question"
        say(teacher, token=room["presenter_token"])
        say(teacher, place=HERE | {"step": "watch", "view": "#t=0.5-1.5&c=0.7"})
        while place_of(hear(early)) != "#t=0.5-1.5&c=0.7":
            pass
        with enter(server, room["code"].lower()) as late:
            assert place_of(hear(late)) == "#t=0.5-1.5&c=0.7"


def test_only_the_holder_of_the_token_moves_the_room(server: RunningServer) -> None:
    room = open_room(server)
    with enter(server, room["code"]) as phone:
        hear(phone)
        for message in ({"place": HERE | {"view": "#t=9-10"}}, {"reveal": True}, {"token": "guessed"}):
            say(phone, **message)
            assert json.loads(phone.recv(timeout=20))["refused"]["field"] == next(iter(message))
    told = server.http.get(f"/api/rooms/{room['code']}").json()
    assert (told["place"]["view"], told["votes"]) == ("", None)
    assert server.http.delete(f"/api/rooms/{room['code']}", headers={"X-Presenter-Token": "guessed"}).status_code == 403


def test_phones_vote_once_each_and_see_the_result_when_the_teacher_shows_it(server: RunningServer) -> None:
    room = open_room(server)
    with enter(server, room["code"]) as teacher, enter(server, room["code"]) as one, enter(server, room["code"]) as other:
        say(teacher, token=room["presenter_token"])
        hear(teacher, members=2)
        for phone, answer in ((one, 0), (one, 1), (other, 1)):
            say(phone, vote=answer)
        hear(teacher, votes={"total": 2, "counts": None})
        assert hear(one)["votes"] is None
        say(teacher, reveal=True)
        assert hear(one, votes={"total": 2, "counts": [0, 2]})
        assert hear(other, votes={"total": 2, "counts": [0, 2]})
        say(one, vote=0)
        assert json.loads(one.recv(timeout=20))["refused"]["field"] == "vote"


@pytest.mark.parametrize(
    ("message", "field"),
    [({"vote": "1"}, "vote"), ({"vote": True}, "vote"), ({"vote": 7}, "vote"), ({"x": 1}, "message")],
)
def test_what_cannot_be_is_refused_by_name_and_the_room_goes_on(
    server: RunningServer, message: dict[str, Any], field: str
) -> None:
    room = open_room(server)
    with enter(server, room["code"]) as phone:
        hear(phone)
        say(phone, **message)
        assert json.loads(phone.recv(timeout=20))["refused"]["field"] == field
        say(phone, vote=1)
        assert server.http.get(f"/api/rooms/{room['code']}").status_code == 200


def test_without_a_cookie_nobody_votes(server: RunningServer) -> None:
    room = open_room(server)
    with enter(server, room["code"], cookie=False) as phone:
        hear(phone)
        say(phone, vote=1)
        assert "cookie" in json.loads(phone.recv(timeout=20))["refused"]["detail"]


def closing(connection: Any) -> int:
    with pytest.raises(ConnectionClosed):
        while True:
            connection.recv(timeout=20)
    return int(connection.protocol.close_code)


def test_connections_end_with_a_code_that_says_why(server: RunningServer) -> None:
    room = open_room(server)
    with enter(server, "ZZZZZ") as phone:
        assert closing(phone) == 4404
    with enter(server, room["code"]) as phone:
        phone.send("[1]")
        assert closing(phone) == 4400
    with enter(server, room["code"]) as phone:
        for _ in range(60):
            say(phone, vote=0)
        assert closing(phone) == 4429
    with enter(server, room["code"]) as phone:
        phone.send("x" * 5000)
        assert closing(phone) == 1009
    with enter(server, room["code"]) as phone:
        token = {"X-Presenter-Token": room["presenter_token"]}
        assert server.http.delete(f"/api/rooms/{room['code']}", headers=token).status_code == 204
        assert closing(phone) == 4410
    assert server.http.get(f"/api/rooms/{room['code']}").status_code == 404


def test_a_full_room_says_so(tmp_path: Path) -> None:
    with serving_course(tmp_path, SCHEDSCOPE_ROOM_MEMBERS="2", SCHEDSCOPE_ROOMS_PER_CLIENT="1") as server:
        room = open_room(server)
        refused = server.http.post("/api/rooms", json={"place": HERE})
        assert refused.status_code == 429
        assert refused.json()["errors"][0]["field"] == "rooms_per_client"
        with enter(server, room["code"]) as one, enter(server, room["code"]):
            hear(one)
            with enter(server, room["code"]) as third:
                assert closing(third) == 1013
            one.close()
            with enter(server, room["code"]) as third:
                assert hear(third)["place"]["path"] == HERE["path"]


@pytest.mark.parametrize("place", [{"path": "//x"}, {"step": "dance"}, {"view": "#" + "x" * 3000}, {"colour": "red"}])
def test_a_wrong_place_is_refused_by_its_field(server: RunningServer, place: dict[str, Any]) -> None:
    answer = server.http.post("/api/rooms", json={"place": HERE | place})
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == f"place.{next(iter(place))}"


def test_the_door_leads_to_where_the_teacher_is(server: RunningServer) -> None:
    room = open_room(server)
    answer = server.http.get(f"/room/{room['code'].lower()}?lang=zh")
    assert (answer.status_code, answer.headers["location"]) == (303, f"/experiments/prints?count=3&lang=zh&room={room['code']}")
    for code, status in (("ZZZZZ", 404), ("", 200)):
        door = server.http.get("/room", params={"code": code, "lang": "en"}, headers={"Accept": "text/html"})
        assert door.status_code == status
        assert 'name="code"' in door.text


@pytest.mark.slow
@pytest.mark.alone
def test_three_hundred_phones_all_end_with_the_last_place(server: RunningServer) -> None:
    lags, lasts, messages = asyncio.run(lecture(server.url, phones=300, moves=30))
    assert lasts == [30] * 300
    assert len(lags) == messages <= 300 * 31
