"""Files of SAEs as the same five arrays, whatever suite they are of: all of one SAE, real and finite, or one clear error.

With x the residual stream of a token, `x @ W_enc + b_enc` is what its latents compare with their thresholds, and
`acts @ W_dec + b_dec` the stream rebuilt. What a suite applies around its own arrays is folded into these.
"""

import json
import math
import pickle
import warnings
import zipfile
import zlib
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from harness.sources.pins import how_to_mend, locate
from harness.statistics.finite import not_finite
from harness.words.errors import MissingSourceError
from harness.words.study import GEMMA_SCOPE, Pin, SAEForm, SAEInput, SAEKind

ARRAY_NAMES = ("W_enc", "W_dec", "b_enc", "b_dec", "threshold")
"""What is read of every SAE: encoder (d_model, latent) and decoder (latent, d_model), their biases, and the thresholds."""

UNSCALED = ("W_enc", "W_dec", "b_enc", "b_dec")
"""What a file holds whose latents have no threshold each."""

SAE_LENS_ARCHITECTURES = ("standard", "jumprelu", "topk")
"""Those of SAELens whose latents pass a threshold, zero included, or are the k strongest."""

Arrays = dict[str, Tensor]
Note = Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class Layout:
    """What the files of one kind call the arrays, and what is still to be done with them."""

    names: Mapping[str, str]
    """By our name of an array: the file's."""
    optional: frozenset[str] = frozenset()
    """What a file may hold besides."""
    is_transposed: bool = False
    """True where weights stand as a linear layer holds them: outputs first."""
    rows: frozenset[str] = frozenset()
    """Those of its weights that stand a latent a row all the same."""
    note: str = ""
    """JSON beside the arrays that says how they are meant, as a path from their folder; empty where there is none."""
    folded: Callable[[Arrays, Note, SAEForm], Arrays] | None = None
    """Puts what the note says into the arrays, and adds thresholds; None where the arrays are what is read."""

    def fits(self, held: Collection[str]) -> bool:
        """Whether a file that holds these arrays is one of this kind."""
        return sorted(name for name in held if name not in self.optional) == sorted(self.names.values())


def num_latents(pin: Pin, file: str) -> int:
    """How many latents the SAE of one file has; reads the bias of its encoder alone.

    Raises:
        MissingSourceError: If the file is not there.
        ValueError: If it holds the arrays of no kind of SAE.
    """
    with _opened(pin, file) as (held, read):
        known = [layout for layout in LAYOUTS.values() if layout.fits(held)]
        if not known:
            raise _OtherArraysError(_other_arrays(held, LAYOUTS[SAEKind.GEMMA_SCOPE]))
        bias = read(known[0].names["b_enc"])
    _require_values({"b_enc": bias}, pin, file)
    return len(bias)


def arrays_of(
    pin: Pin, file: str, names: Sequence[str] = ARRAY_NAMES, form: SAEForm = GEMMA_SCOPE
) -> dict[str, Tensor]:
    """Some arrays of one SAE, float32, on the CPU.

    Raises:
        MissingSourceError: If the file is not there, or what says how it is meant.
        ValueError: If it does not hold the arrays of its kind, each once, of one width, real and finite.
    """
    layout = LAYOUTS[form.kind]
    arrays = _stored(pin, file, (layout,), names if layout.folded is None else tuple(layout.names))
    if layout.folded is not None:
        arrays = _folded(arrays, pin, file, form)
    chosen = {name: arrays[name] for name in names}
    _require_values(chosen, pin, file)
    return chosen


def topk_arrays(pin: Pin, file: str) -> dict[str, Tensor]:
    """The four arrays of a TopK SAE that its authors released, float32, on the CPU; whichever of their layouts it has.

    The bias of the decoder is still to be taken off the stream.

    Raises:
        MissingSourceError: If the file is not there.
        ValueError: If it does not hold the arrays of one of the layouts, each once, of one width, real and finite.
    """
    arrays = _stored(pin, file, TOPK_LAYOUTS, UNSCALED)
    _require_values(arrays, pin, file)
    return arrays


def topk_file(pin: Pin) -> str:
    """The file of a repository that holds a TopK SAE of its authors, as a path in it: told by its arrays, since its name is theirs.

    Raises:
        MissingSourceError: If no file of weights is there, or several hold such an SAE.
        ValueError: If none holds one: what each holds instead, or why it cannot be read.
    """
    folder = locate(pin)
    files = sorted(
        path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.suffix in FORMATS
    )
    if not files:
        raise MissingSourceError(
            f"{pin} holds no file of weights, but {sorted(path.name for path in folder.iterdir())[:8]}; expected one that ends with "
            f"{' or '.join(FORMATS)}, among the files of its pin; {how_to_mend(pin)}"
        )
    fitting, others = [], []
    for file in files:
        try:
            with _opened(pin, file) as (held, _):
                if not any(layout.fits(held) for layout in TOPK_LAYOUTS):
                    raise _OtherArraysError(_other_arrays(held, *TOPK_LAYOUTS))
                fitting.append(file)
        except ValueError as error:
            others.append(str(error))
    if not fitting:
        raise ValueError("; ".join(others))
    if len(fitting) > 1:
        raise MissingSourceError(
            f"{pin} holds the arrays of a TopK SAE in several files: {', '.join(fitting)}; expected one: name it in the files of its "
            "pin, in pins.py of the study, below claims/"
        )
    return fitting[0]


