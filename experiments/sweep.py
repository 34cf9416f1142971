"""Sweep lambda, the latent-code configuration and the batch size with Optuna; each trial is a W&B run.

The same command continues a study that was interrupted or killed. Trials are compared at equal images seen,
by code-to-label accuracy on validation images; the best is then trained with fresh seeds and measured on the
test images.

Examples:
  python experiments/sweep.py                          # scikit-learn's digits, a few minutes on two cores
  python experiments/sweep.py mnist --trials 40 --data-dir ~/data
  python experiments/sweep.py mnist --workers 4 --study mnist-long --images 3000000
"""

import dataclasses
import re
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import tyro
from workers import Crew, ParentWatch, open_storage, queue_again, quiet_optuna, run_on_ray, run_trials, run_workers, given_up

from infogan.config import PRESETS, Config, InputError, WandbMode, run_script

RECIPES = ("authors", "paper", "blog")
# What a trial costs: enough images for the order of configurations to show (mnist: the authors' 5,000 x 128).
IMAGES = {"digits": 100_000}
FULL_IMAGES = 640_000
TRIALS = {"digits": 12}
FULL_TRIALS = 40


@dataclass(frozen=True)
class Options:
    dataset: tyro.conf.Positional[str] = "digits"
    """digits, mnist, fashion-mnist, or the path of a labelled .npz file."""
    trials: int | None = None
    """Trials the study shall have in the end; parallel workers may add one each. Default: 12 for digits, else 40."""
    crew: tyro.conf.OmitArgPrefixes[Crew] = Crew()
    images: int | None = None
    """Real images each trial sees, whatever its batch size. Default: 100,000 for digits, else 640,000."""
    study: str | None = None
    """Name of the study and of its folder under studies/. Default: the dataset's name."""
    seed: int = 0
    """Seeds the sampler and, with the trial's number, each training."""
    confirm_seeds: int = 3
    """Fresh seeds with which the best configuration is trained again and measured on the test images."""
    data_dir: Path | None = None
    """Folder of mnist and fashion-mnist. Default: $INFOGAN_DATA, else ./data."""
    wandb: WandbMode = "auto"
    """auto: online where a W&B key is found, else offline (`wandb sync` uploads later)."""

    def resolved(self) -> "Options":
        """Every default filled in; raises InputError for values that no study can have."""
        name = self.study or re.sub(r"[^\w.-]+", "-", Path(self.dataset).stem)
        if not re.fullmatch(r"\w[\w.-]*", name):
            raise InputError(f"study is {name!r}; use letters, digits, dots, dashes and underscores")
        import torch

        from infogan import fast

        trials = TRIALS.get(self.dataset, FULL_TRIALS) if self.trials is None else self.trials
        workers = 1 if torch.cuda.is_available() else max(1, min(fast.cores(), trials))
        options = dataclasses.replace(
            self,
            study=name,
            trials=trials,
            workers=workers if self.workers is None else self.workers,
            images=IMAGES.get(self.dataset, FULL_IMAGES) if self.images is None else self.images,
            storage=self.storage or f"sqlite:///{Path('studies') / name / 'study.db'}",
        )
        for field, least in (("trials", 1), ("workers", 1), ("images", 512), ("confirm_seeds", 0)):
            if getattr(options, field) < least:
                raise InputError(f"{field} is {getattr(options, field)}; give {least} or more")
        return options

    @property
    def folder(self) -> Path:
        assert self.study is not None
        return Path("studies") / self.study


