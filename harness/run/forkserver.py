"""One process that loads what stages import, and of which every stage on this machine's processor is a copy.

Loading torch and what stands on it takes a processor six seconds, and each of a dozen stages would pay them. The engine is
started by the server, whose address is in its environment: `harness stage` finds it there, hands over its words, its
environment, its folder and its streams, and ends as the copy ends. Where nobody answers, it works itself.

For processors alone: a copy cannot use an accelerator once the process that it is a copy of has asked for one.
"""

import gc
import json
import os
import runpy
import select
import signal
import socket
import sys
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import NoReturn

VARIABLE = "HARNESS_FORKSERVER"
"""Variable by which a stage finds the server: its address as the engine's folder sees it, since addresses are short."""

ADDRESS = "forkserver"
"""Name of the server's socket in the engine's folder."""

LOADED_BY_ALL = ("pandas", "pyarrow.pandas_compat", "pydantic.type_adapter", "pydantic.types")
"""What every stage loads when it runs, by names that other libraries ask for: pyarrow asks for pandas with the first table."""

LOADED_WHEN_RUN = (
    "transformers.models.auto.modeling_auto",
    "transformers.models.auto.tokenization_auto",
    "transformers.modeling_layers",
    "transformers.modeling_utils",
    "transformers.generation.utils",
    "transformers.processing_utils",
    "peft",
    "lm_eval.evaluator",
    "lm_eval.models.huggingface",
    "sae_lens",
)
"""What stages with a network load when they run, besides what they import at once: of these, each loads what its code names."""

SIGNALS = (signal.SIGCHLD, signal.SIGHUP, signal.SIGINT, signal.SIGTERM)
STREAMS = (0, 1, 2)
LENGTH_BYTES = 8


def hand_over() -> None:
    """Let a copy of the server do what this process was started for, and end as it ends; return where no server answers."""
    if not (address := os.environ.get(VARIABLE)):
        return
    request = {
        "words": sys.argv,
        "original_words": sys.orig_argv,
        "environment": dict(os.environ),
        "folder": str(Path.cwd()),
    }
    content = json.dumps(request).encode()
    with socket.socket(socket.AF_UNIX) as connection:
        try:
            connection.connect(address)
            socket.send_fds(connection, [len(content).to_bytes(LENGTH_BYTES, "big")], STREAMS)
            connection.sendall(content)
        except OSError:
            return
        signal.signal(signal.SIGINT, signal.SIG_DFL)  # the copy says what there is to say of an end
        answer = connection.makefile("rb").read()
    # A server that was killed says nothing; what has begun must not begin a second time.
    _end_as(int(answer or -signal.SIGKILL))


def _end_as(code: int) -> NoReturn:
    """End with an exit code, or by the signal that a negative one stands for."""
    if code < 0:
        with suppress(OSError):  # what a signal does cannot always be chosen
            signal.signal(-code, signal.SIG_DFL)
        os.kill(os.getpid(), -code)
    sys.exit(code)


@dataclass(frozen=True, kw_only=True)
class Server:
    """Waits for stages, and for the engine that starts them."""

    engine: int
    """The engine's process."""
    listener: socket.socket
    wake: int
    """Descriptor that can be read once a child has ended."""
    copies: dict[int, socket.socket] = field(default_factory=dict)
    """By its process, the connection to whom a copy stands for."""

    def serve(self) -> socket.socket | None:
        """Make copies until the engine ends, and return None then; in a copy, return its connection at once."""
        waiting = select.poll()
        waiting.register(self.wake, select.POLLIN)
        waiting.register(self.listener, select.POLLIN)
        while True:
            for descriptor, _ in waiting.poll():
                if descriptor == self.wake:
                    os.read(self.wake, select.PIPE_BUF)
                elif descriptor != self.listener.fileno():
                    self._end_copy_of(descriptor)
                    waiting.unregister(descriptor)
                else:
                    connection, _ = self.listener.accept()
                    if (process := os.fork()) == 0:
                        self._close_others()
                        return connection
                    self.copies[process] = connection
                    # Nothing more is read from it; that it was closed is told all the same.
                    waiting.register(connection, 0)
            for process, code in _ended():
                if process == self.engine:
                    return None
                connection = self.copies.pop(process)
                with suppress(KeyError):
                    waiting.unregister(connection)
                with suppress(OSError):  # perhaps nobody waits for it any more
                    connection.sendall(str(code).encode())
                connection.close()

    def _end_copy_of(self, descriptor: int) -> None:
        """End the copy whose process is gone that it stands for."""
        for process, connection in self.copies.items():
            if connection.fileno() == descriptor:
                os.kill(process, signal.SIGTERM)

    def _close_others(self) -> None:
        """Close, in a copy, what belongs to the server."""
        signal.set_wakeup_fd(-1)
        os.close(self.wake)
        for each in (self.listener, *self.copies.values()):
            each.close()


