"""Reading a page as a screen reader does."""

from __future__ import annotations

from dataclasses import dataclass, field
from html.parser import HTMLParser


@dataclass
class Element:
    """One element: its name, attributes and text."""

    tag: str
    attributes: dict[str, str | None]
    text: str = ""


@dataclass
class Page(HTMLParser):
    """Every element of a page."""

    elements: list[Element] = field(default_factory=list)

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements, self._open = [], []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Opens one."""
        element = Element(tag, dict(attrs))
        self.elements.append(element)
        if tag not in ("meta", "link", "input", "br"):
            self._open.append(element)

    def handle_endtag(self, tag: str) -> None:
        """Closes one."""
        while self._open and self._open.pop().tag != tag:
            pass

    def handle_data(self, data: str) -> None:
        """Text belongs to everything that is open."""
        for element in self._open:
            element.text += data

    def all(self, tag: str, **attributes: str) -> list[Element]:
        """The elements of that name and those attributes."""
        wanted = attributes.items()
        return [e for e in self.elements if e.tag == tag and all(e.attributes.get(k) == v for k, v in wanted)]

    def one(self, tag: str, **attributes: str) -> Element:
        """The only one."""
        (found,) = self.all(tag, **attributes)
        return found

    def role(self, name: str) -> list[str]:
        """The texts of everything with that role."""
        return [" ".join(e.text.split()) for e in self.elements if e.attributes.get("role") == name]