def _stored(pin: Pin, file: str, layouts: Sequence[Layout], names: Sequence[str]) -> Arrays:
    """Some arrays as a file of one of the layouts holds them, an encoder by its inputs and a decoder by its latents."""
    with _opened(pin, file) as (held, read):
        layout = next((each for each in layouts if each.fits(held)), None)
        if layout is None:
            raise _OtherArraysError(_other_arrays(held, *layouts))
        arrays = {name: read(layout.names[name]) for name in names}
        arrays |= {name: read(name) for name in layout.optional.intersection(held)}
    if layout.is_transposed:
        turned = {name for name, array in arrays.items() if array.ndim > 1} - layout.rows
        arrays |= {name: arrays[name].T.contiguous() for name in turned}
    _require_shapes(arrays, pin, file)
    return arrays


def require_its_layer(pin: Pin, file: str, form: SAEForm, layer: int) -> None:
    """Guards against the file of another layer, where what stands beside it says which stream it was trained on.

    The stream before a layer is the one after the layer below it.

    Raises:
        ValueError: If it was trained on another one than the stream after the layer.
    """
    if not LAYOUTS[form.kind].note:
        return
    said = _note(pin, file, form)
    named = {**said, **said.get("metadata", {})}
    found = next((named[key] for key in ("hook_name", "hook_point", "hook_point_in") if key in named), None)
    expected = (f"blocks.{layer}.hook_resid_post", f"blocks.{layer + 1}.hook_resid_pre")
    if found not in expected:
        raise ValueError(
            f"{pin.name}: {file}, named for layer {layer}, was trained at {found!r}; expected {' or '.join(expected)}; "
            "correct the order of the files in the study's profile, below claims/"
        )


class _OtherArraysError(Exception):
    """The file can be read, and is one of another kind."""


def _other_arrays(held: Sequence[str], *layouts: Layout) -> str:
    optional = sorted(frozenset().union(*(layout.optional for layout in layouts)))
    besides = f" beside any of {optional}" if optional else ""
    expected = " or ".join(str(list(layout.names.values())) for layout in layouts)
    return f"holds the arrays {held}; expected each of {expected} once{besides}, and no more"


@contextmanager
def _opened(pin: Pin, file: str) -> Iterator[tuple[list[str], Callable[[str], Tensor]]]:
    """The names of the arrays of a file, and what reads one of them."""
    path = locate(pin) / file
    if not path.is_file():
        raise MissingSourceError(f"{pin.name} has no file {file}; its folder holds {_listing(path)}")
    try:
        with FORMATS.get(path.suffix, _numpy_file)(path) as opened:
            yield opened
    except _OtherArraysError as error:
        raise ValueError(f"{pin.name}: {file} {error}; {how_to_mend(pin)}") from None
    except pickle.UnpicklingError as error:
        raise ValueError(
            f"{pin.name}: {file} holds more than tensors, or no pickle at all; a pickle can run any code, so that nothing but "
            f"tensors by name is loaded from one ({_first_line(error)}); {how_to_mend(pin)}"
        ) from error
    except (
        zipfile.BadZipFile,
        zlib.error,
        EOFError,
        OSError,
        LookupError,
        ValueError,
        TypeError,
        RuntimeError,
    ) as error:
        raise ValueError(
            f"{pin.name}: {file} cannot be read as arrays ({error}); remove {path.resolve()}, and start again to fetch it "
            f"anew; {how_to_mend(pin)}"
        ) from error


@contextmanager
def _numpy_file(path: Path) -> Iterator[tuple[list[str], Callable[[str], Tensor]]]:
    with path.open("rb") as stream, np.load(stream) as stored:
        yield sorted(stored.files), lambda name: _real(stored[name], name)


@contextmanager
def _safetensors_file(path: Path) -> Iterator[tuple[list[str], Callable[[str], Tensor]]]:
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="pt") as stored:
            yield sorted(stored.keys()), lambda name: _floating(stored.get_tensor(name), name)
    except SafetensorError as error:
        raise ValueError(str(error)) from error