def _ended() -> Iterator[tuple[int, int]]:
    """Children that have ended, and how."""
    with suppress(ChildProcessError):
        while (found := os.waitpid(-1, os.WNOHANG))[0]:
            yield found[0], os.waitstatus_to_exitcode(found[1])


def _perform(connection: socket.socket) -> None:
    """Do, in a copy, what another process was started for, with its streams, in its folder and its environment."""
    length, streams, _, _ = socket.recv_fds(connection, LENGTH_BYTES, len(STREAMS))
    # Closed at once: of the server's end, whoever waits hears by this connection.
    with connection, connection.makefile("rb") as content:
        request = json.loads(content.read(int.from_bytes(length, "big")))
    for number, stream in zip(STREAMS, streams, strict=True):
        os.dup2(stream, number)
        os.close(stream)
    os.chdir(request["folder"])
    os.environ.clear()
    os.environ.update({name: value for name, value in request["environment"].items() if name != VARIABLE})
    sys.argv, sys.orig_argv = request["words"], request["original_words"]
    runpy.run_path(sys.argv[0], run_name="__main__")


def _load(modules: Sequence[str], threads: int) -> None:
    """Load what stages import, and take the digests of their code."""
    from harness.store.code_digest import installed_code_digest
    from harness.store.provenance import set_threads

    set_threads(threads)
    # A library is objects by the hundred thousand, nearly all of which stay: looking for the others costs a second and a half.
    gc.disable()
    for name in ("harness.cli", "harness.run.stageprocess", *modules):
        with suppress(ImportError):  # a stage that needs it says so
            import_module(name)
    for name in modules:
        if name.startswith("harness."):
            installed_code_digest(name)
    # What is loaded stays: no copy walks through it, and so it stays shared.
    gc.freeze()
    gc.enable()


def main() -> None:
    """Start the engine, and serve the stages that it starts until it ends.

    Its words are the threads of a stage, the modules to load, and the engine's command; it works in the engine's folder.
    """
    threads, modules, *command = sys.argv[1:]
    listener = socket.socket(socket.AF_UNIX)
    try:
        Path(ADDRESS).unlink(missing_ok=True)
        listener.bind(ADDRESS)
    except OSError:  # not every file system has sockets; the engine then starts stages as usual
        os.execvp(command[0], command)  # noqa: S606  the engine's own words
    listener.listen()
    wake, woken = os.pipe()
    os.set_blocking(woken, False)
    signal.set_wakeup_fd(woken, warn_on_full_buffer=False)
    # Whoever stops the engine signals all that is below it; the server ends when the engine has.
    usual = {number: signal.signal(number, lambda *_: None) for number in SIGNALS}
    engine = os.posix_spawnp(command[0], command, os.environ | {VARIABLE: ADDRESS})
    _load(json.loads(modules), int(threads))
    if connection := Server(engine=engine, listener=listener, wake=wake).serve():
        for number, handler in usual.items():
            signal.signal(number, handler)
        os.close(woken)
        _perform(connection)


if __name__ == "__main__":
    main()
