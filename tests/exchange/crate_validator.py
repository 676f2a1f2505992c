"""Holds crates against the Process Run Crate profile by its own validator, offline: run by a Python that has roc-validator.

The validator wants one page of the network, the vocabulary of RO-Crate 1.1. It gets the copy that the package rocrate brings, a
later version of the same terms, through the validator's own cache.
"""

import json
import sys
import tempfile
from io import BytesIO
from pathlib import Path

from requests import PreparedRequest, Response
from requests.adapters import BaseAdapter
from requests_cache import CachedSession
from rocrate_validator.models import Severity, ValidationSettings
from rocrate_validator.services import validate
from urllib3 import HTTPResponse

VOCABULARY = "https://w3id.org/ro/crate/1.1/context"


class OnePage(BaseAdapter):
    """Answers every request with one file."""

    def __init__(self, content: bytes) -> None:
        super().__init__()
        self.content = content

    def send(self, request: PreparedRequest, *_: object, **__: object) -> Response:
        """The file, as an answer to whatever is asked."""
        response = Response()
        response.status_code, response.url, response.request = 200, str(request.url), request
        response.headers["Content-Type"] = "application/ld+json"
        body = BytesIO(self.content)
        response.raw = HTTPResponse(body, status=200, headers=response.headers, preload_content=False)
        return response

    def close(self) -> None:
        """Holds nothing."""


def main(vocabulary: Path, crates: list[Path]) -> None:
    """Tell what the validator says of every crate, as JSON by its folder: how many checks it made, and which failed."""
    with tempfile.TemporaryDirectory() as home:
        cache = Path(home) / "cache"
        with CachedSession(str(cache), backend="sqlite", expire_after=-1) as session:
            session.mount("https://", OnePage(vocabulary.read_bytes()))
            session.get(VOCABULARY)
        found = {}
        for crate in crates:
            settings = ValidationSettings(
                rocrate_uri=str(crate),
                profile_identifier="process-run-crate",
                requirement_severity=Severity.REQUIRED,
                cache_path=cache,
                offline=True,
            )
            result = validate(settings)
            found[str(crate)] = {
                "checks": result.statistics.to_dict()["total_checks"],
                "failed": sorted({f"{each.check.identifier}: {each.message}" for each in result.issues}),
            }
    sys.stdout.write(json.dumps(found))


if __name__ == "__main__":
    main(Path(sys.argv[1]), [Path(word) for word in sys.argv[2:]])
