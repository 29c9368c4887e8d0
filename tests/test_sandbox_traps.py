"""The traps of running strangers' code: each script tries something in the real sandbox, and nothing of it may remain."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from app.core.records import Outcome
from app.sandbox.launch import Program, SandboxedRun, bubblewrap
from app.sandbox.limits import Limits
from app.sandbox.runtime import Runtime
from tests.sandboxed import MIB, NAME, Result, next_run, nothing_left, prints, sandbox_processes, sandboxed  # noqa: F401

pytestmark = pytest.mark.skipif(bubblewrap() is None, reason="bubblewrap is not installed")

ESCAPES = """
import ctypes, errno, os, socket
libc = ctypes.CDLL(None, use_errno=True)
def tried(name, *arguments):
    numbers = {"unshare": 272, "keyctl": 250, "io_uring_setup": 425, "userfaultfd": 323, "ptrace": 101, "bpf": 321, "memfd_create": 319,
               "process_vm_readv": 310, "clone3": 435, "perf_event_open": 298, "shmget": 29, "mount": 165, "clock_settime": 227}
    result = libc.syscall(numbers[name], *arguments)
    return errno.errorcode.get(ctypes.get_errno(), "?") if result < 0 else "done"
"""


def test_1_the_hosts_settings_cannot_be_written() -> None:
    assert prints("""
try:
    open("/proc/sys/kernel/core_pattern", "w").write("|/x"); print("written")
except OSError as e: print("refused")
import os
print(os.getuid() != 0, os.access("/usr/bin/env", os.W_OK))
""") == ["refused", "True", "False"]  # fmt: skip


def test_2_no_environment_of_ours_can_be_read_anywhere() -> None:
    os.environ["SCHEDSCOPE_SECRET"] = "do-not-tell"
    try:
        words = prints("""
import glob
for p in glob.glob("/proc/[0-9]*/environ") + glob.glob("/proc/[0-9]*/cmdline"):
    try: print("do-not-tell" in open(p, errors="replace").read())
    except OSError: print(False)
""")
    finally:
        del os.environ["SCHEDSCOPE_SECRET"]
    assert set(words) == {"False"}


def test_3_no_descriptor_of_ours_comes_through() -> None:
    fd = os.open("/etc/hostname", os.O_RDONLY)
    os.set_inheritable(fd, True)
    try:
        assert prints("import os\nfor n in sorted(os.listdir('/proc/self/fd'), key=int)[:-1]: print(n)") == ["0", "1", "2"]
    finally:
        os.close(fd)


def test_4_what_bubblewrap_leaves_open_is_closed() -> None:
    words = prints(ESCAPES + """
for name in ("unshare", "keyctl", "io_uring_setup", "userfaultfd", "ptrace", "bpf", "process_vm_readv", "mount", "perf_event_open", "clock_settime"):
    print(name, tried(name, 0x10000000, 0, 0, 0, 0))
print("clone3", tried("clone3", 0, 0))
for family in (socket.AF_VSOCK, socket.AF_NETLINK, socket.AF_PACKET, 38):
    try: socket.socket(family, socket.SOCK_STREAM if family == 40 else socket.SOCK_RAW); print(family, "open")
    except OSError as e: print(int(family), "refused")
import fcntl, termios
try: fcntl.ioctl(0, termios.TIOCSTI, b"x"); print("tiocsti open")
except OSError as e: print("tiocsti", errno.errorcode[e.errno])
""")  # fmt: skip
    said = dict(zip(words[::2], words[1::2], strict=True))
    assert said.pop("clone3") == "ENOSYS"
    assert {said.pop(str(family)) for family in (40, 16, 17, 38)} == {"refused"}
    assert said.pop("tiocsti") == "EPERM"
    assert set(said.values()) == {"EPERM"}


def test_5_memory_in_files_is_bounded_and_uncounted_memory_refused() -> None:
    assert prints(ESCAPES + "print(tried('memfd_create', b'x', 0), tried('shmget', 0, 4096, 0o1600))") == ["ENOSYS", "ENOSYS"]
    for folder in ("/dev/shm", "/tmp", "/sandbox"):
        words = prints(f"""
