"""The system calls a sandboxed script does not get, as BPF programs made once by libseccomp.

Namespaces and capabilities already keep a script from the host; this closes what bubblewrap leaves open by itself: nested
namespaces, keyrings, io_uring, userfaultfd, ptrace, bpf, sockets of other families (vsock, netlink, packet), memory that no
limit sees (memfd, SysV), and terminal injection. ENOSYS is answered where a library then takes another way (clone3 → clone,
whose flags can be looked at). Calls of another architecture end the process: libseccomp's default.
"""

from __future__ import annotations

import ctypes
import ctypes.util
import errno
import os
import socket
import termios
from functools import cache

_ALLOW = 0x7FFF0000
_ERRNO = 0x00050000
_NE, _EQ, _GT, _MASKED_EQ = 1, 4, 6, 7  # enum scmp_compare

_CLONE_NEW = 0x00000080 | 0x00020000 | 0x02000000 | 0x04000000 | 0x08000000 | 0x10000000 | 0x20000000 | 0x40000000
"""CLONE_NEWTIME, NEWNS, NEWCGROUP, NEWUTS, NEWIPC, NEWUSER, NEWPID, NEWNET (linux/sched.h)."""

NO_PERMISSION = """
unshare setns mount umount2 pivot_root chroot move_mount open_tree fsopen fsconfig fsmount fspick mount_setattr
keyctl add_key request_key bpf userfaultfd ptrace process_vm_readv process_vm_writev kcmp pidfd_getfd
io_uring_setup io_uring_enter io_uring_register open_by_handle_at name_to_handle_at
init_module finit_module delete_module kexec_load kexec_file_load reboot swapon swapoff acct quotactl
clock_settime settimeofday adjtimex clock_adjtime sethostname setdomainname syslog
iopl ioperm modify_ldt vm86 vm86old lookup_dcookie fanotify_init personality
""".split()
NOT_THERE = "clone3 memfd_create memfd_secret shmget msgget semget".split()
SCRIPT_ONLY = ["perf_event_open"]
"""Refused to the script but not to the stage before it, which opens the context-switch events."""


class SeccompError(RuntimeError):
    """libseccomp is missing or refused a rule."""


class _Comparison(ctypes.Structure):
    _fields_ = (("arg", ctypes.c_uint), ("op", ctypes.c_int), ("a", ctypes.c_uint64), ("b", ctypes.c_uint64))


class _Filter:
    def __init__(self) -> None:
        try:
            self._lib = ctypes.CDLL("libseccomp.so.2", use_errno=True)
        except OSError as error:
            raise SeccompError("libseccomp.so.2 is missing (package libseccomp2)") from error
        self._lib.seccomp_init.restype = ctypes.c_void_p
        self._context = ctypes.c_void_p(self._lib.seccomp_init(ctypes.c_uint32(_ALLOW)))

    def refuse(self, name: str, error: int, *comparisons: tuple[int, int, int, int]) -> None:
        """The call fails with `error`, if all comparisons (argument, operator, a, b) hold. Unknown calls are passed over."""
        number = self._lib.seccomp_syscall_resolve_name(name.encode())
        if number == -1:
            return
        array = (_Comparison * len(comparisons))(*(_Comparison(*row) for row in comparisons))
        action = ctypes.c_uint32(_ERRNO | error)
        result = self._lib.seccomp_rule_add_array(self._context, action, ctypes.c_int(number), ctypes.c_uint(len(array)), array)
        if result != 0 and number >= 0:
            raise SeccompError(f"no rule for {name}: {os.strerror(-result)}")

    def program(self) -> bytes:
        """The finished BPF program."""
        read_fd, write_fd = os.pipe()
        try:
            result = self._lib.seccomp_export_bpf(self._context, write_fd)
            os.close(write_fd)
            if result != 0:
                raise SeccompError(f"no BPF program: {os.strerror(-result)}")
            with os.fdopen(read_fd, "rb", closefd=False) as file:
                return file.read()
        finally:
            os.close(read_fd)
            self._lib.seccomp_release(self._context)


@cache
def sandbox_program() -> bytes:
    """The filter of the whole sandbox, from the first stage on. Raises SeccompError."""
    rules = _Filter()
    for name in NO_PERMISSION:
        rules.refuse(name, errno.EPERM)
    for name in NOT_THERE:
        rules.refuse(name, errno.ENOSYS)
    for bit in (1 << n for n in range(32) if _CLONE_NEW >> n & 1):
        if bit != 0x80:  # in clone's argument that bit belongs to the signal number; CLONE_NEWTIME is clone3's and unshare's
            rules.refuse("clone", errno.EPERM, (0, _MASKED_EQ, bit, bit))
    for request in (termios.TIOCSTI, 0x541C):  # and TIOCLINUX
        rules.refuse("ioctl", errno.EPERM, (1, _MASKED_EQ, 0xFFFFFFFF, request))
    rules.refuse("prlimit64", errno.EPERM, (0, _NE, 0, 0))  # of oneself only: the stage has the same user id
    families = {socket.AF_UNIX, socket.AF_INET, socket.AF_INET6}
    # BPF sees 64 bits and the kernel takes 32: "greater" also catches a family hidden below set upper bits.
    rules.refuse("socket", errno.EAFNOSUPPORT, (0, _GT, max(families), 0))
    for family in set(range(max(families))) - families:
        rules.refuse("socket", errno.EAFNOSUPPORT, (0, _EQ, family, 0))
    return rules.program()


@cache
def script_program() -> bytes:
    """What the stage adds just before it becomes the script. Raises SeccompError."""
    rules = _Filter()
    for name in SCRIPT_ONLY:
        rules.refuse(name, errno.EPERM)
    return rules.program()
