"""The toy's own world, in which its judge is checked."""

from dataclasses import replace

from claims.toy import study as toy

STUDY = replace(toy.STUDY, name="toy_checked")

PROTOCOL = toy.PROTOCOL