@contextmanager
def _torch_file(path: Path) -> Iterator[tuple[list[str], Callable[[str], Tensor]]]:
    """Only tensors by name: the unpickler of `weights_only` builds nothing else, and what it builds is looked at."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Detected pickle protocol")
        stored = torch.load(path, map_location="cpu", weights_only=True, mmap=zipfile.is_zipfile(path))
    if not isinstance(stored, dict) or not all(isinstance(each, Tensor) for each in stored.values()):
        raise pickle.UnpicklingError(f"a {type(stored).__name__} of other things")
    yield sorted(map(str, stored)), lambda name: _floating(stored[name], name)


FORMATS = {
    ".npz": _numpy_file,
    ".safetensors": _safetensors_file,
    ".pt": _torch_file,
    ".pth": _torch_file,
    ".bin": _torch_file,
}
"""Opens a file by what its name ends with."""


def _real(array: NDArray[np.generic] | bytes, name: str) -> Tensor:
    # A conversion would drop the imaginary half of a number, and read True as 1. What is no array comes as bytes.
    if isinstance(array, bytes) or array.dtype.kind != "f":
        found = "bytes" if isinstance(array, bytes) else f"{array.dtype} values"
        raise TypeError(f"{name} holds {found}; expected real numbers")
    return torch.from_numpy(array).to(torch.float32)


def _floating(tensor: Tensor, name: str) -> Tensor:
    if not tensor.is_floating_point():
        raise TypeError(f"{name} holds {tensor.dtype} values; expected real numbers")
    return tensor.to(torch.float32)


def _folded(arrays: Arrays, pin: Pin, file: str, form: SAEForm) -> Arrays:
    layout = LAYOUTS[form.kind]
    assert layout.folded is not None
    said = _note(pin, file, form) if layout.note else {}
    try:
        return layout.folded(arrays, said, form)
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(
            f"{pin.name}: {layout.note} beside {file} does not say how its arrays are meant ({error}); expected that of "
            f"{form.kind.value}, and the same form in the study's profile, below claims/"
        ) from error


def _note(pin: Pin, file: str, form: SAEForm) -> Note:
    path = (locate(pin) / file).parent / LAYOUTS[form.kind].note
    if not path.is_file():
        raise MissingSourceError(
            f"{pin.name}: {file} cannot be read without {path.name}; its folder holds {_listing(path)}; add it to the files "
            "of the pin"
        )
    try:
        said = json.loads(path.read_text(encoding="utf-8"))
        return dict(said)
    except (TypeError, ValueError, RecursionError) as error:
        raise ValueError(f"{pin.name}: {path.name} beside {file} is no JSON object ({error})") from error


def _without_thresholds(arrays: Arrays) -> Arrays:
    """Arrays whose latents pass zero."""
    return {**arrays, "threshold": torch.zeros_like(arrays["b_enc"])}


def _with_decoder_norm(arrays: Arrays) -> Arrays:
    """Latents that count in the length of their decoder row, so that the rows themselves become directions."""
    lengths = arrays["W_dec"].norm(dim=1).clamp(min=torch.finfo(torch.float32).tiny)
    return {
        **arrays,
        "W_enc": arrays["W_enc"] * lengths,
        "b_enc": arrays["b_enc"] * lengths,
        "W_dec": arrays["W_dec"] / lengths.unsqueeze(1),
    }


def _llama_scope(arrays: Arrays, said: Note, form: SAEForm) -> Arrays:
    """The arrays for a stream that was not scaled, one threshold for all latents, in the unit of the form.

    Source: arXiv 2410.20526; the encoder of the suite's own library as it stood when the SAEs were released.
    """
    _require(said, act_fn="jumprelu", norm_activation="dataset-wise", apply_decoder_bias_to_pre_encoder=False)
    _require(said, sparsity_include_decoder_norm=True)
    scale = math.sqrt(arrays["b_dec"].numel()) / float(said["dataset_average_activation_norm"]["in"])
    unit = scale if form.reads is SAEInput.SCALED else 1.0
    found = _with_decoder_norm(arrays)
    return {
        "W_enc": found["W_enc"] * unit,
        "b_enc": found["b_enc"] / scale * unit,
        "threshold": torch.full_like(found["b_enc"], float(said["jump_relu_threshold"]) * unit),
        "W_dec": found["W_dec"] / unit,
        "b_dec": found["b_dec"] / scale,
    }


def _sae_lens(arrays: Arrays, said: Note, form: SAEForm) -> Arrays:
    """The arrays as SAELens applies them: what its configuration leaves out was so in versions before 6."""
    architecture = said.get("architecture", "standard")
    k = said.get("k", (said.get("activation_fn_kwargs") or {}).get("k"))
    if k is not None and architecture == "standard":
        architecture = "topk"
    if architecture not in SAE_LENS_ARCHITECTURES or (architecture == "jumprelu") != ("threshold" in arrays):
        raise ValueError(f"architecture {architecture!r} with the arrays {sorted(arrays)}")
    if (k if architecture == "topk" else None) != form.k:
        raise ValueError(f"architecture {architecture!r} with k {k}, where the form says k {form.k}")
    inputs = {
        None: form.reads,
        False: form.reads,
        "none": form.reads,
        "constant_norm_rescale": SAEInput.LENGTH,
    }
    if inputs.get(said.get("normalize_activations")) is not form.reads:
        raise ValueError(
            f"normalize_activations {said['normalize_activations']!r}, where the form reads {form.reads.value}"
        )
    ones = arrays.get("scaling_factor", torch.ones(1))
    if not torch.equal(ones, torch.ones_like(ones)):
        raise ValueError("scaling_factor is not 1")
    found = arrays if "threshold" in arrays else _without_thresholds(arrays)
    if said.get("rescale_acts_by_decoder_norm"):
        found = _with_decoder_norm(found)
    if said.get("apply_b_dec_to_input", True):
        found = {**found, "b_enc": found["b_enc"] - found["b_dec"] @ found["W_enc"]}
    return found


def _require(said: Note, **expected: object) -> None:
    for name, value in expected.items():
        if said[name] != value:
            raise ValueError(f"{name} is {said[name]!r}, not {value!r}")


LAYOUTS: Mapping[SAEKind, Layout] = {
    SAEKind.GEMMA_SCOPE: Layout(names={name: name for name in ARRAY_NAMES}),
    SAEKind.GEMMA_SCOPE_2: Layout(names={name: name.lower() for name in ARRAY_NAMES}),
    SAEKind.LLAMA_SCOPE: Layout(
        names={
            "W_enc": "encoder.weight",
            "W_dec": "decoder.weight",
            "b_enc": "encoder.bias",
            "b_dec": "decoder.bias",
        },
        is_transposed=True,
        note="../hyperparams.json",
        folded=_llama_scope,
    ),
    SAEKind.QWEN_SCOPE: Layout(
        names={name: name for name in UNSCALED},
        is_transposed=True,
        folded=lambda arrays, _said, _form: _without_thresholds(arrays),
    ),
    SAEKind.SAE_LENS: Layout(
        names={name: name for name in UNSCALED},
        optional=frozenset({"threshold", "scaling_factor"}),
        note="cfg.json",
        folded=_sae_lens,
    ),
}
"""How each kind of file is read."""

TOPK_LAYOUTS = tuple(
    Layout(
        names={"W_enc": "encoder.weight", "W_dec": decoder, "b_enc": "encoder.bias", "b_dec": "b_dec"},
        is_transposed=True,
        rows=rows,
    )
    for decoder, rows in (("W_dec", frozenset({"W_dec"})), ("decoder.weight", frozenset[str]()))
)
"""The layouts of one group's TopK SAEs: its code of March 2025 holds the decoder as a parameter, that of September as a linear layer."""


