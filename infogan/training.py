"""The training step, which reads like the paper's algorithm, and the loop around it: resume, signals, records."""

import dataclasses
import hashlib
import math
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterable
from contextlib import contextmanager
from pathlib import Path

import torch
from torch import Tensor, nn

from infogan import records
from infogan.accel import adam, cpu, cuda_graph, parallel
from infogan.codes import Latent
from infogan.config import Config, InputError
from infogan.data import Batches, Dataset, augmentation
from infogan.events import Diverged, Interrupted, Observer, Stopped
from infogan.layers import keep_halves
from infogan.metrics import clustering
from infogan.metrics.clustering import measure
from infogan.networks import architecture, build
from infogan.objective import UNNAMED, consistency, discriminator_loss, generator_loss, information_bound, surprise
from infogan.pretraining import overclustering
from infogan.records import pictures

METRICS = ("loss_d", "loss_g", "info_categorical_nats", "info_continuous_nats", "d_real", "d_fake")
MILESTONES = (0.8, 0.9, 0.95)  # validation accuracies whose time is kept


def derive(seed: int, purpose: str) -> int:
    """An independent seed per purpose, so that changing one random stream cannot change another."""
    return int.from_bytes(hashlib.sha256(f"{seed}/{purpose}".encode()).digest()[:6], "big")


def resolve(config: Config) -> Config:
    """Replace `auto` by what this machine has; a configuration as recorded names its device and precision.

    Raises InputError where the codes cannot be read, they lack the categorical code that an ingredient needs, or a device is asked for that is not there.
    """
    latent = Latent(config.codes, config.noise, config.q_std)
    if config.consistency and not latent.categorical_sizes:
        raise InputError(
            f"consistency is {config.consistency}, but codes {config.codes} has no categorical code for it: give 0, or add one such as 10c"
        )
    if config.warm_up and (len(latent.categorical_sizes) != 1 or latent.categorical_sizes[0] > overclustering.CLUSTERS):
        raise InputError(
            f"warm_up is {config.warm_up}, but codes {config.codes} has not one categorical code, "
            f"of at most {overclustering.CLUSTERS} categories, for Q to learn: give 0, or codes such as 10c+2u"
        )
    device = config.device
    if device == "auto":
        device = "cuda" if torch.cuda.is_available() else "cpu"
    try:
        torch.empty(0, device=device)
    except (RuntimeError, AssertionError) as error:
        raise InputError(
            f"device {device!r} cannot be used here ({str(error).splitlines()[0]}): use cpu or auto"
        ) from error
    precision = config.precision
    if precision == "auto":
        fast = (
            torch.cuda.is_bf16_supported(including_emulation=False)
            if device != "cpu"
            else torch.cpu._is_avx512_bf16_supported()
        )
        precision = "bfloat16" if fast else "float32"
    return dataclasses.replace(config, device=device, precision=precision)


def check(config: Config, dataset: Dataset) -> None:
    """Raises InputError where the two cannot be trained together; nothing has been written by then."""
    architecture(dataset.image_shape, config.network)
    Batches(dataset.train.images, config.batch_size, seed=0)


