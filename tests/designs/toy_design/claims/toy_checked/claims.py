"""The toy's claim, which must hold."""

from dataclasses import replace

from claims.toy.claims import CLAIMS as TOY

from harness.words.verdict import State

CLAIMS = tuple(replace(claim, id=f"checked.{claim.id}", expected=State.PASS) for claim in TOY)
