"""What the miniature study fixes beforehand: nothing is left open in a world of our own."""

from claims.sin2025 import profiles as paper
from harness.words.judgement import Protocol

PROTOCOL = Protocol(choices=(), adapter_seeds=paper.fixture().sizes.adapter_seeds, exclusions=())
