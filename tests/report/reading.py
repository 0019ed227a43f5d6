"""A page as a browser would take it in, with what HTML forbids raised as errors."""

from __future__ import annotations

from html.parser import HTMLParser

VOID = {"meta", "link", "br", "hr", "img", "input"}
FETCHING = {"src", "srcset", "href", "xlink:href", "action", "data", "poster", "background"}


class Page(HTMLParser):
    """Checks nesting, and keeps ids, text by section, and whatever could be fetched."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.html = html
        self.stack: list[tuple[str, dict]] = []
        self.tags: list[tuple[str, dict]] = []
        self.sections: dict[str, str] = {}
        self.fetched: list[str] = []
        self.cells: list[str] = []
        self.feed(html)
        self.close()
        assert not self.stack, f"never closed: {self.stack}"

    def handle_starttag(self, tag, attrs):
        attributes = dict(attrs)
        assert len(attributes) == len(attrs), f"an attribute stands twice in <{tag}>"
        self.tags.append((tag, attributes))
        self.fetched += [v for k, v in attrs if k in FETCHING and not v.startswith(("#", "data:"))]
        assert not any(name.startswith("on") for name in attributes), "a script in an attribute"
        if tag not in VOID:
            self.stack.append((tag, attributes))
        if tag in {"th", "td"}:
            self.cells.append("")

    def handle_startendtag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        opened, _ = self.stack.pop()
        assert opened == tag, f"</{tag}> closes <{opened}>"

    def handle_data(self, data):
        names = [a["id"] for tag, a in self.stack if tag == "section"]
        if names:
            self.sections[names[-1]] = self.sections.get(names[-1], "") + data
        if any(tag in {"th", "td"} for tag, _ in self.stack):
            self.cells[-1] += data

    def all(self, tag: str) -> list[dict]:
        return [attributes for name, attributes in self.tags if name == tag]

    @property
    def ids(self) -> list[str]:
        return [a["id"] for _, a in self.tags if "id" in a]
