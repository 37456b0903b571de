# SPDX-License-Identifier: BSD-3-Clause
"""The pictures as a browser shows them: nothing overlaps or overflows, everything can be read, nothing is injected or loaded."""

import html.parser
import re
import xml.dom.minidom
from pathlib import Path

import pytest

SITUATIONS = ("nothing", "deploying", "deployed", "server", "query", "failed", "unreachable", "destroyed", "hostile", "crowded")
FILES = ("overview.html", "status.svg", "diagram.svg")
MEASURE = (Path(__file__).parent / "measure.js").read_text()
#: of WCAG 2.2, level AA, for text
LEAST_CONTRAST = 4.5
#: CSS pixels; of a diagram on a telephone
LEAST_FONT = 9.5


def show(tab, pictures, situation, name, width, scheme="light"):
    """Opens a picture on a screen that shows all of it at once."""
    tab.screen(width, 800, scheme)
    tab.open((pictures / situation / name).as_uri())
    height = tab.evaluate("document.documentElement.scrollHeight")
    tab.screen(width, max(800, int(height)), scheme)


def requests(tab, page):
    """What a page has requested besides itself. The page that was shown before may still have reloaded itself."""
    sent = [r["request"]["url"] for r in tab.events("Network.requestWillBeSent") if r["documentURL"] == page]
    assert page in sent
    return [url for url in sent if url != page and not url.startswith("data:")]


def injected(tab):
    """The elements that no picture has, and what the hostile script would have done."""
    elements = "document.querySelectorAll('script, img, iframe, object, embed, form, b, a, base, foreignObject').length"
    return tab.evaluate(elements) or tab.evaluate("document.title == 'injected'")


@pytest.mark.parametrize("situation", SITUATIONS)
@pytest.mark.parametrize(("width", "scheme"), [(360, "light"), (360, "dark"), (1200, "light"), (1200, "dark")])
def test_the_page_can_be_read(tab, pictures, situation, width, scheme):
    show(tab, pictures, situation, "overview.html", width, scheme)
    page = tab.evaluate(MEASURE)
    assert page["texts"] > 20
    assert page["overflowing"] == []
    assert page["overlapping"] == []
    assert [c for c in page["contrasts"] if c[0] < LEAST_CONTRAST] == []
    assert page["smallest"] >= LEAST_FONT
    assert not injected(tab)
    assert requests(tab, (pictures / situation / "overview.html").as_uri()) == []
    assert tab.events("Log.entryAdded") == []  # neither an error nor a violation of the policy


@pytest.mark.parametrize("situation", SITUATIONS)
@pytest.mark.parametrize("name", ["status.svg", "diagram.svg"])
def test_an_image_can_be_read(tab, pictures, situation, name):
    for scheme in "light", "dark":
        show(tab, pictures, situation, name, 360, scheme)
        assert tab.evaluate("document.documentElement.nodeName") == "svg"
        image = tab.evaluate(MEASURE)
        assert image["texts"] >= 3
        assert image["overflowing"] == []
        assert image["overlapping"] == []
        assert [c for c in image["contrasts"] if c[0] < LEAST_CONTRAST] == []
        assert not injected(tab)
        assert requests(tab, (pictures / situation / name).as_uri()) == []


@pytest.mark.parametrize("situation", SITUATIONS)
def test_images_are_valid_xml_and_state_their_colours_without_a_style(pictures, situation):
    for name in "status.svg", "diagram.svg":
        text = (pictures / situation / name).read_text()
        document = xml.dom.minidom.parseString(text)
        assert document.documentElement.namespaceURI == "http://www.w3.org/2000/svg"
        for element in document.getElementsByTagName("*"):
            assert not [n for n in element.attributes.keys() if n in ("href", "src", "style") or n.startswith("on")]
        for shape in "rect", "circle", "text", "path":
            for element in document.getElementsByTagName(shape):
                assert element.getAttribute("fill"), element.toxml()  # thumbnailers ignore style sheets
        assert not re.search(r"url\(|@import", text)


class Balance(html.parser.HTMLParser):
    """Checks that every element is closed in its place."""

    VOID = {"meta", "link"}

    def __init__(self):
        super().__init__()
        self.open = []

    def handle_starttag(self, tag, attributes):
        assert len({name for name, _ in attributes}) == len(attributes), self.get_starttag_text()
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attributes):
        assert "svg" in self.open, tag

    def handle_endtag(self, tag):
        assert self.open.pop() == tag, self.getpos()


@pytest.mark.parametrize("situation", SITUATIONS)
def test_the_page_is_well_formed(pictures, situation):
    text = (pictures / situation / "overview.html").read_text()
    balance = Balance()
    balance.feed(text)
    balance.close()
    assert balance.open == []
    assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\ufffe\uffff]", text)
    assert not re.search(r"https?://(?!www\.w3\.org/2000/svg)", re.sub(r"&[^;]+;", "", text))


def test_states_differ_without_colour(pictures):
    """A reader who sees no colours finds a sign and a word for each state."""
    pages = {s: (pictures / s / "status.svg").read_text() for s in SITUATIONS[:8]}
    signs = {s: re.findall(r'translate\((\d+) .*?<path d="(.*?)"', text) for s, text in pages.items()}
    assert signs["nothing"] == signs["destroyed"] == []
    lit = {str(sign) for s, sign in signs.items() if s in ("deploying", "server", "failed", "unreachable")}
    assert len(lit) == 4
    words = {s: re.search(r'font-weight="700" font-size="\d+" fill="#1b1f24">(.*?)<', text)[1] for s, text in pages.items()}
    assert words == {"nothing": "No settings", "deploying": "Deploying", "deployed": "Deployed", "server": "Running",
                     "query": "Running", "failed": "Failed", "unreachable": "No contact", "destroyed": "No stack"}


def test_a_crowd_is_counted(pictures):
    text = (pictures / "crowded/overview.html").read_text()
    assert "and 980 more in <code>tasks/</code>" in text
    assert "666 live of 1000" in text
    assert "and 12 more in <code>error</code>" in text
    assert len(text) < 256 * 1024


def test_the_page_reads_itself_again_and_keeps_its_place(tab, pictures, tmp_path):
    page = tmp_path / "overview.html"
    text = (pictures / "server/overview.html").read_text()
    page.write_text(text)
    tab.screen(360)
    tab.open(page.as_uri())
    tab.evaluate("scrollTo(0, 700)")
    page.write_text(text.replace("<h1>Running", "<h1>Still running"))
    tab.until("document.querySelector('h1')?.textContent == 'Still running' && document.readyState == 'complete'")
    tab.until("scrollY == 700")
