"""The report of a study: one HTML file, opened in a real headless browser, and the W&B report, without a network."""

import json
import re
import socket
import subprocess
import sys

import pytest
from conftest import ROOT, call, environment_of_scripts

from infogan.reports.report import wandb_report

SCORECARD = "C3 <replicates> in 0 of 3 seeds"


@pytest.fixture(scope="module")
def study_folder(tmp_path_factory):
    """A short real study."""
    folder = tmp_path_factory.mktemp("reported")
    options = "--trials 4 --images 1500 --workers 2 --confirm-best 1 --confirm-seeds 2".split()
    command = [sys.executable, str(ROOT / "experiments" / "sweep.py"), *options]
    environment = environment_of_scripts(folder)
    subprocess.run(command, cwd=folder, env=environment, check=True, capture_output=True, timeout=200)
    return folder / "studies" / "digits"


def report(study_folder, *arguments):
    return call("report", study_folder, *arguments, folder="analysis", cwd=study_folder.parents[1])


@pytest.fixture
def html(study_folder, tmp_path):
    (tmp_path / "card.md").write_text(SCORECARD)
    done = report(study_folder, "--out", tmp_path / "r.html", "--scorecard", tmp_path / "card.md")
    assert done.returncode == 0, done.stdout + done.stderr
    return tmp_path / "r.html"


def test_the_page_has_every_section_and_needs_no_other_files(html):
    text = html.read_text()
    titles = re.findall("<h2>(.*?)</h2>", text)
    assert titles[:2] == ["Scorecard", "What was found"] and titles[-1] == "All trials"
    assert {"Every parameter against accuracy", "L_I / H(c)", "The best configurations with fresh seeds"} <= set(titles)
    assert "C3 &lt;replicates&gt; in 0 of 3 seeds" in text and SCORECARD not in text
    assert "Its test accuracy over 2 fresh seeds" in text
    assert text.count('src="data:image/png;base64,') >= 8 and not re.findall('(?:src|href)="(?!data:)', text)


def test_the_page_shows_every_picture_and_reports_no_error(html, browser, tmp_path):
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
    page.close()
    assert len(widths) >= 8 and all(widths) and problems == []
    assert not [url for url in asked if not url.startswith(("file:", "data:"))], "it needs nothing else"
    assert any(title.startswith("Samples") for title in titles)
    assert any(title.startswith("Confusion") for title in titles)
    assert SCORECARD in text, "it is shown as text, whatever it contains"


def test_the_wandb_report_is_built_without_a_network(monkeypatch):
    def refuse(*arguments, **named):
        raise AssertionError("the network was asked")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    built = wandb_report.build("digits", SCORECARD, "infogan", "me")
    text = json.dumps(json.loads(built._to_model().model_dump_json(by_alias=True, exclude_none=True)))
    panels = "Parallel Coordinates Plot, Parameter Importance, Scatter Plot, Run History Line Plot, Bar Chart"
    metrics = "lambda_categorical, validation/accuracy, info_over_entropy, samples, confusion"
    needed = [*panels.split(", "), "Media Browser", "Run Comparer", *metrics.split(", "), SCORECARD]
    assert [part for part in [*needed, "InfoGAN study digits"] if part not in text] == []


def test_without_a_key_the_local_report_is_written_and_the_error_is_one_line(study_folder, tmp_path, monkeypatch):
    monkeypatch.setenv("WANDB_BASE_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("WANDB_API_KEY", raising=False)
    done = report(study_folder, "--out", tmp_path / "r.html", "--online")
    assert done.returncode == 1 and (tmp_path / "r.html").stat().st_size > 50_000
    assert done.stderr.strip().splitlines()[-1].startswith("error: the W&B report could not be created")


def test_a_study_that_is_missing_is_one_clear_line(study_folder):
    for arguments, message in (
        (("nowhere",), "error: there is no nowhere/study.db"),
        ((study_folder, "--study", "other"), "error: no study 'other' in that storage"),
    ):
        for name in ("study", "report"):
            done = call(name, *arguments, folder="analysis")
            assert done.returncode == 1 and done.stderr.startswith(message) and done.stderr.count("\n") == 1, name