class InfoGAN:
    """G, D and Q with their two optimisers, and the training step (paper, equation 6).

    `config` must be resolved. The plain float32 step is the reference. In bfloat16 the networks' activations and
    gradients, and the copies of the weights they are computed with, have that precision (infogan/fast.py); the weights,
    Adam, batch norm's statistics and the objective stay float32.
    """

    def __init__(self, config: Config, image_shape: tuple[int, int, int]):
        self.config = config
        self.metrics = (*METRICS, *(f"{name}_nats" for name in ("consistency", "hold") if getattr(config, name)))
        self.names: Tensor | None = None  # of all training images, as the warm-up left them: see `hold`
        self.latent = Latent(config.codes, config.noise, config.q_std)
        self.device = torch.device(config.device)
        if self.device.index is not None:
            torch.cuda.set_device(self.device)  # streams and graphs are made on the current device
        torch.backends.cudnn.allow_tf32 = False  # by default a GPU's float32 convolutions are not float32
        self.generator, self.discriminator = (
            network.to(self.device, memory_format=torch.channels_last)
            for network in build(image_shape, self.latent, derive(config.seed, "weights"), config.network)
        )
        self.code_stream = torch.Generator(self.device).manual_seed(derive(config.seed, "codes"))

        D = self.discriminator
        trunk, d, q = (list(part.parameters()) for part in (D.trunk, D.d_head, D.q_head))
        g = list(self.generator.parameters())
        # Which parameters D's step moves, and in the other step: the GAN value, the bound.
        self.d_moves, self.g_moves, self.bound_moves = {
            "both-steps": (trunk + d + q, g, g),
            "generator-step": (trunk + d, g, g + q + trunk),
            "q-head": (trunk + d, g, g + q),
            "detached": (trunk + d, g, q),
        }[config.info_flow]
        self.halves: dict[nn.Parameter, Tensor] = {}
        if config.precision == "bfloat16":
            cpu.keep_memory()
            self.halves = keep_halves(self.generator) | keep_halves(D)
        moved = list(dict.fromkeys(self.g_moves + self.bound_moves))
        self.adam_d = adam.Adam(self.d_moves, config.lr_d, config.beta1, self.halves)
        self.adam_g = adam.Adam(moved, config.lr_g, config.beta1, self.halves)
        # Gradients are computed for what the products read: a weight's copy where there is one.
        for name in ("d_moves", "g_moves", "bound_moves"):
            setattr(self, name, [self.halves.get(p, p) for p in getattr(self, name)])

    def weighted_bound(self, categorical: Tensor, continuous: Tensor) -> Tensor:
        """lambda L_I, each kind of code with its own lambda."""
        return self.config.lambda_categorical * categorical + self.config.lambda_continuous * continuous

    def cool(self, step: int) -> None:
        """Learning rates for the update after `step`: as configured, and falling to 0 over the run's last part (cool_down)."""
        falling = self.config.cool_down * self.config.updates
        share = min(1.0, (self.config.updates - step) / falling) if falling else 1.0
        self.adam_d.set_rate(share * self.config.lr_d)
        self.adam_g.set_rate(share * self.config.lr_g)

    def step(self, real: Tensor, names: Tensor | None = None) -> Tensor:
        """One step of D, then one of G and Q, on uint8 images [N, C, H, W], with their names [N] where Q is held to such.

        Returns self.metrics, a vector on the device.
        """
        G, D, flow = self.generator, self.discriminator, self.config.info_flow
        whole, latent = real.float() / 255, self.latent.sample(len(real), self.code_stream)
        real, z = parallel.part(whole), parallel.part(latent)

        # D ascends V(D, G), in the authors' flow also lambda L_I.
        fake, n = G(z), len(real)
        normed = n if self.config.d_norm == "apart" else None
        verdicts, answers = D(torch.cat([real, fake.detach()]), real=normed)
        (on_real, on_fake), answer = verdicts.split(n), answers[n:]
        loss_d = discriminator_loss(on_real, on_fake, self.config.d_loss)
        descent = loss_d
        if flow == "both-steps":
            descent = loss_d - self.weighted_bound(*information_bound(self.latent, z, answer))
        beyond = []
        if (
            self.config.consistency or self.config.hold
        ):  # beyond the paper: Q is to read a real image and its copy alike
            _, of_copies = D(parallel.part(augmentation.copied(whole, self.code_stream)))
        if self.config.consistency:
            beyond += [consistency(self.latent, answers[:n], of_copies)]
            descent = descent - self.config.consistency * beyond[-1]
        if self.config.hold:  # and as it read the image when the warm-up was done
            beyond += [surprise(self.latent, torch.cat([answers[:n], of_copies]), parallel.part(names).repeat(2))]
            descent = descent + self.config.hold * beyond[-1]
        descent.backward(inputs=self.d_moves)
        self.adam_d.step()

        # G descends V(D, G) - lambda L_I, and Q with it, as far as the flow says.
        if normed is None:  # D sees them beside real images here as well
            verdicts_now, answers = D(torch.cat([real, fake]), real=None)
            on_fake_now, answer = verdicts_now[n:], answers[n:]
        else:
            on_fake_now, answer = D(fake)
        loss_g = generator_loss(on_fake_now)
        bound = information_bound(self.latent, z, answer)
        descent = -self.weighted_bound(*bound)
        if flow in ("both-steps", "q-head"):
            (loss_g + descent).backward(inputs=self.bound_moves)
        else:  # the value must not move what the bound moves: D's trunk here would learn to believe in fakes
            loss_g.backward(inputs=self.g_moves, retain_graph=True)
            descent.backward(inputs=self.bound_moves)
        self.adam_g.step()

        return torch.stack(
            [loss_d, loss_g, *bound, on_real.sigmoid().mean(), on_fake.sigmoid().mean(), *beyond]
        ).detach()

    def tensors(self) -> dict[str, Tensor]:
        """All that a resumed run needs, by name."""
        out = {"stream.codes": self.code_stream.get_state()} | ({} if self.names is None else {"names": self.names})
        for name, network in (("generator", self.generator), ("discriminator", self.discriminator)):
            out |= {f"{name}.{key}": value for key, value in network.state_dict().items()}
        for name, optimiser in (("adam_d", self.adam_d), ("adam_g", self.adam_g)):
            for index, p in enumerate(optimiser.param_groups[0]["params"]):
                out |= {f"{name}.{index}.{key}": value for key, value in optimiser.state[p].items()}
        return out

    @torch.no_grad()
    def load_tensors(self, tensors: dict[str, Tensor]) -> None:
        """The inverse of tensors(), in place."""
        for name, mine in self.tensors().items():
            if name != "stream.codes":
                mine.copy_(tensors[name])
        self.code_stream.set_state(tensors["stream.codes"])
        for weight, half in self.halves.items():
            half.copy_(weight)

    def fastest_step(self, *batch: Tensor) -> Callable[..., Tensor]:
        """The step as this device runs it fastest: on a GPU captured for batches like this one, else as it is."""
        if self.device.type != "cuda" or parallel.world() > 1:
            return self.step
        state = [tensor for name, tensor in self.tensors().items() if name != "stream.codes"]
        state += [half.detach() for half in self.halves.values()]
        drawn = self.code_stream.get_state()
        try:
            return cuda_graph.CapturedStep(self.step, batch, self.code_stream, state)
        except RuntimeError as error:
            reason = (str(error).strip() or type(error).__name__).splitlines()[0]
            print(f"the step cannot be captured as a CUDA graph ({reason}): training goes on without", file=sys.stderr)
            # What the attempt may have left: gradients in the graph's own memory, a stream marked as captured.
            self.adam_d.zero_grad()
            self.adam_g.zero_grad()
            self.code_stream = torch.Generator(self.device)
            self.code_stream.set_state(drawn)
            return self.step


