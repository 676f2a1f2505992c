"""Memory of this process as the kernel counts it, that of whoever started it left out.

The peak that `getrusage` tells begins with the size of the process that was forked, which may hold torch.
"""

from pathlib import Path

KILOBYTE = 1 << 10
MEGABYTE = 1 << 20


def status_bytes(field: str) -> int:
    """One figure of the kernel's status of this process, such as "VmHWM:"."""
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) * KILOBYTE for line in lines if line.startswith(field))


def peak_mb() -> float:
    """Most that this program ever held, imports included."""
    return status_bytes("VmHWM:") / MEGABYTE
