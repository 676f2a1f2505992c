"""What the toy studies: the words of its own title."""

from harness.words.judgement import Protocol
from tests.small_plan import small_study

STUDY = small_study(
    name="toy",
    title="one word of each length is longer than the next two",
    design="tests.designs.toy_design.design",
)

PROTOCOL = Protocol(choices=(), adapter_seeds=(0,), exclusions=())