@contextmanager
def _signals():
    """Collects SIGINT and SIGTERM instead of dying of them; a second one ends the process as usual."""
    received: list[int] = []
    if threading.current_thread() is not threading.main_thread():
        yield received
        return

    def note(number, frame):
        received.append(number)
        signal.signal(number, before[number])

    # A signal that is ignored stays so: a sweep's workers leave Ctrl-C to the process that started them.
    heard = [number for number in (signal.SIGINT, signal.SIGTERM) if signal.getsignal(number) is not signal.SIG_IGN]
    before = {number: signal.signal(number, note) for number in heard}
    try:
        yield received
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def fit(
    config: Config, dataset: Dataset, directory: Path, observers: Iterable[Observer] = (), progress: bool = True
) -> dict:
    """Train to the end, from wherever the run directory (see records.create) stands, and measure on the test images.

    Returns evaluation.json's content. Raises records.Locked where another process trains in the directory, Diverged at
    the first loss that is not finite, Stopped when an observer asks for it, Interrupted on Ctrl-C or SIGTERM after saving (in the warm-up: nothing).
    """
    with records.lock(directory):
        return _fit(config, dataset, directory, tuple(observers), progress)


def _fit(config: Config, dataset: Dataset, directory: Path, observers: tuple[Observer, ...], progress: bool) -> dict:
    config = resolve(config)
    latent = Latent(config.codes, config.noise, config.q_std)
    model = InfoGAN(config, dataset.image_shape)
    batches = Batches(dataset.train.images.to(model.device), config.batch_size, derive(config.seed, "order"))
    if config.hold:
        model.names = torch.full((len(batches.images),), UNNAMED, device=model.device)
    metrics, evaluations = (records.Table(directory / f"{name}.csv") for name in ("metrics", "evaluations"))

    first, seconds = 0, 0.0
    if records.has_checkpoint(directory):
        tensors, state = records.load_checkpoint(directory)
        model.load_tensors(tensors)
        first, seconds = state["step"], state["seconds"]
    for table in (metrics, evaluations):
        table.cut(first)

    def status(name: str, **more) -> None:
        records.write_json(directory / "status.json", {"status": name, "step": step, "seconds": seconds, **more})

    def diverge(names: list[str]) -> None:
        status("diverged", not_finite=names)
        kept = (
            f"the last sound state is kept in {directory}" if records.has_checkpoint(directory) else "nothing was kept"
        )
        raise Diverged(
            f"{', '.join(names)} stopped being finite by update {step}; {kept}. Lower the learning rates or lambda_continuous"
        )

    def save() -> None:
        tensors = model.tensors()
        if bad := [name for name, t in tensors.items() if t.is_floating_point() and not t.isfinite().all()]:
            diverge(bad[:3])
        records.save_checkpoint(
            directory, tensors, {"step": step, "seconds": seconds, "image_shape": dataset.image_shape}
        )

    def clock() -> float:
        """Seconds of training so far, once the device has done what was asked of it."""
        if model.device.type == "cuda":
            torch.cuda.synchronize()
        return time.perf_counter() - began

    def log() -> None:
        nonlocal window
        mean = torch.stack(window).mean(0)
        parallel.average([mean])
        values = mean.tolist()
        row = {"step": step, "images": config.images(step), "seconds": round(seconds, 3)}
        row |= dict(zip(model.metrics, values))
        entropy = sum(latent.entropy)
        row["info_over_entropy"] = (row["info_categorical_nats"] + row["info_continuous_nats"]) / entropy
        row["images_per_second"] = round(len(window) * config.batch_size / max(seconds - logged_at, 1e-9), 1)
        window = []
        metrics.append(row)
        if bad := [name for name in model.metrics if not math.isfinite(row[name])]:
            diverge(bad)
        for observer in observers:
            observer.logged(row)

    def evaluate() -> None:
        codes = measure(model.discriminator, latent, dataset.validation)
        row = {"step": step, "images": config.images(step), "seconds": round(seconds, 3)}
        written = {"samples": directory / "samples" / f"samples-{step:07d}.png"}
        pictures.save(written["samples"], pictures.category_grid(model.generator, latent, config.seed))
        if codes:
            best = max(range(len(codes)), key=lambda i: codes[i]["accuracy"])
            row |= {"code": best, **{name: codes[best][name] for name in clustering.MEASURES}}
            if step == config.updates:  # half a second to draw, as long as hundreds of updates on small images
                written["confusion"] = directory / "samples" / f"confusion-{step:07d}.png"
                pictures.confusion(written["confusion"], codes[best]["confusion"], f"validation images, update {step}")
        evaluations.append(row)
        try:
            for observer in observers:
                observer.evaluated(row, written)
        except Stopped:
            save()
            status("stopped")
            raise

    due = {math.ceil(config.updates * (k + 1) / config.evaluations) for k in range(config.evaluations)}
    window: list[Tensor] = []
    step, logged_at = first, seconds
    if step == config.updates and (directory / "evaluation.json").exists():
        result = records.read_json(directory / "evaluation.json")
        if result["step"] == step:  # and not of the shorter run that this one was
            status("finished")  # which a kill may have left out
            return result

    warmed = records.has_checkpoint(directory)  # a warm-up is kept when it is done
    bar = _progress(config, (config.warm_up if warmed else 0) + first, enabled=progress)
    with _signals() as received, bar:

        def heard(at: int) -> bool:
            """Whether to leave. Processes that share a run hear a signal at different updates; they leave together, at the next row."""
            return (
                bool(received)
                if parallel.world() == 1
                else at % config.log_every == 0 and parallel.any_of_us(bool(received))
            )

        def leave(message: str) -> None:
            number = received[0] if received else signal.SIGTERM
            status("interrupted", signal=number)
            bar.write(message, file=sys.stderr)
            raise Interrupted(128 + number)

        status("running")
        if config.warm_up and not warmed:
            began = time.perf_counter()
            warm_up = overclustering.WarmUp(
                model, batches.at, (derive(config.seed, "sorters"), derive(config.seed, "copies"))
            )
            for number in range(config.warm_up):
                warm_up.update(number)
                bar.update(config.batch_size)
                if number + 1 < config.warm_up and heard(number + 1):
                    leave("stopped in the warm-up, of which nothing is kept; the same command begins it again")
            if model.names is not None:
                model.names.copy_(warm_up.names(batches.images))
            seconds = logged_at = clock()
            records.write_json(
                directory / "warm_up.json",
                {"updates": config.warm_up, "seconds": seconds, "information_nats": warm_up.information},
            )
            save()
            del warm_up  # its teacher is a second D
        if config.warm_up and not evaluations.rows():
            evaluate()

        def batch(update: int) -> tuple[Tensor, ...]:
            index = batches.index(config.warm_up + update)
            return (batches.images[index], *(() if model.names is None else (model.names[index],)))

        update = model.fastest_step(*batch(first))
        began = time.perf_counter() - seconds
        while step < config.updates:
            model.cool(step)
            window.append(update(*batch(step)))
            step += 1
            bar.update(config.batch_size)
            leaving = step == config.updates or heard(step)
            if step % config.log_every == 0 or step in due or leaving:
                seconds = clock()
                log()
                logged_at = seconds
            if step in due:
                evaluate()
                began = time.perf_counter() - seconds  # measuring is not training time
            if step % config.checkpoint_every == 0 or leaving:
                seconds = clock()
                save()
                began = time.perf_counter() - seconds
            if leaving and step < config.updates:
                leave(f"saved at update {step} in {directory}; the same command continues")

        result = report(model.discriminator, latent, dataset, evaluations.rows())
        result |= {"step": step, "images": config.images(step), "train_seconds": round(seconds, 1)}
        result["time_to_accuracy"] = time_to_accuracy(evaluations.rows())
        records.write_json(directory / "evaluation.json", result)
        (directory / records.PREVIOUS).unlink(missing_ok=True)
        status("finished")
        if received:  # too late to stop anything here, but not for what the caller would begin next
            bar.write(f"{directory} is finished", file=sys.stderr)
            raise Interrupted(128 + received[0])
    return result


