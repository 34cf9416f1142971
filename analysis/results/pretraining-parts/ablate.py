"""Pretrain `iic` with one part left out: python analysis/results/pretraining-parts/ablate.py PART SEED ...

Writes runs/PART-seedSEED, whose evaluations.csv has in its first row what Q is worth after the pretraining, and then
does one update of the GAN, the fewest that a run can have. In config.json only the command says what was left out.
"""

import sys

from infogan import records
from infogan.cli import run_script
from infogan.commands.train import main
from infogan.data import augmentation
from infogan.pretraining import overclustering


def leave_out(part: str) -> None:
    if part == "heads":
        overclustering.HEADS = 1
    elif part == "over-clustering":  # nothing is left to merge
        overclustering.CLUSTERS, overclustering.CLUSTERS_PER_CATEGORY = 10, 1
    elif part == "strokes":  # clusters are still merged by them
        augmentation.augment = augmentation.random_affine
    elif part == "merging-by-strokes":  # by the affine maps that the clusters are made with
        stroke = augmentation.random_stroke
        augmentation.augment = lambda images, stream: _with_strokes(images, stream, stroke)
        augmentation.random_stroke = augmentation.random_affine
    elif part != "nothing":
        sys.exit(f"there is no part {part}")


def _with_strokes(images, stream, stroke):
    augmented = augmentation.random_affine(images, stream)
    augmented[::2] = stroke(augmented[::2], stream)
    return augmented


part, seed, *options = sys.argv[1:]
records.provenance()  # before the command line becomes that of train.py
leave_out(part)
sys.argv[1:] = ["iic", "--seed", seed, "--updates", "1", "--run-dir", f"runs/{part}-seed{seed}", *options]
run_script(main)
