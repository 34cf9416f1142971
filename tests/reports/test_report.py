"""The report of a study: one HTML file, opened in a real headless browser, and the W&B report, without a network."""

import json
import re
import shutil
import socket
from pathlib import Path

import numpy as np
import optuna
import pytest
from conftest import call
from pages import assert_legible

import infogan
from infogan.reports.report import wandb_report
from infogan.reports.study import importance
from infogan.study.table import open_study

SCORECARD = "C3 <replicates> in 0 of 3 seeds"


@pytest.fixture(scope="module")
def study_folder(tmp_path_factory):
    """A short real study."""
    folder = tmp_path_factory.mktemp("reported")
    options = "--trials 4 --images 1500 --workers 1 --confirm-best 1 --confirm-seeds 2".split()
    done = call("sweep", "digits", *options, cwd=folder)
    assert done.returncode == 0, done.stderr
    return folder / "studies" / "digits"


def report(study_folder, *arguments):
    return call("report", study_folder, *arguments, folder="analysis", cwd=study_folder.parents[1])


@pytest.fixture
def html(study_folder, tmp_path):
    done = report(study_folder, "--out", tmp_path / "r.html")
    assert done.returncode == 0, done.stdout + done.stderr
    return tmp_path / "r.html"


def test_the_page_has_every_section_and_needs_no_other_files(html, study_folder):
    text = html.read_text()
    titles = re.findall("<h2>(.*?)</h2>", text)
    assert titles[0] == "The winner" and titles[-1] == "All trials"
    assert len(set(titles)) == len(titles)
    assert text.count('src="data:image/png;base64,') >= 6 and not re.findall('(?:src|href)="(?!data:|#)', text)
    assert set(re.findall('href="#(.*?)"', text)) == set(re.findall('<section id="(.*?)"', text))
    assert len(text) < 5_000_000


def test_the_first_card_is_the_mean_over_fresh_seeds_and_not_a_lucky_trial(html, study_folder):
    test = json.loads((study_folder / "report" / "best.json").read_text())["test"]
    first = html.read_text().split('<div class="card">')[1].split("</div>")[0]
    assert f"<b>{test['accuracy_mean']:.3f}</b>" in first and "mean over 2 fresh seeds, 95 % interval" in first


def study_of(n: int) -> optuna.Study:
    """Trials whose accuracy follows lambda_categorical and nothing else."""
    study = optuna.create_study(direction="maximize")
    searched = ("batch_size", "lambda_categorical", "noise")
    study.set_user_attr("settings", {"objective": "accuracy", "search": dict.fromkeys(searched, "")})
    random = np.random.default_rng(0)
    spread = {
        "batch_size": optuna.distributions.IntDistribution(16, 256),
        "lambda_categorical": optuna.distributions.FloatDistribution(0.05, 10, log=True),
        "noise": optuna.distributions.IntDistribution(10, 128),
    }
    for _ in range(n):
        params = {"batch_size": int(random.integers(16, 257)), "noise": int(random.integers(10, 129))}
        params["lambda_categorical"] = float(np.exp(random.uniform(-2, 2)))
        value = params["lambda_categorical"] + random.normal() / 10
        study.add_trial(optuna.create_trial(params=params, distributions=spread, value=value))
    return study


