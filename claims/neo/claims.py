"""What is asked of MAP-Neo, in the order of the paper's inventory; nothing here is a claim of the paper, and no answer settles one."""

from claims.bilingual import CHANGES, DEPTHS_READ, LOSSES, SHARES, TRENDS, Readings
from claims.elsewhere import ASKED
from claims.neo.sources import sentence
from claims.neo.study import MODEL, STUDY
from harness.words.claim import Claim
from harness.words.claim_forms import order, sign
from harness.words.emergence import FINAL

READINGS = Readings(study=STUDY, model=MODEL, supported_by=(ASKED,), parts_supported_by=(ASKED,))

CLAIMS: tuple[Claim, ...] = (
    sign(
        "apart.first", "From early to mid training latents of one language gain, and bilingual ones lose",
        sentence("languages are first learned apart"), READINGS.changes(STUDY.early, STUDY.mid), -1, inventory="A1", basis=CHANGES,
    ),
    sign(
        "together.later", "From mid to late training bilingual latents gain",
        sentence("only afterwards are they aligned"), READINGS.changes(STUDY.mid, FINAL), +1, inventory="A2", basis=CHANGES,
    ),
    sign(
        "order", "Bilingual latents gain more from mid to late than from early to mid training",
        sentence("the order of both"), READINGS.lateness(), +1, inventory="A3", basis=CHANGES,
    ),
    *(
        order(
            f"middle.{size.name}", f"In the finished {size.name} model the bilingual share is largest in the middle third of the layers",
            sentence("alignment is strongest in the middle layers"), READINGS.profile(size, STUDY.layers(size)),
            largest=READINGS.profile(size, STUDY.middle_third(size)), inventory="A4", basis=SHARES, beside=DEPTHS_READ,
        )
        for size in STUDY.sizes
    ),
    sign(
        "size", "The bilingual share of the finished model grows with every step in size",
        sentence("larger models are more bilingual"), READINGS.trends(), +1, inventory="A5", basis=TRENDS,
        beside="From the smallest size to the next, depth alone grows; at the last step width does, and the expansion falls from 32 to 16 times.",
    ),
    sign(
        "part.helps", "The bilingual part of the finished model lowers the loss of one in the midst of its training",
        sentence("what is bilingual in the finished model helps an earlier one"), READINGS.gains(), +1, inventory="A6", basis=LOSSES,
    ),
    sign(
        "part.beyond", "The bilingual part lowers it more than either part of one language",
        sentence("and more than what is of one language"), READINGS.leads(), +1, inventory="A7", basis=LOSSES,
    ),
)  # fmt: skip
