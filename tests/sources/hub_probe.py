"""One question to the door of outside files, in a process of its own: clients read their settings once, at import."""

import json
import sys
import time

from harness.sources.pins import first_use, locate
from harness.words.errors import HarnessError
from harness.words.study import Home, Pin


def main(words: str) -> None:
    asked = json.loads(words)
    asked["home"], asked["files"] = Home(asked["home"]), tuple(asked.get("files", ()))
    pin = Pin(**asked)
    begun = time.monotonic()
    try:
        folder = locate(pin)
    except HarnessError as error:
        reason = str(getattr(error, "reason", "")) or None
        answer = {
            "error": str(error),
            "reason": reason,
            "kind": type(error).__name__,
            "code": error.exit_code,
            "seconds": time.monotonic() - begun,
        }
    else:
        seen = first_use(pin)
        answer = {
            "folder": str(folder),
            "revision": seen.revision,
            "files": [file.path for file in seen.files],
        }
    sys.stdout.write(f"{json.dumps(answer)}\n")


if __name__ == "__main__":
    main(sys.argv[1])
