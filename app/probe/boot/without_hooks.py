"""For an interpreter that has no extension: threads, blocking calls, output and the GIL are observed all the same.

The preloaded library needs no Python; only the GIL's calibration needs one release and one take. A ctypes call through CDLL is
just that (it lets the GIL go around the foreign function), one through PyDLL keeps it.
"""

from __future__ import annotations

import ctypes

_FIELDS = (
    "version",
    "ring",
    "thread",
    "open_lane",
    "intern",
    "text",
    "set_where",
    "gil_begin",
    "gil_released",
    "gil_end",
    "arm",
    "set_name",
)


class _Probe(ctypes.Structure):
    """struct probe_api of probe.h."""

    _fields_ = tuple((name, ctypes.c_uint32 if name == "version" else ctypes.c_void_p) for name in _FIELDS)


def observe() -> str | None:
    """Arms the probe; says why the GIL is not observed, None when it is. AttributeError where the library is not preloaded."""
    find = ctypes.PyDLL(None).schedscope_probe
    find.restype = ctypes.POINTER(_Probe)
    probe = find().contents
    keeping, releasing = ctypes.PYFUNCTYPE, ctypes.CFUNCTYPE
    keeping(None)(probe.gil_begin)()
    releasing(None)(probe.gil_released)()
    why = keeping(ctypes.c_char_p)(probe.gil_end)()
    keeping(None)(probe.arm)()
    return why.decode() if why else None
