"""What is asked of Gemma-3-1B with Gemma Scope 2; nothing here is a claim of the paper."""

from claims import elsewhere
from claims.gemma_3_1b.study import STUDY

CLAIMS = elsewhere.claims(STUDY)
