"""One tracked run: its directory, W&B, training, and the measurement on test images afterwards."""

import contextlib
import dataclasses
from collections.abc import Iterable, Iterator
from pathlib import Path

from infogan import events, records, torch_state, training
from infogan.accel import cpu, parallel
from infogan.codes import Latent
from infogan.config import Config, InputError, WandbMode
from infogan.data import Dataset, fingerprint
from infogan.metrics import clustering
from infogan.networks import DiscriminatorQ
from infogan.records.tracking import track
from infogan.trainer import Trainer

THREADS_BESIDE_GPU = 2
"""Threads of the CPU that a run on a GPU uses at most: the GPU does the work."""


@torch_state.fresh()
def train(
    config: Config,
    dataset: Dataset,
    directory: Path,
    wandb: WandbMode = "auto",
    group: str | None = None,
    observers: Iterable[events.Observer] = (),
    progress: bool = True,
    test: bool = True,
) -> dict:
    """Train as a W&B run; the same arguments continue an interrupted one.

    Returns the trainer's summary (infogan.trainer.Trainer.summary), and with `test` evaluation.json's content beside
    it; without, the test images are not looked at. Raises what Trainer.run raises, InputError, and records.Locked where
    another process trains in the directory.
    """
    config = training.choose_codes(config, dataset)
    precision = parallel.from_first(records.as_begun(directory, config).precision)
    config = parallel.together(lambda: training.resolve(dataclasses.replace(config, precision=precision)))
    parallel.together(lambda: _check(config, dataset, directory))
    with contextlib.ExitStack() as stack:
        stack.enter_context(cpu.shared_cores(None if config.device == "cpu" else THREADS_BESIDE_GPU))

        def prepare() -> None:
            # Locked before the W&B run is opened: it may be that of a process which is still training here.
            stack.enter_context(records.lock(directory))
            records.create(directory, config, fingerprint.fingerprint(dataset))

        if parallel.rank() > 0:
            parallel.together(lambda: None)
            return Trainer(config, dataset, directory, progress=False).run()
        parallel.together(prepare)
        stack.enter_context(_interrupting())  # around W&B's end as well, which takes its time
        run = stack.enter_context(track(config, directory, wandb, group))
        trainer = Trainer(config, dataset, directory, [run, *observers], progress)
        result, tested = trainer.run(), {}
        if test:
            tested = _measured(directory, result["step"])
            tested = tested or measure_test(
                trainer.model.discriminator, trainer.model.latent, dataset, directory, result
            )
        run.finished(result, tested, directory)
        (directory / records.PREVIOUS).unlink(missing_ok=True)
    return result | tested


def _check(config: Config, dataset: Dataset, directory: Path) -> None:
    """Raises InputError where the dataset is not the one that a run in the directory has, or cannot be trained on."""
    if parallel.rank() == 0 and records.has_checkpoint(directory) and (before := records.begun(directory)):
        fingerprint.check(before.get("data"), dataset, directory)
    training.check(config, dataset)


@contextlib.contextmanager
def _interrupting() -> Iterator[None]:
    """Raise Interrupted at the end where a signal came too late to stop the run: the caller begins nothing new."""
    with events.collected_signals() as received:
        try:
            yield
        except events.Stopped:
            if received:
                raise events.Interrupted(128 + received[0]) from None
            raise
        if received:
            raise events.Interrupted(128 + received[0])


def _measured(directory: Path, step: int) -> dict:
    """evaluation.json's content where it is of the run as it stands; empty where the run has become longer since."""
    file = directory / "evaluation.json"
    kept = {}
    with contextlib.suppress(InputError):  # a damaged one is measured anew
        kept = records.read_json(file) if file.exists() else {}
    return kept if kept.get("step") == step else {}


def measure_test(
    discriminator: DiscriminatorQ, latent: Latent, dataset: Dataset, directory: Path, summary: dict
) -> dict:
    """Measures on the test images of every categorical code, and of the one that validation images choose:
    evaluation.json.

    summary: of the finished run (Trainer.summary).
    """
    codes = clustering.measure(discriminator, latent, dataset.test, intervals=True)
    result: dict = {"dataset": dataset.name, "split": "test", "codes": codes}
    if dataset.test.classes:
        result["classes"] = list(dataset.test.classes)  # names of the labels
    if codes:
        if "code" not in summary:
            raise InputError(
                f"{directory} was never measured on validation images, which choose the code to report: "
                "train it further"
            )
        best = summary["code"]
        result |= {"best_code": best, **{key: value for key, value in codes[best].items() if key != "confusion"}}
    result |= {key: value for key, value in summary.items() if key != "code"}
    records.write_json(directory / "evaluation.json", result)
    return result
