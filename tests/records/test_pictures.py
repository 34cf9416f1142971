"""Pictures of a run: what is where in a grid."""

import resource
import time

import numpy as np
import pytest
import seaborn
from matplotlib.figure import Figure
from PIL import Image

from infogan.records import pictures


def test_images_of_a_tile_are_in_reading_order(monkeypatch):
    monkeypatch.setattr(pictures, "GAP", 1)
    images = np.arange(6, dtype=np.uint8).reshape(6, 1, 1, 1) * 40
    assert pictures.tile(images, rows=2)[:, :, 0].tolist() == [
        [0, 255, 40, 255, 80],
        [255] * 5,
        [120, 255, 160, 255, 200],
    ]


@pytest.mark.parametrize(("matched", "order"), [(None, [0, 1, 2]), ([1, -1, 0], [2, 0, 1])])
def test_rows_of_a_confusion_matrix_are_ordered_by_matched_label(tmp_path, monkeypatch, matched, order):
    drawn = []
    monkeypatch.setattr(seaborn, "heatmap", lambda table, **options: drawn.append((table, options["yticklabels"])))
    table = [[1, 7], [2, 2], [9, 0]]
    pictures.confusion(tmp_path / "confusion.png", table, "title", matched)
    assert drawn[0][0].tolist() == [table[i] for i in order] and drawn[0][1] == [str(i) for i in order]
    assert (tmp_path / "confusion.png").stat().st_size > 0


def test_the_confusion_of_a_thousand_classes_is_a_picture_of_ordinary_size(tmp_path):
    table = np.random.default_rng(0).integers(0, 50, (1000, 1000)).tolist()
    pictures.confusion(tmp_path / "few.png", [[1, 2], [3, 4]], "few")  # what is imported is not counted
    before, began = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.monotonic()
    pictures.confusion(tmp_path / "many.png", table, "many", label_of_category=list(range(1000)))
    assert time.monotonic() - began < 10
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 500 * 1024  # KiB
    width, height = Image.open(tmp_path / "many.png").size
    assert max(width, height) < 2500


HARD_NAMES = ("cat", "$x$ a_b^", "a very long name", "two\nlines", "猫", "\udcff", "")
SHOWN_NAMES = ["cat", "$x$ a_b^", "a very long…", "two\\nlines", "猫", "\\udcff", ""]


@pytest.mark.parametrize(
    ("classes", "side", "shown"),
    [
        (HARD_NAMES, 7, SHOWN_NAMES),
        (HARD_NAMES, 3, SHOWN_NAMES[:3]),  # the last labels were never met
        ((), 3, ["0", "1", "2"]),
        (HARD_NAMES * 10, 70, None),  # numbers, as many as there is room for
    ],
)
def test_few_class_names_are_drawn_whatever_they_hold(classes, side, shown, tmp_path, monkeypatch, recwarn):
    drawn = []
    savefig = Figure.savefig

    def record(figure, *rest, **named):
        savefig(figure, *rest, **named)
        drawn.extend(text.get_text() for text in figure.axes[0].get_xticklabels())
        for text in [*figure.axes[0].get_xticklabels(), figure.axes[0].title] if shown else []:
            box, whole = text.get_window_extent(), figure.bbox
            assert text.get_text() == "" or (whole.x0 <= box.x0 and box.x1 <= whole.x1 and whole.y0 <= box.y0)

    monkeypatch.setattr(Figure, "savefig", record)
    title = "validation images $x, update 1000000\n"
    pictures.confusion(tmp_path / "c.png", np.eye(side, dtype=int).tolist(), title, classes=classes)
    assert drawn == shown if shown else "cat" not in drawn
    assert not list(recwarn) and (tmp_path / "c.png").stat().st_size > 0
