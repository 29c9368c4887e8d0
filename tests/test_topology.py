"""The picture of RabbitMQ in a browser: from the click to the message drawn, against a real node, and both views as one."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page

from app import resources
from app.core.recording import read
from app.core.records import LaneKind
from tests.broker_tools import needs_broker
from tests.browser import open_page, wait_state
from tests.web_tools import SANDBOXED, RunningServer, blocks_of, serving

pytestmark = [needs_broker, pytest.mark.browser, pytest.mark.sandbox, pytest.mark.timeout(300)]

BROKER = {LaneKind.CHANNEL, LaneKind.EXCHANGE, LaneKind.QUEUE, LaneKind.CONSUMER}
NOTES_DOTS = """
window.dots = [];
addEventListener("DOMContentLoaded", () => {
  const pane = document.querySelector("#topology");
  const note = () => pane.querySelectorAll(".topology-dot").forEach((dot) => window.dots.push([dot.dataset.mood, dot.textContent]));
  if (pane) new MutationObserver(note).observe(pane, { subtree: true, childList: true, attributes: true });
});
"""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    folder = tmp_path_factory.mktemp("topology")
    with serving(folder, SANDBOXED, SCHEDSCOPE_EXPERIMENTS_DIR=str(resources.experiments_dir())) as server:
        yield server


def node(page: Page, role: str) -> str:
    """What the one node of that role says."""
    return page.locator(f'.topology-node[data-role="{role}"]').inner_text()


def look_at(page: Page, t_ns: float) -> None:
    """Puts the cursor there, as an address does, and waits until both views show it."""
    address = f"{page.url.split('#')[0]}#c={t_ns / 1e9:.9f}"
    page.goto("about:blank")  # another fragment alone would not load the page anew
    page.goto(address)
    wait_state(page, "finished")
    page.wait_for_function("t => Math.abs(Number(document.querySelector('#topology').dataset.shownNs) - t) < 2", arg=t_ns)


@pytest.mark.parametrize("first", ["send", pytest.param("receive", marks=pytest.mark.slow)])
def test_hello_from_the_click_to_the_message_drawn(server: RunningServer, browser: Browser, first: str) -> None:
    page = open_page(browser, "about:blank")
    page.context.add_init_script(NOTES_DOTS)
    page.goto(f"{server.url}/experiments/rabbit-hello?lang=en&first={first}")
    page.locator("#run").click()
    wait_state(page, "running")
    wait_state(page, "finished")
    page.wait_for_function(
        "() => dots.some(([mood, text]) => mood === 'sent' && text.includes('Hello World!'))", timeout=60_000
    )
    assert page.locator(".topology-totals span").all_inner_texts() == ["1 published", "1 delivered"]
    assert "key = queue name" in node(page, "exchange")
    assert node(page, "queue").split("\n")[:3] == ["hello", "0 ready", "0 unacked"]
    notes = page.locator(".name:has-text('connection') .name-note").all_inner_texts()
    assert (
        sorted(notes)
        == sorted(page.locator(".name[data-kind='2'][aria-level='2'] .name-note").all_inner_texts())[: len(notes)]
        != []
    )

    steps = message_steps(server, page)
    look_at(page, steps[0] + 1)
    assert "1 ready" in node(page, "queue") or steps[-1] == steps[0]
    page.wait_for_selector(".topology-dot[data-mood='sent']:has-text('Hello World!')", state="attached")
    look_at(page, steps[0] - 1)
    assert page.locator(".topology-totals span").all_inner_texts() == ["0 published", "0 delivered"]
    assert not page.locator(".topology-dot").count()
    one_selection(page)
    assert page.errors == []  # type: ignore[attr-defined]
    page.context.close()


def message_steps(server: RunningServer, page: Page) -> list[int]:
    """When the one message was published, routed and delivered, in nanoseconds after the start."""
    run = page.url.split("/runs/")[1].split("?")[0].split("#")[0]
    data = server.http.get(f"/api/runs/{run}/recording").content
    recording, begin = read([data]), blocks_of(data)[0].t0_ns
    kinds = [lane.kind for lane in recording.lanes]
    flows = zip(recording.flows["t"], recording.flows["from"], recording.flows["to"], strict=True)
    steps = sorted(int(t) - begin for t, a, b in flows if {kinds[a], kinds[b]} <= BROKER)
    assert len(steps) == 3
    return steps


def one_selection(page: Page) -> None:
    """A queue that is clicked is selected among the lanes, and the other way round; the keyboard does the same."""
    queue = page.locator('.topology-node[data-role="queue"]')
    queue.click()
    page.wait_for_selector(".name.is-selected:has-text('queue hello')")
    assert queue.get_attribute("aria-pressed") == "true"
    page.locator(".name", has_text="default exchange").click()
    page.wait_for_selector('.topology-node[data-role="exchange"][aria-pressed="true"]')
    queue.focus()
    page.keyboard.press("Enter")
    page.wait_for_selector(".name.is-selected:has-text('queue hello')")
