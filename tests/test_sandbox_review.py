"""What a reviewer's attacks found: each test is an attack, or a harmless program that was taken for one."""

from __future__ import annotations

import errno
import os
import resource
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from app.core.records import Outcome
from app.sandbox import launch, seccomp
from app.sandbox.launch import Program, SandboxedRun, SandboxError, bubblewrap
from app.sandbox.limits import Limits, kernel_limits
from app.sandbox.outcome import Exit, outcome_of
from app.sandbox.runtime import Runtime
from app.sandbox.usage import Cpu, CpuAccount, shared_anonymous
from tests.sandboxed import MIB, NAME, held, nothing_left, prints, sandbox_processes, sandboxed  # noqa: F401

pytestmark = pytest.mark.skipif(bubblewrap() is None, reason="bubblewrap is not installed")


# --- the stage, process 1 of its namespace


def test_a_socket_family_is_refused_whatever_its_upper_bits() -> None:
    assert set(prints("""
        import ctypes
        socket = ctypes.CDLL(None, use_errno=True).syscall
        for family, kind in ((16, 3), (40, 1), (17, 3)):
            for upper in (0, 1 << 32):
                print(socket(41, ctypes.c_ulong(upper | family), ctypes.c_ulong(kind), ctypes.c_ulong(0)), ctypes.get_errno())
    """)) == {"-1", str(errno.EAFNOSUPPORT)}  # fmt: skip


def test_nothing_of_the_stage_can_be_read_or_written() -> None:
    assert prints("""
        import os
        print(os.getppid())
        for name in ("mem", "environ", "maps", "fd"):
            try:
                path = f"/proc/1/{name}"
                os.listdir(path) if name == "fd" else os.open(path, os.O_RDWR if name == "mem" else os.O_RDONLY)
                print("open:", name)
            except OSError: pass
    """) == ["1"]  # fmt: skip


def test_neither_signals_nor_limits_reach_the_stage() -> None:
    result = sandboxed("""
        import os, resource, signal
        for number in set(signal.Signals) - {signal.SIGSTOP}: os.kill(1, number)
        for what in (resource.RLIMIT_NOFILE, resource.RLIMIT_AS):
            try: resource.prlimit(1, what, (0, 0)); print("done")
            except OSError: pass
        raise SystemExit(3)
    """)
    assert (result.outcome, result.end["exit_code"], result.output) == (Outcome.PROGRAM_ERROR, 3, "")


def test_the_stage_reaps_what_its_namespace_orphans() -> None:
    assert prints("""
        import os
        def gone(pid):
            try: os.stat(f"/proc/{pid}"); return False
            except OSError: return True
        for _ in range(100):
            read, write = os.pipe()
            child = os.fork()
            if child == 0:
                grandchild = os.fork()
                if grandchild: os.write(write, str(grandchild).encode())
                os._exit(0)
            os.waitpid(child, 0)
            grandchild = int(os.read(read, 99))
            os.close(read); os.close(write)
            while not gone(grandchild): os.sched_yield()
        print("reaped")
    """, processes=8) == ["reaped"]  # fmt: skip


def test_nothing_is_alive_when_kill_returns() -> None:
    crowd = """
        import os, signal
        ready = os.pipe()
        for _ in range(150):
            if os.fork() == 0: kept = bytearray(1 << 20); os.write(ready[1], b"x"); signal.pause()
        for _ in range(150): os.read(ready[0], 1)
        print("up", flush=True)
        signal.pause()
    """
    with held(crowd, processes=200, memory_bytes=1024 * MIB) as run:
        assert len(sandbox_processes()) == 151
        run.kill()
        assert sandbox_processes() == set()


REUSE = """
import os, select, subprocess, sys
from app.sandbox.launch import *
run = SandboxedRun(Program(b"print('x')", sys.argv[1]), Limits(), Runtime.of_this_interpreter())
first = next(int(line.split()[1]) for line in open(f"/proc/self/fdinfo/{run._first_fd}") if line.startswith("Pid:"))
run.release()
select.select([run.exit_fd], [], [], 10)
assert run.poll().code == 0
os.waitid(os.P_PIDFD, run._pid_fd, os.WEXITED | os.WNOWAIT)
while os.path.exists(f"/proc/{first}"):
    os.sched_yield()  # until bubblewrap has reaped it
for _ in range(50):
    open("/proc/sys/kernel/ns_last_pid", "w").write(str(first - 1))
    stranger = subprocess.Popen(["cat"], stdin=subprocess.PIPE)
    if stranger.pid == first:
        break
    stranger.kill()
    stranger.wait()
else:
    sys.exit("the number was not given out again")
run.kill()
stranger.stdin.close()
print(stranger.wait())
"""


