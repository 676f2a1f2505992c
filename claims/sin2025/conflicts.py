"""Every conflict between sources of the paper, and what is made of it; some touch no number."""

from harness.words.judgement import Conflict

CONFLICTS = (
    Conflict(
        id="K1",
        says="The gap is relative to high-resource languages in two summaries, to English in a third; the abstract names no base.",
        treated="two readings of every claim on the gap, high-resource languages first",
    ),
    Conflict(
        id="K2",
        says="One summary puts the gaps at layers 6 and 25 exactly; the others, and the abstract, say early and deeper layers.",
        treated="values at the named layers; place and region are claims of their own",
    ),
    Conflict(
        id="K3",
        says="One summary reports a correlation, third-party notes print r = -0.95, another summary lists it as still to be done.",
        treated="the sign is judged per benchmark; the number stands beside the mean score, exploratory and unverified",
    ),
    Conflict(
        id="K4",
        says="A gain of 87.69 percent is an increase in one summary, and has no formula anywhere.",
        treated="change relative to before is the one supported reading; share of gap closed is measured as a variant",
    ),
    Conflict(
        id="K5",
        says="English retention of about 91 percent is of activations in the abstract's context, of performance in a summary.",
        treated="two readings of the value; the floor of 90 belongs to performance",
    ),
    Conflict(
        id="K6",
        says="Malayalam ARC-Challenge changes by +5.47 in one summary and by +0.16 in another; points or percent is not said.",
        treated="both numbers are targets, in points and in percent; arithmetic tells which can occur at all",
    ),
    Conflict(
        id="K7",
        says="Gains are consistent in the abstract; a summary prints a drop on MMLU, and another calls them uneven.",
        treated="consistency is judged over all tuned languages and benchmarks; the printed numbers are held against the word",
    ),
    Conflict(
        id="K8",
        says="Alignment is a key factor in the abstract, no complete solution in one summary, of low confidence in another.",
        treated="a causal reading without a measure: not testable",
    ),
    Conflict(
        id="K9",
        says="Layer 20 and all layers below are tuned, or layers 0 to 20, or the loss stands at layer 20 alone.",
        treated="loss and adapters on layers 0 to 20; layer 20 alone is an alternative in the grid",
    ),
    Conflict(
        id="K10",
        says="Ten languages everywhere, but one list reads as if English came on top of nine.",
        treated="nine languages and English, which is the reference and no member of a group",
    ),
    Conflict(
        id="K11",
        says="Malayalam and Hindi are tuned in the abstract, Marathi as well in one summary; Indonesian and Catalan are not named.",
        treated="adapters for the three that have a printed gain, one for each language",
    ),
    Conflict(
        id="K12",
        says="Two sites give two dates of a last update; only the first version of the paper was seen.",
        treated="touches no number: metadata of sites, and no sign of a second version",
    ),
    Conflict(
        id="K13",
        says="A research plan says that tuning raises performance while English holds; the printed changes say less.",
        treated="no source of a target; changes, consistency and English stability are judged by themselves",
    ),
)
