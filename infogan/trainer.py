"""The loop around the training step: phases that log, checkpoint, resume exactly and can be interrupted, all alike."""

import contextlib
import math
import signal
import sys
from collections.abc import Iterable
from pathlib import Path

import torch
from torch import Tensor

from infogan import events, records
from infogan.accel import parallel
from infogan.accel.stopwatch import Stopwatch
from infogan.config import Config
from infogan.data import Batches, Dataset
from infogan.errors import InputError, printable
from infogan.metrics import clustering, collapse
from infogan.phases import Adversarial, Pretraining
from infogan.randomness import derive
from infogan.records import pictures
from infogan.records.summary import summarise
from infogan.training import InfoGAN

SHOWN = {"loss_d": "D", "loss_g": "G", "loss_nats": "clustering", "accuracy": "accuracy"}
"""Names of metrics, and their labels beside the progress bar."""


class Trainer:
    """Trains a run to its end, from wherever its directory stands (see records.create).

    Of several processes (torchrun) all compute, and the first one alone loads, evaluates, draws and writes.

    Args: config: resolved; observers: given each row; progress: whether to show a bar on stderr.
    """

    def __init__(
        self,
        config: Config,
        dataset: Dataset,
        directory: Path,
        observers: Iterable[events.Observer] = (),
        progress: bool = True,
    ):
        self.config, self.dataset, self.directory = config, dataset, directory
        self.observers, self.progress = tuple(observers), progress
        self.writes = parallel.rank() == 0
        self.model = InfoGAN(config, dataset.image_shape, len(dataset.train))
        images = dataset.train.images.to(self.model.device)
        self.batches = Batches(images, config.batch_size, derive(config.seed, "order"))
        self.tables = {
            name: records.Table(directory / f"{name}.csv") for name in ("pretraining", "metrics", "evaluations")
        }
        self.clock = Stopwatch(self.model.device)
        self.phase: Pretraining | Adversarial
        self.phase = (Pretraining if config.pretraining else Adversarial)(self.model, self.batches)
        self.step = 0  # of the phase
        self._resumed = False
        self._record: dict | None = None  # the content of config.json
        self._window: list[Tensor] = []  # the metrics of the updates since the last row
        self._row: dict = {}  # the last row of metrics
        self._logged_at = 0.0  # seconds

    def run(self) -> dict:
        """Train to the end; returns summary().

        Raises Diverged at the first loss that is not finite, Stopped when an observer asks for it, Interrupted on
        Ctrl-C or SIGTERM, the last two after saving. Whatever ends it, status.json says so.
        """
        with events.collected_signals() as self._received:
            self._load()
            try:
                if self.finished:
                    self._say(f"{self.directory} is already finished")
                else:
                    self._run_phases()
                self._status("finished")
            except (events.Diverged, events.Stopped, events.Interrupted):
                raise
            except BaseException as error:
                with contextlib.suppress(OSError):  # a full disk may not take this either
                    self._status("failed", error=f"{type(error).__name__}: {error}"[:500])
                raise
        return self.summary()

    @property
    def finished(self) -> bool:
        return isinstance(self.phase, Adversarial) and self.step == self.config.updates

    def summary(self) -> dict:
        """See infogan.records.summary."""
        rows = self.tables["evaluations"].rows() if self.writes else []
        return summarise(self.config, self.step, self.clock.seconds, rows)

    def _run_phases(self) -> None:
        self._status("running")
        self._say(
            f"{self.directory}: {self.config.precision} on {self.model.device}, {torch.get_num_threads()} threads"
        )
        with self._progress_bar() as self._bar:
            if isinstance(self.phase, Pretraining):
                self._train()
                self._record_pretraining(self.phase)
                self.phase.overclustering.finish()
                self.phase, self.step, self._resumed = Adversarial(self.model, self.batches), 0, False
            if isinstance(self.phase, Adversarial) and not self._resumed:
                self.phase.begin()
                if self.config.pretraining:
                    self._save()
            if self.config.pretraining and not parallel.from_first(bool(self.tables["evaluations"].rows())):
                self._evaluate()
            self._train()

    def _train(self) -> None:
        """The updates of the phase that are left."""
        phase, config = self.phase, self.config
        self.clock.start()
        while self.step < phase.length:
            self._window.append(phase.update(self.step))
            self.step += 1
            self._bar.update(config.batch_size)
            last, leaving, evaluate = self.step == phase.length, self._asked_to_stop(), self.step in phase.evaluations
            if last or leaving or evaluate or self.step % config.log_every == 0:
                self.clock.stop()
                self._log()
                if evaluate:
                    self._evaluate()
                if last or leaving or self.step % config.checkpoint_every == 0:
                    self._save()
                if leaving and not self.finished:
                    self._leave()
                self.clock.start()
            elif self.step % config.checkpoint_every == 0:
                self.clock.stop()
                self._save()
                self.clock.start()
        self.clock.stop()

    def _load(self) -> None:
        """Go on from the last checkpoint, which the first process reads for all."""
        stored = None
        if self.writes:
            self._record = records.begun(self.directory)
            stored = records.load_checkpoint(self.directory) if records.has_checkpoint(self.directory) else None
        stored = parallel.from_first(stored)
        if stored is not None:
            tensors, state = stored
            if missing := self._missing(tensors, state):
                raise InputError(
                    f"the checkpoint in {self.directory} lacks {missing}: an earlier version made it, and this one can "
                    "read it but not continue it; choose another --run-dir"
                )
            self._resumed = True
            self.step, self.clock.seconds = state["step"], state["seconds"]
            if isinstance(self.phase, Pretraining) and state.get("phase") != Pretraining.name:
                self.phase = Adversarial(self.model, self.batches)
            self.phase.load_tensors(tensors)
            self.model.load_tensors(tensors, self.step)
            self._logged_at = state.get("logged_at", self.clock.seconds)
            if "window" in tensors:
                self._window = list(tensors["window"].to(self.model.device))
            self._restore_tables(tensors)
        if self.writes:
            pretraining = isinstance(self.phase, Pretraining)
            self.tables["pretraining"].cut(self.step if pretraining else self.config.pretraining)
            for name in ("metrics", "evaluations"):
                self.tables[name].cut(0 if pretraining else self.step)

    def _restore_tables(self, tensors: dict[str, Tensor]) -> None:
        """Rows that the tables had when the checkpoint was written, where they are missing now."""
        for name, table in self.tables.items():
            content = tensors.get(f"rows.{name}")
            if self.writes and content is not None and table.restore(content.numpy().tobytes()):
                print(printable(f"{table.path} lacked rows; they are restored from the checkpoint"), file=sys.stderr)

    def _missing(self, tensors: dict[str, Tensor], state: dict) -> str:
        """Names that the model has and a checkpoint of the adversarial phase lacks."""
        if state.get("phase", Adversarial.name) != Adversarial.name:
            return ""
        return ", ".join(sorted(set(self.model.tensors()) - set(tensors))[:3])

    def _save(self) -> None:
        tensors = self.model.tensors() | self.phase.tensors()
        if self._window:
            tensors["window"] = torch.stack(self._window)
            parallel.average([tensors["window"]])
        if bad := [name for name, t in tensors.items() if t.is_floating_point() and not t.isfinite().all()]:
            self._diverge(bad[:3])
        if self.writes:
            for name, table in self.tables.items():
                if content := table.content():
                    tensors[f"rows.{name}"] = torch.frombuffer(bytearray(content), dtype=torch.uint8)
            state = {"phase": self.phase.name, "step": self.step, "seconds": self.clock.seconds}
            state |= {"logged_at": self._logged_at, "image_shape": self.dataset.image_shape, "record": self._record}
            records.save_checkpoint(self.directory, tensors, state)

    def _log(self) -> None:
        """A row of metrics: the mean over the updates since the last row."""
        mean = torch.stack(self._window).mean(0)
        parallel.average([mean])
        seconds, images = self.clock.seconds, len(self._window) * self.config.batch_size
        row = {"step": self.step, "images": self.phase.images(self.step), "seconds": round(seconds, 3)}
        row |= dict(zip(self.phase.metrics, mean.tolist(), strict=True))
        row |= self.phase.derived(row)
        row["images_per_second"] = round(images / max(seconds - self._logged_at, 1e-9), 1)
        self._window, self._logged_at, self._row = [], seconds, row
        if self.writes:
            self.tables[self.phase.table].append(row)
        if bad := [name for name in self.phase.metrics if not math.isfinite(row[name])]:
            self._diverge(bad)
        self._show(row)
        try:
            for observer in self.observers:
                observer.logged({f"{self.phase.prefix}{name}": value for name, value in row.items()})
        except (events.Stopped, events.Interrupted) as error:
            self._save()
            self._status("stopped" if isinstance(error, events.Stopped) else "interrupted")
            raise

    def _evaluate(self) -> None:
        """Measure validation images and draw samples, in the first process; ends the run where an observer asks for
        it."""
        stopped = False
        if self.writes:
            row, pictures_of = evaluate(self.model, self.dataset, self.directory, self.step, self._row)
            row = {
                "step": self.step,
                "images": self.phase.images(self.step),
                "seconds": round(self.clock.seconds, 3),
            } | row
            self.tables["evaluations"].append(row)
            self._show(row)
            try:
                for observer in self.observers:
                    observer.evaluated(row, pictures_of)
            except events.Stopped:
                stopped = True
        if parallel.any_of_us(stopped):
            self._save()
            self._status("stopped")
            raise events.Stopped

    def _asked_to_stop(self) -> bool:
        """Processes that share a run receive a signal at different updates; they leave together, at the next row."""
        if parallel.world() == 1:
            return bool(self._received)
        return self.step % self.config.log_every == 0 and parallel.any_of_us(bool(self._received))

    def _leave(self) -> None:
        number = self._received[0] if self._received else signal.SIGTERM
        self._status("interrupted", signal=number)
        if self.writes:
            what = f"{self.phase.name} update {self.step}"
            self._bar.write(f"saved at {what} in {self.directory}; the same command continues", file=sys.stderr)
        raise events.Interrupted(128 + number)

    def _diverge(self, names: list[str]) -> None:
        self._status("diverged", not_finite=names)
        has_checkpoint = records.has_checkpoint(self.directory)
        kept = f"the last finite state is kept in {self.directory}" if has_checkpoint else "nothing was kept"
        what = f"{', '.join(names)} stopped being finite by {self.phase.name} update {self.step}"
        raise events.Diverged(f"{what}; {kept}. Lower the learning rates or lambda_continuous")

    def _status(self, status: str, **more: object) -> None:
        if self.writes:
            about = {"status": status, **self.phase.position(self.step), "seconds": self.clock.seconds, **more}
            records.write_json(self.directory / "status.json", about)

    def _record_pretraining(self, phase: Pretraining) -> None:
        if self.writes:
            information = phase.overclustering.information_nats
            content = {"updates": phase.length, "seconds": self.clock.seconds, "information_nats": information}
            records.write_json(self.directory / "pretraining.json", content)

    def _say(self, text: str) -> None:
        if self.progress and self.writes:
            print(printable(text), file=sys.stderr)

    def _show(self, row: dict) -> None:
        """The row's losses, L_I (nats) or accuracy beside the progress bar."""
        self._shown |= {label: f"{row[name]:.2f}" for name, label in SHOWN.items() if name in row}
        if "collapsed" in row:
            self._bar.set_description(self._name + ", G has collapsed" * bool(row["collapsed"]), refresh=False)
        if "info_categorical_nats" in row:
            self._shown["L_I"] = f"{row['info_categorical_nats'] + row['info_continuous_nats']:.2f}"
        self._bar.set_postfix(self._shown, refresh=False)

    def _progress_bar(self):
        from tqdm import tqdm

        self._shown: dict[str, str] = {}
        self._name = f"{self.config.preset} seed {self.config.seed}"
        return tqdm(
            total=self.config.images(self.config.updates),
            initial=self.phase.images(self.step),
            unit=" images",
            unit_scale=True,
            desc=self._name,
            disable=not (self.progress and self.writes),
            mininterval=0.5 if sys.stderr.isatty() else 30,
        )


