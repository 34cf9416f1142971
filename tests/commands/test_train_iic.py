"""The preset `iic` on any labelled images: codes, networks, augmentation and pictures follow the data."""

import json
import signal

import numpy as np
import pytest
from conftest import call

from infogan import records
from infogan.training.phases import Adversarial
from infogan.training.pretraining import overclustering

SHORT = ("--pretraining", "4", "--updates", "4", "--batch-size", "32", "--log-every", "1", "--evaluations", "1")
ELSEWHERE = ("--run-dir", "run", "--wandb", "disabled", "--precision", "float32", "--device", "cpu")


@pytest.fixture(autouse=True)
def small(monkeypatch):
    monkeypatch.setattr(overclustering, "SAMPLE", 64)
    monkeypatch.setattr(overclustering, "HEADS", 1)


def write_npz(path, classes: int, size: int, channels: int = 1, n: int = 10, white: bool = False, **changes) -> None:
    """n images of each class: its strokes, the same in each, at changing brightness, on black or white."""
    random = np.random.default_rng(0)
    kinds = random.random((classes, size, size, channels)) < 0.2
    labels = np.repeat(np.arange(classes), n)
    images = (kinds[labels] * random.integers(150, 255, (len(labels), 1, 1, channels))).astype(np.uint8)
    arrays = {"images": 255 - images if white else images, "labels": np.array([f"kind {i:02d}" for i in labels])}
    np.savez(path, **{name: array for name, array in (arrays | changes).items() if array is not None})


def train(tmp_path, *arguments):
    return call("train", "iic", "--dataset", "x.npz", *SHORT, *ELSEWHERE, *arguments, cwd=tmp_path)


def codes(tmp_path) -> str:
    return json.loads((tmp_path / "run" / "config.json").read_text())["config"]["codes"]


@pytest.mark.parametrize(
    ("size", "channels", "white"), [(16, 1, False), (8, 3, True)], ids=["16 x 16, grey", "8 x 8, colour on white"]
)
def test_26_classes_are_trained_measured_drawn_and_resumed(size, channels, white, tmp_path, monkeypatch):
    write_npz(tmp_path / "x.npz", 26, size, channels, white=white)
    update, done = Adversarial.update, []

    def signalled(phase, step):
        done.append(step)
        if len(done) == 2:
            signal.raise_signal(signal.SIGTERM)
        return update(phase, step)

    monkeypatch.setattr(Adversarial, "update", signalled)
    stopped = train(tmp_path)
    assert stopped.returncode == 128 + signal.SIGTERM and "the same command continues" in stopped.stderr
    finished = train(tmp_path)
    assert finished.returncode == 0 and "code-to-label accuracy on 26 test images" in finished.stdout, finished.stderr
    assert done == [0, 1, 2, 3] and codes(tmp_path) == "26c+2u"
    evaluation = records.read_json(tmp_path / "run" / "evaluation.json")
    assert np.shape(evaluation["codes"][0]["confusion"])[0] == 26 and evaluation["classes"][25] == "kind 25"
    assert sorted(evaluation["codes"][0]["label_of_category"])[-1] <= 25
    drawn = {path.name for path in (tmp_path / "run" / "samples").iterdir()}
    assert drawn == {"samples-0000000.png", "samples-0000004.png", "confusion-0000004.png"}
    assert call("figures", "figure2", "run", folder="analysis", cwd=tmp_path).returncode == 0
    again = train(tmp_path, "--codes", "10c+2u")
    assert again.returncode == 1 and "holds a run with codes '26c+2u', not '10c+2u'" in again.stderr


def test_images_of_any_size_and_codes_that_are_given_are_trained_on(tmp_path):
    write_npz(tmp_path / "x.npz", 2, 32, 3, n=40)
    done = train(tmp_path, "--updates", "1", "--pretraining", "2", "--batch-size", "8", "--codes", "5c")
    assert done.returncode == 0 and codes(tmp_path) == "5c", done.stderr


def unbalanced(counts: list[int]) -> dict[str, np.ndarray]:
    return {"labels": np.repeat(np.arange(len(counts)), counts)}


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"labels": None}, "10c+2u"),
        ({"labels": np.zeros(400, int)}, "10c+2u"),
        (unbalanced([360, 30, 10]), "3c+2u"),
        (unbalanced([*[1] * 20, 380]), "17c+2u"),
    ],
    ids=["no labels", "one class", "rare classes", "classes of one image"],
)
def test_codes_have_a_category_for_each_class_of_the_training_images(changes, expected, tmp_path):
    """Classes that only validation or test images have do not count: training cannot find them."""
    write_npz(tmp_path / "x.npz", 40, 8, **changes)
    done = train(tmp_path)
    assert done.returncode == 0 and codes(tmp_path) == expected, done.stderr
    assert ("accuracy" in done.stdout) == (expected != "10c+2u")


@pytest.mark.parametrize(
    ("shape", "arguments", "message"),
    [
        ((10, 8), ("--batch-size", "128"), "batch_size is 128"),
        ((70, 8), (), "70c+2u"),
        ((4, 18), (), "18x18"),
        ((10, 8), ("--codes", "ten"), "'ten'"),
    ],
    ids=["tiny", "too many classes", "another size", "codes"],
)
def test_what_cannot_be_trained_is_one_line_and_leaves_nothing(shape, arguments, message, tmp_path):
    write_npz(tmp_path / "x.npz", *shape)
    done = train(tmp_path, *arguments)
    assert done.returncode == 1 and message in done.stderr.splitlines()[-1], done.stderr
    assert "Traceback" not in done.stderr and [path.name for path in tmp_path.iterdir()] == ["x.npz"]


def test_the_directory_is_named_as_before_and_the_dry_run_looks_at_no_data(tmp_path):
    for arguments, name in (((), "iic"), (("--codes", "5c+2u"), "iic-codes=5c+2u"), (("--codes", "10c+2u"), "iic")):
        done = call("train", "iic", "--dataset", "nowhere.npz", *arguments, "--dry-run", cwd=tmp_path)
        resolved = json.loads(done.stdout)
        assert resolved["codes"] == (arguments[1] if arguments else "auto")
        assert resolved["run_dir"] == f"runs/nowhere-{name}-seed0"
    resolved = json.loads(call("train", "authors", "--codes", "auto", "--dry-run", cwd=tmp_path).stdout)
    assert resolved["run_dir"] == "runs/mnist-authors-codes=auto-seed0"
