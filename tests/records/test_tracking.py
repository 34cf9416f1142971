"""W&B runs that mirror training runs: offline, unreachable, failing and killed."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import ROOT, config

from infogan import events, records, training
from infogan.records import tracking


def read_back(directory: Path) -> list[dict]:
    """Every record of the run directory's one offline W&B file, through W&B's own reader."""
    (file,) = directory.glob("wandb/offline-run-*/*.wandb")
    done = subprocess.run(
        [sys.executable, "-m", "wandb", "leet", "inspect", "--json", str(file)],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    return [json.loads(line) for line in done.stdout.splitlines()]


def records_of(found: list[dict], kind: str) -> list[dict]:
    return [record[kind] for record in found if record["type"] == kind]


@pytest.fixture(scope="module")
def offline_run(tmp_path_factory, digits):
    directory = tmp_path_factory.mktemp("tracked") / "run"
    result = training.train(config(seed=5), digits, directory, "offline", group="a-study", progress=False)
    return directory, result, read_back(directory)


def test_configuration_group_and_provenance_are_recorded(offline_run):
    _, _, found = offline_run
    (run,) = records_of(found, "run")
    stored = run["config"]["update"]
    assert stored["codes"] == "10c+2u" and stored["seed"] == 5 and stored["batch_size"] == 32
    assert stored["provenance"]["versions"]["torch"] and run["run_group"] == "a-study" and run["project"] == "infogan"


def test_history_equals_the_local_tables(offline_run):
    directory, _, found = offline_run
    rows = [record["item"] for record in records_of(found, "history")]
    for name, marker in (("metrics", "loss_d"), ("evaluations", "validation/accuracy")):
        logged = [row for row in rows if marker in row]
        local = records.Table(directory / f"{name}.csv").rows()
        assert [row["step"] for row in logged] == [int(row["step"]) for row in local]
        for row, mirrored in zip(local, logged):
            assert mirrored[marker] == pytest.approx(float(row[marker.removeprefix("validation/")]))
    needed = {
        "loss_d",
        "loss_g",
        "info_categorical_nats",
        "info_continuous_nats",
        "info_over_entropy",
        "d_real",
        "d_fake",
        "images_per_second",
    }
    assert needed <= rows[0].keys()


def test_pictures_are_inside_the_run(offline_run):
    directory, _, found = offline_run
    rows = [record["item"] for record in records_of(found, "history")]
    assert sum("samples" in row or "samples._type" in row for row in rows) == 2
    media = sorted(path.name.split("_")[0] for path in directory.glob("wandb/offline-run-*/files/media/images/*.png"))
    assert media == ["confusion", "samples", "samples"]


def test_the_checkpoint_is_an_artifact_and_the_result_the_summary(offline_run):
    directory, result, found = offline_run
    (artifact,) = records_of(found, "artifact")
    paths = {entry["path"]: entry["local_path"] for entry in artifact["manifest"]["contents"]}
    assert paths["checkpoint.safetensors"] == str((directory / records.CHECKPOINT).resolve())
    summary = {key: value for update in records_of(found, "summary") for key, value in update.get("update", {}).items()}
    assert summary["test/accuracy"] == pytest.approx(result["accuracy"])
    assert records_of(found, "exit")[0]["exit_code"] == 0


class Raises:
    """An observer that ends the run at its first evaluation."""

    def __init__(self, error: Exception):
        self.error = error

    def logged(self, row):
        pass

    def evaluated(self, row, images):
        raise self.error


@pytest.mark.parametrize(("error", "exit_code"), [(events.Stopped(), 0), (events.Diverged("loss_d"), 1)])
def test_a_pruned_run_has_not_failed_and_a_diverged_one_has(tmp_path, digits, error, exit_code):
    with pytest.raises(type(error)):
        training.train(config(), digits, tmp_path / "run", "offline", observers=[Raises(error)], progress=False)
    assert records_of(read_back(tmp_path / "run"), "exit")[0].get("exit_code", 0) == exit_code


def test_a_copied_run_has_a_wandb_id_of_its_own_and_a_moved_one_keeps_its(tmp_path):
    """Two runs of one id would overwrite each other."""

    def id_of(folder):
        with tracking.track(config(), folder, "offline") as run:
            return run.run.id

    first = id_of(tmp_path / "run")
    assert id_of(tmp_path / "run") == first
    shutil.copytree(tmp_path / "run", tmp_path / "copy")
    assert id_of(tmp_path / "copy") != first and id_of(tmp_path / "run") == first
    (tmp_path / "run").rename(tmp_path / "moved")
    assert id_of(tmp_path / "moved") == first
    (tmp_path / "moved" / tracking.ID_FILE).write_text("abcd1234")  # as earlier versions wrote it
    assert id_of(tmp_path / "moved") == "abcd1234"


def test_tracking_leaves_the_environment_as_it_was(tmp_path, monkeypatch):
    for value in (None, "/elsewhere"):
        monkeypatch.delenv("WANDB_DATA_DIR", raising=False)
        if value:
            monkeypatch.setenv("WANDB_DATA_DIR", value)
        before = dict(os.environ)
        with tracking.track(config(), tmp_path / "run", "offline"):
            pass
        assert {name: os.environ.get(name) for name in before} == before
        assert "WANDB_DATA_DIR" in before or "WANDB_DATA_DIR" not in os.environ


def test_each_phase_has_its_own_steps(tmp_path):
    """Rows of the pretraining are drawn over the pretraining's updates, all others over the training's."""
    with tracking.track(config(), tmp_path / "run", "offline") as run:
        run.logged({"pretraining/step": 10, "pretraining/loss": 0.5})
        run.logged({"step": 10, "loss_d": 0.5})
    metrics = [metric for metric in records_of(read_back(tmp_path / "run"), "metric") if "step_metric" in metric]
    assert {metric["name"]: metric["step_metric"] for metric in metrics} == {
        "pretraining/loss": "pretraining/step",
        "loss_d": "step",
    }


def test_disabled_leaves_no_trace(tmp_path, digits):
    training.train(config(updates=2, evaluations=1), digits, tmp_path, "disabled", progress=False)
    assert not (tmp_path / "wandb").exists() and not (tmp_path / tracking.ID_FILE).exists()


def test_a_failing_wandb_never_stops_training(tmp_path, digits, capsys, monkeypatch):
    import wandb

    def fail(run, row):
        raise BrokenPipeError("service is gone")

    monkeypatch.setattr(wandb.Run, "log", fail)
    result = training.train(config(), digits, tmp_path / "run", "offline", progress=False)
    assert result["step"] == 20 and capsys.readouterr().err.count("service is gone") == 1


KEY = "0" * 40
PROGRAM = """
import os, sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from conftest import config
from infogan import data, training

