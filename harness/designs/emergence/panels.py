"""How a report shows what this design measures."""

from harness.designs.emergence.quantities import ACTIVITY, AXES, QUANTITIES
from harness.designs.presentation import Drawing, Figure, Layout, Panel, Presentation
from harness.words.dictionaries import BILINGUAL, Integration
from harness.words.emergence import FINAL

LANGUAGES, INTEGRATION, SAMPLE, QUALITY = (
    "Languages of latents",
    "Parts of the final model",
    "The authors' sample",
    "Models and dictionaries",
)

PANELS = (
    Panel(
        anchor="classes",
        group=LANGUAGES,
        heading="Languages of latents over training",
        lead="Of the latents that fire and have examples enough, how many are of one language and how many of both. At step 0 nothing has "
        "been learned: that share is no result but a value to hold others against, as is the share by activity, in which latents weigh "
        "by their squared activations.",
        quantities=("class-share",),
        layout=Layout.GRID,
        columns=("step",),
        headings=("specification", "model", "class"),
        figures=(
            Figure(
                anchor="classes",
                kind=Drawing.CURVES,
                title="Bilingual share over training",
                quantity="class-share",
                along="step",
                only=(("class", BILINGUAL),),
                says="Every layer of every size, from the untrained to the finished model.",
                across="Phase of training",
                up="Bilingual, % of labelled latents",
            ),
            Figure(
                anchor="profile",
                kind=Drawing.CURVES,
                title="Bilingual share over layers",
                quantity="class-share",
                along="layer",
                only=(("class", BILINGUAL), ("step", FINAL)),
                says="The finished model of every size.",
                across="Layer, counted from 0",
                up="Bilingual, % of labelled latents",
            ),
        ),
    ),
    Panel(
        anchor="changes",
        group=LANGUAGES,
        heading="Change of the bilingual share",
        lead="Between two checkpoints, whose dictionaries have no latent in common.",
        quantities=("share-change",),
        layout=Layout.GRID,
        columns=("from", "to"),
        headings=("model",),
    ),
    Panel(
        anchor="lateness",
        group=LANGUAGES,
        heading="Late rather than early",
        lead="By how much the mean of the early and the final bilingual share exceeds the one between: above zero where more of it comes late.",
        quantities=("lateness",),
        layout=Layout.GRID,
        columns=("layer",),
    ),
    Panel(
        anchor="middle",
        group=LANGUAGES,
        heading="Middle layers",
        lead="The bilingual share of the layers in the middle third over that of the others.",
        quantities=("middle-lead",),
        layout=Layout.GRID,
        columns=("step",),
    ),
    Panel(
        anchor="trends",
        group=LANGUAGES,
        heading="Larger models",
        lead="The bilingual share of each size over that of the next smaller one. Where all sizes have equally many latents, expansion falls "
        "as they grow.",
        quantities=("size-trend",),
        figures=(
            Figure(
                anchor="sizes",
                kind=Drawing.CURVES,
                title="Lead of each size over the next smaller one",
                quantity="size-trend",
                along="step",
                says="Mean over the layers that are read.",
                across="Phase of training",
                up="Points of the bilingual share",
            ),
        ),
    ),
    Panel(
        anchor="sampled",
        group=LANGUAGES,
        heading="Some bilingual latents",
        lead="By number in the dictionary at half depth of the finished model, with how many of their examples are of each language.",
        quantities=("sampled-examples",),
        layout=Layout.GRID,
        columns=("language",),
    ),
    Panel(
        anchor="gains",
        group=INTEGRATION,
        heading="Gain by a part of the finished model",
        lead="By how much the loss of the model in the midst of its training falls where a part of the finished model's stream is put into "
        "its own; above zero is better. Controls: as many latents of no bilingual class (random), every latent (all), and nothing but the "
        "model's own stream as its dictionary rebuilds it (rebuilt). A move towards the finished model may help whatever is moved.",
        quantities=("integration-gain",),
        layout=Layout.GRID,
        columns=("part",),
        headings=("reading", "language"),
        is_optional=True,
        figures=(
            Figure(
                anchor="gains",
                # Parts have no order, so that no line joins them.
                kind=Drawing.DOTS,
                title="Gains, with their controls",
                quantity="integration-gain",
                along="part",
                only=(("reading", Integration.SWAP),),
                says="Every size and language of the text, in place of the own part.",
                across="What is put in",
                up="Nats per token gained",
            ),
        ),
    ),
    Panel(
        anchor="leads",
        group=INTEGRATION,
        heading="Lead of the bilingual part",
        lead="Gain by the bilingual part less that by the part of one language, text by text.",
        quantities=("integration-lead",),
        layout=Layout.GRID,
        columns=("over",),
        headings=("reading", "language"),
        is_optional=True,
    ),
    Panel(
        anchor="agreement",
        group=INTEGRATION,
        heading="How alike a part is in both models",
        lead="Cosine of what the part adds to the stream of the model in the midst of its training and to that of the finished one.",
        quantities=("part-cosine",),
        layout=Layout.GRID,
        columns=("part",),
        is_optional=True,
    ),
    Panel(
        anchor="demonstrated",
        group=SAMPLE,
        heading="The authors' labels of single latents",
        lead="Shares of the latents that the authors show of each step, by their own labels and by our count of their examples; computed here "
        "from what they released, and printed nowhere.",
        quantities=("demonstrated-share",),
        layout=Layout.GRID,
        columns=("step",),
        is_optional=True,
    ),
    Panel(
        anchor="demonstrated-changes",
        group=SAMPLE,
        heading="Changes in the authors' sample",
        lead="Between two steps of what the authors released.",
        quantities=("demonstrated-change",),
        layout=Layout.GRID,
        columns=("from", "to"),
        is_optional=True,
    ),
    Panel(
        anchor="models",
        group=QUALITY,
        heading="Loss of the models",
        lead="Nats per token on held-out windows of either language.",
        quantities=("model-nats",),
        layout=Layout.GRID,
        columns=("step",),
    ),
    Panel(
        anchor="dictionaries",
        group=QUALITY,
        heading="What the dictionaries leave out",
        lead="Variance that is left unexplained, latents that never fire or have too few examples for a class, and loss that is added where "
        "the rebuilt stream takes the place of the real one. Neither kind of latent is in any share.",
        quantities=("unexplained", "dead-share", "unlabelled-share", "splicing-loss"),
        layout=Layout.GRID,
        columns=("step",),
        headings=("quantity", "model"),
    ),
)

PRESENTATION = Presentation(
    panels=PANELS,
    quantities={name: quantity.label for name, quantity in QUANTITIES.items()},
    axes=AXES,
    signed=frozenset(name for name, quantity in QUANTITIES.items() if quantity.signed),
    readings={
        "swap": "in place of the own part",
        "add": "beside the own part",
        "replace": "in place of all latents",
    },
    specifications={ACTIVITY: "by activity"},
    groups={"reference": "First language", "high": "Second language"},
    # What is claimed is a sign or a place, and hardly ever a number.
    has_curves_without_numbers=True,
    things="checkpoints, text and dictionaries trained on them",
    uncounted="another run of training, another text or another pair of languages",
    terms={
        "latent": "one direction of a sparse autoencoder\u2019s dictionary; the paper says feature",
        "labelled": "said of a latent that fires, and of which enough examples are of one language or the other",
        "seed": "one training of a dictionary; several tell what one training would vary by",
    },
)
