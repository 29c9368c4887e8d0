"""What the page says where RabbitMQ is missing, refuses the login, or dies in the middle of a run."""

from __future__ import annotations

import os
import signal
import tempfile
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from app import resources
from tests.broker_tools import leased, needs_broker, nodes_in
from tests.browser import open_page, wait_state
from tests.web_tools import SANDBOXED, RunningServer, serving, write_experiment

pytestmark = [pytest.mark.slow, pytest.mark.browser, pytest.mark.sandbox, pytest.mark.timeout(300)]

COURSE = {"SCHEDSCOPE_EXPERIMENTS_DIR": str(resources.experiments_dir())}
STAYS = """
import pika
connection = pika.BlockingConnection(pika.ConnectionParameters("localhost"))
channel = connection.channel()
channel.queue_declare("jobs")
for number in range(5):
    channel.basic_publish("", "jobs", str(number))
connection.process_data_events(0.2)
print("published", flush=True)
connection.process_data_events(120)
"""


def facts_of(page: Page) -> str:
    """What is said below the picture of a run that has ended."""
    wait_state(page, "finished")
    page.wait_for_selector("#facts:not([aria-busy=true]):not([hidden])")
    return page.locator(".facts-said").inner_text()


@pytest.mark.parametrize(
    ("lang", "install"), [("en", "apt-get install --no-install-recommends rabbitmq-server"), ("zh", "rabbitmq-server")]
)
def test_without_rabbitmq_the_page_says_what_to_install_and_shows_the_sample(
    tmp_path: Path, browser: Browser, lang: str, install: str
) -> None:
    with serving(tmp_path, SANDBOXED, SCHEDSCOPE_RABBITMQ=str(tmp_path / "nothing"), **COURSE) as server:
        page = open_page(browser, f"{server.url}/experiments/rabbit-hello?lang={lang}")
        page.wait_for_selector(f"#status:has-text('{install}')")
        assert page.locator("#run").is_disabled()
        for _ in ("without a guess", "the sample"):
            page.locator(".question-next button").click()
        page.wait_for_selector(".topology-node[data-role='queue']:has-text('hello')")
        assert install in page.locator("#status").inner_text()
        assert page.errors == []  # type: ignore[attr-defined]
        refused = server.http.post("/api/runs", json={"experiment": "rabbit-hello"})
        assert (refused.status_code, "apt-get install" in refused.json()["detail"]) == (409, True)
        page.context.close()


@needs_broker
def test_a_given_broker_that_refuses_the_login_is_named(tmp_path: Path, keeper: str, browser: Browser) -> None:
    with leased(keeper) as lease:
        access = lease.access
        url = f"amqp://{access.user}:wrong@{access.host}:{access.port}/{access.vhost}"
        with serving(tmp_path, (*SANDBOXED, "--broker", url), **COURSE) as server:
            page = run_on_page(server, browser, "rabbit-hello")
            said = facts_of(page)
    assert f"The RabbitMQ of --broker ({access.host}:{access.port}) refused the login: 403 ACCESS_REFUSED" in said
    assert "wrong" not in page.content()
    assert page.errors == []  # type: ignore[attr-defined]
    page.context.close()


def run_on_page(server: RunningServer, browser: Browser, experiment: str) -> Page:
    """A visitor's click."""
    page = open_page(browser, f"{server.url}/experiments/{experiment}?lang=en")
    page.locator("#run").click()
    wait_state(page, "running", "finished")
    return page


@needs_broker
def test_a_broker_that_dies_meanwhile_is_named_and_what_was_recorded_stays(tmp_path: Path, browser: Browser) -> None:
    write_experiment(tmp_path / "experiments", "stays", STAYS, topic="rabbitmq", extra='requires = ["broker"]')
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o755)
        with serving(tmp_path, SANDBOXED, TMPDIR=folder) as server:
            page = run_on_page(server, browser, "stays")
            page.wait_for_selector(".output-lines li:has-text('published')", timeout=60_000)
            for node in nodes_in(folder):
                os.kill(node, signal.SIGKILL)
            said = facts_of(page)
            queue = page.locator('.topology-node[data-role="queue"]').inner_text()
            publisher = page.locator('.topology-node[data-role="producer"]').inner_text()
    assert "RabbitMQ was gone at" in said
    assert "it broke connection 1 off without a word" in said
    assert queue.split("\n")[:2] == ["jobs", "5 ready"]
    assert "connection lost" in publisher
    assert page.errors == []  # type: ignore[attr-defined]
    page.context.close()
