"""Check the built pages for broken links and for content from other hosts.

python docs/_check.py OUT
"""

import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit


class _Page(HTMLParser):
    def __init__(self, text: str):
        super().__init__()
        self.ids: set[str] = set()
        self.links: list[str] = []
        self.loaded: list[str] = []
        self.without_text: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        self.ids |= {given[name] for name in ("id", "name") if name in given}
        if tag == "a" and "href" in given:
            self.links.append(given["href"])
        elif tag == "link" and given.get("rel") not in ("search", "canonical"):
            self.loaded.append(given.get("href", ""))
        elif tag in ("script", "img", "iframe", "source"):
            self.loaded += [given[name] for name in ("src",) if given.get(name)]
        if tag == "img" and "alt" not in given:
            self.without_text.append(given.get("src", ""))


def problems(root: Path) -> list[str]:
    """Return the problems of the pages in a folder."""
    pages = {
        path.resolve(): _Page(path.read_text(encoding="utf-8"))
        for path in root.rglob("*.html")
        if "_static" not in path.parts
    }
    found = []
    for path, page in pages.items():
        name = path.relative_to(root.resolve())
        found += [
            f"{name}: image without alternative text: {src}"
            for src in page.without_text
        ]
        for url in [*page.loaded, *page.links]:
            parts = urlsplit(url)
            if parts.scheme or parts.netloc:
                if url in page.loaded and parts.scheme != "data":
                    found.append(f"{name}: loads {url}")
                continue
            target = path
            if parts.path:
                target = (path.parent / unquote(parts.path)).resolve()
            if not target.exists():
                found.append(f"{name}: broken link {url}")
                continue
            known = pages[target].ids if target in pages else {parts.fragment}
            if parts.fragment and unquote(parts.fragment) not in known:
                found.append(f"{name}: no such anchor {url}")
    return found


def main() -> None:
    root = Path(sys.argv[1])
    found = problems(root)
    print(
        "\n".join(found) or f"{len(list(root.rglob('*.html')))} pages without problems"
    )
    sys.exit(bool(found))


if __name__ == "__main__":
    main()
