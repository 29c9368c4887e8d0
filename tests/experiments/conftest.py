"""Every test of an experiment holds both ways: as its owner runs it, and in the sandbox, as a visitor's run is."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.experiments import observe


@pytest.fixture(params=["plain", pytest.param("sandboxed", marks=[pytest.mark.sandbox, pytest.mark.slow])], autouse=True)
def way(request: pytest.FixtureRequest) -> Iterator[str]:
    """The way in which `observe.seen` runs experiments during this test."""
    token = observe.way.set(request.param)
    yield request.param
    observe.way.reset(token)


def pytest_runtest_setup(item: pytest.Item) -> None:
    """A test asked once more is shown new runs (pytest-rerunfailures counts)."""
    if getattr(item, "execution_count", 1) > 1:
        for kept in observe.KEPT:
            kept.cache_clear()
