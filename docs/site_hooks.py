"""What the site of these pages needs beside them: the example report, and links that lead to files of the checkout.

Pages are written for whoever reads them in the checkout, where a link may lead to any file. The site holds the example
report whole; a link to any other file outside docs/ becomes its name, once the file is seen to be there.
"""

import re
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.plugins import get_plugin_logger
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

log = get_plugin_logger("links")

ROOT = Path(__file__).resolve().parents[1]
EXAMPLE = "reports/example"
OUTWARD = re.compile(r"\[(?P<text>[^\]]+)\]\((?P<link>\.\.?/[^)#\s]+)(?:#[^)]*)?\)")
"""A link by a relative path that climbs."""


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the example report, as a run wrote it."""
    for name in ("report.html", "report.png"):
        files.append(File.generated(config, f"{EXAMPLE}/{name}", abs_src_path=str(ROOT / EXAMPLE / name)))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Point links out of docs/ at what the site holds of them."""
    place = Path(config.docs_dir, page.file.src_uri).parent

    def inward(link: re.Match[str]) -> str:
        target = (place / link["link"]).resolve()
        if target.is_relative_to(config.docs_dir):
            return link[0]
        if not target.exists():
            log.warning("%s leads to %s, which is not there", page.file.src_uri, link["link"])
        name = target.relative_to(ROOT).as_posix()
        if name.startswith(EXAMPLE) and files.get_file_from_path(name):
            up = "../" * page.file.src_uri.count("/")
            return f"[{link['text']}]({up}{name})"
        return link["text"]

    return OUTWARD.sub(inward, markdown)
