"""Observations in, recording out: pure and incremental.

    add_process → push records as they are drained → take(until) gives the bytes of everything up to `until`

Records of many processes and threads arrive in batches that overlap in time, so what is newer than `until` is held back and
the rest is put in order. Within one lane times never go backwards: a record that comes too late is moved to the lane's last
time. Two things are derived here and nowhere guessed: a task or greenlet whose timer has run out but that has not been
run is *ready* from the moment its timer was due, and lanes of a process that is gone end with it.

Loops run over new strings and lanes only; states, flows and marks are handled as columns, because a run may bring a million
of them a second.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from app.core import blocks, rows, threads
from app.core import observations as obs
from app.core.blocks import BlockKind
from app.core.copies import Calls
from app.core.ends import LASTING, end_ns, ends
from app.core.entries import Entries
from app.core.kernel import SWITCH, KernelLanes
from app.core.objects import EVENT, KINDS, ProcessObjects
from app.core.process import ProcessNumbers
from app.core.records import FlowKind, LaneKind, MarkKind, State, Stream
from app.core.semaphores import SemaphoreLanes
from app.core.streams import MAX_STREAMS, Streams
from app.core.tables import DetailTable, LaneTable, StringTable
from app.core.timed import encode_arrows, encode_timed
from app.core.timers import overdue, ready_when_due, whole
from app.core.translation import MOST_GILS, of_gils, of_threads, resolved, translate

DUE = "due"
"""The text of a ready state that was computed from a timer's delay, so that nobody takes it for an observation."""

_EVENT_KINDS = (*KINDS, obs.Kind.STATE, obs.Kind.FLOW, obs.Kind.FAR_FLOW, obs.Kind.MARK, obs.Kind.GIL)


@dataclass(frozen=True, slots=True)
class Counts:
    """How much has been taken and lost so far."""

    records: int
    dropped: int
    processes: int