import os
total = 0
try:
    for i in range(100):
        with open(f"{folder}/f{{i}}", "wb") as f: total += f.write(bytes(1 << 20))
except OSError as e: print(e.errno == 28, total)
""", tmp_bytes=4 * MIB)  # fmt: skip
        assert words[0] == "True"
        assert 0 < int(words[1]) <= 4 * MIB
    for folder in ("/dev", "/", "/run", "/etc", "/usr"):
        assert prints(f"""
try: open("{folder}/x", "w"); print("open")
except OSError: print("refused")""") == ["refused"], folder  # fmt: skip
    flood = sandboxed("i = 0\nwhile True:\n  open(f'/tmp/{i}', 'w').close(); i += 1", tmp_inodes=500)
    assert flood.outcome is Outcome.MEMORY_LIMIT
    assert (flood.end["limit"], flood.end["bound"]) == ("tmp_inodes", 500)


def test_5_memory_of_the_whole_run_is_bounded() -> None:
    bomb = "b = []\nwhile True: b.append(bytearray(1 << 22))"
    spread = f"import os\nfor _ in range(3): os.fork()\n{bomb}"
    shared = "import mmap\nm = []\nwhile True:\n  x = mmap.mmap(-1, 1 << 22); x.write(bytes(1 << 22)); m.append(x)"
    for source in (bomb, spread, shared):
        result = sandboxed(source, memory_bytes=128 * MIB)
        assert result.outcome is Outcome.MEMORY_LIMIT, source
        assert result.end["bound"] == 128 * MIB


def test_6_processes_are_counted_run_by_run() -> None:
    fill = """
import os, sys
n = 0
try:
    while True:
        if os.fork() == 0: sys.stdin.read(); import signal; signal.pause()
        n += 1
except BlockingIOError: print(n, flush=True)
raise SystemExit(1)
"""
    results: list[Result] = []
    runs = [threading.Thread(target=lambda: results.append(sandboxed(fill, processes=40))) for _ in range(2)]
    for run in runs:
        run.start()
        run.join()  # a sandbox ends with the thread that started it, so each has its own
    counts = [int(result.output.split()[0]) for result in results]
    assert counts == [40, 40]  # and the script itself: the one beyond the limit shows that it was passed
    assert {result.outcome for result in results} == {Outcome.PROCESS_LIMIT}


def test_6_a_fork_bomb_and_a_thread_bomb_end_at_a_limit() -> None:
    for source in ("import os\nwhile True:\n  try: os.fork()\n  except OSError: pass",
                   "import threading, time\nwhile True: threading.Thread(target=time.sleep, args=[100]).start()"):  # fmt: skip
        result = sandboxed(source, processes=64, wall_s=3, cpu_s=2)
        assert result.outcome in (Outcome.PROCESS_LIMIT, Outcome.TIME_LIMIT, Outcome.CPU_LIMIT), result.output


def test_7_the_run_dies_with_its_supervisor_even_by_sigkill(tmp_path: Path) -> None:
    code = """
import sys
from app.sandbox.launch import *
run = SandboxedRun(Program(b"import time; print('up', flush=True); time.sleep(100)", sys.argv[1]), Limits(), Runtime.of_this_interpreter())
run.release()
import select; select.select([run.stdout_fd], [], []); print("up", flush=True); sys.stdin.read()
"""
    supervisor = subprocess.Popen([sys.executable, "-c", code, NAME], stdout=subprocess.PIPE, stdin=subprocess.PIPE)
    assert supervisor.stdout
    assert supervisor.stdin
    assert supervisor.stdout.readline() == b"up\n"
    (script,) = sandbox_processes()
    gone = os.pidfd_open(script)
    supervisor.kill()
    supervisor.wait()
    import select

    assert select.select([gone], [], [], 10)[0], "the script outlived its supervisor"
    os.close(gone)
    supervisor.stdout.close()
    supervisor.stdin.close()


def test_8_daemons_that_hide_in_their_own_sessions_are_gone_too() -> None:
    result = sandboxed("""
