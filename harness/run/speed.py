"""How fast this machine multiplies matrices: what the useful work of a run is held against."""

import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch

SIDES = {"cuda": 8_192, "cpu": 1_536}
"""Rows and columns of the factors: large enough to fill the device, small enough for a second or two."""

SECONDS = 3.0
"""Products are repeated for so long, and the fastest counts, since whatever else the machine does only slows it down.

On a shared machine the best of the first five was anywhere from half the speed to all of it; the best of three seconds
stayed within a tenth.
"""


def matmul_flops_per_second(device: str, dtype: str, threads: int) -> float:
    """Floating-point operations a second of a square product at its best, without TF32.

    Args:
        device: "cpu" or "cuda".
        dtype: Name of torch's dtype, as a profile's sizes spell it.
        threads: Processor threads; a run is held to as many as it had.
    """
    import torch

    torch.set_num_threads(threads)
    torch.backends.cuda.matmul.allow_tf32 = False
    side = SIDES[device]
    factor = torch.ones(side, side, dtype=getattr(torch, dtype), device=device)
    torch.mm(factor, factor)
    fastest, start = _seconds_of_a_product(factor), time.perf_counter()
    while time.perf_counter() - start < SECONDS:
        fastest = min(fastest, _seconds_of_a_product(factor))
    return 2 * side**3 / fastest


def _seconds_of_a_product(factor: "torch.Tensor") -> float:
    import torch

    if factor.is_cuda:
        torch.cuda.synchronize()
    start = time.perf_counter()
    torch.mm(factor, factor)
    if factor.is_cuda:
        torch.cuda.synchronize()
    return time.perf_counter() - start
