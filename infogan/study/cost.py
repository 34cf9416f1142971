"""What a study costs on this machine, from a short measured run, before its first trial."""

import time

import torch

from infogan.config import Config
from infogan.data import Dataset
from infogan.study.options import ResolvedOptions
from infogan.training import follow_data, phases, resolve
from infogan.training.learner import Learner

SECONDS = 1.0
"""For which each configuration's updates are timed."""


def describe(options: ResolvedOptions, dataset: Dataset) -> str:
    """Trials x images, and how long they take: by the slowest and the fastest of the space's extreme settings."""
    points = options.configurations.examples()
    configs = [options.configurations.config(point, options.seed) for point in points]
    extremes = {min(configs, key=_batch), max(configs, key=_batch)}
    trials = options.trials + options.confirm_best * options.confirm_seeds
    durations = [config.images(config.updates) / images_per_second(config, dataset) for config in extremes]
    low, high = (trials * seconds / min(options.workers, trials) / 60 for seconds in (min(durations), max(durations)))
    times = f"{_minutes(low)} to {_minutes(high)}" if len(extremes) > 1 else _minutes(high)
    confirm = f" and {trials - options.trials} for the confirmation" if trials > options.trials else ""
    pruned = "; trials that are pruned take less" if options.pruner == "halving" else ""
    images = max(config.images(config.updates) for config in configs)
    return f"{options.trials} trials{confirm} of {images:,} images: about {times} here, measured{pruned}"


def images_per_second(config: Config, dataset: Dataset) -> float:
    """Real images in a second of updates of the GAN, on one thread."""
    config = resolve(follow_data(config, dataset))
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        model = Learner(config, dataset.image_shape, len(dataset.train))
        phase = phases(model, dataset.train.images.to(model.device))[-1]
        phase.start()
        for step in range(3):  # the first ones allocate and compile
            phase.update(step)
        began, step = time.perf_counter(), 3
        while time.perf_counter() - began < SECONDS:
            phase.update(step)
            step += 1
        return (step - 3) * config.batch_size / (time.perf_counter() - began)
    finally:
        torch.set_num_threads(threads)


def _batch(config: Config) -> tuple:
    return config.batch_size, config.updates


def _minutes(minutes: float) -> str:
    return f"{minutes:.0f} min" if minutes >= 1.5 else f"{60 * minutes:.0f} s"
