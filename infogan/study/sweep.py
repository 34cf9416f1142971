"""Search any settings with Optuna; each trial is a W&B run, and a report says which setting matters.

The same command continues a study that was interrupted or killed, and joins it from other machines. Trials are compared
at equal images seen, on validation images; the best are then trained with fresh seeds and measured on the test images.

Examples:
  python experiments/sweep.py                          # scikit-learn's digits, some nine minutes on two idle cores
  python experiments/sweep.py digits --search lambda_categorical=0.1:10:log --search codes=10c,10c+2u --trials 8
  python experiments/sweep.py mnist --search seed=0:9 --sampler grid                  # ten seeds of authors, all whole
  python experiments/sweep.py mnist --search seed=0:7 --objective certainty           # eight seeds, the hopeless ended
  python experiments/sweep.py ~/photos@64 --search lambda_categorical=0.1:10:log      # images without labels
  python experiments/sweep.py mnist --storage postgresql://me@host/db --study shared    # on each of many machines
  python experiments/sweep.py mnist --launcher ray --workers 16 --gpus-per-worker 0.25 --storage postgresql://me@host/db
"""

import contextlib
import dataclasses
import os
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any

import tyro

from infogan.config import RUNTIME_FIELDS, InputError
from infogan.study import search_space
from infogan.study.launchers import JOIN, command_line, run_here, run_on_ray
from infogan.study.options import Options, ResolvedOptions

if TYPE_CHECKING:
    from optuna.study import Study

    from infogan.data import Dataset


def check(options: ResolvedOptions, dataset: "Dataset") -> ResolvedOptions:
    """The options with what follows from the dataset: the default objective, and of the default space the batch sizes
    that the images can fill.

    Raises InputError where a setting of the space is one that no run on the dataset can have.
    """
    from infogan import training
    from infogan.study import objectives

    measures = objectives.read(options.objective, dataset)

    configurations = options.configurations
    if not options.search and not options.search_file:
        space = search_space.without_large_batches(configurations.space, len(dataset.train))
        if space != configurations.space:
            print(
                f"{len(dataset.train)} training images: batch sizes {space['batch_size']} are searched", file=sys.stderr
            )
        configurations = dataclasses.replace(configurations, space=space)
    for point in configurations.examples():
        training.check(configurations.config(point, options.seed), dataset)
    objective = ",".join(measure.name for measure in measures)
    return dataclasses.replace(options, configurations=configurations, objective=objective)


def settings(options: ResolvedOptions) -> dict[str, Any]:
    """What identifies a study: whoever joins it must have the same."""
    configurations = options.configurations
    recipes = {name: dataclasses.asdict(search_space.begin(name)) for name in configurations.recipes}
    return {
        "dataset": options.dataset,
        "images": options.images,
        "seed": options.seed,
        "sampler": options.sampler,
        "pruner": options.pruner,
        "objective": options.objective,
        "search": {name: str(spec) for name, spec in configurations.space.items()},
        "set": dict(configurations.fixed),
        "recipes": {
            name: {field: value for field, value in recipe.items() if field not in RUNTIME_FIELDS}
            for name, recipe in recipes.items()
        },
    }


def open_study(options: ResolvedOptions) -> "Study":
    """Make the study, or join it: to be called once before any worker starts. Repeatable at every point.

    options: of `check`. With --join it waits for a database that is away. Raises InputError where the study cannot be
    made, or exists with other settings; no folder is left behind then.
    """
    try:
        options.folder.mkdir(parents=True, exist_ok=True)  # the database's file may be in it
    except OSError as error:
        reason = f"cannot make the study's folder {options.folder} ({error.strerror})"
        raise InputError(f"{reason}: choose another --study") from error
    try:
        return _make_or_join(options)
    except InputError:
        with contextlib.suppress(OSError):  # it is not empty
            os.removedirs(options.folder)
        raise


def _make_or_join(options: ResolvedOptions) -> "Study":
    import optuna

    from infogan.study import objectives
    from infogan.study.storage import as_input_error, open_storage

    directions = [objectives.MEASURES[name].direction for name in (options.objective or "accuracy").split(",")]
    storage = open_storage(options.storage, patient=options.join)
    with as_input_error(options.storage):
        study = optuna.create_study(
            storage=storage, study_name=options.study, directions=directions, load_if_exists=True
        )
        _check_same(study, settings(options))
        if options.sampler != "grid":
            for offset, (recipe, point) in enumerate(options.configurations.sources(options.trials).items()):
                # Of two that are queued at once, one is dropped: both have the same run.
                own = {"source": recipe, "run": recipe, "offset": offset}
                study.enqueue_trial(point, user_attrs=own, skip_if_exists=True)
    return study


