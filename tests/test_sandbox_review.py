"""What a reviewer's attacks found: each test is an attack, or a harmless program that was taken for one."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest

from app.core.records import Outcome
from app.sandbox import launch, seccomp
from app.sandbox.launch import Program, SandboxedRun, SandboxError, bubblewrap
from app.sandbox.limits import Limits
from app.sandbox.runtime import Runtime
from tests.sandboxed import MIB, NAME, held, next_run, nothing_left, prints, sandbox_processes, sandboxed  # noqa: F401

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


def test_what_the_kernel_holds_by_itself_cannot_be_raised() -> None:
    core, cpu_s, locked, raised = prints("""
        import resource
        for what in (resource.RLIMIT_CORE, resource.RLIMIT_CPU, resource.RLIMIT_MEMLOCK): print(resource.getrlimit(what)[1])
        try: resource.setrlimit(resource.RLIMIT_CPU, (9, 9)); print("raised")
        except ValueError: print("refused")
    """, cpu_s=3)  # fmt: skip
    assert (core, cpu_s, raised) == ("0", "4", "refused")
    assert 0 <= int(locked) <= MIB


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


# --- what it used and how it ended


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


def test_sigxcpu_that_the_script_sent_itself_is_a_signal() -> None:
    assert sandboxed("import os, signal; os.kill(os.getpid(), signal.SIGXCPU)").outcome is Outcome.SIGNAL


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


# --- what is seen of the host, what is left behind


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
