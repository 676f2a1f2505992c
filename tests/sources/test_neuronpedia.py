"""A single latent that the service does not tell to its end."""

import json
from pathlib import Path

import pytest

from harness.sources import http
from harness.sources.neuronpedia import told_latent
from harness.words.errors import MissingSourceError, Reason
from harness.words.study import Home, Pin
from tests.hub.server import Fault, Hub, serving

SERVICE = Pin(
    name="service",
    home=Home.SERVICE,
    address="https://www.neuronpedia.org/api/feature/gemma-2-2b",
    licence="none",
)
PAGE = "/api/feature/gemma-2-2b/0-res/3"
TOLD = {"maxActApprox": 4.0, "activations": [{"index": "3", "tokens": ["a"], "values": [4.0]}]}


@pytest.mark.parametrize("kind", ["cut", "stall"])
@pytest.mark.parametrize("times", [3, 99], ids=["three times", "always"])
def test_a_latent_that_does_not_come_whole_is_asked_for_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str, times: int
) -> None:
    monkeypatch.setattr(http, "PROBE_SECONDS", 0.3)
    monkeypatch.setattr(http, "PAUSES_SECONDS", (0.02, 0.02, 0.02))
    monkeypatch.setattr(http, "ANSWERED", set())
    fault = Fault(path=PAGE, kind=kind, times=times)
    with serving(Hub(pages={PAGE: json.dumps(TOLD).encode()}, faults=[fault])) as hub:
        for name, value in hub.environment(str(tmp_path)).items():
            monkeypatch.setenv(name, value)
        if times == 3:
            assert told_latent(SERVICE, "0-res", 3).maximum == 4.0
            return
        with pytest.raises(MissingSourceError, match=rf"service .*{PAGE}.*over and over") as caught:
            told_latent(SERVICE, "0-res", 3)
    assert caught.value.reason is Reason.NO_NETWORK


@pytest.mark.parametrize(
    ("told", "says"),
    [
        pytest.param(TOLD | {"maxActApprox": float("nan")}, "a maxActApprox is nan", id="a maximum that is none"),
        pytest.param(TOLD | {"maxActApprox": 10**400}, "OverflowError", id="a maximum beyond numbers"),
        pytest.param(TOLD | {"activations": [{"index": "4", "tokens": ["a"], "values": [4.0]}]}, r"rows of latents \[4\] stand among those of latent 3",
                     id="another latent"),
        pytest.param(TOLD | {"activations": [{"index": "3", "tokens": [None], "values": [4.0]}]}, r"tokens\[0\] is None", id="no text"),
    ],
)  # fmt: skip
def test_what_tells_no_latent_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, told: object, says: str
) -> None:
    with serving(Hub(pages={PAGE: json.dumps(told).encode()})) as hub:
        for name, value in hub.environment(str(tmp_path)).items():
            monkeypatch.setenv(name, value)
        with pytest.raises(MissingSourceError, match=rf"0-res/3 tells no latent with its rows .*{says}"):
            told_latent(SERVICE, "0-res", 3)