os.environ.pop("WANDB_MODE")  # set by conftest

def train(**options):
    return training.train(config(updates=40), data.load("digits"), Path(sys.argv[2]), progress=False, **options)
"""


def run_program(program: str, tmp_path: Path, environment: dict[str, str]) -> str:
    """Run in a process of its own, without a terminal; returns what it printed."""
    command = [sys.executable, "-c", PROGRAM + program, str(ROOT / "tests"), str(tmp_path / "run")]
    done = subprocess.run(
        command, env=environment, capture_output=True, text=True, timeout=120, stdin=subprocess.DEVNULL
    )
    assert done.returncode == 0, done.stderr
    assert records.read_json(tmp_path / "run" / "status.json")["status"] == "finished"
    return done.stdout + done.stderr


def test_without_a_key_it_is_offline_and_never_prompts(tmp_path, script_environment):
    assert "prompt" not in run_program("train()", tmp_path, script_environment)
    assert len(records_of(read_back(tmp_path / "run"), "exit")) == 1


@pytest.mark.parametrize(
    "setting",
    [
        {"WANDB_API_KEY": KEY, "WANDB_BASE_URL": "http://127.0.0.1:9", "WANDB_INIT_TIMEOUT": "2"},
        {"WANDB_API_KEY": "abc"},
        {"WANDB_INIT_TIMEOUT": "soon"},
        {"WANDB_MODE": "bogus"},
    ],
    ids=str,
)
def test_a_wandb_that_cannot_start_costs_one_warning_and_nothing_else(setting, tmp_path, script_environment):
    """A server that cannot be reached, a key or a setting that is none."""
    environment = {name: value for name, value in script_environment.items() if name != "WANDB_MODE"}
    keep = "\nos.environ['WANDB_MODE'] = 'bogus'\n" if "WANDB_MODE" in setting else "\n"  # PROGRAM has removed it
    printed = run_program(keep + "train()", tmp_path, environment | {"WANDB_MODE": "x"} | setting)
    assert printed.count("W&B:") == 1 and "this run goes on without it" in printed and KEY not in printed, printed


KILLER = """
killed = []

class Killer:
    def logged(self, row):
        if row["step"] == 10:
            for entry in Path("/proc").iterdir():
                if entry.name.isdigit() and (entry / "cmdline").exists():
                    command = (entry / "cmdline").read_bytes().decode(errors="replace")
                    if "wandb-core" in command and str(os.getpid()) in command:
                        os.kill(int(entry.name), 9)
                        killed.append(entry.name)

    def evaluated(self, row, images):
        pass

assert train(wandb="offline", observers=[Killer()])["step"] == 40 and killed
"""


@pytest.mark.skipif(sys.platform != "linux", reason="finds the service process through /proc")
def test_a_killed_wandb_service_never_stops_training(tmp_path, script_environment):
    assert "this run goes on without it" in run_program(KILLER, tmp_path, script_environment)
