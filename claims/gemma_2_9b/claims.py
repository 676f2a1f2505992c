"""What is asked of Gemma-2-9B with Gemma Scope 9B; nothing here is a claim of the paper."""

from claims import elsewhere
from claims.gemma_2_9b.study import STUDY

CLAIMS = elsewhere.claims(STUDY)
