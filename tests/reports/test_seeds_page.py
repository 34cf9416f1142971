"""The page of the documentation on which ten seeds read a test digit, in a real headless browser."""

import csv
import importlib.util

import pytest
from conftest import ROOT
from pages import assert_legible

from infogan import data

PREDICTIONS = ROOT / "analysis" / "results" / "seed-predictions" / "predictions.csv"


@pytest.fixture(scope="module")
def address(tmp_path_factory):
    spec = importlib.util.spec_from_file_location("hooks", ROOT / "docs" / "hooks.py")
    hooks = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(hooks)
    file = tmp_path_factory.mktemp("seeds") / "index.html"
    file.write_text(hooks.seeds(), encoding="utf-8")
    return file.as_uri()


def test_a_digit_is_called_by_every_seed_what_the_table_says(browser, address):
    with PREDICTIONS.open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    images = list(dict.fromkeys(row["image"] for row in rows))
    labels = data.load("digits").test.labels.tolist()
    assert all(int(row["label"]) == labels[int(row["image"])] for row in rows)
    page = browser.new_context(offline=True, viewport={"width": 1100, "height": 900}).new_page()
    page.goto(address)
    assert page.locator("#digits button").count() == len(images)

    def shown() -> list[list[str]]:
        return page.evaluate("[...document.querySelectorAll('#rows tr')].map(r => [...r.cells].map(c => c.innerText))")

    def expected(image: str) -> list[list[str]]:
        return [[row["seed"], row["called"], row["probability"]] for row in rows if row["image"] == image]

    for number, action in ((17, lambda button: button.click()), (18, lambda button: button.press("ArrowRight"))):
        action(page.locator("#digits button").nth(17))
        assert str(labels[int(images[number])]) in page.text_content("#title")
        for cells, (seed, called, probability) in zip(shown(), expected(images[number]), strict=True):
            assert cells[:2] == [seed, called] and float(cells[2]) == pytest.approx(float(probability), abs=0.0051)
    page.close()


@pytest.mark.parametrize(("width", "scheme"), [(390, "light"), (1440, "dark")])
def test_nothing_is_cut_off_and_text_has_contrast(browser, address, width, scheme):
    context = browser.new_context(offline=True, viewport={"width": width, "height": 900}, color_scheme=scheme)
    page = context.new_page()
    page.goto(address)
    assert_legible(page, "button")
    context.close()