def evaluate(
    model: InfoGAN, dataset: Dataset, directory: Path, step: int, logged: dict
) -> tuple[dict, dict[str, Path]]:
    """Measures of the categorical code that does best on validation images, those of G's images (see metrics.collapse),
    and the pictures drawn, by name. logged: the last row of metrics."""
    samples = directory / "samples" / f"samples-{step:07d}.png"
    pictures.save(samples, pictures.category_grid(model.generator, model.latent, model.config.seed))
    bound = logged.get("info_categorical_nats", math.nan)
    row = collapse.measure(model.generator, model.discriminator, model.latent, dataset.validation.images, bound)
    if not step:
        row["collapsed"] = None  # G has not trained
    codes = clustering.measure(model.discriminator, model.latent, dataset.validation)
    if not codes:
        return row, {"samples": samples}
    best = max(range(len(codes)), key=lambda i: codes[i]["accuracy"])
    row = {"code": best, **{name: codes[best][name] for name in clustering.MEASURES}} | row
    if step < model.config.updates:  # a confusion matrix takes as long to draw as hundreds of updates on small images
        return row, {"samples": samples}
    confusion = directory / "samples" / f"confusion-{step:07d}.png"
    pictures.confusion(
        confusion,
        codes[best]["confusion"],
        f"validation images, update {step}",
        codes[best]["label_of_category"],
        dataset.validation.classes,
    )
    return row, {"samples": samples, "confusion": confusion}
