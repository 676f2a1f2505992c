"""What is asked of Mistral-7B at three layers; nothing here is a claim of the paper."""

from claims import elsewhere
from claims.mistral_7b.study import STUDY

CLAIMS = elsewhere.claims(STUDY)
