"""What is claimed of the tiny model: what must hold, what cannot, and what only its run can tell."""

from claims.tiny.sources import NOTE, sentence
from claims.tiny.study import STUDY

from claims.bilingual import CHANGES, LOSSES, SHARES, Readings
from harness.words.claim import Claim, Minima, Tier
from harness.words.claim_forms import Basis, sign, value
from harness.words.emergence import FINAL

HALF = STUDY.middle(STUDY.sizes[0])
READINGS = Readings(study=STUDY, model="only", supported_by=(NOTE,), parts_supported_by=(NOTE,))
FEW, TWO_SEEDS = Minima(units=20), Minima(units=20, seeds=2)

CLAIMS: tuple[Claim, ...] = (
    value(
        "share.any", "Some of the latents at half depth are bilingual, or none, or all", sentence("a share is a share"),
        READINGS.profile(STUDY.sizes[0], (HALF,)), "50", margin=50.0, because="no share lies elsewhere",
        inventory="T1", tier=Tier.PRIMARY, basis=Basis(unit=SHARES.unit, minima=FEW),
    ),
    value(
        "gain.impossible", "On English text the bilingual part saves fifty nats a token", sentence("wrong on purpose"),
        READINGS.read("in place of all that latents write", (f"integration-gain/model=only/part=bilingual/layer={HALF}/lang=en/replace/primary",)),
        "50", margin=1.0, because="a loss of less than seven nats cannot fall by fifty", inventory="T2",
        basis=Basis(unit=LOSSES.unit, minima=FEW),
    ),
    sign(
        "together.later", "From mid to late training bilingual latents gain", sentence("later they are aligned"),
        READINGS.changes(STUDY.mid, FINAL), +1, inventory="T3", basis=Basis(unit=CHANGES.unit, minima=TWO_SEEDS),
    ),
    sign(
        "part.helps", "The bilingual part of the finished model lowers the loss of one in the midst of its training",
        sentence("the part helps"), READINGS.gains(), +1, inventory="T4", tier=Tier.PRIMARY, basis=Basis(unit=LOSSES.unit, minima=FEW),
    ),
)  # fmt: skip