def suggest(trial, options: Options, seed: int) -> Config:
    """The search space. A recipe is a preset's rest: noise prior, Q's std, learning rates, who gets the bound."""
    recipe = trial.suggest_categorical("recipe", RECIPES)
    codes = trial.suggest_int("categorical_codes", 1, 3)
    size = trial.suggest_categorical("categories", (5, 8, 10, 12, 20))
    continuous = trial.suggest_int("continuous_codes", 0, 4)
    noise = trial.suggest_categorical("noise", (16, 62, 128))
    lambda_categorical = trial.suggest_float("lambda_categorical", 0.03, 10, log=True)
    lambda_continuous = trial.suggest_float("lambda_continuous", 0.03, 10, log=True) if continuous else 0.0
    batch_size = trial.suggest_categorical("batch_size", (16, 32, 64, 128, 256, 512))
    base = PRESETS[recipe][0]
    return dataclasses.replace(
        base,
        dataset=options.dataset,
        seed=seed,
        codes="+".join([f"{codes}x{size}c"] * bool(codes > 1) or [f"{size}c"]) + (f"+{continuous}u" if continuous else ""),
        noise=f"{noise}{base.noise[-1]}",
        lambda_categorical=lambda_categorical,
        lambda_continuous=lambda_continuous,
        batch_size=batch_size,
        **length(options.images, batch_size),
    )