@pytest.mark.skipif(os.getuid() != 0, reason="only root can choose the next process id")
def test_a_stranger_with_the_number_of_a_process_of_the_run_is_not_killed() -> None:
    command = ["unshare", "--pid", "--fork", "--kill-child", "--mount-proc", sys.executable, "-c", REUSE, NAME]
    answer = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert answer.stdout == "0\n", answer.stderr


# --- memory


SHARED = """
    import mmap, signal
    kept = []
    for _ in range({count}):
        kept.append(mmap.mmap(-1, {size}))
        for offset in range(0, {touched}, 4096): kept[-1][offset] = 1
        {then}
    print("held", flush=True)
    signal.pause()
"""


UNMAPPED = "kept[-1].madvise(mmap.MADV_DONTNEED)"
CLOSED = "; __import__('ctypes').CDLL(None).prctl(4, 0)"  # PR_SET_DUMPABLE: others with its user id cannot look into it


@pytest.mark.parametrize("then", [UNMAPPED, UNMAPPED + CLOSED, "pass"])
def test_shared_pages_count_whether_or_not_they_are_in_a_page_table(then: str) -> None:
    result = sandboxed(SHARED.format(count=10, size=32 * MIB, touched=32 * MIB, then=then), memory_bytes=128 * MIB)
    assert (result.outcome, result.end["bound"]) == (Outcome.MEMORY_LIMIT, 128 * MIB)


def test_a_large_shared_mapping_that_is_hardly_used_counts_little() -> None:
    lines = Path("/proc/meminfo").read_text().splitlines()
    machine = next(int(line.split()[1]) * 1024 for line in lines if line.startswith("Shmem:"))
    with held(SHARED.format(count=1, size=1024 * MIB, touched=MIB, then="pass"), memory_bytes=512 * MIB) as run:
        assert run.usage().memory_bytes < machine + 64 * MIB


def test_shared_mappings_are_known_by_their_device_not_by_their_name() -> None:
    maps = b"""\
7f0000000000-7f0000400000 rw-s 00000000 00:01 12   /dev/zero (deleted)
7f0000400000-7f0000600000 rw-s 00400000 00:01 12   [anon_shmem:innocent]
7f0000600000-7f0000700000 ---s 00000000 00:01 13   /dev/zero (deleted)
7f0000800000-7f0000900000 rw-s 00000000 00:2a 14   /dev/zero (deleted)
7f0000a00000-7f0000b00000 rw-p 00000000 00:00 0
"""
    assert shared_anonymous(maps, b"00:01") == {12: 6 * MIB, 13: MIB}


def test_no_process_has_memory_of_its_own_that_is_not_counted() -> None:
    result = sandboxed("""
        import mmap, os, signal
        ready = os.pipe()
        for _ in range(40):
            if os.fork() == 0:
                kept = mmap.mmap(-1, 8 << 20)
                kept.write(bytes(8 << 20))
                os.write(ready[1], b"x")
                signal.pause()
            os.read(ready[0], 1)
        signal.pause()
    """, memory_bytes=256 * MIB)  # fmt: skip
    assert result.outcome is Outcome.MEMORY_LIMIT


def test_a_ring_is_not_charged_to_the_process_that_has_it() -> None:
    with held("""
        import mmap, os, signal
        file = os.open("/run/schedscope/rings/1.ring", os.O_RDWR | os.O_CREAT)
        os.truncate(file, 8 << 20)
        mmap.mmap(file, 8 << 20).write(bytes(8 << 20))
        print("mapped", flush=True)
        before = signal.pause()
    """) as ring, held("import signal; print('nothing', flush=True); signal.pause()") as nothing:  # fmt: skip
        assert abs(ring.usage().memory_bytes - nothing.usage().memory_bytes) < 4 * MIB


FAMILY = """
    import os, signal
    ballast = bytearray(b"x" * (40 << 20))
    ready = os.pipe()
    for _ in range(6):
        if os.fork() == 0:
            {then}
            os.write(ready[1], b"x")
            signal.pause()
    for _ in range(6): os.read(ready[0], 1)
    print("held", flush=True)
    signal.pause()
"""


def test_pages_that_fork_left_shared_count_once() -> None:
    with held(FAMILY.format(then="pass"), memory_bytes=128 * MIB) as run:
        used = [run.usage().memory_bytes]
        while used[-1] <= 40 * MIB and len(used) < 10_000:  # until none is so young that it may be a vfork
            used.append(run.usage().memory_bytes)
    assert 40 * MIB < used[-1] <= max(used) < 128 * MIB


