"""Every reader of foreign files, with a sound file to start from and the errors that it promises."""

import gzip
import io
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from zipfile import ZipFile

import numpy as np

from harness.judge.declaration import read_declaration
from harness.judge.ledger import LedgerFile, Run
from harness.judge.preregistration import LockBrokenError, LockFile, read_lock
from harness.models.sae import load_encoder
from harness.sources.neuronpedia import listed_latents, stored_rows
from harness.sources.synthetic import recipe_of
from harness.stages.evaluation_tasks import document_id, read_documents
from harness.words.errors import UsageError
from harness.words.study import Home, Pin

HERE = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Parser:
    """One reader of foreign bytes."""

    sound: bytes
    """A file that it reads."""
    file: str
    """Where it expects the file below its folder."""
    read: Callable[[Path], object]
    """Reads the file below a folder."""
    promised: type[Exception]
    """What it answers with otherwise: this very class, since one below it would be an error of Python's own."""
    names: str
    """What each of those errors says, so that a person knows which file it is about."""
    wrapped: Callable[[bytes], bytes] = bytes
    """What is done to the bytes before they are written, so that a changed byte is not stopped by a checksum."""

    def accepts(self, content: bytes, folder: Path) -> bool:
        """Whether the file is read to its end; the promised error is an answer, any other passes on."""
        path = folder / self.file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(self.wrapped(content))
        try:
            self.read(folder)
        except self.promised as error:
            if type(error) is not self.promised or self.names not in str(error):
                raise
            return False
        return True

    @property
    def is_json(self) -> bool:
        """Whether its values can be changed one by one."""
        return self.sound.startswith(b"{")


def _pin(folder: Path) -> Pin:
    return Pin(name="foreign", home=Home.FOLDER, address=str(folder), licence="none")


def _documents(folder: Path) -> list[str]:
    return [document_id(document) for document in read_documents(_pin(folder), "xx", "test")]


def _rows(folder: Path) -> list[tuple[int, int]]:
    return [(row.latent, row.peak) for row in stored_rows(folder, "source", num_latents=8)]


def _made(folder: Path) -> dict[str, int]:
    address = (folder / "address").read_text(encoding="utf-8", errors="replace")
    _, figures = recipe_of(Pin(name="foreign", home=Home.MADE, address=address, licence="none"))
    return dict(figures)


def _export() -> bytes:
    rows = [
        {"index": "3", "tokens": ["a", "▁b"], "values": [0, 1.5], "layer": "source"},
        {"index": 4, "tokens": ["<bos>"], "values": [2]},
    ]
    return "".join(json.dumps(row) + "\n" for row in rows).encode()


def _params() -> bytes:
    written = io.BytesIO()
    ones = np.ones((2, 3), dtype=np.float32)
    np.savez(written, W_enc=ones, W_dec=ones.T, b_enc=ones[0], b_dec=ones[:, 0], threshold=ones[0])
    return written.getvalue()


def _ledger() -> bytes:
    with TemporaryDirectory() as folder:
        ledger = LedgerFile(folder=Path(folder))
        ledger.begin(Run(run_id="run", study="study", lock="lock"))
        return ledger.path.read_bytes()


def _lock() -> bytes:
    content = {name: [] if name == "amendments" else "x" for name in LockFile.__dataclass_fields__}
    return json.dumps(content | {"content": {"a": 1.5}}).encode()


PARSERS: Mapping[str, Parser] = {
    "export": Parser(
        _export(),
        "source/activations/batch-0.jsonl.gz",
        _rows,
        promised=ValueError,
        names="batch-0.jsonl.gz",
        wrapped=lambda content: gzip.compress(content, compresslevel=1),
    ),
    "features": Parser(
        b'{"index": "3"}\n{"index": 10, "maxActApprox": 1.5}\n',
        "source/features/batch-0.jsonl.gz",
        lambda folder: listed_latents(folder, "source", num_latents=11),
        promised=ValueError,
        names="batch-0.jsonl.gz",
        wrapped=lambda content: gzip.compress(content, compresslevel=1),
    ),
    "params": Parser(
        _params(),
        "params.npz",
        lambda folder: load_encoder(_pin(folder), "params.npz"),
        promised=ValueError,
        names="params.npz",
    ),
    "items": Parser(
        b'{"id": "a/1", "endings": ["x", {"xx": "y"}], "label": "1"}\n{"ind": 4}\n',
        "data/xx/test.jsonl",
        _documents,
        promised=ValueError,
        names="document",
    ),
    "audit": Parser(
        (HERE / "docs" / "audit-example.json").read_bytes(),
        "audit.json",
        lambda folder: read_declaration(folder / "audit.json"),
        promised=UsageError,
        names="audit.json",
    ),
    "profile": Parser(
        b"dictionaries?width=2304&latents=16384&layers=26",
        "address",
        _made,
        promised=UsageError,
        names="foreign",
    ),
    "lock": Parser(
        _lock(),
        "lock.json",
        lambda folder: read_lock(folder / "lock.json"),
        promised=LockBrokenError,
        names="lock.json",
    ),
    "ledger": Parser(
        _ledger(),
        "ledger.jsonl",
        lambda folder: LedgerFile(folder=folder).entries(),
        promised=LockBrokenError,
        names="ledger.jsonl",
    ),
}
"""By name."""


class PickleLoadedError(BaseException):
    """A planted pickle came to life."""


class Trap:
    """What a planted pickle makes when somebody loads it."""

    def __reduce__(self) -> tuple[Callable[[], object], tuple[()]]:
        return _spring, ()


def _spring() -> object:
    raise PickleLoadedError("a pickle of foreign origin was loaded")


def params_with_a_pickle() -> bytes:
    """A `params.npz` whose encoder is an array of objects, which only a pickle can hold."""
    planted = io.BytesIO()
    trap = np.empty(1, dtype=object)
    trap[0] = Trap()
    np.save(planted, trap, allow_pickle=True)
    sound = io.BytesIO(PARSERS["params"].sound)
    written = io.BytesIO()
    with ZipFile(sound) as source, ZipFile(written, "w") as target:
        for name in source.namelist():
            target.writestr(name, planted.getvalue() if name == "W_enc.npy" else source.read(name))
    return written.getvalue()
