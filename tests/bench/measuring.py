"""One process, one order: load some ways, let them work in turns, say what each took.

One way per process has its own peak memory; several ways in one process take turns, so that a busy machine slows
them alike. `python -m tests.bench.measuring ORDER` reads an order and prints one line of JSON per way.
"""

import json
import resource
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from operator import truediv
from pathlib import Path

from tests.bench.memory import status_bytes
from tests.bench.mid_world import MidWorld
from tests.bench.ways import WAYS, Work

WARM_UP_PHRASES = 2
KILOBYTE, MEGABYTE = 1 << 10, 1 << 20


@dataclass(frozen=True, kw_only=True)
class Order:
    """What one process is asked to measure."""

    ways: tuple[str, ...]
    root: str
    num_layers: int
    d_sae: int
    amount: int
    """Phrases, or training steps."""
    repeats: int


@dataclass(frozen=True, kw_only=True)
class Measurement:
    """What one process took."""

    way: str
    num_layers: int
    amount: int
    done: int
    """Tokens read, or steps taken."""
    turns_cpu_s: Sequence[float]
    """CPU seconds of the work, turn by turn."""
    peak_mb: float
    """Largest resident memory of the process, shared by all ways of the order."""
    working_mb: float
    """How far the process went above what stood loaded before the work."""

    @property
    def cpu_s(self) -> float:
        """CPU seconds of the work in its least turn."""
        return min(self.turns_cpu_s)

    @property
    def rate(self) -> float:
        """Tokens, or steps, per CPU second."""
        return self.done / self.cpu_s


def least_share(ours: Measurement, theirs: Measurement) -> float:
    """CPU time of ours over that of theirs, in the turn that is kindest to ours.

    What else runs on a machine slows one turn or the other by a tenth or two, so a promise counts as broken where every turn
    breaks it.
    """
    return min(map(truediv, ours.turns_cpu_s, theirs.turns_cpu_s))


def measured(order: Order) -> list[Measurement]:
    """Load, warm up, work in turns, and say what each way took."""
    world = MidWorld(Path(order.root), order.num_layers, order.d_sae)
    works = {name: WAYS[name](world) for name in order.ways}
    for work in works.values():
        work(min(WARM_UP_PHRASES, order.amount))
    loaded = status_bytes("VmRSS:")
    _forget_peak()
    turns = [{name: _timed(work, order.amount) for name, work in works.items()} for _ in range(order.repeats)]
    working_mb = max(0, status_bytes("VmHWM:") - loaded) / MEGABYTE
    return [
        Measurement(
            way=name,
            num_layers=order.num_layers,
            amount=order.amount,
            done=turns[0][name][0],
            turns_cpu_s=[turn[name][1] for turn in turns],
            peak_mb=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * KILOBYTE / MEGABYTE,
            working_mb=working_mb,
        )
        for name in works
    ]


def _timed(work: Work, amount: int) -> tuple[int, float]:
    started = time.process_time()
    return work(amount), time.process_time() - started


def _forget_peak() -> None:
    """Lets the kernel's high-water mark of this process start again from here."""
    Path("/proc/self/clear_refs").write_text("5", encoding="ascii")


def main() -> None:
    """Measure the order on the command line."""
    import torch

    torch.set_num_threads(1)
    for measurement in measured(Order(**json.loads(sys.argv[1]))):
        sys.stdout.write(json.dumps(asdict(measurement)) + "\n")


if __name__ == "__main__":
    main()
