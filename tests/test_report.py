"""The report of a study: one HTML file, opened in a real headless browser, and the W&B report built without a network."""

import json
import shutil
import subprocess
import sys

import pytest
from conftest import ROOT, load_script

load_script("study", "analysis")
report = load_script("report", "analysis")


@pytest.fixture(scope="module")
def study_folder(tmp_path_factory):
    """A short real study."""
    import os

    folder = tmp_path_factory.mktemp("reported")
    environment = {key: value for key, value in os.environ.items() if not key.startswith("WANDB")} | {
        "WANDB_MODE": "disabled",
        "OMP_NUM_THREADS": "1",
    }
    command = [
        sys.executable,
        str(ROOT / "experiments" / "sweep.py"),
        "--trials",
        "5",
        "--images",
        "1500",
        "--workers",
        "2",
        "--confirm-seeds",
        "2",
    ]
    subprocess.run(command, cwd=folder, env=environment, check=True, capture_output=True, timeout=200)
    return folder / "studies" / "digits"


@pytest.fixture
def html(study_folder, tmp_path, script_environment):
    (tmp_path / "card.md").write_text("C3 <replicates> in 0 of 3 seeds")
    command = [
        sys.executable,
        str(ROOT / "analysis" / "report.py"),
        str(study_folder),
        "--out",
        str(tmp_path / "r.html"),
        "--scorecard",
        str(tmp_path / "card.md"),
    ]
    done = subprocess.run(
        command, cwd=study_folder.parents[1], env=script_environment, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return tmp_path / "r.html"


def test_the_page_shows_every_picture_and_reports_no_error(html, tmp_path):
    from playwright.sync_api import Error, sync_playwright

    with sync_playwright() as playwright:
        try:
            browser = playwright.chromium.launch(
                executable_path=shutil.which("chromium") or shutil.which("chromium-browser"), args=["--no-sandbox"]
            )
        except Error:
            pytest.skip("no Chromium: apt install chromium, or playwright install chromium")
        page = browser.new_page()
        problems, asked = [], []
        page.on("console", lambda message: problems.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: problems.append(str(error)))
        page.on("request", lambda request: asked.append(request.url))
        page.goto(html.as_uri())
        widths = page.eval_on_selector_all("img", "images => images.map(image => image.naturalWidth)")
        titles = page.eval_on_selector_all("h2", "titles => titles.map(title => title.textContent)")
        text = page.text_content("body")
        page.screenshot(path=tmp_path / "report.png", full_page=True)
        browser.close()
    assert len(widths) >= 8 and all(widths) and problems == []
    assert not [url for url in asked if not url.startswith(("file:", "data:"))], "it needs nothing else"
    assert {"Scorecard", "What was found", "Every parameter against accuracy", "L_I / H(c)", "All trials"} <= set(
        titles
    )
    assert any(title.startswith("Samples") for title in titles) and any(
        title.startswith("Confusion") for title in titles
    )
    assert "C3 <replicates> in 0 of 3 seeds" in text, "text is text, whatever it holds"
    assert "Its test accuracy over 2 fresh seeds" in text


def test_the_wandb_report_is_built_without_a_network(study_folder, monkeypatch):
    import socket

    def refuse(*arguments, **named):
        raise AssertionError("the network was asked")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    options = report.Options(study_folder, entity="me")
    built = report.wandb_report(report.studies.open_study(options), options, "C3 replicates in 0 of 3 seeds")
    stored = json.loads(built._to_model().model_dump_json(by_alias=True, exclude_none=True))
    text = json.dumps(stored)
    for panel in (
        "Parallel Coordinates Plot",
        "Parameter Importance",
        "Scatter Plot",
        "Run History Line Plot",
        "Bar Chart",
        "Media Browser",
        "Run Comparer",
    ):
        assert panel in text, panel
    for needed in (
        "lambda_categorical",
        "validation/accuracy",
        "info_over_entropy",
        "samples",
        "confusion",
        "C3 replicates in 0 of 3 seeds",
        "InfoGAN study digits",
    ):
        assert needed in text, needed


def test_without_a_key_the_local_report_stands_and_the_error_is_one_line(study_folder, tmp_path, script_environment):
    command = [
        sys.executable,
        str(ROOT / "analysis" / "report.py"),
        str(study_folder),
        "--out",
        str(tmp_path / "r.html"),
        "--online",
    ]
    environment = script_environment | {"WANDB_BASE_URL": "http://127.0.0.1:9"}
    done = subprocess.run(
        command, cwd=study_folder.parents[1], env=environment, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 1 and (tmp_path / "r.html").stat().st_size > 50_000
    assert done.stderr.strip().splitlines()[-1].startswith("error: the W&B report could not be created")
