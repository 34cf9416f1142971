import json
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import ROOT, config

from infogan import events, experiment, records, training
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


def of_type(records: list[dict], kind: str) -> list[dict]:
    return [record[kind] for record in records if record["type"] == kind]


@pytest.fixture(scope="module")
def offline_run(tmp_path_factory, digits):
    directory = tmp_path_factory.mktemp("tracked") / "run"
    result = experiment.train(config(seed=5), digits, directory, "offline", group="a-study", progress=False)
    return directory, result, read_back(directory)


def test_configuration_group_and_provenance_are_recorded(offline_run):
    _, _, records = offline_run
    (run,) = of_type(records, "run")
    stored = run["config"]["update"]
    assert stored["codes"] == "10c+2u" and stored["seed"] == 5 and stored["batch_size"] == 32
    assert stored["provenance"]["versions"]["torch"] and run["run_group"] == "a-study" and run["project"] == "infogan"


def test_history_equals_the_local_tables(offline_run):
    directory, _, records = offline_run
    rows = [record["item"] for record in of_type(records, "history")]
    for name, marker in (("metrics", "loss_d"), ("evaluations", "validation/accuracy")):
        logged = [row for row in rows if marker in row]
        local = records.Table(directory / f"{name}.csv").rows()
        assert [row["step"] for row in logged] == [int(row["step"]) for row in local]
        for ours, theirs in zip(local, logged):
            assert theirs[marker] == pytest.approx(float(ours[marker.removeprefix("validation/")]))
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
    directory, _, records = offline_run
    pictures = [
        record["item"]
        for record in of_type(records, "history")
        if "samples" in record["item"] or "samples._type" in record["item"]
    ]
    assert len(pictures) == 2
    media = sorted(path.name.split("_")[0] for path in directory.glob("wandb/offline-run-*/files/media/images/*.png"))
    assert media == ["confusion", "samples", "samples"]


def test_the_checkpoint_is_an_artifact_and_the_result_the_summary(offline_run):
    directory, result, records = offline_run
    (artifact,) = of_type(records, "artifact")
    paths = {entry["path"]: entry["local_path"] for entry in artifact["manifest"]["contents"]}
    assert paths["checkpoint.safetensors"] == str((directory / records.CHECKPOINT).resolve())
    summary = {key: value for update in of_type(records, "summary") for key, value in update.get("update", {}).items()}
    assert summary["test/accuracy"] == pytest.approx(result["accuracy"])
    assert of_type(records, "exit")[0]["exit_code"] == 0


def test_a_pruned_run_is_not_a_failed_one_and_a_diverged_one_is(tmp_path, digits, monkeypatch):
    class Pruner:
        def logged(self, row):
            pass

        def evaluated(self, row, images):
            raise events.Stopped

    with pytest.raises(events.Stopped):
        experiment.train(config(), digits, tmp_path / "pruned", "offline", observers=[Pruner()], progress=False)
    assert of_type(read_back(tmp_path / "pruned"), "exit")[0].get("exit_code", 0) == 0
    assert records.read_json(tmp_path / "pruned" / "status.json")["status"] == "stopped"
    monkeypatch.setattr(training, "generator_loss", lambda logits: logits.mean() * float("nan"))
    with pytest.raises(events.Diverged):
        experiment.train(config(), digits, tmp_path / "diverged", "offline", progress=False)
    assert of_type(read_back(tmp_path / "diverged"), "exit")[0]["exit_code"] == 1


def train(tmp_path, environment, *arguments):
    script = [
        sys.executable,
        str(ROOT / "experiments" / "train.py"),
        "authors",
        "--dataset",
        "digits",
        "--updates",
        "20",
    ]
    return subprocess.run(
        [*script, "--run-dir", str(tmp_path / "run"), *arguments],
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        stdin=subprocess.DEVNULL,
    )


def test_without_a_key_it_is_offline_and_asks_nothing(tmp_path, script_environment):
    del script_environment["WANDB_MODE"]
    done = train(tmp_path, script_environment)
    assert done.returncode == 0, done.stderr
    assert "prompt" not in done.stderr and len(of_type(read_back(tmp_path / "run"), "exit")) == 1


def test_disabled_leaves_no_trace(tmp_path, script_environment):
    done = train(tmp_path, script_environment, "--wandb", "disabled")
    assert done.returncode == 0 and not (tmp_path / "run" / "wandb").exists()


def test_an_unreachable_server_costs_a_warning_and_nothing_else(tmp_path, script_environment):
    """A key is there, so the run starts online; the server is not, so it goes on offline."""
    environment = {key: value for key, value in script_environment.items() if key != "WANDB_MODE"}
    environment |= {"WANDB_API_KEY": "0" * 40, "WANDB_BASE_URL": "http://127.0.0.1:9", "WANDB_INIT_TIMEOUT": "5"}
    done = train(tmp_path, environment)
    assert done.returncode == 0, done.stderr
    assert "cannot start an online run" in done.stderr and "0" * 40 not in done.stderr + done.stdout
    assert records.read_json(tmp_path / "run" / "status.json")["status"] == "finished"
    assert of_type(read_back(tmp_path / "run"), "exit")


def test_a_failing_wandb_never_stops_training(tmp_path, digits, capsys, monkeypatch):
    import wandb

    run = wandb.init(mode="offline", dir=str(tmp_path), settings=wandb.Settings(silent=True))
    monkeypatch.setattr(type(run), "log", lambda *a, **k: (_ for _ in ()).throw(BrokenPipeError("service is gone")))
    records.create(tmp_path / "run", training.resolve(config()))
    result = training.fit(config(), digits, tmp_path / "run", [tracking.WandbRun(run)], progress=False)
    run.finish()
    assert result["step"] == 20 and capsys.readouterr().err.count("service is gone") == 1


KILLER = """
import os, sys
from pathlib import Path
sys.path.insert(0, sys.argv[2])
from conftest import config
from infogan import data
from infogan import records
from infogan.records import tracking

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

os.environ["WANDB_MODE"] = "offline"
result = experiment.train(config(updates=40), data.load("digits"), Path(sys.argv[1]), observers=[Killer()], progress=False)
assert killed and result["step"] == 40
print("trained to the end")
"""


@pytest.mark.skipif(sys.platform != "linux", reason="finds the service process through /proc")
def test_a_killed_wandb_service_never_stops_training(tmp_path, script_environment):
    done = subprocess.run(
        [sys.executable, "-c", KILLER, str(tmp_path / "run"), str(ROOT / "tests")],
        env=script_environment, capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    assert "trained to the end" in done.stdout, done.stderr
    assert "goes on without W&B" in done.stderr
    assert records.read_json(tmp_path / "run" / "status.json")["status"] == "finished"