def _check_same(study: "Study", wanted: dict[str, Any]) -> None:
    """Record a new study's settings. Raises InputError where it was made with others, or when presets were others."""
    if "settings" not in study.user_attrs:
        study.set_user_attr("settings", wanted)
    before, now = _flat(study.user_attrs["settings"]), _flat(wanted)
    for name in now | before:
        if (was := before.get(name, "not searched")) != (value := now.get(name, "not searched")):
            raise InputError(
                f"study {study.study_name!r} was made with {name} {was!r}, not {value!r}: "
                "give the same, or another --study"
            )


def _flat(values: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    out: dict[str, Any] = {}
    for name, value in values.items():
        out |= _flat(value, f"{prefix}{name}.") if isinstance(value, dict) else {prefix + name: value}
    return out


def run(options: ResolvedOptions, command: list[str]) -> None:
    """Run the study's workers: in this process where there is one, else each as the command with JOIN.

    Raises SystemExit where every worker ended with an error.
    """
    if options.launcher == "ray":
        codes = run_on_ray(options.workers, [*command, *JOIN], options.gpus_per_worker)
    elif options.workers > 1:
        codes = run_here(options.workers, [*command, *JOIN])
    else:
        from infogan.study.worker import Worker

        Worker(options).run()
        return
    if all(codes):
        raise SystemExit("every worker ended with an error; see above")


def say_interrupted(options: ResolvedOptions) -> None:
    """A line on stderr: how many trials are done of those asked, if the database answers."""
    from infogan.study.table import open_study
    from infogan.study.trials import count_done

    done = ""
    with contextlib.suppress(InputError):
        trials = open_study(options.storage, options.study).get_trials(deepcopy=False)
        done = f" with {count_done(trials)} of {options.trials} trials done"
    print(f"stopped{done}; the same command goes on", file=sys.stderr)


def queue_failed(study: "Study") -> None:
    """Queue failed trials again, those of the confirmation too, and say so: their cause may have been corrected."""
    import optuna

    from infogan.study import trials

    studies = [study]
    with contextlib.suppress(KeyError):  # there is no confirmation yet
        studies.append(optuna.load_study(storage=study._storage, study_name=study.user_attrs["confirmation"]))
    for one in studies:
        if failed := trials.queue_failed(one):
            numbers = ", ".join(str(trial.number) for trial in failed)
            reason = failed[-1].user_attrs["error"].splitlines()[0]
            print(f"trying failed trials again: {numbers} ({reason})", file=sys.stderr)


def lead(options: ResolvedOptions, study: "Study", dataset: "Dataset", command: list[str]) -> int:
    """Run the workers and report; returns the report's exit status."""
    from infogan.records import mask_url
    from infogan.study import cost
    from infogan.study.storage import as_input_error
    from infogan.study.trials import count_done

    with as_input_error(options.storage):
        queue_failed(study)
        done = count_done(study.get_trials(deepcopy=False))
    print(f"study {options.study!r} in {mask_url(options.storage)}: {options.workers} worker(s)", flush=True)
    if not done:
        print(cost.describe(options, dataset), flush=True)
    began = time.time()
    try:
        run(options, command)
    except (SystemExit, KeyboardInterrupt):
        say_interrupted(options)
        raise
    print(f"{time.time() - began:.0f} s\n", flush=True)
    report = command_line("report", str(options.folder), "--storage", options.storage, "--study", options.study)
    return subprocess.run(report, check=False).returncode


def main() -> None:
    """Read the command line, run the workers, and report."""
    options = tyro.cli(Options, description=__doc__).resolved()
    if options.show_search:
        print(search_space.as_yaml(options.configurations.space), end="")
        return

    from infogan import data
    from infogan.records import mask_arguments
    from infogan.study.storage import quiet_optuna

    # W&B records the command line of every process it runs in, so no password of a storage URL may be in it.
    command = command_line("sweep", *sys.argv[1:])
    sys.argv = mask_arguments(sys.argv)
    dataset = data.load(options.dataset, options.data_dir)
    options = check(options, dataset)
    quiet_optuna()
    study = open_study(options)
    if options.join:
        run(options, command)
    else:
        sys.exit(lead(options, study, dataset, command))
