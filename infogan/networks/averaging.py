"""Averaged weights of G: the exponential moving average over its updates (Yazici et al. 2019; Karras et al. 2018).

Adam moves G in circles around what it seeks; the average lies nearer to its middle. It is what samples, measures and
exports are of; training itself never reads it.
"""

import torch
from torch import nn


def decay_at(step: int, decay: float) -> float:
    """The decay of the update after `step`: as configured, but at first smaller, so that the weights G began with are
    soon forgotten. The average is over the last tenth of the updates so far, or over 1 / (1 - decay) of them."""
    return min(decay, (1 + step) / (10 + step))


@torch.no_grad()
def update_average(averaged: nn.Module, network: nn.Module, decay: float) -> None:
    """averaged = decay * averaged + (1 - decay) * network, in place: of every parameter and every running statistic."""
    for mine, current in zip(averaged.state_dict().values(), network.state_dict().values(), strict=True):
        mine.lerp_(current, 1 - decay)
