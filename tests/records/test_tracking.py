"""W&B runs that mirror training runs: offline, unreachable, failing and killed."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import ROOT, config

from infogan import records, training
from infogan.records import tracking
from infogan.utils import events


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


def test_a_run_is_mirrored_with_its_configuration_history_pictures_checkpoint_and_result(offline_run):
    directory, result, found = offline_run
    (run,) = records_of(found, "run")
    stored = run["config"]["update"]
    assert stored["codes"] == "10c+2u" and stored["seed"] == 5 and stored["batch_size"] == 32
    assert stored["provenance"]["versions"]["torch"] and run["run_group"] == "a-study" and run["project"] == "infogan"
    rows = [record["item"] for record in records_of(found, "history")]
    for name, marker in (("metrics", "loss_d"), ("evaluations", "validation/accuracy")):
        logged = [row for row in rows if marker in row]
        local = records.Table(directory / f"{name}.csv").rows()
        assert [row["step"] for row in logged] == [row["step"] for row in local]
        assert [row[marker] for row in logged] == pytest.approx([row[marker.split("/")[-1]] for row in local])
    assert {"loss_g", "info_categorical_nats", "info_over_entropy", "d_real", "images_per_second"} <= rows[0].keys()
    assert sum("samples" in row or "samples._type" in row for row in rows) == 2
    media = sorted(path.name.split("_")[0] for path in directory.glob("wandb/offline-run-*/files/media/images/*.png"))
    assert media == ["confusion", "samples", "samples"]
    (artifact,) = records_of(found, "artifact")
    paths = {entry["path"]: entry["local_path"] for entry in artifact["manifest"]["contents"]}
    assert paths["checkpoint.safetensors"] == str((directory / records.CHECKPOINT).resolve())
    assert paths.keys() == {"checkpoint.safetensors", "config.json", "categories.json"}
    summary = {key: value for update in records_of(found, "summary") for key, value in update.get("update", {}).items()}
    assert summary["test/accuracy"] == pytest.approx(result["accuracy"])
    assert records_of(found, "exit")[0]["exit_code"] == 0


@pytest.mark.parametrize(("error", "exit_code"), [(events.Stopped(), 0), (events.Diverged("loss_d"), 1)])
def test_a_pruned_run_has_not_failed_and_a_diverged_one_has(tmp_path, error, exit_code):
    with pytest.raises(type(error)), tracking.track(config(), tmp_path / "run", "offline"):
        raise error
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


@pytest.mark.parametrize("value", [None, "/elsewhere"])
def test_tracking_leaves_the_environment_as_it_was(value, tmp_path, monkeypatch):
    monkeypatch.setenv("WANDB_DATA_DIR", value) if value else monkeypatch.delenv("WANDB_DATA_DIR", raising=False)
    with tracking.track(config(), tmp_path / "run", "disabled"):
        assert os.environ["WANDB_DATA_DIR"].startswith(str(tmp_path))
    assert os.environ.get("WANDB_DATA_DIR") == value


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
SETTINGS: list[dict[str, str]] = [
    {},
    {"WANDB_API_KEY": KEY, "WANDB_BASE_URL": "http://127.0.0.1:9", "WANDB_INIT_TIMEOUT": "2"},
    {"WANDB_API_KEY": "abc"},
    {"WANDB_INIT_TIMEOUT": "soon"},
    {"WANDB_MODE": "bogus"},
]
TRACK = """
import os, sys
from pathlib import Path
import wandb
from infogan.config import Config
from infogan.records import tracking

os.environ.pop("WANDB_MODE")
for number, settings in enumerate(eval(sys.argv[1])):
    os.environ |= settings
    with tracking.track(Config(), Path(str(number))):
        pass
    wandb.teardown()
    for name in settings:
        del os.environ[name]
    print("\\n---")
"""


def run_program(program: str, folder: Path, environment: dict[str, str], *arguments) -> str:
    """What a program prints in a process of its own, without a terminal."""
    command = [sys.executable, "-c", program, *map(str, arguments)]
    options = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
    done = subprocess.run(command, cwd=folder, env=environment, text=True, timeout=120, **options)
    assert done.returncode == 0, done.stdout
    return done.stdout


def test_a_wandb_that_cannot_start_costs_one_warning_and_without_a_key_it_is_offline(tmp_path, script_environment):
    """A server that cannot be reached, a key or a setting that is none. It never prompts."""
    environment = script_environment | {"PYTHONUNBUFFERED": "1", "PYTHONPATH": str(ROOT)}
    whole, *printed = run_program(TRACK, tmp_path, environment, SETTINGS).split("---\n")
    assert "W&B:" not in whole and "prompt" not in whole
    assert len(records_of(read_back(tmp_path / "0"), "exit")) == 1
    for said in printed[: len(SETTINGS) - 1]:
        assert said.count("W&B:") == 1 and "this run goes on without it" in said and KEY not in said, printed


KILLER = """
import os, sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from conftest import config
from infogan import data, training

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

run = Path("run")
result = training.train(config(), data.load("digits"), run, "offline", progress=False, observers=[Killer()])
assert result["step"] == 20 and killed
"""


@pytest.mark.skipif(sys.platform != "linux", reason="finds the service process through /proc")
def test_a_killed_wandb_service_never_stops_training(tmp_path, script_environment):
    environment = script_environment | {"PYTHONPATH": str(ROOT)}
    assert "this run goes on without it" in run_program(KILLER, tmp_path, environment, ROOT / "tests")
    assert records.read_json(tmp_path / "run" / "status.json")["status"] == "finished"
