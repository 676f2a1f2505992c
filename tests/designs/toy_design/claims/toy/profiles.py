"""Where the toy's inputs come from: nowhere, but a folder that has a digest."""

from pathlib import Path

from tests.small_plan import small_profile

PROFILES = {"fixture": small_profile(Path(__file__).parent, self_check_study="toy_checked")}
