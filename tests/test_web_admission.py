"""Who may start a run: a browser, its address, and the queue, each with its bound and the time to come back."""

from __future__ import annotations

from http.cookies import SimpleCookie
from pathlib import Path

import httpx
import pytest

from app.web.admission import Admission, Bounds, Waiting
from app.web.clients import COOKIE, Client, address_key
from app.web.problems import Problem
from tests.web_tools import RunningServer, serving_course

BOUNDS = Bounds(
    runs_per_minute=6, waiting_per_client=2, runs_per_minute_per_address=300, waiting_per_address=60, queue_length=64
)
NONE_WAITING = Waiting(0, 0, 0, 5.0)


def refusal(admission: Admission, client: Client, now_s: float, waiting: Waiting = NONE_WAITING) -> Problem:
    with pytest.raises(Problem) as caught:
        admission.admit(client, now_s, waiting)
    return caught.value


def test_a_lecture_hall_behind_one_address_starts_a_run_each() -> None:
    admission = Admission(BOUNDS)
    for number in range(300):
        admission.admit(Client(f"browser {number}", "192.0.2.1"), number * 0.1, NONE_WAITING)
    refused = refusal(admission, Client("browser 300", "192.0.2.1"), 30.0)
    assert (refused.status, refused.errors[0].field, refused.errors[0].bound) == (429, "runs_per_minute_per_address", 300)
    assert refused.headers["Retry-After"] == "30"  # when the first of them is a minute ago
    admission.admit(Client("browser 0", "192.0.2.2"), 30.0, NONE_WAITING)
    admission.admit(Client("browser 300", "192.0.2.1"), 60.1, NONE_WAITING)


def test_one_browser_is_bounded_whatever_its_address() -> None:
    admission = Admission(BOUNDS)
    for number in range(6):
        admission.admit(Client("browser a", f"192.0.2.{number}"), float(number), NONE_WAITING)
    refused = refusal(admission, Client("browser a", "192.0.2.9"), 10.0)
    assert (refused.errors[0].field, refused.headers["Retry-After"]) == ("runs_per_minute", "50")


def test_what_is_refused_is_not_counted() -> None:
    admission = Admission(BOUNDS)
    for _ in range(100):
        refusal(admission, Client("browser a", "192.0.2.1"), 0.0, Waiting(2, 2, 2, 5.0))
    admission.admit(Client("browser a", "192.0.2.1"), 0.0, NONE_WAITING)


@pytest.mark.parametrize(
    ("waiting", "status", "field"),
    [
        (Waiting(2, 2, 10, 7.5), 429, "waiting_per_client"),
        (Waiting(0, 60, 60, 7.5), 429, "waiting_per_address"),
        (Waiting(0, 0, 64, 7.5), 503, "queue_length"),
        (Waiting(2, 60, 64, 7.5), 503, "queue_length"),
    ],
)
def test_waiting_is_bounded_and_says_when_a_place_is_free(waiting: Waiting, status: int, field: str) -> None:
    refused = refusal(Admission(BOUNDS), Client("browser a", "192.0.2.1"), 0.0, waiting)
    assert (refused.status, refused.errors[0].field, refused.headers["Retry-After"]) == (status, field, "8")


@pytest.mark.parametrize(
    ("host", "key"),
    [("192.0.2.7", "192.0.2.7"), ("2001:db8::1:2", "2001:db8::/64"), ("::ffff:192.0.2.7", "192.0.2.7"), (None, "unknown")],
)
def test_an_address(host: str | None, key: str) -> None:
    assert address_key(host) == key


def browser(server: RunningServer) -> httpx.Client:
    """A browser that has looked at a page."""
    one = httpx.Client(base_url=server.url, timeout=60.0)
    one.get("/", headers={"Accept": "text/html"})
    return one


def start(client: httpx.Client) -> int:
    return client.post("/api/runs", json={"experiment": "prints", "parameters": {"count": 1}}).status_code


def test_browsers_of_one_address_do_not_take_each_others_runs(tmp_path: Path) -> None:
    limits = {"SCHEDSCOPE_RUNS_PER_MINUTE": "2", "SCHEDSCOPE_RUNS_PER_MINUTE_PER_ADDRESS": "5"}
    with serving_course(tmp_path, **limits) as server:
        browsers = [browser(server) for _ in range(3)]
        assert [start(one) for one in browsers[:2] for _ in range(3)] == [201, 201, 429, 201, 201, 429]
        assert [start(browsers[2]), start(browsers[2])] == [201, 429]  # the address has had its five
        assert browsers[2].get("/").status_code == 200  # looking is never bounded
        for one in browsers:
            one.close()


def test_a_cookie_of_ones_own_making_is_no_browser(tmp_path: Path) -> None:
    with serving_course(tmp_path, SCHEDSCOPE_RUNS_PER_MINUTE="2") as server:
        codes = [
            server.http.post(
                "/api/runs", json={"experiment": "prints"}, headers={"Cookie": f"{COOKIE}=made{number}.{'0' * 32}"}
            ).status_code
            for number in range(3)
        ]
    assert codes == [201, 201, 429]


def test_the_cookie_is_for_the_server_alone_and_outlives_a_restart(tmp_path: Path) -> None:
    def given(client: httpx.Client) -> str | None:
        return client.get("/", headers={"Accept": "text/html"}).headers.get("set-cookie")

    with serving_course(tmp_path) as server:
        text = given(server.http)
        assert text
        cookie = SimpleCookie(text)[COOKIE]
        assert cookie["httponly"]
        assert cookie["samesite"] == "lax"
        assert not cookie["max-age"]
        assert not cookie["expires"]
        kept = {COOKIE: cookie.value}
    with serving_course(tmp_path) as server, httpx.Client(base_url=server.url, cookies=kept) as client:
        assert given(client) is None
