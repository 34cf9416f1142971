"""One training run: its checks, its directory, its loop over phases, and the measurement on test images afterwards."""

import contextlib
import dataclasses
import math
import re
import sys
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import cast

import torch
from torch import Tensor
from tqdm import tqdm

from infogan import records
from infogan.accel import cpu
from infogan.codes import Latent, chosen
from infogan.config import Config, InputError, Network, WandbMode
from infogan.data import Batches, Dataset, augmentation, fingerprint
from infogan.networks import architecture, for_size
from infogan.records.summary import summarise
from infogan.records.tracking import track
from infogan.terms import base
from infogan.terms.labelled import choose
from infogan.training import diffaugment
from infogan.training.evaluation import evaluate, measure_test, measured_test
from infogan.training.learner import Learner
from infogan.training.phases import Adversarial, Phase
from infogan.training.pretraining import overclustering
from infogan.utils import events, torch_state
from infogan.utils.errors import printable
from infogan.utils.randomness import derive

THREADS_BESIDE_GPU = 2
"""Threads of the CPU that a run on a GPU uses at most: the GPU does the work."""
CHECKPOINT_SECONDS = 300
"""Of training after which a checkpoint is written in any case: where an update takes long, so do `checkpoint_every`."""
SHOWN = {"loss_d": "D", "loss_g": "G", "loss_nats": "clustering", "accuracy": "accuracy"}
"""Names of metrics, and their labels beside the progress bar."""


def follow_data(config: Config, dataset: Dataset) -> Config:
    """Replace codes `auto` by those that follow the dataset's classes, and network `auto` where its images are large
    (see networks.for_size)."""
    network = cast(Network, for_size(dataset.image_shape, config.network))
    return dataclasses.replace(config, codes=chosen(config.codes, dataset.n_classes), network=network)


def resolve(config: Config) -> Config:
    """Replace `auto` by what this machine has; a configuration as recorded names its device and precision. Codes and
    network `auto` stay: see follow_data.

    Raises InputError where the codes cannot be read, a term or the pretraining lacks the categorical code that it
    needs, or a device is asked for that is not there.
    """
    latent = Latent(chosen(config.codes, None), config.noise, config.q_std)
    base.check(config, latent)
    diffaugment.parse(config.diffaugment)
    augmentation.build(config.augmentation)
    overclustering.check(config, latent)
    device, precision = config.device, config.precision
    if device == "auto":
        device = "cuda" if torch.cuda.is_available() else "cpu"
    if not re.fullmatch("cpu|cuda(:[0-9]+)?", device):
        raise InputError(f"device is {device!r}; allowed: cpu, cuda, cuda:0, cuda:1, ..., auto")
    try:
        torch.empty(0, device=device)
    except (RuntimeError, AssertionError) as error:
        reason = str(error).splitlines()[0]
        raise InputError(f"device {device!r} cannot be used here ({reason}): use cpu or auto") from error
    if precision == "auto":
        has_bf16 = cpu.has_bf16() if device == "cpu" else torch.cuda.is_bf16_supported(including_emulation=False)
        precision = "bfloat16" if has_bf16 else "float32"
    return dataclasses.replace(config, device=device, precision=precision)


def check(config: Config, dataset: Dataset) -> None:
    """Raises InputError where the two cannot be trained together; nothing has been written by then."""
    config = resolve(follow_data(config, dataset))
    architecture(dataset.image_shape, config.network)
    base.check_labels(config, Latent(config.codes, config.noise, config.q_std), dataset.train.labels)
    Batches(dataset.train.images, config.batch_size, seed=0)


def labelled_images(config: Config, dataset: Dataset) -> list[int]:
    """Which training images the run uses the labels of, by their index; none where `labelled` is 0."""
    labels = dataset.train.labels
    return [] if labels is None or not config.labelled else choose(labels.cpu(), config.labelled, config.seed).tolist()


