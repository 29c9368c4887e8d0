"""What every test may use. A missing tool skips the tests that need it; it never makes them pass."""

from __future__ import annotations

import shutil
import socket
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
BROWSERS = ("chromium", "chromium-browser", "google-chrome")

# marker, what it needs, where that is
NEEDS = (
    ("browser", "a browser", lambda: any(map(shutil.which, BROWSERS))),
    ("sandbox", "bubblewrap", lambda: shutil.which("bwrap")),
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for marker, what, there in NEEDS:
        marked = [item for item in items if item.get_closest_marker(marker)]
        if marked and not there():
            for item in marked:
                item.add_marker(pytest.mark.skip(reason=f"needs {what}"))


@pytest.fixture(scope="session")
def chromium() -> str:
    """The path of the system's browser, for playwright's `executable_path`."""
    found = next(filter(None, map(shutil.which, BROWSERS)), None)
    return found or pytest.skip("needs a browser")


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