def length(images: int, batch_size: int) -> dict[str, int]:
    """Equal images seen, with the same number of logged rows for every batch size."""
    updates = max(1, round(images / batch_size))
    return {"updates": updates, "log_every": max(1, updates // 100), "checkpoint_every": max(1, updates // 5)}


def source_settings() -> list[dict]:
    """The paper's, the authors' and the blog's settings as points of the search space; they are tried first."""
    codes = {"categorical_codes": 1, "categories": 10, "noise": 62, "lambda_categorical": 1.0}
    return [
        {"recipe": "paper", **codes, "continuous_codes": 2, "lambda_continuous": 0.1, "batch_size": 128},
        {"recipe": "authors", **codes, "continuous_codes": 2, "lambda_continuous": 1.0, "batch_size": 128},
        {"recipe": "blog", **codes, "continuous_codes": 0, "batch_size": 16},
    ]


def quiet_optuna():
    """Optuna without its parameter dumps (we print a line per trial) and notices of experimental features."""
    import warnings

    import optuna

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    warnings.filterwarnings("ignore", category=optuna.exceptions.ExperimentalWarning)
    return optuna


def open_storage(url: str):
    """Optuna storage with heartbeats: a trial whose process died is found out and tried again."""
    import optuna

    connect = {"connect_args": {"timeout": 100}} if url.startswith("sqlite") else {}
    return optuna.storages.RDBStorage(
        url,
        engine_kwargs=connect,
        heartbeat_interval=5,
        grace_period=20,
        heartbeat_stale_trial_callback=optuna.storages.RetryHeartbeatStaleTrialCallback(max_retry=5),
    )


def open_study(options: Options):
    """Make the study, or join it. One process does this before any worker starts: creating tables races."""
    import optuna
    from sqlalchemy.exc import SQLAlchemyError

    from infogan.runs import mask_secrets

    try:
        options.folder.mkdir(parents=True, exist_ok=True)
        study = optuna.create_study(
            storage=open_storage(options.storage), study_name=options.study, direction="maximize", load_if_exists=True
        )
    except (SQLAlchemyError, ImportError, OSError) as error:
        reason = mask_secrets(str(error).splitlines()[0])
        raise InputError(f"cannot open the storage {mask_secrets(options.storage)} ({reason}): check the URL") from error
    settings = {"dataset": options.dataset, "images": options.images, "seed": options.seed}
    stored = study.user_attrs.get("settings", settings)
    for name, value in settings.items():
        if stored[name] != value:
            raise InputError(
                f"study {options.study!r} was made with {name} {stored[name]!r}, not {value!r}: "
                "give the same value, or another --study"
            )
    if not study.user_attrs:
        study.set_user_attr("settings", settings)
        for point in source_settings():
            study.enqueue_trial(point, user_attrs={"source": point["recipe"]})
    return study


class ParentWatch:
    """An observer that ends a run (saved at its last checkpoint) when the process that started it is gone."""

    def __init__(self, parent: int | None):
        self.parent = parent

    def logged(self, row: dict) -> None:
        from infogan.training import Interrupted

        if self.parent is not None and os.getppid() != self.parent:
            raise Interrupted(1)

    def evaluated(self, row: dict, images: dict[str, Path]) -> None:
        pass


def _begin_worker(options: Options, parent: int | None) -> None:
    """Its share of the cores; Ctrl-C, which a terminal sends to every process, is the parent's to pass on, once."""
    import torch

    from infogan import fast

    if parent is not None:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
    torch.set_num_threads(max(1, fast.cores() // options.workers))


def work(options: Options, index: int, parent: int | None) -> None:
    """Worker `index`: trials until the study has enough of them. `parent` is the process it belongs to, if another."""
    from optuna.trial import TrialState

    from infogan import data, tracking, training

    _begin_worker(options, parent)
    optuna = quiet_optuna()
    dataset = data.load(options.dataset, options.data_dir)
    study = optuna.load_study(
        study_name=options.study,
        storage=open_storage(options.storage),
        pruner=optuna.pruners.MedianPruner(n_startup_trials=5, n_warmup_steps=3),
    )

    class Follower(ParentWatch):
        """Reports validation accuracy to the pruner as well."""

        def __init__(self, trial, evaluations: int):
            super().__init__(parent)
            self.trial, self.evaluations = trial, evaluations

        def evaluated(self, row: dict, images: dict[str, Path]) -> None:
            # Steps are tenths of the images seen, so that batch sizes are compared at equal images.
            self.trial.report(row["accuracy"], round(self.evaluations * row["images"] / options.images))
            if self.trial.should_prune():
                raise training.Stopped

    def objective(trial) -> float:
        began = time.perf_counter()
        try:
            # A retried trial inherits the attributes of the one whose process died: it goes on in that one's
            # directory, from its checkpoint.
            number = trial.user_attrs.get("run", trial.number)
            directory = options.folder / "trials" / f"{number:04d}"
            config = suggest(trial, options, seed=options.seed + number)
            attributes = {"run": number, "run_dir": str(directory), "codes": config.codes, "updates": config.updates}
            for name, value in attributes.items():
                trial.set_user_attr(name, value)
            follower = Follower(trial, config.evaluations)
            result = tracking.train(
                config, dataset, directory, options.wandb, options.study, [follower], progress=False
            )
        except training.Stopped as stopped:
            _line(trial, "pruned", began)
            raise optuna.TrialPruned from stopped
        except Exception as error:
            trial.set_user_attr("error", f"{type(error).__name__}: {error}")
            _line(trial, f"failed: {type(error).__name__}: {error}", began)
            raise
        trial.set_user_attr("images_per_second", round(result["images"] / result["train_seconds"]))
        _line(trial, f"accuracy {result['validation_accuracy']:.3f}", began)
        return result["validation_accuracy"]

    def enough() -> bool:
        trials = study.get_trials(deepcopy=False)
        begun = [t for t in trials if t.state != TrialState.WAITING and (t.state != TrialState.FAIL or "error" in t.user_attrs)]
        handed_back = [t for t in trials if t.state == TrialState.WAITING and "run" in t.user_attrs]
        return len(begun) >= options.trials and not handed_back

    while True:
        if not enough():
            # Optuna keeps no random state: derived from the study's seed and the trials so far, it survives a restart;
            # from the worker's index too, or workers that start together would all propose the same.
            count = len(study.get_trials(deepcopy=False))
            purpose = f"sampler-{count}-{index}"
            study.sampler = optuna.samplers.TPESampler(seed=training.derive(options.seed, purpose) % 2**32)
            study.optimize(objective, n_trials=1, catch=(Exception,))
        elif study.get_trials(deepcopy=False, states=(TrialState.RUNNING,)):
            # Another worker's, or one whose process was killed: its heartbeat tells within seconds.
            optuna.storages.fail_stale_trials(study)
            time.sleep(1)
        else:
            return


def _line(trial, outcome: str, began: float) -> None:
    params = trial.params
    print(
        f"trial {trial.number:3d}  {params.get('recipe', ''):8s} {trial.user_attrs.get('codes', ''):10s} "
        f"batch {params.get('batch_size', 0):3d}  lambda {params.get('lambda_categorical', 0):.2g}"
        f"/{params.get('lambda_continuous', 0):.2g}  {time.perf_counter() - began:5.1f} s  {outcome}",
        flush=True,
    )


def confirm(options: Options, index: int, parent: int | None, values: dict, folder: Path, seeds: list[int]) -> None:
    """Worker `index`'s share of the seeds: the stored configuration trained anew with each, in FOLDER/seedN."""
    from infogan import data, tracking, training
    from infogan.config import from_dict

    _begin_worker(options, parent)
    dataset = data.load(options.dataset, options.data_dir)
    for seed in seeds[index :: options.workers]:
        config = dataclasses.replace(from_dict(values), seed=seed)
        try:
            tracking.train(config, dataset, folder / f"seed{seed}", options.wandb, options.study, [ParentWatch(parent)], progress=False)
        except training.Diverged as error:
            print(f"seed {seed}: {error}", file=sys.stderr)  # the other seeds and the report must not be lost for it


def run_workers(options: Options, task, *arguments) -> None:
    """task(options, index, parent, *arguments) in every worker. Ctrl-C and SIGTERM reach each, which saves its run before it leaves."""
    if options.workers == 1:
        return task(options, 0, None, *arguments)
    context = get_context("spawn")
    processes = [context.Process(target=task, args=(options, i, os.getpid(), *arguments)) for i in range(options.workers)]

    def stop(number, frame):
        for process in processes:
            if process.is_alive() and process.pid:
                os.kill(process.pid, signal.SIGTERM)
        raise SystemExit(128 + number)

    before = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        for process in processes:
            process.start()
        for process in processes:
            process.join()
    finally:
        for process in processes:
            if process.pid:
                process.join()
        for number, handler in before.items():
            signal.signal(number, handler)
    if all(process.exitcode for process in processes):
        raise SystemExit("every worker ended with an error; see above")


def main() -> None:
    options = tyro.cli(Options, description=__doc__).resolved()

    from infogan import data
    from infogan.runs import mask_secrets, read_json, write_json

    # W&B records the command line of every process it runs in; no password of a storage URL may stand there.
    sys.argv = [mask_secrets(argument) for argument in sys.argv]
    if data.load(options.dataset, options.data_dir).validation.labels is None:
        raise InputError(f"{options.dataset} has no labels, and the study compares code-to-label accuracy: add `labels`")
    optuna = quiet_optuna()
    study = open_study(options)
    print(
        f"study {options.study!r} in {mask_secrets(options.storage)}: {options.trials} trials of {options.images:,} images "
        f"on {options.dataset}, {options.workers} worker(s)",
        flush=True,
    )
    began = time.time()
    run_workers(options, work)

    report = [sys.executable, str(Path(__file__).parents[1] / "analysis" / "study.py"), str(options.folder)]
    if options.confirm_seeds and any(t.state == optuna.trial.TrialState.COMPLETE for t in study.trials):
        best = study.best_trial
        values = read_json(Path(best.user_attrs["run_dir"]) / "config.json")["config"]
        print(f"best: trial {best.number}, validation accuracy {best.value:.3f}; training it with {options.confirm_seeds} fresh seeds")
        # Seeds that no trial has used; a directory per best trial, so that a continued study confirms its new best.
        seeds = [options.seed + 100_000 + i for i in range(options.confirm_seeds)]
        folder = options.folder / "confirm" / f"trial-{best.number:04d}"
        run_workers(options, confirm, values, folder, seeds)
        results = []
        for seed in seeds:
            if not (folder / f"seed{seed}" / "evaluation.json").exists():
                continue
            result = read_json(folder / f"seed{seed}" / "evaluation.json")
            measures = {key: value for key, value in result.items() if isinstance(value, float | int)}
            results.append({"seed": seed, "run_dir": str(folder / f"seed{seed}"), **measures})
        if results:
            write_json(options.folder / "confirmation.json", {"trial": best.number, "config": values, "seeds": results})
    print(f"{time.time() - began:.0f} s\n", flush=True)
    sys.exit(subprocess.run([*report, "--storage", options.storage, "--study", options.study], check=False).returncode)


if __name__ == "__main__":
    run_script(main)
