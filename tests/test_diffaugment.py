"""DiffAugment: its maps by their definition, differentiable twice, the identity when off, and whom it is applied to."""

import pytest
import torch
from conftest import config

from infogan import training
from infogan.training import diffaugment
from infogan.training.diffaugment import MAPS
from infogan.utils.errors import InputError


def random(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def images(n: int = 5, channels: int = 3, height: int = 16, width: int = 24) -> torch.Tensor:
    return torch.rand(n, channels, height, width, generator=random(1))


def test_colour_is_a_shift_a_saturation_and_a_contrast():
    x = images(400)
    shown = MAPS["colour"](x, random())
    brightness, saturation, contrast = torch.rand(3, 400, generator=random())
    grey, shown_grey = x.mean(1), shown.mean(1)
    mean = grey.mean((1, 2))
    assert torch.allclose(shown.mean((1, 2, 3)), mean + (brightness - 0.5) / 2, atol=1e-5)
    centred, shown_centred = grey - mean[:, None, None], shown_grey - shown_grey.mean((1, 2), keepdim=True)
    assert torch.allclose(shown_centred, centred * (0.5 + contrast)[:, None, None], atol=1e-5)
    chroma, shown_chroma = x - grey[:, None], shown - shown_grey[:, None]
    expected = chroma * (2 * saturation * (0.5 + contrast))[:, None, None, None]
    assert torch.allclose(shown_chroma, expected, atol=1e-5)


def test_translation_moves_whole_pixels_and_lets_grey_in():
    x = images(300)
    shown = MAPS["translation"](x, random())
    shifts = set()
    for image, moved in zip(x, shown):
        found = [
            (dy, dx)
            for dy in range(-2, 3)
            for dx in range(-3, 4)
            if torch.allclose(
                moved[:, max(0, -dy) : 16 - max(0, dy), max(0, -dx) : 24 - max(0, dx)],
                image[:, max(0, dy) : 16 - max(0, -dy), max(0, dx) : 24 - max(0, -dx)],
            )
        ]
        assert len(found) == 1
        dy, dx = found[0]
        outside = torch.ones(16, 24, dtype=torch.bool)
        outside[max(0, -dy) : 16 - max(0, dy), max(0, -dx) : 24 - max(0, dx)] = False
        assert (moved[:, outside] == 0.5).all()
        shifts.add(found[0])
    assert len(shifts) == 5 * 7, "up to an eighth of each side, both ways"


def test_cutout_is_one_grey_rectangle_of_half_the_sides():
    x = images(500) / 4
    cut = (MAPS["cutout"](x, random()) == 0.5).all(1)
    assert torch.equal(MAPS["cutout"](x, random())[~cut[:, None].expand_as(x)], x[~cut[:, None].expand_as(x)])
    rows, columns = cut.any(2), cut.any(1)
    assert torch.equal(cut, rows[:, :, None] & columns[:, None])
    assert rows.sum(1).max() == 8 and columns.sum(1).max() == 12 and rows.sum(1).min() == 4
    assert rows.float().mean(0).min() > 0.2 and columns.float().mean(0).min() > 0.2, "anywhere"


@pytest.mark.parametrize("name", MAPS)
def test_each_map_is_differentiable_twice_and_draws_for_each_image(name):
    x = images(2, 2, 4, 8).double().requires_grad_()
    assert torch.autograd.gradcheck(lambda x: MAPS[name](x, random()), x)
    assert torch.autograd.gradgradcheck(lambda x: MAPS[name](x, random()), x)
    same = images(1).expand(8, -1, -1, -1)
    shown = MAPS[name](same, random())
    assert torch.equal(shown, MAPS[name](same, random())) and shown.flatten(1).unique(dim=0).shape[0] > 4


def test_when_off_it_is_the_identity_and_draws_nothing(digits):
    x = images()
    assert diffaugment.build("", {})(x) is x
    assert "random.diffaugment" not in training.Learner(config(), digits.image_shape).tensors()


@pytest.mark.parametrize("q_trunk", ["shared", "own"])
def test_d_reads_augmented_images_alone_and_a_trunk_of_qs_own_none(q_trunk, digits):
    made = config(diffaugment="cutout", q_trunk=q_trunk, terms="relativistic:1+r1:1+r2:1", info_flow="q-head")
    model = training.Learner(made, digits.image_shape)
    shown, seen_by_d, seen_by_q = [], [], []
    augment = model.diffaugment
    model.diffaugment = lambda images: shown.append(augment(images)) or shown[-1]
    D = model.discriminator
    D.trunk.register_forward_pre_hook(lambda module, inputs: seen_by_d.append(inputs[0]))
    D.trunk_of_q.register_forward_pre_hook(lambda module, inputs: seen_by_q.append(inputs[0]))
    real = digits.train.images[:32]
    model.step(real, torch.arange(32))
    assert len(seen_by_d) == len(shown) == 5, "D's loss, R1, R2, and the pairs of G's loss"
    assert all(any(read is one for one in shown) for read in seen_by_d)
    if q_trunk == "own":
        assert torch.equal(seen_by_q[1], real / 255)  # after the generated images of D's step
    else:
        assert seen_by_q == seen_by_d


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("colour+blur", "diffaugment has 'blur'; allowed: colour, translation, cutout, joined with +"),
        ("cutout+cutout", "give each name once"),
    ],
)
def test_what_is_no_list_of_maps_is_named(text, message):
    with pytest.raises(InputError, match=message.replace("+", r"\+")):
        training.resolve(config(diffaugment=text))