def test_pages_that_were_written_after_fork_count_for_each_but_not_at_the_first_look() -> None:
    copied = "for offset in range(0, 40 << 20, 4096): ballast[offset] = 1"
    with held(FAMILY.format(then=copied), memory_bytes=128 * MIB) as run:
        used = [run.usage().memory_bytes]
        while used[-1] <= 128 * MIB and len(used) < 10_000:  # a child is left out while it is so young that it may be a vfork
            used.append(run.usage().memory_bytes)
    assert len(used) > 1
    assert used[-1] > 240 * MIB


def test_a_child_between_vfork_and_exec_does_not_count_twice() -> None:
    assert prints("""
        import subprocess
        ballast = b"x" * (90 << 20)
        for _ in range(100): subprocess.run(["/bin/true"])
        print("done")
    """, memory_bytes=128 * MIB) == ["done"]  # fmt: skip


def test_files_without_content_are_bounded_among_the_rings_too() -> None:
    result = sandboxed("i = 0\nwhile True: open(f'/run/schedscope/rings/{i}.ring', 'w').close(); i += 1", tmp_inodes=500)
    assert (result.outcome, result.end["limit"]) == (Outcome.MEMORY_LIMIT, "tmp_inodes")


def test_memory_that_is_only_reserved_does_not_count() -> None:
    assert prints("kept = [bytes(1 << 26) for _ in range(64)]\nprint('4 GiB reserved')", memory_bytes=64 * MIB) == [
        "4",
        "GiB",
        "reserved",
    ]


def test_should_the_machine_run_out_of_memory_the_script_goes_first() -> None:
    assert prints("print(open('/proc/self/oom_score_adj').read())") == ["1000"]


@pytest.mark.parametrize("processes", [256, 2000])
def test_there_is_room_for_as_many_threads_as_are_allowed(processes: int) -> None:
    source = f"""
        import threading
        begun = threading.Barrier({processes})
        def wait(): kept = bytearray(1000); begun.wait()
        threads = [threading.Thread(target=wait) for _ in range({processes - 1})]
        for thread in threads: thread.start()
        begun.wait()
        print("all at once")
    """
    assert prints(source, processes=processes) == ["all", "at", "once"]


# --- CPU time


def test_cpu_of_children_that_nobody_waits_for_counts() -> None:
    result = sandboxed("""
        import os, signal, time
        signal.signal(signal.SIGCHLD, signal.SIG_IGN)
        while True:
            read, write = os.pipe()
            if os.fork() == 0:
                while time.process_time() < 0.2: pass
                os._exit(0)
            os.close(write); os.read(read, 1); os.close(read)
    """, cpu_s=1)  # fmt: skip
    assert result.outcome is Outcome.CPU_LIMIT


PARENT, CHILD, GRANDCHILD = (1, 10), (2, 20), (3, 30)


@pytest.mark.parametrize(
    ("looks", "total_s"),
    [
        ([{PARENT: Cpu(1, 0), CHILD: Cpu(2, 0)}, {PARENT: Cpu(1, 2.5)}, {PARENT: Cpu(1, 2.5)}], 3.5),  # waited for
        ([{PARENT: Cpu(1, 0), CHILD: Cpu(2, 0)}, {PARENT: Cpu(1, 0)}, {PARENT: Cpu(1, 2.5)}], 3.5),  # read before it waited
        ([{PARENT: Cpu(1, 0), CHILD: Cpu(2, 0)}, {PARENT: Cpu(1, 0)}, {PARENT: Cpu(1, 0)}], 3),  # lost
        (
            [{PARENT: Cpu(1, 0), CHILD: Cpu(2, 0)}, {PARENT: Cpu(1, 0), (2, 21): Cpu(0, 0)}, {PARENT: Cpu(1, 0)}],
            3,
        ),  # its number again
        (
            [{PARENT: Cpu(0, 0), CHILD: Cpu(1, 0), GRANDCHILD: Cpu(2, 0)}, {PARENT: Cpu(0, 3)}, {PARENT: Cpu(0, 3)}],
            3,
        ),  # two at once
        ([{PARENT: Cpu(0, 0), CHILD: Cpu(1, 0), GRANDCHILD: Cpu(2, 0)}, {PARENT: Cpu(0, 0)}, {PARENT: Cpu(0, 0)}], 3),
    ],
)
def test_cpu_is_counted_once_whoever_waits(looks: list[dict[tuple[int, int], Cpu]], total_s: float) -> None:
    account = CpuAccount()
    assert [account.add(look) for look in looks][-1] == total_s


# --- outcomes


