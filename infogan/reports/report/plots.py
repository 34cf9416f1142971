"""The learning curves of a run."""

import pandas as pd
from matplotlib.figure import Figure

from infogan import style
from infogan.codes import Latent
from infogan.config import Config


@style.drawing()
def plot_run(config: Config, curves: pd.DataFrame) -> Figure:
    """A run's learning curves over updates: losses, L_I of its first kind of codes (nats), and validation accuracy."""
    metrics, measured = (curves[curves.table == name] for name in ("metrics", "evaluations"))
    figure = style.new_figure(10, 2.9)
    losses, bound, accuracies = figure.subplots(1, 3)
    window = max(1, len(metrics) // 100)
    for column, label, colour in (("loss_d", "D", style.SKY), ("loss_g", "G", style.PURPLE)):
        losses.plot(metrics.step, metrics[column], color=colour, alpha=0.2, linewidth=0.7)
        losses.plot(metrics.step, metrics[column].rolling(window, min_periods=1).mean(), color=colour, label=label)
    losses.legend()
    losses.set(title="GAN losses (nats)", xlabel="update")
    kind, entropy = bounded(config)
    mean = metrics[f"info_{kind}_nats"].rolling(window, min_periods=1).mean()
    bound.plot(metrics.step, mean, color=style.BLACK)
    bound.axhline(entropy, color=style.GREY, linestyle="--", linewidth=1)
    bound.set(title=f"$L_I$ of the {kind} codes (nats)", xlabel="update", ylim=(min(0.0, mean.min()), 1.1 * entropy))
    if "accuracy" in measured and len(first := measured.dropna(subset=["accuracy"])):
        accuracies.plot(first.step, first.accuracy, marker="o", markersize=4, color=style.BLACK)
        accuracies.set_ylim(min(0.5, 0.9 * first.accuracy.min()), 1.01)
    accuracies.set(title="validation accuracy", xlabel="update")
    return figure


def bounded(config: Config) -> tuple[str, float]:
    """The kind of codes whose L_I a report shows, and their entropy H(c) in nats: categorical where there are such."""
    categorical, continuous = Latent(config.codes, config.noise, config.q_std).entropy
    return ("categorical", categorical) if categorical else ("continuous", continuous)