def _require_shapes(arrays: Mapping[str, Tensor], pin: Pin, file: str) -> None:
    """Every array as the encoder's shape asks for; one of the wrong kind would broadcast and give numbers."""
    shape = tuple(arrays["W_enc"].shape) if "W_enc" in arrays else (1, arrays["threshold"].numel())
    d_model, d_sae = shape if len(shape) == len(("d_model", "latent")) else (0, 0)
    expected = {
        "W_enc": (d_model, d_sae),
        "W_dec": (d_sae, d_model),
        "b_enc": (d_sae,),
        "b_dec": (d_model,),
        "threshold": (d_sae,),
        "scaling_factor": (d_sae,),
    }
    for name, array in arrays.items():
        if tuple(array.shape) != expected[name] or not d_sae:
            raise ValueError(
                f"{pin.name}: {file} holds {name} of shape {tuple(array.shape)}; expected {expected[name]} beside W_enc of shape "
                f"{shape}, which is (d_model, latents); {how_to_mend(pin)}"
            )


def _require_values(arrays: Mapping[str, Tensor], pin: Pin, file: str) -> None:
    """No comparison with what is no number holds: such a latent would be silent, and its silence counted."""
    if broken := not_finite(arrays):
        raise ValueError(
            f"{pin.name}: {file} holds values that are infinite or no number, in {', '.join(broken)}; expected finite ones, also in "
            f"float32; {how_to_mend(pin)}"
        )
    if "threshold" in arrays and (lowest := float(arrays["threshold"].min())) < 0:
        raise ValueError(
            f"{pin.name}: {file} holds a threshold of {lowest:g}; expected 0 or more, as a JumpReLU has: is it the logarithm of one? {how_to_mend(pin)}"
        )


def _listing(path: Path) -> str:
    nearest = next(parent for parent in path.parents if parent.is_dir())
    return f"{sorted(entry.name for entry in nearest.iterdir())[:8]} in {nearest.name}"


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]
