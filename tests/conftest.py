"""What every test may use. A missing tool skips the tests that need it; it never makes them pass."""

from __future__ import annotations

import os
import re
import shutil
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings
from playwright.sync_api import Browser

from app.broker import installation
from app.broker.lease import KeeperProcess
from tests.browser import chromium_browser

# How long an example takes says how busy the machine is, nothing of what is tested; pytest's timeout ends what hangs.
settings.register_profile("schedscope", deadline=None)
settings.load_profile("schedscope")

ROOT = Path(__file__).resolve().parent.parent


def find_browser() -> str | None:
    """The system's Chromium, else the newest that playwright has fetched."""
    fetched = Path(os.environ.get("PLAYWRIGHT_BROWSERS_PATH") or Path.home() / ".cache/ms-playwright")
    newest_first = sorted(map(str, fetched.glob("chromium-*/*/chrome")), reverse=True)
    return next(filter(None, [shutil.which("chromium"), shutil.which("google-chrome"), *newest_first]), None)


# marker, what it needs, where that is
NEEDS = (
    ("browser", "a browser", find_browser),
    ("sandbox", "bubblewrap", lambda: shutil.which("bwrap")),
)


ALONE = re.compile(
    r"tests/experiments/|tests/test_(broker(?!_page)|calibration|facts|interpreters|memory|other_interpreters|probe|sandbox|tap|truth|without_hooks|worker)"
)
"""What is told there is how threads got the cores and what the machine had left: nothing else may run meanwhile."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if ALONE.match(item.nodeid):
            item.add_marker("alone")
    items.sort(key=lambda item: item.get_closest_marker("alone") is None)
    for marker, what, there in NEEDS:
        marked = [item for item in items if item.get_closest_marker(marker)]
        if marked and not there():
            for item in marked:
                item.add_marker(pytest.mark.skip(reason=f"needs {what}"))


@pytest.fixture(scope="session")
def chromium() -> str:
    """The path of a browser, for playwright's `executable_path`."""
    return find_browser() or pytest.skip("needs a browser")


@pytest.fixture(scope="session")
def only_browser(chromium: str) -> Iterator[Browser]:
    """The browser that all tests of this session share. While it is open, no event loop can be run in this thread."""
    with chromium_browser(chromium) as opened:
        yield opened


@pytest.fixture
def browser(only_browser: Browser) -> Iterator[Browser]:
    """A browser without a page; what a test has opened is closed after it."""
    yield only_browser
    for context in only_browser.contexts:
        context.close()


@pytest.fixture(scope="session")
def libprobe() -> Path:
    """The built preload library; without a compiler there is none."""
    path = ROOT / "app/probe/libprobe.so"
    return path if path.exists() else pytest.skip("libprobe.so is not built: make run says why")


@pytest.fixture
def free_port() -> int:
    """A TCP port of loopback that nobody listened on a moment ago."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


@pytest.fixture(scope="session")
def keeper() -> Iterator[str]:
    """The socket of a keeper of RabbitMQ nodes, which all tests of this session share: a node takes seconds to start."""
    if installation.find() is None:
        pytest.skip("needs RabbitMQ")
    process = KeeperProcess()
    yield process.socket_path()
    process.close()
