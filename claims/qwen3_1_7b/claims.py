"""What is asked of Qwen3-1.7B with Qwen-Scope; nothing here is a claim of the paper."""

from claims import elsewhere
from claims.qwen3_1_7b.study import STUDY

CLAIMS = elsewhere.claims(STUDY)
