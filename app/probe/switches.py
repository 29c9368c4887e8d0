"""Opens the kernel's record of context switches for a process and all it will start. Needs no privilege.

One `perf_event_open` descriptor a core, software event, kernel and hypervisor excluded, inherited by every later thread and
child (perf_event_open(2): PERF_COUNT_SW_DUMMY with context_switch, task and sample_id_all; CLOCK_MONOTONIC). Thread ids in
the records are those of the opener's PID namespace, so this runs where the script will run, before the script does.
Standard library only: the sandbox's first stage loads this file by its path.
"""

import ctypes
import os
import platform
import struct

_SYSCALL = {"x86_64": 298, "aarch64": 241}
_SOFTWARE, _DUMMY = 1, 9
_SAMPLE_TID, _SAMPLE_TIME, _SAMPLE_CPU = 1 << 1, 1 << 2, 1 << 7
_INHERIT, _EXCLUDE_KERNEL, _EXCLUDE_HV, _COMM, _TASK = 1 << 1, 1 << 5, 1 << 6, 1 << 9, 1 << 13
_SAMPLE_ID_ALL, _COMM_EXEC, _USE_CLOCKID, _CONTEXT_SWITCH = 1 << 18, 1 << 24, 1 << 25, 1 << 26
_CLOCK_MONOTONIC = 1
_CLOEXEC = 1 << 3
_ATTRIBUTE = struct.Struct("<IIQQQQQ II QQ QQ I i Q I HH")


def _attribute() -> bytes:
    flags = (
        _INHERIT | _EXCLUDE_KERNEL | _EXCLUDE_HV | _TASK | _COMM | _COMM_EXEC | _SAMPLE_ID_ALL | _USE_CLOCKID | _CONTEXT_SWITCH
    )
    sample = _SAMPLE_TID | _SAMPLE_TIME | _SAMPLE_CPU
    return _ATTRIBUTE.pack(
        *(_SOFTWARE, _ATTRIBUTE.size, _DUMMY, 0, sample, 0, flags),
        *(0, 0, 0, 0, 0, 0, 0, _CLOCK_MONOTONIC, 0, 0, 0, 0),
    )


def open_switches(pid: int = 0) -> list[int]:
    """Descriptors, one a core in order of cores, close-on-exec. Raises OSError where the kernel does not permit it."""
    number = _SYSCALL.get(platform.machine())
    if number is None:
        raise OSError(f"context switches are not observed on {platform.machine()}")
    libc = ctypes.CDLL(None, use_errno=True)
    attribute = ctypes.create_string_buffer(_attribute())
    descriptors: list[int] = []
    for core in range(os.cpu_count() or 1):
        fd = libc.syscall(number, attribute, ctypes.c_int(pid), ctypes.c_int(core), ctypes.c_int(-1), ctypes.c_ulong(_CLOEXEC))
        if fd < 0:
            error = ctypes.get_errno()
            for opened in descriptors:
                os.close(opened)
            raise OSError(error, os.strerror(error), "perf_event_open")
        descriptors.append(fd)
    return descriptors
