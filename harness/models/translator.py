"""The only door to CTranslate2: a Marian model as its publishers store it, converted once, and run in the converted form."""

import ctypes
import json
import pickle
import shutil
import warnings
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from harness.sources.pins import locate
from harness.words.errors import HarnessError, UsageError, choice_error
from harness.words.plan import Numerics
from harness.words.study import Pin

MARIAN_FILES = ("config.json", "source.spm", "target.spm", "vocab.json")
"""What a published translator cannot do without, besides its weights."""

TOKENIZER_FILES = ("source.spm", "target.spm", "vocab.json", "tokenizer_config.json")
"""What its tokenizer is loaded from; old repositories have no configuration of it."""

PUNCTUATION = "\u201cone\u201d \u2013 \u00abtwo\u00bb \u2026 \u2018three\u2019"
"""Marks that a normaliser of punctuation writes otherwise."""

POSITIONS = "max_positions"
"""Entry of the engine's configuration that holds how many tokens the model can read, or write."""

DTYPES = ("float32", "float16", "int8")
"""What the engine can compute in; a converted model holds float32, and is cast when it is loaded."""

CUBLAS = ("libcublasLt.so.12", "libcublas.so.12")
"""What the engine looks up on an accelerator, in the order in which one needs the other."""


@dataclass(frozen=True, kw_only=True, eq=False)
class MarianModel:
    """A Marian model in transformers, with its tokenizer."""

    model: Any
    tokenizer: Any


@dataclass(frozen=True, kw_only=True, eq=False)
class Translator:
    """A converted model in its engine, with its tokenizer."""

    engine: Any
    """`ctranslate2.Translator`."""
    tokenizer: Any
    """Reads a control token that a text spells as text, too; the token of a target language in front of it stays one."""
    max_positions: int
    """Tokens that the model can read, and write."""


def load_marian(pin: Pin) -> MarianModel:
    """The translation model of a pin, in float32 whatever precision it is stored in.

    Raises:
        MissingSourceError: If it cannot be had, or lacks a file.
        UsageError: If its files hold another kind of model, lack a tensor of it or hold one too many or of another shape, hold
            values that are no numbers, or its vocabulary does not fit it.
        ValueError: If its weights are a pickle of anything but tensors.
        HarnessError: If its tokenizer changes punctuation, as it does where sacremoses is present.
    """
    # Here, so that what merely runs a converted model does not wait for them.
    import torch
    from transformers import MarianConfig, MarianMTModel

    from harness.models.loading import refusal, require_its_tokenizer, require_whole, sound_folder
    from harness.models.weights import reading_foreign_files

    folder = sound_folder(pin, MARIAN_FILES, MarianConfig.model_type)
    try:
        with reading_foreign_files(folder, refusal(pin)):
            # Some translators are published as a pickle alone: of it nothing but tensors is read, never code.
            model, report = MarianMTModel.from_pretrained(
                folder,
                dtype=torch.float32,
                weights_only=True,
                output_loading_info=True,
                ignore_mismatched_sizes=True,  # refused below, by name
            )
    except pickle.UnpicklingError as error:
        raise ValueError(
            f"{pin.name}: its weights hold more than tensors ({str(error).splitlines()[0]}), so they are not read: such a "
            "file can run any code; find out who published it, and correct the pin"
        ) from error
    model.eval().requires_grad_(requires_grad=False)
    require_whole(pin, model, report)
    with reading_foreign_files(folder, refusal(pin)):
        tokenizer = _tokenizer(folder)
    require_its_tokenizer(pin, model, tokenizer)
    return MarianModel(model=model, tokenizer=tokenizer)


