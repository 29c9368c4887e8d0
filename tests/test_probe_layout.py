"""The C header and the recorder agree on every size and offset: the compiler itself is asked."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from app.core import observations as obs
from app.sandbox.command import RINGS_BYTES
from app.sandbox.limits import Limits, kernel_limits

PROGRAM = """
#include <stdio.h>
#include "probe.h"
#define SHOW(type, member) printf(#member " %zu\\n", offsetof(struct type, member))
int main(void)
{
    SHOW(probe_record, t_ns); SHOW(probe_record, lane); SHOW(probe_record, kind); SHOW(probe_record, state);
    SHOW(probe_record, file); SHOW(probe_record, line); SHOW(probe_record, text); SHOW(probe_record, value);
    SHOW(probe_ring, magic); SHOW(probe_ring, version); SHOW(probe_ring, slots); SHOW(probe_ring, pid);
    SHOW(probe_ring, ppid); SHOW(probe_ring, t_start_ns); SHOW(probe_ring, program); SHOW(probe_ring, alive);
    SHOW(probe_ring, head); SHOW(probe_ring, tail); SHOW(probe_ring, dropped);
    printf("record %zu\\nslots_at %d\\n", sizeof(struct probe_record), PROBE_SLOTS_OFFSET);
    printf("STATE %d\\nSTRING %d\\nLANE %d\\nNAME %d\\nFLOW %d\\nMARK %d\\nCOUNTER %d\\nGIL %d\\nKERNEL %d\\nOBJECT %d\\nABOUT %d\\nFAR_FLOW %d\\n", PROBE_STATE,
           PROBE_STRING, PROBE_LANE, PROBE_NAME, PROBE_FLOW, PROBE_MARK, PROBE_COUNTER, PROBE_GIL, PROBE_KERNEL, PROBE_OBJECT, PROBE_ABOUT, PROBE_FAR_FLOW);
    printf("magic_value %llu\\n", (unsigned long long)PROBE_MAGIC);
}
"""


@pytest.fixture(scope="module")
def header(tmp_path_factory: pytest.TempPathFactory) -> dict[str, int]:
    compiler = shutil.which("cc") or pytest.skip("needs a C compiler")
    folder = tmp_path_factory.mktemp("layout")
    (folder / "show.c").write_text(PROGRAM)
    include = Path(__file__).parent.parent / "app/probe"
    subprocess.run([compiler, "-std=c11", "-D_GNU_SOURCE", f"-I{include}", "-o", "show", "show.c"], cwd=folder, check=True)
    shown = subprocess.run([folder / "show"], capture_output=True, text=True, check=True).stdout
    return {name: int(number) for name, number in (line.split() for line in shown.splitlines())}


def test_a_record_has_the_layout_that_numpy_reads(header: dict[str, int]) -> None:
    assert header["record"] == obs.RECORD.itemsize
    for name in obs.RECORD.names or ():
        assert header[name] == (obs.RECORD.fields or {})[name][1], name


def test_a_ring_has_the_layout_that_the_recorder_reads(header: dict[str, int]) -> None:
    names = [name for name in obs.RING_HEADER.names or () if name != "version"]
    assert {name: header[name] for name in names} == {name: (obs.RING_HEADER.fields or {})[name][1] for name in names}
    assert header["slots_at"] == obs.SLOTS_OFFSET_BYTES
    assert header["magic_value"] == obs.MAGIC


def test_kinds_of_record_are_the_same(header: dict[str, int]) -> None:
    assert {kind.name: header[kind.name] for kind in obs.Kind} == {kind.name: int(kind) for kind in obs.Kind}


def test_the_sandbox_lets_a_program_have_its_whole_ring() -> None:
    source = (Path(__file__).parent.parent / "app/probe/preload/ring.c").read_text()
    (shift,) = re.findall(r"#define SLOTS_OF_PROGRAM \(1u << (\d+)\)", source)
    ring_bytes = obs.SLOTS_OFFSET_BYTES + (obs.RECORD.itemsize << int(shift))
    assert kernel_limits(Limits())["RLIMIT_FSIZE"] >= ring_bytes
    assert 4 * ring_bytes <= RINGS_BYTES
