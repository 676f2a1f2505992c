"""Gemma Scope by sae-lens's own loader, names and configuration included, against the harness's door: the same numbers."""

import subprocess
import sys
from collections.abc import Iterator, Mapping

import numpy as np
import pytest
import torch

from claims.sin2025 import pins
from harness.models.sae import latent_activations, load_encoder, load_sae
from harness.words.study import Home, Pin
from tests.hub.miniature import FIXTURES, miniature_hub
from tests.hub.server import Hub, serving

PROBE = """
import sys
import numpy as np
import torch
from sae_lens import SAE
from sae_lens.loading.pretrained_sae_loaders import gemma_2_sae_huggingface_loader

def miniature(**asked):
    cfg, state, sparsity = gemma_2_sae_huggingface_loader(**asked)
    assert (cfg["d_in"], cfg["d_sae"]) == (2304, 16384)  # what the official loader takes from the names alone
    cfg["d_in"], cfg["d_sae"] = state["W_enc"].shape
    return cfg, state, sparsity

found = {}
residuals = torch.from_numpy(np.load(sys.argv[1]))
for layer in range(26):
    sae = SAE.from_pretrained(
        "gemma-scope-2b-pt-res-canonical", f"layer_{layer}/width_16k/canonical", converter=miniature
    )
    assert sae.cfg.metadata.hook_name == f"blocks.{layer}.hook_resid_post"
    assert sae.cfg.metadata.neuronpedia_id == f"gemma-2-2b/{layer}-gemmascope-res-16k"
    assert sae.cfg.metadata.prepend_bos and not sae.cfg.apply_b_dec_to_input
    latents = sae.encode(residuals[layer])
    found |= {f"latents {layer}": latents.detach().numpy(), f"decoded {layer}": sae.decode(latents).detach().numpy()}
np.savez(sys.argv[2], **found)
"""
"""Runs in a process of its own, since the hub's client reads its endpoint once."""

NUM_TOKENS = 7


@pytest.fixture(scope="module")
def hub() -> Iterator[Hub]:
    with serving(miniature_hub()) as running:
        yield running


@pytest.fixture(scope="module")
def residuals() -> np.ndarray:
    """About as long as the miniature's residuals; whatever they are, both ways must agree."""
    stream = np.random.default_rng(20)
    return (4 * stream.standard_normal((26, NUM_TOKENS, 64))).astype(np.float32)


@pytest.fixture(scope="module")
def official(
    hub: Hub, residuals: np.ndarray, tmp_path_factory: pytest.TempPathFactory
) -> Mapping[str, np.ndarray]:
    root = tmp_path_factory.mktemp("official")
    np.save(root / "residuals.npy", residuals)
    words = [sys.executable, "-c", PROBE, str(root / "residuals.npy"), str(root / "found.npz")]
    # The library's loader fetches by itself, and would take the way that the harness never takes.
    environment = hub.surroundings(root / "home", HF_HUB_DISABLE_XET="1")
    done = subprocess.run(words, env=environment, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr[-2_000:]
    return dict(np.load(root / "found.npz"))


def miniature_dictionary(layer: int) -> tuple[Pin, str]:
    (path,) = (FIXTURES / "saes" / f"layer_{layer}").glob("width_*/*/params.npz")
    pin = Pin(name="saes", home=Home.FOLDER, address="fixtures/saes", licence="Apache-2.0")
    return pin, path.relative_to(FIXTURES / "saes").as_posix()


@pytest.mark.parametrize("layer", range(26))
def test_the_official_loader_gives_the_same_latents(
    official: Mapping[str, np.ndarray], residuals: np.ndarray, layer: int
) -> None:
    """The canonical names of sae-lens lead to the files that the pins name: the hub serves no other 16k ones."""
    pin, file = miniature_dictionary(layer)
    residual = torch.from_numpy(residuals[layer])
    ours = latent_activations(residual, load_encoder(pin, file)).numpy()
    assert (ours > 0).any()
    np.testing.assert_allclose(ours, official[f"latents {layer}"], rtol=0, atol=1e-5)
    decoded = load_sae(pin, file, "cpu").decode(torch.from_numpy(official[f"latents {layer}"]))
    np.testing.assert_allclose(decoded.numpy(), official[f"decoded {layer}"], rtol=0, atol=1e-5)


def test_only_the_pinned_files_were_asked_for(hub: Hub, official: Mapping[str, np.ndarray]) -> None:
    assert official
    assert hub.unknown == []
    asked = {path.partition("/resolve/main/")[2] for path in hub.paths("/resolve/main/", "HEAD")}
    assert asked == set(pins.DICTIONARY_FILES)
