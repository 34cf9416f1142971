"""What is checked of every page, in a real browser."""

from pathlib import Path

LOW_CONTRAST = Path(__file__).with_name("low_contrast.js").read_text()
SMALL = """selector => [...document.querySelectorAll(selector)]
  .filter(element => element.checkVisibility() && element.getBoundingClientRect().height < 43.5)
  .map(element => element.id || element.textContent)"""


def assert_legible(page, controls: str) -> None:
    """Nothing is wider than the page, text has WCAG AA's contrast, and controls (a selector) can be hit by a finger."""
    assert page.evaluate("document.documentElement.scrollWidth") <= page.viewport_size["width"]
    assert page.evaluate(LOW_CONTRAST) == []
    assert page.evaluate(SMALL, controls) == []
