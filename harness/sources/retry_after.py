"""When an answer asks to come back, in any of the forms in which services say it.

Sources: RFC 9110, section 10.2.3 (`Retry-After`: seconds or a date); draft-ietf-httpapi-ratelimit-headers, whose later
versions send `RateLimit: "api";r=0;t=45`, one entry a policy, and whose earlier ones `RateLimit: limit=9, remaining=0,
reset=45` or `RateLimit-Reset: 45`; others send `X-RateLimit-Reset`, seconds or a time.
"""

import math
import re
import time
from collections.abc import Mapping
from contextlib import suppress
from email.utils import parsedate_to_datetime

PARAMETER = re.compile(r"(?:^|[;\s])(r|t|reset)\s*=\s*(\d+(?:\.\d+)?)")
"""What is left of a limit, and when it is whole again, in an entry of `RateLimit`."""

RESET_FIELDS = ("ratelimit-reset", "x-ratelimit-reset", "x-rate-limit-reset")

EPOCH_SECONDS = 1e9
"""Larger numbers of seconds are times."""


def named_pause(headers: Mapping[str, str]) -> float | None:
    """Seconds that an answer asks to wait; None where it names none."""
    fields = {name.lower(): value.strip() for name, value in headers.items()}
    later = fields.get("retry-after", "")
    with suppress(ValueError):
        return _from_now(float(later))
    with suppress(ValueError):
        return max(0.0, parsedate_to_datetime(later).timestamp() - time.time())
    policies = [dict(PARAMETER.findall(entry)) for entry in fields.get("ratelimit", "").split(",")]
    spent = [float(policy["t"]) for policy in policies if "t" in policy and not float(policy.get("r", 0))]
    resets = [float(policy["reset"]) for policy in policies if "reset" in policy]
    for name in RESET_FIELDS:
        with suppress(ValueError):
            resets.append(_from_now(float(fields.get(name, ""))))
    return max(spent or resets, default=None)


def when_to_return(headers: Mapping[str, str]) -> str:
    """The same as the cure of an error."""
    named = named_pause(headers)
    return "wait" if named is None else f"it asks to come back in {named:.0f} s; wait so long"


def _from_now(seconds: float) -> float:
    """Of as many seconds, or of a time since 1970; refuses what is no number."""
    if not math.isfinite(seconds):
        raise ValueError(seconds)
    return max(0.0, seconds - time.time() if seconds > EPOCH_SECONDS else seconds)
