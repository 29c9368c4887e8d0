"""The first process of ours inside the sandbox: `python -I -S stage.py FD`, standard library only, not imported by the host.

Over the UNIX socket FD it hands out the folders it was named (rings, writable ones, /proc), sockets that listen on the ports it
was named (`tcp:5672`), and the context-switch events; takes
the job (one JSON line); holds the script's limits; starts it; and reports how it ended, which bubblewrap alone would blur
(exit code 137 or SIGKILL?). It stays the script's parent so that the exact wait status is known.

It is process 1 of its namespace: no signal from inside reaches it, orphans are its to reap, and with it everything ends.
"""

from __future__ import annotations

import ctypes
import json
import os
import resource
import signal
import socket
import sys

TYPE_CHECKING = False  # the real one is in typing, whose import would double this process's start
if TYPE_CHECKING:
    from typing import Any, NoReturn

RUN = "/run/schedscope"
PR_SET_SECCOMP, PR_SET_DUMPABLE, SECCOMP_MODE_FILTER = 22, 4, 2


class FilterProgram(ctypes.Structure):
    """struct sock_fprog of linux/filter.h."""

    _fields_ = (("length", ctypes.c_ushort), ("filter", ctypes.c_void_p))


def switch_descriptors() -> tuple[list[int], str]:
    """Descriptors of the kernel's context switches, and why there are none."""
    names: dict[str, Any] = {}
    with open(f"{RUN}/switches.py") as file:
        exec(compile(file.read(), "switches.py", "exec"), names)
    try:
        return names["open_switches"](), "exact"
    except OSError as error:
        return [], f"unavailable: {error.strerror or error}"


def listening(port: int) -> list[int]:
    """Sockets that listen on a port of this namespace's own loopback, IPv4 first; without IPv6 there is the one."""
    found = []
    for family, address in ((socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")):
        try:
            found.append(socket.create_server((address, port), family=family, backlog=128).detach())
        except OSError:
            if family == socket.AF_INET:
                raise
    return found


def hand_out(control: socket.socket, named: list[str]) -> None:
    """Send the descriptors of the folders, of the listening sockets and of the switches, in that order."""
    switches, kernel = switch_descriptors()
    folders = [os.open(name, os.O_RDONLY | os.O_DIRECTORY) for name in named if not name.startswith("tcp:")]
    ports = [listening(int(name[4:])) for name in named if name.startswith("tcp:")]
    listeners = [fd for fds in ports for fd in fds]
    counts = {"folders": len(folders), "listeners": [len(fds) for fds in ports], "switches": len(switches)}
    socket.send_fds(control, [json.dumps({**counts, "kernel": kernel}).encode()], folders + listeners + switches)
    for fd in folders + listeners + switches:
        os.close(fd)


def receive_job(control: socket.socket) -> dict[str, Any] | None:
    """One JSON line; None when nobody is there any more."""
    data = b""
    while not data.endswith(b"\n"):
        piece = control.recv(65536)
        if not piece:
            return None
        data += piece
    job: dict[str, Any] = json.loads(data)
    return job


def hold_limits(limits: dict[str, int]) -> None:
    """Resource limits of the script and of all it starts; counted inside this run's own user namespace."""
    for name, value in limits.items():
        number = getattr(resource, name)
        hard = resource.getrlimit(number)[1]
        value = value if hard == resource.RLIM_INFINITY else min(value, hard)
        resource.setrlimit(number, (value, value))


def add_filter(program: bytes) -> None:
    """A further seccomp filter for this process and its children."""
    code = ctypes.create_string_buffer(program, len(program))
    argument = FilterProgram(len(program) // 8, ctypes.cast(code, ctypes.c_void_p))
    if ctypes.CDLL(None, use_errno=True).prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, ctypes.byref(argument), 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "the second filter was refused")


def become_script(job: dict[str, Any]) -> NoReturn:
    """In the child: nothing of ours stays open, nothing of ours stays in the environment."""
    os.setsid()
    for number in (signal.SIGPIPE, signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_DFL)
    os.closerange(3, 1 << 16)
    hold_limits(job["limits"])
    add_filter(bytes.fromhex(job["filter"]))
    os.execve(job["command"][0], job["command"], job["environment"])


def tasks() -> int:
    """Processes and threads there are now beside this one: a script that ran out of them often leaves them behind."""
    count = -1
    for name in filter(str.isdigit, os.listdir("/proc")):
        try:
            count += len(os.listdir(f"/proc/{name}/task"))
        except OSError:
            continue
    return count


def await_end(child: int) -> None:
    """Until the script has ended, which is left to be reaped; orphans that end meanwhile are."""
    while (ended := os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOWAIT)) and ended.si_pid != child:
        os.waitpid(ended.si_pid, 0)


def main(fd: int) -> None:
    """Returns nothing; the process ends when the script has ended."""
    # The script has our user id: without this it writes into us through /proc/PID/mem and forges how it ended.
    if ctypes.CDLL(None, use_errno=True).prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "the stage could not be closed to the script")
    control = socket.socket(fileno=fd)
    hand_out(control, sys.argv[2:])
    job = receive_job(control)
    if job is None:
        return
    child = os.fork()
    if child == 0:
        try:
            become_script(job)
        except BaseException as error:
            os.write(2, f"schedscope: the script could not be started: {error}\n".encode())
        os._exit(126)
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    os.dup2(os.open("/dev/null", os.O_RDWR), 1)  # the script's streams are its own: they end with it
    os.dup2(1, 2)
    await_end(child)
    left = tasks()
    _pid, status, used = os.wait4(child, 0)
    code = os.waitstatus_to_exitcode(status)
    ended = {"signal": -code} if code < 0 else {"code": code}
    usage = {"processes": left, "cpu_s": used.ru_utime + used.ru_stime}
    control.sendall(json.dumps({**ended, **usage}).encode() + b"\n")


if __name__ == "__main__":
    main(int(sys.argv[1]))
