"""The facts as a table."""

from __future__ import annotations

import csv
import io

from app.core.export import facts_csv
from app.core.facts import facts
from app.core.recording import read
from app.core.records import LaneKind, State
from tests.samples import MS, Maker


def rows(name: str = "worker") -> tuple[list[dict[str, str]], dict]:
    maker = Maker()
    process = maker.lane(0, 0, LaneKind.PROCESS, "script")
    thread = maker.lane(0, process, LaneKind.THREAD, name, tid=5)
    maker.state(0, thread, State.RUNNING)
    maker.state(30 * MS, thread, State.SLEEP)
    maker.state(100 * MS, thread, State.FINISHED)
    recording = read([maker.blocks(100 * MS)])
    return list(csv.DictReader(io.StringIO(facts_csv(recording)))), facts(recording)


def test_every_number_is_a_row_with_its_lane_and_unit() -> None:
    table, ours = rows()
    found = {(row["section"], row["lane_name"], row["fact"]): (row["value"], row["unit"]) for row in table}
    assert found["run", "", "wall_ns"] == (str(ours["wall_ns"]), "ns")
    assert found["threads", "worker", "states.running"] == (str(30 * MS), "ns")
    assert found["threads", "worker", "states.sleep"] == (str(70 * MS), "ns")
    assert len(found) == len(table)


def test_what_was_not_observed_is_an_empty_cell() -> None:
    table, ours = rows()
    assert ours["cpu_ns"] is None
    assert [row["value"] for row in table if row["fact"] == "cpu_ns"] == [""]


def test_a_name_is_never_a_formula() -> None:
    table, _ = rows('=HYPERLINK("http://evil")')
    assert {row["lane_name"][:2] for row in table if row["section"] == "threads"} == {"'="}
