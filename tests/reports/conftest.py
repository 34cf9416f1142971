"""Runs and a browser that several tests of reports use."""

import shutil
from pathlib import Path

import pytest
from conftest import fit


@pytest.fixture(scope="module")
def trained(tmp_path_factory, digits) -> Path:
    """A folder of three short runs: a and b, two seeds of the authors' preset, and gan, a regular GAN."""
    folder = tmp_path_factory.mktemp("runs")
    fit(folder / "a", digits, seed=0)
    fit(folder / "b", digits, seed=1)
    fit(folder / "gan", digits, "gan")
    return folder


@pytest.fixture(scope="session")
def browser():
    """Debian's Chromium, or the one that Playwright installs."""
    from playwright.sync_api import Error, sync_playwright

    with sync_playwright() as playwright:
        path = shutil.which("chromium") or shutil.which("chromium-browser")
        try:
            browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        except Error:
            pytest.skip("no Chromium: apt install chromium, or playwright install chromium")
        yield browser
        browser.close()