def convert_marian(pin: Pin, out: Path) -> None:
    """Write the translation model of a pin in the engine's form, in float32, with the files of its tokenizer.

    Raises:
        UsageError: If its decoder does not start from zeros, as Marian's does and so the engine's: it would translate otherwise.
    """
    from ctranslate2.converters.transformers import MarianMTLoader

    marian = load_marian(pin)
    _require_start_from_zero(pin, marian.model)
    spec = MarianMTLoader()(marian.model, marian.tokenizer)
    spec.config.add_attribute(POSITIONS, marian.model.config.max_position_embeddings)
    spec.validate()
    spec.optimize()
    out.mkdir(parents=True, exist_ok=True)
    spec.save(str(out))
    for name in TOKENIZER_FILES:
        if (locate(pin) / name).is_file():
            shutil.copyfile(locate(pin) / name, out / name)


@lru_cache(maxsize=1)
def load_translator(folder: Path, numerics: Numerics) -> Translator:
    """A converted model, ready to translate; one at a time is kept.

    Raises:
        UsageError: If the engine cannot compute in the precision that is asked for on this device.
        HarnessError: If the engine lacks its library on an accelerator, or the tokenizer changes punctuation.
    """
    import ctranslate2

    if numerics.dtype not in DTYPES:
        raise choice_error(
            "precision of translators", numerics.dtype, DTYPES, "(translator_dtype of the profile)"
        )
    if numerics.device != "cpu":
        require_engine_library()
    try:
        engine = ctranslate2.Translator(
            str(folder),
            device=numerics.device,
            compute_type=numerics.dtype,
            inter_threads=1,
            intra_threads=numerics.threads,
        )
    except ValueError as error:
        raise UsageError(
            f"translators cannot compute in {numerics.dtype} on this {numerics.device} ({error}); choose another "
            "translator_dtype in the profile, or another device"
        ) from error
    said = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    return Translator(engine=engine, tokenizer=_tokenizer(folder), max_positions=said[POSITIONS])


def _tokenizer(folder: Path) -> Any:  # noqa: ANN401  transformers is untyped here
    from transformers import MarianTokenizer

    with warnings.catch_warnings():
        # Punctuation is left as it stands: sacremoses is absent on purpose, so that inputs never depend on it.
        warnings.filterwarnings("ignore", message="Recommended: pip install sacremoses")
        tokenizer = MarianTokenizer.from_pretrained(folder, split_special_tokens=True)
    if (found := tokenizer.normalize(PUNCTUATION)) != PUNCTUATION:
        raise HarnessError(
            f"the tokenizer of {folder.name} makes {found!r} of {PUNCTUATION!r}, as it does where sacremoses can be imported; "
            "expected every text as it stands: uninstall sacremoses, and start again"
        )
    return tokenizer


def _require_start_from_zero(pin: Pin, model: Any) -> None:  # noqa: ANN401
    """The last token of the vocabulary starts the decoder, and is embedded as zeros.

    Marian has no such token: the conversion to transformers adds it, and the one to the engine takes it off again.
    """
    start, embedding = model.config.decoder_start_token_id, model.get_input_embeddings().weight
    largest = float(embedding[start].abs().max())
    if start != len(embedding) - 1 or largest:
        raise UsageError(
            f"{pin}: its decoder starts from token {start} of {len(embedding)}, embedded as values up to {largest:.3g}; "
            "expected the last token, and zeros, as in every model that was made by Marian: the engine starts from zeros, and "
            "would translate otherwise; take a published opus-mt model, or correct the pin"
        )


def require_engine_library() -> None:
    """Load CUDA 12's product library, which the engine looks up by name on an accelerator; torch brings another version.

    Raises:
        HarnessError: If it is not installed.
    """
    import ctranslate2

    installed = Path(ctranslate2.__file__).parents[1] / "nvidia" / "cublas" / "lib"
    for name in CUBLAS:
        path = installed / name
        try:
            ctypes.CDLL(str(path) if path.is_file() else name, mode=ctypes.RTLD_GLOBAL)
        except OSError as error:
            raise HarnessError(
                f"the engine of the translators needs {name} of CUDA 12 on an accelerator, and it cannot be loaded ({error}); "
                "install it with 'pip install nvidia-cublas-cu12', or say --device cpu"
            ) from error
