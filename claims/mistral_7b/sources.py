"""Who asks: nobody has claimed anything of this model."""

from claims import elsewhere
from harness.words.judgement import Conflict

SOURCES = elsewhere.SOURCES
CONFLICTS: tuple[Conflict, ...] = ()
