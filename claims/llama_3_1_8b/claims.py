"""What is asked of Llama-3.1-8B with Llama Scope 8x; nothing here is a claim of the paper."""

from claims import elsewhere
from claims.llama_3_1_8b.study import STUDY

CLAIMS = elsewhere.claims(STUDY)
