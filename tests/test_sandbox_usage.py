"""What a run used and how it ended, told from numbers and texts alone."""

from __future__ import annotations

import resource
import signal

import pytest

from app.core.records import Outcome
from app.sandbox.limits import Limits, kernel_limits
from app.sandbox.outcome import Exit, outcome_of
from app.sandbox.usage import Cpu, CpuAccount, shared_anonymous
from tests.sandboxed import MIB


def test_shared_mappings_are_known_by_their_device_not_by_their_name() -> None:
    maps = b"""\
7f0000000000-7f0000400000 rw-s 00000000 00:01 12   /dev/zero (deleted)
7f0000400000-7f0000600000 rw-s 00400000 00:01 12   [anon_shmem:innocent]
7f0000600000-7f0000700000 ---s 00000000 00:01 13   /dev/zero (deleted)
7f0000800000-7f0000900000 rw-s 00000000 00:2a 14   /dev/zero (deleted)
7f0000a00000-7f0000b00000 rw-p 00000000 00:00 0
"""
    assert shared_anonymous(maps, b"00:01") == {12: 6 * MIB, 13: MIB}


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


@pytest.mark.parametrize("number", [signal.SIGXCPU, signal.SIGKILL])
def test_a_signal_is_the_cpu_limit_only_when_so_much_was_used(number: signal.Signals) -> None:
    limits = Limits(cpu_s=2)
    assert outcome_of(Exit(signal=number, cpu_s=2.01), 1, limits)[0] is Outcome.CPU_LIMIT
    assert outcome_of(Exit(signal=number, cpu_s=1.99), 1, limits)[0] is Outcome.SIGNAL


def test_a_signal_is_said_in_words() -> None:
    said = {
        number: outcome_of(Exit(signal=number), 1, Limits(file_bytes=5000)) for number in (signal.SIGXFSZ, signal.SIGTERM, 40)
    }
    assert {outcome for outcome, _ in said.values()} == {Outcome.SIGNAL}
    words = ("a file grew past its bound of 5000 bytes", "ended by SIGTERM", "signal 40")
    assert tuple(sentence for _, sentence in said.values()) == words


def test_a_failure_is_the_process_limit_only_when_the_limit_was_passed() -> None:
    limits = Limits(processes=36)
    assert outcome_of(Exit(code=1, processes=36), 36, limits)[0] is Outcome.PROGRAM_ERROR
    assert outcome_of(Exit(code=1, processes=0), 37, limits)[0] is Outcome.PROCESS_LIMIT
    assert outcome_of(Exit(code=0, processes=0), 37, limits)[0] is Outcome.FINISHED


def test_limits_that_count_are_whole_numbers() -> None:
    for limits in ({"processes": 40.5}, {"memory_bytes": 64 * MIB + 0.5}):
        with pytest.raises(ValueError, match="must be a whole number"):
            Limits().with_(**limits)
    with pytest.raises(ValueError, match=r"processes is 40\.5: it must be a whole number"):
        Limits(processes=40.5)  # type: ignore[arg-type]
    assert Limits().with_(processes=40.0, wall_s=1.5) == Limits(processes=40, wall_s=1.5)  # as settings bring them
    assert all(hasattr(resource, name) and isinstance(value, int) for name, value in kernel_limits(Limits()).items())