import os, signal, time
for _ in range(20):
    if os.fork() == 0:
        os.setsid()
        for s in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP): signal.signal(s, signal.SIG_IGN)
        if os.fork() == 0: time.sleep(100)
        os._exit(0)
print("daemons started")
""")  # fmt: skip
    assert result.outcome is Outcome.FINISHED
    assert result.output == "daemons started\n"


@pytest.mark.parametrize(
    ("source", "outcome", "limits"),
    [
        ("raise SystemExit(137)", Outcome.PROGRAM_ERROR, {}),
        ("import os; os.kill(os.getpid(), 9)", Outcome.SIGNAL, {}),
        ("import os; os.fork(); os.kill(-1, 9)", Outcome.FINISHED, {}),
        ("import os; os.kill(os.getpid(), 19)", Outcome.TIME_LIMIT, {"wall_s": 1}),
        ("1 +", Outcome.PROGRAM_ERROR, {}),
        ("while True: pass", Outcome.TIME_LIMIT, {"wall_s": 1}),
        ("while True: pass", Outcome.CPU_LIMIT, {"cpu_s": 0.5}),
        ("while True: print('x' * 1000)", Outcome.OUTPUT_LIMIT, {"output_bytes": 10_000}),
        ("import time\nwhile True: time.sleep(0)", Outcome.RECORD_LIMIT, {"records": 5_000}),
        ("open('/tmp/x', 'wb').write(bytes(1 << 20))", Outcome.PROGRAM_ERROR, {"file_bytes": 4096}),
    ],
)
def test_each_end_has_its_own_outcome(source: str, outcome: Outcome, limits: dict[str, float]) -> None:
    result = sandboxed(source, observed=outcome is Outcome.RECORD_LIMIT, **limits)
    assert result.outcome is outcome, (result.end, result.output)
    if limits and outcome is not Outcome.PROGRAM_ERROR:
        assert result.end["bound"] == next(iter(limits.values()))


def test_loopback_works_and_nothing_beyond_it() -> None:
    server = subprocess.Popen([sys.executable, "-c", "import socket,sys; s=socket.create_server(('127.0.0.1',0)); print(s.getsockname()[1],flush=True); sys.stdin.read()"], stdout=subprocess.PIPE, stdin=subprocess.PIPE)  # fmt: skip
    assert server.stdout
    assert server.stdin
    port = int(server.stdout.readline())
    try:
        assert prints(f"""
import socket
s = socket.create_server(("127.0.0.1", 5672)); c = socket.create_connection(("localhost", 5672)); print("loopback")
for address in (("127.0.0.1", {port}), ("169.254.169.254", 80), ("10.0.0.1", 80)):
    try: socket.create_connection(address, 2); print("reached", address)
    except OSError: print("unreachable")
""") == ["loopback", "unreachable", "unreachable", "unreachable"]  # fmt: skip
    finally:
        server.kill()
        server.wait()
        server.stdout.close()
        server.stdin.close()


def test_an_observed_run_has_every_observer_and_sees_its_own_thread_ids() -> None:
    result = sandboxed("import threading; print(threading.get_native_id(), flush=True)", observed=True)
    assert result.recording.header["observers"]["kernel"] == "exact"
    thread = next(lane for lane in result.recording.lanes if lane.name == "MainThread")
    assert str(thread.tid) == result.output.strip()


def test_a_fault_of_the_sandbox_itself_is_said_and_leaves_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    from app.sandbox import launch

    runtime = Runtime("/nowhere/python", Runtime.of_this_interpreter().read_only_paths)
    with pytest.raises(launch.SandboxError, match="nowhere"):
        SandboxedRun(Program(b"", NAME), Limits(), runtime)


def test_limits_name_the_field_and_its_bounds() -> None:
    with pytest.raises(ValueError, match=r"wall_s is 0: it must lie between 0\.1 and 600"):
        Limits().with_(wall_s=0)


def test_the_check_finds_every_layer_in_place() -> None:
    from app.sandbox import check

    assert [layer for layer in check.layers() if not layer.holds] == []
    assert check.holds() == (True, "")