class Timeline:
    """Turns observations into a recording's blocks. Times are absolute CLOCK_MONOTONIC nanoseconds and come in as arguments."""

    def __init__(self) -> None:
        self._strings, self._details, self._lanes = StringTable(), DetailTable(), LaneTable()
        self._calls = Calls(self._lanes)
        self._streams = Streams()
        self._told_left_out = False
        self.entries = Entries(self._lanes, self._strings)
        self._kernel: KernelLanes | None = None
        self._switches: list[NDArray[np.void]] = []
        self._processes: list[ProcessNumbers] = []
        self._objects: list[ProcessObjects] = []
        self._pending: list[NDArray[np.void]] = []
        self._output: list[bytes] = []
        self._records = 0
        self._dropped = 0
        self._semaphores = SemaphoreLanes(self._lanes, self._strings, self._lane_of_pid)
        self._encoders = (
            (obs.Kind.STATE, self._states),
            (obs.Kind.FLOW, self._flows),
            (obs.Kind.COUNTER, _counters),
            (obs.Kind.MARK, self._marks),
        )

    def counts(self) -> Counts:
        """Records taken, records dropped, processes seen."""
        return Counts(self._records + self.entries.count, self._dropped, len(self._processes))

    def add_process(self, pid: int, ppid: int, t_ns: int, name: str) -> int:
        """A process has begun to be observed; returns the key for `push`. Its parent is the latest one with pid `ppid`."""
        parent = next((p for p in reversed(self._processes) if p.pid == ppid), None)
        above = parent.lane if parent else 0
        number = parent.name if parent else self._strings.number(name)  # a fork is its parent's like until it says otherwise
        lane = self._lanes.open(t_ns, above, LaneKind.PROCESS, number, pid, 0)
        self._processes.append(ProcessNumbers(lane, pid, number, self._lanes, self._strings))
        self._objects.append(ProcessObjects())
        self._event(t_ns, lane, obs.Kind.STATE, State.RUNNING)
        if above:
            self._event(t_ns, above, obs.Kind.FLOW, FlowKind.SPAWN, value=lane)
        return len(self._processes) - 1

    def push(self, process: int, records: NDArray[np.void]) -> None:
        """Takes one drained batch of a process's ring, in ring order."""
        self._records += len(records)
        numbers = self._processes[process]
        told = records[(records["kind"] == obs.Kind.GIL) & (records["value"] < MOST_GILS)]
        if len(told):  # before the threads of this batch: whoever is born under a GIL has yet to take it
            numbers.gil_lane(int(told["t_ns"][0]), int(told["value"][0]))
        numbers.define(records)
        self._open_strips(numbers)
        for t_ns, lane, taken in self._semaphores.counts(records[records["kind"] == obs.Kind.COUNTER]):
            self._event(t_ns, lane, obs.Kind.COUNTER, 0, value=taken)
        picked = rows.pick(records, np.isin(records["kind"], _EVENT_KINDS))
        if len(picked):
            attached = self._objects[process].attach(numbers, picked)
            events = translate(numbers, *attached)
            self._dropped += len(attached[0]) - len(events)
            self._pending += [of_threads(events), of_gils(numbers, events, self._lanes)]

    def _lane_of_pid(self, pid: int) -> int:
        return next((process.lane for process in reversed(self._processes) if process.pid == pid), 0)

    def observe_kernel(self) -> None:
        """From now on context switches come in: threads get a strip that says where the kernel had them."""
        self._kernel = KernelLanes(self._lanes, self._strings)

    def switches(self, switches: NDArray[np.void]) -> None:
        """Takes context switches (`SWITCH`), in order of time."""
        self._records += len(switches)
        if len(switches):
            self._switches.append(switches)

    def _open_strips(self, numbers: ProcessNumbers) -> None:
        for t_ns, thread, tid in numbers.new_threads if self._kernel else ():
            assert self._kernel
            former = self._kernel.strip_of(tid)
            if former is not None:  # the process has become another observed program, or the number was used again
                self._event(t_ns, former, obs.Kind.STATE, State.FINISHED)
            strip = self._kernel.open_strip(t_ns, thread, numbers.pid, tid)
            self._event(t_ns, strip, obs.Kind.STATE, State.ON_CPU)
        numbers.new_threads.clear()

    def lose(self, count: int) -> None:
        """Counts records that were lost before they came here; the session marks where."""
        self._dropped += count
        self._streams.give_up()

    def output(self, t_ns: int, stream: Stream, data: bytes) -> None:
        """What the program wrote, as it was captured."""
        self._output.append(blocks.encode_output(t_ns, stream, data))

    def mark(self, t_ns: int, process: int | None, kind: MarkKind, text: str) -> None:
        """A mark of the recorder's own on a process's lane, or on the machine's."""
        lane = 0 if process is None else self._processes[process].lane
        self._event(t_ns, lane, obs.Kind.MARK, kind, text=self._strings.number(text))

    def resident(self, process: int, t_ns: int, size_bytes: int) -> None:
        """A sample of a process's resident memory."""
        lane = self._processes[process].memory_lane(t_ns)
        self._event(t_ns, lane, obs.Kind.COUNTER, 0, value=float(size_bytes))

    def end_process(self, process: int, t_ns: int) -> None:
        """The process is gone: whatever of it has not ended, ends now. Call `take` up to its last record first."""
        numbers = self._processes[process]
        t_ns = end_ns(numbers, self._lanes, t_ns)
        if numbers.memory_sampled:
            self.resident(process, max(t_ns, numbers.memory_ns), 0)  # it may have been looked at while it was ending
        self._pending.append(ends(numbers, self._lanes, t_ns))

    def finish(self, t_ns: int) -> bytes:
        """The blocks of all that is left. Strips end by the kernel's word, later than their threads by what the end itself takes;
        where that word has not come (it was lost, or a child lives on), they end now."""
        body = self.take(1 << 63)
        for strip in self._kernel.strips if self._kernel else ():
            if int(self._lanes.state[strip]) not in LASTING:
                self._event(t_ns, strip, obs.Kind.STATE, State.FINISHED)
        return body + self.take(1 << 63)

    def _event(self, t_ns: int, lane: int, kind: obs.Kind, state: int, *, text: int = 0, value: float = np.nan) -> None:
        self._pending.append(np.array([(t_ns, lane, kind, state, text, 0, 0, value, 0, 0, 0, 0)], EVENT))

    # --- taking

    def take(self, until_ns: int) -> bytes:
        """The blocks of everything observed up to `until_ns`, in an order a reader can follow; empty when there is nothing."""
        due = resolved(self._due(until_ns), self._lanes)
        body = b""
        if len(due):
            due, moved = self._calls.take(due, self._kernel is not None)
            due = self._overlaid(due)
            body += self._messages(moved, until_ns)
            for kind, make in self._encoders:
                picked = rows.pick(due, due["kind"] == kind)
                if len(picked) or kind == obs.Kind.STATE:
                    body += make(picked)
        body += self._told_messages(until_ns) + self._overdue(until_ns)
        output, self._output = b"".join(self._output), []
        return self._strings.take() + self._details.take() + self._lanes.take() + body + output

    def _overlaid(self, due: NDArray[np.void]) -> NDArray[np.void]:
        of_thread = self._lanes.kind[due["lane"]] == LaneKind.THREAD
        of_thread &= (due["kind"] == obs.Kind.STATE) | (due["kind"] == obs.Kind.GIL)
        if not of_thread.any():
            return due
        return rows.join([rows.pick(due, ~of_thread), threads.overlay(rows.pick(due, of_thread), self._lanes)])

    def _due_switches(self, until_ns: int) -> None:
        """Switches up to `until` become states; by then the records that name their threads have come."""
        if not self._kernel:
            return
        switches = rows.join([np.empty(0, SWITCH), *self._switches])
        later = switches["t"] > np.uint64(max(until_ns, 0))
        self._switches = [rows.pick(switches, later)] if later.any() else []
        placed = self._kernel.rows(rows.pick(switches, ~later))
        events = np.zeros(len(placed), EVENT)
        events["kind"] = obs.Kind.STATE
        for column in ("t", "lane", "state", "value"):
            events[column] = placed[column]
        self._pending.append(events)

    def _due(self, until_ns: int) -> NDArray[np.void]:
        self._due_switches(until_ns)
        told = self.entries.take_events()
        if len(told):
            self._pending.append(told)
        if not self._pending:
            return np.empty(0, EVENT)
        events = rows.join(self._pending)
        later = events["t"] > np.uint64(max(until_ns, 0))
        self._pending = [rows.pick(events, later)] if later.any() else []
        return rows.in_order(rows.pick(events, ~later), "t")

    def _states(self, events: NDArray[np.void]) -> bytes:
        if not len(events):
            return b""
        lanes = self._lanes
        events = rows.in_order(events, "lane")
        lane = events["lane"]
        np.maximum(events["t"], lanes.last_ns[lane], out=events["t"])
        first = np.ones(len(events), bool)
        first[1:] = lane[1:] != lane[:-1]
        last = np.append(first[1:], True)
        due = np.where(events["state"] == State.WAIT_TIMER, events["t"] + whole(events["value"]), np.uint64(0))
        due_before, state_before = np.roll(due, 1), np.roll(events["state"], 1)
        due_before[first], state_before[first] = lanes.due_ns[lane[first]], lanes.state[lane[first]]
        ends = lane[last]
        lanes.state[ends], lanes.last_ns[ends], lanes.due_ns[ends] = events["state"][last], events["t"][last], due[last]
        events = ready_when_due(events, due_before, state_before, self._strings.number(DUE))
        return self._encode_states(rows.in_order(events, "t"))

    def _overdue(self, now_ns: int) -> bytes:
        late = overdue(self._lanes, now_ns, self._strings.number(DUE))
        return self._encode_states(late) if len(late) else b""

    def _encode_states(self, events: NDArray[np.void]) -> bytes:
        detail = self._details.numbers(events)
        columns = {"lane": events["lane"], "state": events["state"], "detail": detail}
        return encode_timed(BlockKind.STATES, events["t"], columns)

    def _flows(self, events: NDArray[np.void]) -> bytes:
        said = rows.copy(events)
        said["value"], said["holder"] = np.nan, 0
        detail = self._details.numbers(said)
        columns = {"from": events["lane"], "to": events["value"].astype(np.uint32), "kind": events["state"], "detail": detail}
        return encode_timed(BlockKind.FLOWS, events["t"], columns | {"t2": None})

    def _messages(self, moved: NDArray[np.void], until_ns: int) -> bytes:
        """Arrows from who wrote to who read it, for what has been moved by now, by threads or through a tap."""
        moved = rows.join([moved, self.entries.take_moved(until_ns)])
        found = self._streams.take(moved, self._calls.going_on(), self._strings.texts, until_ns)
        if self._streams.left_out and len(moved) and not self._told_left_out:
            self._told_left_out = True
            text = f"more than {MAX_STREAMS} pipes and connections: who reads what others write is not followed"
            self._event(int(moved["t"].max()), 0, obs.Kind.MARK, MarkKind.HOOK, text=self._strings.number(text))
        found = rows.in_order(found, "t")
        kind, none = np.full(len(found), FlowKind.MESSAGE, np.uint8), np.zeros(len(found), np.uint32)
        columns = {"from": found["from"], "to": found["to"], "kind": kind, "detail": none}
        return encode_arrows(found["t"], found["t2"], columns)

    def _told_messages(self, until_ns: int) -> bytes:
        flows = self.entries.take_flows(until_ns)
        if not len(flows):
            return b""
        said = np.zeros(len(flows), EVENT)
        said["text"], said["value"] = flows["text"], flows["value"]
        detail = self._details.numbers(said)
        columns = {name: flows[name] for name in ("from", "to", "kind")}
        return encode_timed(BlockKind.FLOWS, flows["t"], columns | {"detail": detail, "t2": None})

    def _marks(self, events: NDArray[np.void]) -> bytes:
        return encode_timed(
            BlockKind.MARKS, events["t"], {"lane": events["lane"], "text": events["text"], "kind": events["state"]}
        )


def _counters(events: NDArray[np.void]) -> bytes:
    return encode_timed(BlockKind.COUNTERS, events["t"], {"value": events["value"], "lane": events["lane"]})