def test_intervals_of_many_trials_take_halves_of_a_hundred(monkeypatch):
    """A forest's time grows faster than its trials, and there are forty halves."""
    study, taken, compute = study_of(120), [], importance._fanova
    monkeypatch.setattr(
        importance, "_fanova", lambda trials, *rest: taken.append(len(trials)) or compute(trials, *rest)
    )
    values = importance.importances(study)
    assert sorted(set(taken)) == [importance.OF_AT_MOST // 2, 120] and taken.count(120) == 1
    assert values.parameter.iloc[0] == "lambda_categorical" and values.importance.iloc[0] > 0.9


@pytest.mark.parametrize("width, scheme", [(390, "dark"), (1400, "light")])
def test_the_page_shows_every_picture_and_reports_no_error(html, browser, tmp_path, width, scheme):
    page = browser.new_page(viewport={"width": width, "height": 900}, color_scheme=scheme)
    problems, asked = [], []
    page.on("console", lambda message: problems.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.on("request", lambda request: asked.append(request.url))
    page.goto(html.as_uri())
    widths = page.eval_on_selector_all("img", "images => images.map(image => image.naturalWidth)")
    text = page.text_content("body")
    page.screenshot(path=tmp_path / "report.png", full_page=True)
    assert_legible(page, "none")
    page.close()
    assert len(widths) >= 6 and all(widths) and problems == []
    assert not [url for url in asked if not url.startswith(("file:", "data:"))], "it needs nothing else"
    assert "Rows are the categories of the first code" in text


def test_damaged_trials_do_not_end_the_report(study_folder, tmp_path):
    """Tables with bytes that are none, rows that are none, or no numbers."""
    shutil.copytree(study_folder, copy := tmp_path / "studies" / "digits")
    study = open_study(copy)
    damages = (b"\xff\xfe\x00", b"step,info_categorical_nats\n1,x\n", b"")
    for trial, content in zip(study.trials, damages):
        (tmp_path / trial.user_attrs["run_dir"] / "metrics.csv").write_bytes(content)
    evaluations = tmp_path / study.trials[3].user_attrs["run_dir"] / "evaluations.csv"
    evaluations.write_text(evaluations.read_text() + "x,y\n")
    done = call("report", "studies/digits", folder="analysis", cwd=tmp_path)
    assert done.returncode == 0 and "Traceback" not in done.stderr, done.stderr
    assert "All trials" in (copy / "report" / "report.html").read_text()


def test_a_run_of_a_preset_that_is_not_known_has_a_report(trained, tmp_path):
    shutil.copytree(trained / "a", tmp_path / "mine")
    stored = json.loads((tmp_path / "mine" / "config.json").read_text())
    stored["config"]["preset"] = "mine"
    (tmp_path / "mine" / "config.json").write_text(json.dumps(stored))
    done = call("report", tmp_path / "mine", folder="analysis")
    assert done.returncode == 0, done.stderr
    assert "preset mine" in (tmp_path / "mine" / "report.html").read_text()


def test_a_click_sorts_the_table_of_trials(html, browser):
    page = browser.new_page()
    page.goto(html.as_uri())
    column = "document.querySelector('#all-trials tbody').rows"
    read = f"[...{column}].map(row => row.cells[0].textContent)"
    head = page.locator("#all-trials th button").first
    head.click()
    assert page.evaluate(read) == ["0", "1", "2", "3"]
    head.click()
    assert page.evaluate(read) == ["3", "2", "1", "0"]
    assert page.locator("#all-trials th").first.get_attribute("aria-sort") == "descending"
    page.close()


def test_a_single_run_has_a_report(study_folder, tmp_path, browser):
    [run] = {Path(trial.user_attrs["run_dir"]) for trial in open_study(study_folder).trials[:1]}
    done = call("report", run, "--out", tmp_path / "run.html", folder="analysis", cwd=study_folder.parents[1])
    assert done.returncode == 0, done.stderr
    page = browser.new_page()
    page.goto((tmp_path / "run.html").as_uri())
    assert page.locator("h2").all_text_contents()[0] == "Learning curves"
    text = page.text_content("body")
    names = [named[0] for named in infogan.load(study_folder.parents[1] / run).category_names if named]
    rows = page.locator("#samples-and-categories tbody tr").all_text_contents()
    assert len(rows) == 10 and sum(any(name in row for name in names) for row in rows) >= len(names)
    assert "One run: other seeds differ" in text and "H(c) is" in text and "lambda_categorical" in text
    assert_legible(page, "none")
    page.close()
    done = call("report", run, "--online", folder="analysis", cwd=study_folder.parents[1])
    assert done.returncode == 1 and "is one run" in done.stderr


def test_the_wandb_report_is_built_without_a_network(monkeypatch):
    def refuse(*arguments, **named):
        raise AssertionError("the network was asked")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    built = wandb_report.build("digits", SCORECARD, ["recipe", "lambda_categorical"], "infogan", "me")
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
        done = call("report", *arguments, folder="analysis")
        assert done.returncode == 1 and done.stderr.startswith(message) and done.stderr.count("\n") == 1
