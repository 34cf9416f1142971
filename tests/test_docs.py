"""README.md and docs/: tables are the results, links lead somewhere, commands parse, examples run."""

import contextlib
import importlib.util
import os
import re
import shlex
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
import tyro
from conftest import ROOT, call, fit

from infogan import cli, config, data, terms
from infogan.codes import Latent
from infogan.config.presets import PRESETS
from infogan.records import Table

DOCS = ROOT / "docs"
README = ROOT / "README.md"
PAGES = [README, *sorted(DOCS.rglob("*.md"))]
FENCE = re.compile(r'^```(\w+)(?: title="([^"]*)")?\n(.*?)^```', re.MULTILINE | re.DOTALL)
OTHER_PROGRAMS = ("cd", "conda", "git", "jupytext", "mkdocs", "pip", "source", "wandb")


def by_name(path: Path) -> str:
    return str(path.relative_to(ROOT))


def blocks(page: Path, language: str) -> dict[str, str]:
    """Fenced blocks of a language, by title or else by number."""
    found = [(title, code) for kind, title, code in FENCE.findall(page.read_text()) if kind == language]
    return {title or str(i): code for i, (title, code) in enumerate(found)}


@pytest.fixture(scope="module")
def tables():
    """docs/tables.py."""
    spec = importlib.util.spec_from_file_location("tables", DOCS / "tables.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("page", PAGES, ids=by_name)
def test_tables_are_the_results(page, tables):
    """`python docs/tables.py` fills them again."""
    text = page.read_text()
    assert text.count("<!-- table:") == len(tables.BLOCK.findall(text)) and tables.filled(text) == text


class Parsed(Exception):
    """The command line was read without an error."""


@pytest.fixture
def parse_only(monkeypatch):
    """Commands stop where they have read their command line."""

    def stopping(parse):
        def parse_and_stop(*arguments, **named):
            parse(*arguments, **named)
            raise Parsed

        return parse_and_stop

    monkeypatch.setattr(tyro, "cli", stopping(tyro.cli))
    for name in ("overridable_config_cli", "subcommand_cli_from_dict"):
        monkeypatch.setattr(tyro.extras, name, stopping(getattr(tyro.extras, name)))


def commands(page: Path) -> list[str]:
    """The commands of a page's sh blocks, without comments."""
    text = "\n".join(blocks(page, "sh").values()).replace("\\\n", " ")
    lines = (re.sub(r"\s+#.*", "", line) for line in text.splitlines())
    return [part.strip() for line in lines for part in line.split("&&") if part.strip() and not part.startswith("#")]


@pytest.mark.parametrize("command", sorted({command for page in PAGES for command in commands(page)}))
def test_commands_are_valid(command, parse_only):
    check_command(shlex.split(command.replace("<", "").replace(">", "")))


def check_command(words: list[str]) -> None:
    program, *rest = words
    if program == "infogan":
        check_parses(lambda: run_infogan(rest))
    elif program == "python" and Path(rest[0]).parent.name in ("experiments", "analysis"):
        script = Path(rest[0])
        check_parses(lambda: call(script.stem, *rest[1:], folder=script.parent.name))
    elif program == "sbatch":
        check_command(shlex.split(rest[rest.index("--wrap") + 1]))
    elif program in ("python", "python3"):
        assert rest[0] == "-m" or (ROOT / rest[0]).exists()
    elif program == "make":
        assert f"\n{rest[0]}:" in (ROOT / "Makefile").read_text()
    else:
        assert program in OTHER_PROGRAMS, f"unknown program {program}"


def check_parses(run) -> None:
    with pytest.raises(Parsed):
        done = run()
        raise AssertionError(f"{done.stderr if done else ''}")


def run_infogan(arguments: list[str]) -> None:
    argv, sys.argv = sys.argv, ["infogan", *arguments]
    try:
        cli._main()
    finally:
        sys.argv = argv


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A temporary folder in place of the repository's, with its models."""
    (tmp_path / "analysis").symlink_to(ROOT / "analysis")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MPLBACKEND", "agg")
    return tmp_path


def test_the_first_run(project):
    """The commands of the README's first minutes, with a short pretraining and 20 updates."""
    pages = [DOCS / name for name in ("getting-started.md", "use-a-model.md")]
    listed = [line for page in pages for line in commands(page) if line.startswith("infogan ")]
    first, figure, listing = listed[:3]
    assert first in commands(README) and figure in commands(README)
    for command in (f"{first} --pretraining 5 --updates 20 --wandb disabled", figure, listing):
        run_infogan(shlex.split(command)[1:])
    assert list((project / "runs" / "first" / "figures").glob("figure2*.png"))


def execute(code: str) -> dict:
    """The names that a block of Python leaves."""
    names = {"__name__": "__main__"}
    with contextlib.redirect_stdout(None):
        exec(compile(code, "example", "exec"), names)
    return names


def test_a_trained_model_in_use(project):
    [short], examples = blocks(README, "python").values(), blocks(DOCS / "use-a-model.md", "python")
    long, hub = examples["0"], examples["hub"]
    names = execute(short)
    assert names["images"].shape == (16, 28, 28, 1) and names["predicted"].continuous.shape == (16, 2)
    assert execute(long)["traversal"].shape == (5, 8, 8, 1)
    assert execute(hub)["model"].step > 0 and (project / "shared" / "README.md").exists()
    [reading] = blocks(DOCS / "run-directory.md", "python").values()
    assert execute(reading)["evaluation"]["accuracy"] > 0.8


def test_a_dataset_of_ones_own(project):
    page = DOCS / "reference" / "datasets.md"
    npz, from_python = blocks(page, "python").values()
    execute(npz)
    command = next(line for line in commands(page) if "negatives.npz" in line)
    done = call("train", *shlex.split(command)[2:], "--updates", "5", "--wandb", "disabled")
    assert done.returncode == 0, done.stderr
    assert 0 < execute(from_python)["result"]["accuracy"] <= 1


def test_k_means(capsys):
    """The page's example, on 8 x 8 digits."""
    [code] = blocks(DOCS / "model-selection.md", "python").values()
    assert 'data.load("mnist")' in code
    exec(compile(code.replace('"mnist"', '"digits"'), "example", "exec"), {})
    mean, low, high = eval(capsys.readouterr().out)
    assert 0.6 < low < mean < high < 0.9


EXTENDING = blocks(DOCS / "extending.md", "python")


def test_a_loss_term_of_ones_own(tmp_path, monkeypatch, digits):
    """The file of the page, found beside the terms, trains five updates and is resumed."""
    (tmp_path / "balance.py").write_text(EXTENDING["infogan/terms/balance.py"])
    monkeypatch.setattr(terms, "__path__", [*terms.__path__, str(tmp_path)])
    monkeypatch.setattr(config.terms, "FOLDERS", [str(tmp_path)])
    monkeypatch.delitem(sys.modules, "infogan.terms.balance", raising=False)
    run = tmp_path / "run"
    fit(run, digits, terms="balance:1", updates=3, log_every=1)
    fit(run, digits, terms="balance:1", updates=5, log_every=1)
    values = [float(row["balance_nats"]) for row in Table(run / "metrics.csv").rows()]
    assert len(values) == 5 and all(0 < value <= np.log(10) + 1e-4 for value in values)
    del sys.modules["infogan.terms.balance"]


def test_a_metric_of_ones_own():
    score = execute(EXTENDING["infogan/metrics/disentanglement/rank_correlation.py"])["score"]
    random = np.random.default_rng(0)
    factors = random.normal(size=(500, 2))
    assert score(factors[:, ::-1] ** 3, factors) == pytest.approx(1)
    assert score(random.normal(size=(500, 3)), factors, categorical=(0,)) < 0.2


def test_a_dataset_with_a_name_of_its_own(monkeypatch, tmp_path):
    load = execute(EXTENDING["infogan/data/formats/stripes.py"])["load"]
    monkeypatch.setitem(data.LOADERS, "stripes", lambda root, size: load())
    stripes = data.load("stripes")
    assert len(stripes.train) == 1600 and stripes.image_shape == (1, 16, 16)
    assert fit(tmp_path / "run", stripes, codes="2c", updates=2)["accuracy"] >= 0.5


def test_a_network_of_ones_own(monkeypatch):
    from infogan.networks import NETWORKS, DiscriminatorQ, Generator, architecture

    monkeypatch.setitem(NETWORKS, "small", None)
    execute(EXTENDING["an entry of infogan/networks/__init__.py"])
    small, latent = architecture((1, 28, 28), "small"), Latent("10c+2u", "62u")
    images = Generator(small, (1, 28, 28), latent)(torch.rand(3, latent.width))
    logits, q_params = DiscriminatorQ(small, (1, 28, 28), latent)(images)
    assert images.shape == (3, 1, 28, 28) and logits.shape == (3,) and q_params.shape == (3, latent.q_width)


def test_a_prior_of_ones_own(monkeypatch):
    from infogan.codes import PRIORS

    monkeypatch.setitem(PRIORS, "t", None)
    names = execute(EXTENDING["an entry of infogan/codes.py"])
    assert names["latent"].entropy[1] == 1.0
    drawn = PRIORS["t"].sample((100_000,), torch.Generator().manual_seed(0))
    density = torch.histc(drawn, 50, -1, 1) / len(drawn) / 0.04
    assert abs(-(density * 0.04 * density.clamp_min(1e-9).log()).sum().item() - 0.5) < 0.01


def test_a_preset_of_ones_own(monkeypatch):
    monkeypatch.setitem(PRESETS, "mine", None)
    execute(
        "import dataclasses\nfrom infogan.config.presets import PRESETS\n"
        + EXTENDING["an entry of infogan/config/presets.py"]
    )
    done = call("train", "mine", "--dry-run")
    assert done.returncode == 0 and '"codes": "10c+1u"' in done.stdout


def test_a_launcher_of_ones_own(tmp_path, monkeypatch):
    """With a stand-in for ssh that runs the command here."""
    ssh = tmp_path / "ssh"
    ssh.write_text('#!/bin/sh\nexec sh -c "$2"\n')
    ssh.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.chdir(tmp_path)
    launch = execute(EXTENDING["a function of infogan/study/launchers.py"])["run_over_ssh"]
    write = "import sys, os; open(f'{os.getpid()}.txt', 'w').write(' '.join(sys.argv))"
    assert launch([sys.executable, "-c", write, "--join"]) == [0, 0]
    written = [file.read_text() for file in tmp_path.glob("*.txt")]
    assert written == ["-c --join"] * 2


def test_following_a_run(project):
    execute(EXTENDING["an observer"].replace("Config(", "Config(precision='float32', device='cpu', "))
    assert (project / "runs" / "watched" / "evaluation.json").exists()


def test_the_faults_table_names_tests_that_exist():
    """Its last column has parts of their names."""
    written = "\n".join(path.read_text() for path in (ROOT / "tests").rglob("test_*.py"))
    rows = [line for line in (DOCS / "faults.md").read_text().splitlines() if line.startswith("| ")]
    names = [name for row in rows for name in re.findall(r"`(\w+)`", row.split("|")[-2])]
    assert len(names) > 20 and [name for name in names if not re.search(rf"def test_\w*{name}", written)] == []
