"""Owns the kill of one run: makes the private mounts, drops the user id, starts bubblewrap, and ends it when its launcher goes.

A program of its own (`python -I -S supervise.py PLAN_FD`): bubblewrap's `--die-with-parent` follows the thread that started it,
and mounts and ids belong to a process. It ends once no process of the run is left, so waiting for it is waiting for all.

Nothing is left on the host by any death: what is mounted is mounted in a namespace of its own, over `STAGING`. As root this
needs no more; everybody else makes a user namespace first. Reasons to have the private mounts at all: the script's user id need
not be able to reach an interpreter below somebody's closed home, and only a mount of our own has a bound of inodes.

Imports are few because every run waits for them. The plan comes with marshal: from our own process, and json would be 4 ms.
"""

import marshal
import os
import select
import signal
import sys
from typing import Any

STAGING = "/mnt"
_MS_NOSUID, _MS_NODEV, _MS_BIND, _MS_REC, _MS_PRIVATE = 2, 4, 4096, 16384, 1 << 18
_CLONE_NEWNS, _CLONE_NEWUSER = 0x0002_0000, 0x1000_0000
_PR_SET_PDEATHSIG, _PR_SET_CHILD_SUBREAPER = 1, 36


def libc(name: str, *arguments: Any) -> None:
    """Calls a function of the C library that gives -1 on failure. Raises OSError."""
    import ctypes

    library = ctypes.CDLL(None, use_errno=True)
    if getattr(library, name)(*arguments) == -1:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), name)


def mount(source: str, target: str, kind: str, flags: int, options: str = "") -> None:
    """mount(2)."""
    from ctypes import c_ulong

    libc("mount", source.encode(), target.encode(), kind.encode(), c_ulong(flags), options.encode())


def stage_mounts(plan: dict[str, Any]) -> None:
    """Binds what is shown, and mounts what is written to, at the places of `STAGING` that bubblewrap binds from."""
    own_namespaces()
    mount("none", "/", "", _MS_REC | _MS_PRIVATE)
    # Opened first: STAGING may cover where they are.
    sources = [(os.open(source, os.O_PATH | os.O_CLOEXEC), target) for source, target in plan["binds"]]
    mount("tmpfs", STAGING, "tmpfs", _MS_NOSUID | _MS_NODEV, "mode=755,size=1m")
    for fd, target in sources:
        make_target(target, os.path.isdir(f"/proc/self/fd/{fd}"))
        mount(f"/proc/self/fd/{fd}", target, "", _MS_BIND | _MS_REC)
        os.close(fd)
    owner = f"uid={plan['uid']},gid={plan['gid']}"
    for target, size_bytes, inodes, mode in plan["tmpfs"]:
        os.mkdir(target)
        options = f"mode={mode:o},size={size_bytes},nr_inodes={inodes},{owner}"
        mount("tmpfs", target, "tmpfs", _MS_NOSUID | _MS_NODEV, options)


def own_namespaces() -> None:
    """Mounts of our own; who is not root owns a user namespace first, with no other id in it."""
    uid, gid = os.getuid(), os.getgid()
    libc("unshare", _CLONE_NEWNS if uid == 0 else _CLONE_NEWNS | _CLONE_NEWUSER)
    if uid != 0:
        for file, text in (("setgroups", "deny"), ("uid_map", f"{uid} {uid} 1"), ("gid_map", f"{gid} {gid} 1")):
            with open(f"/proc/self/{file}", "w") as out:
                out.write(text)


def make_target(path: str, is_folder: bool) -> None:
    """Something to mount on."""
    if is_folder:
        os.mkdir(path, 0o755)
    else:
        os.close(os.open(path, os.O_CREAT | os.O_WRONLY, 0o644))


def drop_ids(uid: int, gid: int) -> None:
    """Never root again, in this process and all it starts."""
    if os.getuid() == 0:
        os.setgroups([])
        os.setresgid(gid, gid, gid)
        os.setresuid(uid, uid, uid)


def start(plan: dict[str, Any]) -> int:
    """Bubblewrap's process id."""
    parent = os.getpid()
    child = os.fork()
    if child:
        return child
    try:
        libc("prctl", _PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        if os.getppid() == parent:
            for fd in plan["pass_fds"]:
                os.set_inheritable(fd, True)
            os.execve(plan["bwrap"], [plan["bwrap"], "--args", str(plan["args_fd"])], {})
    except OSError as error:
        os.write(2, f"{plan['bwrap']}: {error.strerror}\n".encode())
    finally:
        os._exit(127)


def watch(child: int, lifeline_fd: int, wall_s: float) -> None:
    """Until bubblewrap has ended, or must: the launcher hung up, or forgot the run."""
    pidfd = os.pidfd_open(child)
    waiter = select.poll()
    waiter.register(pidfd, select.POLLIN)
    waiter.register(lifeline_fd, 0)  # hang-up is always reported
    waiter.poll(wall_s * 1000)
    signal.pidfd_send_signal(pidfd, signal.SIGKILL)
    # Orphans of bubblewrap come to us (subreaper): its init, which the kernel lets go only after all others of the namespace.
    while True:
        try:
            os.wait()
        except ChildProcessError:
            return


def main(plan_fd: int) -> None:
    """The process from plan to nothing left."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)  # a terminal's Ctrl-C is for the launcher: its end is ours
    plan = marshal.loads(os.pread(plan_fd, 1 << 24, 0))
    libc("prctl", _PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    try:
        if plan["cgroup_procs"]:
            with open(plan["cgroup_procs"], "w") as procs:
                procs.write(str(os.getpid()))
        if plan["staged"]:
            stage_mounts(plan)
        drop_ids(plan["uid"], plan["gid"])
        child = start(plan)
    except OSError as error:
        os.write(2, f"{error}\n".encode())
        os._exit(1)
    for fd in plan["pass_fds"]:
        os.close(fd)
    watch(child, plan["lifeline_fd"], plan["wall_s"])


if __name__ == "__main__":
    main(int(sys.argv[1]))