def report(discriminator: nn.Module, latent: Latent, dataset: Dataset, evaluations: list[dict]) -> dict:
    """Measures on the test images of every categorical code, and of the one that the validation images choose."""
    codes = measure(discriminator, latent, dataset.test, intervals=True)
    result: dict = {"dataset": dataset.name, "split": "test", "codes": codes}
    if codes:
        if not evaluations:
            raise InputError(
                "the run was never measured on its validation images, which choose the code to report: train it further"
            )
        best = int(evaluations[-1]["code"])
        result |= {"best_code": best, "validation_accuracy": float(evaluations[-1]["accuracy"])}
        result |= {key: value for key, value in codes[best].items() if key != "confusion"}
    return result


def time_to_accuracy(evaluations: list[dict]) -> dict[str, dict | None]:
    """Training seconds and images until validation accuracy was first seen to reach each of MILESTONES; None where it never was."""
    out: dict[str, dict | None] = {}
    for milestone in MILESTONES:
        first = next((row for row in evaluations if float(row.get("accuracy", 0)) >= milestone), None)
        out[f"{milestone:.2f}"] = first and {"seconds": float(first["seconds"]), "images": int(first["images"])}
    return out


def _progress(config: Config, done: int, enabled: bool):
    from tqdm import tqdm

    return tqdm(
        total=config.images(config.updates),
        initial=done * config.batch_size,
        unit=" images",
        unit_scale=True,
        desc=f"{config.preset} seed {config.seed}",
        disable=not enabled,
        mininterval=0.5 if sys.stderr.isatty() else 30,
    )