def test_sigxcpu_that_the_script_sent_itself_is_a_signal() -> None:
    assert sandboxed("import os, signal; os.kill(os.getpid(), signal.SIGXCPU)").outcome is Outcome.SIGNAL


@pytest.mark.parametrize("number", [signal.SIGXCPU, signal.SIGKILL])
def test_a_signal_is_the_cpu_limit_only_when_so_much_was_used(number: signal.Signals) -> None:
    limits = Limits(cpu_s=2)
    assert outcome_of(Exit(signal=number, cpu_s=2.01), 1, limits)[0] is Outcome.CPU_LIMIT
    assert outcome_of(Exit(signal=number, cpu_s=1.99), 1, limits)[0] is Outcome.SIGNAL


def test_a_failure_of_a_run_that_used_all_its_threads_is_its_own() -> None:
    result = sandboxed("""
        import threading
        for _ in range(35): threading.Thread(target=threading.Event().wait, daemon=True).start()
        raise ValueError("mine")
    """, processes=36)  # fmt: skip
    assert result.outcome is Outcome.PROGRAM_ERROR


def test_threads_beyond_the_limit_are_the_process_limit() -> None:
    result = sandboxed("""
        import threading, time
        over = threading.Event()
        try:
            while True: threading.Thread(target=over.wait, daemon=True).start()
        finally:
            while time.process_time() < 0.3: pass
    """, processes=36)  # fmt: skip
    assert (result.outcome, result.end["exit_code"]) == (Outcome.PROCESS_LIMIT, 1)


def test_a_failure_is_the_process_limit_only_when_the_limit_was_passed() -> None:
    limits = Limits(processes=36)
    assert outcome_of(Exit(code=1, processes=36), 36, limits)[0] is Outcome.PROGRAM_ERROR
    assert outcome_of(Exit(code=1, processes=0), 37, limits)[0] is Outcome.PROCESS_LIMIT
    assert outcome_of(Exit(code=0, processes=0), 37, limits)[0] is Outcome.FINISHED


# --- what is seen of the host, what is left behind, what is accepted


def test_of_a_link_to_the_interpreter_only_the_link_is_seen(tmp_path: Path) -> None:
    (tmp_path / "bin").mkdir()
    (tmp_path / "secret").write_text("key")
    (tmp_path / "bin/python3").symlink_to("python")
    (tmp_path / "bin/python").symlink_to(os.path.realpath(sys.executable))
    here = Runtime.of_this_interpreter()
    runtime = Runtime.of(str(tmp_path / "bin/python3"), here.read_only_paths)
    assert set(runtime.read_only_paths) == set(here.read_only_paths)
    script = (
        f"import os, sys; print(sys.executable, os.listdir({str(tmp_path)!r}), sorted(os.listdir({str(tmp_path / 'bin')!r})))"
    )
    run = SandboxedRun(Program(script.encode(), NAME), Limits(), runtime)
    try:
        run.release()
        os.set_blocking(run.stdout_fd, True)
        assert os.read(run.stdout_fd, 4096).decode() == f"{runtime.python} ['bin'] ['python', 'python3']\n"
    finally:
        run.close()
        for fd in run.switch_fds:
            os.close(fd)


@pytest.mark.parametrize("broken", ["filter", "memory files", "fork"])
def test_a_start_that_failed_leaves_no_descriptor(broken: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_arguments: object) -> bytes:
        raise seccomp.SeccompError("broken") if broken == "filter" else OSError(errno.EMFILE, "broken")

    owner, name = {"filter": (seccomp, "sandbox_program"), "memory files": (os, "memfd_create"), "fork": (os, "fork")}[broken]
    before = set(os.listdir("/proc/self/fd"))
    with monkeypatch.context() as patch:
        patch.setattr(owner, name, fail)
        with pytest.raises((SandboxError, OSError), match="broken"):
            launch.SandboxedRun(Program(b"", NAME), Limits(), Runtime.of_this_interpreter())
    assert set(os.listdir("/proc/self/fd")) == before


def test_limits_that_count_are_whole_numbers() -> None:
    for limits in ({"processes": 40.5}, {"memory_bytes": 64 * MIB + 0.5}):
        with pytest.raises(ValueError, match="must be a whole number"):
            Limits().with_(**limits)
    with pytest.raises(ValueError, match=r"processes is 40\.5: it must be a whole number"):
        Limits(processes=40.5)  # type: ignore[arg-type]
    assert Limits().with_(processes=40.0, wall_s=1.5) == Limits(processes=40, wall_s=1.5)  # as settings bring them
    assert all(hasattr(resource, name) and isinstance(value, int) for name, value in kernel_limits(Limits()).items())