def phases(model: Learner, images: Tensor) -> list[Phase]:
    """Those of the model's configuration, in order. images: all training images, uint8 [N, C, H, W]."""
    batches = Batches(images, model.config.batch_size, derive(model.config.seed, "order"))
    before: list[Phase] = [overclustering.Overclustering(model, batches)] if model.config.pretraining else []
    return [*before, Adversarial(model, batches)]


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

    Returns the run's summary (infogan.records.summary), and with `test` evaluation.json's content beside it; without,
    the test images are not looked at. Raises InputError, records.Locked where another process trains in the directory,
    and of infogan.utils.events: Diverged at the first loss that is not finite, Stopped when an observer asks for it,
    Interrupted on a signal, the last two after saving. Whatever ends its updates, status.json says so.
    """
    config = follow_data(config, dataset)
    config = resolve(dataclasses.replace(config, precision=records.keep_precision(directory, config).precision))
    if records.has_checkpoint(directory) and (before := records.recorded_configuration(directory)):
        fingerprint.check(before.get("data"), dataset, directory)
    check(config, dataset)
    with (
        cpu.shared_cores(None if config.device == "cpu" else THREADS_BESIDE_GPU),
        records.lock(directory),  # before the W&B run is opened: it may be that of a process which still trains here
        events.interrupting() as signals,  # around W&B's end as well, which takes its time
    ):
        records.create(directory, config, fingerprint.fingerprint(dataset), labelled_images(config, dataset))
        with track(config, directory, wandb, group) as tracked:
            run = Run(config, dataset, directory, [tracked, *observers], progress, signals)
            run.load()
            try:
                with run.bar:
                    for number in range(run.number, len(run.phases)):  # of a finished run the last one, with no update
                        run.begin(number)
                        phase = run.phase
                        while run.step < phase.length:
                            run.computed(phase.update(run.step))
                        run.end()
            except (events.Diverged, events.Stopped, events.Interrupted):
                raise
            except BaseException as error:
                with contextlib.suppress(OSError):  # a full disk may not take this either
                    run.status("failed", error=f"{type(error).__name__}: {error}"[:500])
                raise
            run.status("finished")
            result = summarise(run.config, run.step, run.clock.seconds, run.tables["evaluations"].rows())
            tested = {}
            if test:
                D, latent = run.model.discriminator, run.model.latent
                tested = measured_test(directory, result) or measure_test(D, latent, dataset, directory, result)
            tracked.finished(result, tested, directory)
            (directory / records.PREVIOUS).unlink(missing_ok=True)
    return result | tested


class Stopwatch:
    """Seconds of training so far; what is done while it is stopped does not count."""

    def __init__(self, device: torch.device):
        self.device, self.seconds = device, 0.0
        self._began: float | None = None

    def start(self) -> None:
        self._began = time.perf_counter()

    def stop(self) -> None:
        """Once the device, which may compute in the background, has done what was asked of it."""
        if self._began is not None:
            if self.device.type == "cuda":
                torch.cuda.synchronize()
            self.seconds += time.perf_counter() - self._began
            self._began = None


class Run:
    """Where a run stands, and what it leaves in its directory: rows, checkpoints, status, and a progress bar.

    Args: config: resolved; observers: given each row; progress: whether to show a bar on stderr; signals: those that
    asked it to stop so far.
    """

    def __init__(
        self,
        config: Config,
        dataset: Dataset,
        directory: Path,
        observers: Iterable[events.Observer],
        progress: bool,
        signals: list[int],
    ):
        self.config, self.dataset, self.directory = config, dataset, directory
        self.observers, self.progress, self.signals = tuple(observers), progress, signals
        self.model = Learner(config, dataset.image_shape, len(dataset.train), dataset.train.labels)
        self.phases: list[Phase] = phases(self.model, dataset.train.images.to(self.model.device))
        self.number, self.step = 0, 0  # of the phase, and the update of it
        self.resumed = False
        names = dict.fromkeys([*(phase.table for phase in self.phases), "evaluations"])
        self.tables = {name: records.Table(directory / f"{name}.csv") for name in names}
        self.clock = Stopwatch(self.model.device)
        self._record: dict | None = None  # the content of config.json
        self._window: list[Tensor] = []  # the metrics of the updates since the last row
        self._logged_at = self._saved_at = 0.0  # seconds
        self._row: dict = {}  # the last row of metrics
        self._name = f"{config.preset} seed {config.seed}"
        self._shown: dict[str, str] = {}

    @property
    def phase(self) -> Phase:
        return self.phases[self.number]

    @property
    def images(self) -> int:
        """Real images that the run has shown so far."""
        return (self.phase.updates_before + self.step) * self.config.batch_size

    @property
    def finished(self) -> bool:
        return self.number == len(self.phases) - 1 and self.step == self.phase.length

    def load(self) -> None:
        """Go on from the last checkpoint, where there is one, and drop the rows beyond it."""
        self._record = records.recorded_configuration(self.directory)
        if records.has_checkpoint(self.directory):
            self._restore(*records.load_checkpoint(self.directory))
        for number, phase in enumerate(self.phases):
            done = phase.length if number < self.number else self.step if number == self.number else -1
            self.tables[phase.table].cut(done)
        self.tables["evaluations"].cut(done)  # of the last phase
        if rows := self.tables[self.phase.table].rows():
            self._row = {name: value for name, value in rows[-1].items() if name.startswith("info_")}
        where = f"{self.config.precision} on {self.model.device}, {torch.get_num_threads()} threads"
        if self.progress:
            print(printable(f"{self.directory}: {'already finished' if self.finished else where}"), file=sys.stderr)
        if not self.finished:
            self.status("running")
        total, hidden = self.config.images(self.config.updates), not self.progress or self.finished
        scale: dict = {"unit": " images", "unit_scale": True, "mininterval": 0.5 if sys.stderr.isatty() else 30}
        self.bar = tqdm(total=total, initial=self.images, desc=self._name, disable=hidden, **scale)

    def begin(self, number: int) -> None:
        """Before the first update of a phase that is left to train."""
        if not self.resumed:
            self.number, self.step = number, 0
            self.phase.start()
            if number:
                self.save()
        steps = [row["step"] for row in self.tables["evaluations"].rows()]
        if self.step in self.phase.evaluations and self.step not in steps:  # or a parent's death came between the two
            self._evaluate()
        self.resumed = False
        self.clock.start()

    def computed(self, metrics: Tensor) -> None:
        """After each update: log, evaluate, save and leave where it is time to."""
        self._window.append(metrics)
        self.step += 1
        self.bar.update(self.config.batch_size)
        last, leaving = self.step == self.phase.length, bool(self.signals)  # as they are now
        evaluated = self.step in self.phase.evaluations
        logged = last or leaving or evaluated or self.step % self.config.log_every == 0
        saved = last or leaving or self.step % self.config.checkpoint_every == 0
        if not (logged or saved):
            return
        self.clock.stop()
        if logged:
            self._log()
        if evaluated:
            self._evaluate()
        if saved or self.clock.seconds - self._saved_at > CHECKPOINT_SECONDS:
            self.save()
        if leaving and not self.finished:
            self._leave()
        self.clock.start()

    def end(self) -> None:
        """After the last update of a phase."""
        self.clock.stop()
        self.phase.finish(self.directory, self.clock.seconds)

    def _restore(self, tensors: dict[str, Tensor], state: dict) -> None:
        names = [phase.name for phase in self.phases]
        if state.get("phase") not in names:
            raise InputError(f"the checkpoint in {self.directory} has no phase {names}: choose another --run-dir")
        self.number, self.step, self.resumed = names.index(state["phase"]), state["step"], True
        if missing := sorted(self.model.tensors().keys() - tensors.keys()):
            raise InputError(
                f"the checkpoint in {self.directory} lacks {', '.join(missing[:3])}: an earlier version made it, and "
                "this one can read it but not continue it; choose another --run-dir"
            )
        self.clock.seconds, self._logged_at, self._saved_at = state["seconds"], state["logged_at"], state["seconds"]
        self.phase.load_tensors(tensors)
        self.model.load_tensors(tensors, self.step)
        if "window" in tensors:
            self._window = list(tensors["window"].to(self.model.device))
        for name, table in self.tables.items():
            content = tensors.get(f"rows.{name}")
            if content is not None and table.restore(content.numpy().tobytes()):
                print(printable(f"{table.path} lacked rows; they are restored from the checkpoint"), file=sys.stderr)

    def save(self) -> None:
        """Write a checkpoint. Raises Diverged, and keeps the last one, where a tensor is not finite."""
        tensors = self.model.tensors() | self.phase.tensors()
        if self._window:
            tensors["window"] = torch.stack(self._window)
        if bad := [name for name, t in tensors.items() if t.is_floating_point() and not t.isfinite().all()]:
            self._diverge(bad[:3])
        for name, table in self.tables.items():
            if content := table.content():
                tensors[f"rows.{name}"] = torch.frombuffer(bytearray(content), dtype=torch.uint8)
        state = {"phase": self.phase.name, "step": self.step, "seconds": self.clock.seconds}
        state |= {"logged_at": self._logged_at, "image_shape": self.dataset.image_shape, "record": self._record}
        records.save_checkpoint(self.directory, tensors, state)
        self._saved_at = self.clock.seconds

    def _log(self) -> None:
        """A row of metrics: the mean over the updates since the last row."""
        mean, seconds, phase = torch.stack(self._window).mean(0), self.clock.seconds, self.phase
        images = len(self._window) * self.config.batch_size
        row = {"step": self.step, "images": self.images, "seconds": round(seconds, 3)}
        row |= dict(zip(phase.metrics, mean.tolist(), strict=True))
        row |= phase.derived(row)
        row["images_per_second"] = round(images / max(seconds - self._logged_at, 1e-9), 1)
        self._window, self._logged_at, self._row = [], seconds, row
        self.tables[phase.table].append(row)
        if bad := [name for name in phase.metrics if not math.isfinite(row[name])]:
            self._diverge(bad)
        self._show(row)
        self._tell(lambda one: one.logged({f"{phase.prefix}{name}": value for name, value in row.items()}))

    def _evaluate(self) -> None:
        """Measure validation images and G's, draw samples."""
        measured, pictures = evaluate(self.model, self.dataset, self.directory, self.step, self._row)
        row = {"step": self.step, "images": self.images, "seconds": round(self.clock.seconds, 3), **measured}
        self.tables["evaluations"].append(row)
        self._show(row)
        self._tell(lambda one: one.evaluated(row, pictures))

    def _tell(self, what: Callable[[events.Observer], None]) -> None:
        """Hand a row to each observer; the run is saved where one of them ends it."""
        try:
            for observer in self.observers:
                what(observer)
        except (events.Stopped, events.Interrupted) as error:
            self.save()
            self.status("stopped" if isinstance(error, events.Stopped) else "interrupted")
            raise

    def _leave(self) -> None:
        number = self.signals[0]
        self.status("interrupted", signal=number)
        what = f"{self.phase.name} update {self.step}"
        self.bar.write(f"saved at {what} in {self.directory}; the same command continues", file=sys.stderr)
        raise events.Interrupted(128 + number)

    def _diverge(self, names: list[str]) -> None:
        self.status("diverged", not_finite=names)
        kept = "nothing was kept"
        if records.has_checkpoint(self.directory):
            kept = f"the last finite state is kept in {self.directory}"
        what = f"{', '.join(names)} stopped being finite by {self.phase.name} update {self.step}"
        raise events.Diverged(f"{what}; {kept}. Lower the learning rates or lambda_continuous")

    def status(self, status: str, **more: object) -> None:
        about = {"status": status, **self.phase.position(self.step), "seconds": self.clock.seconds, **more}
        records.write_json(self.directory / "status.json", about)

    def _show(self, row: dict) -> None:
        """The row's losses, L_I of the categories (nats, of H(c)) or accuracy beside the progress bar."""
        self._shown |= {label: f"{row[name]:.2f}" for name, label in SHOWN.items() if name in row}
        if "collapsed" in row:
            self.bar.set_description(self._name + ", G has collapsed" * bool(row["collapsed"]), refresh=False)
        if "info_categorical_nats" in row:
            categories, continuous = self.model.latent.entropy  # of which L_I of categories is the one with a maximum
            name, most = ("info_categorical_nats", categories) if categories else ("info_continuous_nats", continuous)
            self._shown["L_I"] = f"{row[name]:.2f} of {most:.2f}"
        self.bar.set_postfix(self._shown, refresh=False)
