"""The preset modern: it trains on images of one's own, resumes, and is of no source."""

import dataclasses

import torch
from conftest import config, fit, same_tensors

from infogan import data
from infogan.inference import Model
from infogan.presets import OURS, PRESETS


def images(n: int = 40) -> data.Dataset:
    """Bright and dark squares in colour, 16 x 16."""
    pixels = torch.randint(100, (n, 3, 16, 16), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    pixels[::2, :, 4:12, 4:12] += 150
    split = data.Split(pixels, torch.arange(n) % 2)
    return data.Dataset("squares", split, split, split)


def test_it_resumes_bit_for_bit_and_stays_finite(tmp_path):
    common = {"batch_size": 16, "codes": "auto", "evaluations": 1}
    fit(tmp_path / "whole", images(), "modern", updates=6, **common)
    fit(tmp_path / "parts", images(), "modern", updates=3, **common)
    fit(tmp_path / "parts", images(), "modern", updates=6, **common)
    assert same_tensors(tmp_path / "whole", tmp_path / "parts")
    assert Model(tmp_path / "whole").config.codes == "2c+2u"


def test_no_source_has_what_later_papers_added():
    added = ("d_layers", "diffaugment", "g_ema", "terms", "augmentation")
    own = {name: getattr(config(), name) for name in added}
    assert own == {"d_layers": "paper", "diffaugment": "", "g_ema": 0.0, "terms": "", "augmentation": "digits"}
    for name in PRESETS.keys() - set(OURS):
        assert own.items() <= dataclasses.asdict(PRESETS[name][0]).items()
