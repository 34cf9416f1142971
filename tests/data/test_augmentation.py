import math

import pytest
import torch
from conftest import config, fit, same_tensors

from infogan import training
from infogan.data import augmentation
from infogan.training.pretraining import overclustering
from infogan.utils.errors import InputError


def stream(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def bars(n: int, size: int = 56) -> torch.Tensor:
    """Upright bars in the middle, [n, 1, size, size]."""
    images = torch.zeros(n, 1, size, size)
    images[..., size // 4 : 3 * size // 4, size // 2 - 2 : size // 2 + 2] = 1
    return images


def moments(images: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Mass, centre of mass (x, y in half sides from the middle), angle of the long axis from upright (radians)."""
    size = images.shape[-1]
    at = (torch.arange(size) + 0.5) / size * 2 - 1
    image = images[:, 0]
    mass = image.sum((1, 2))
    x, y = (image.sum(1) * at).sum(1) / mass, (image.sum(2) * at).sum(1) / mass
    dx, dy = at - x[:, None], at - y[:, None]
    xx, yy = ((image.sum(dim) * d**2).sum(1) / mass for dim, d in ((1, dx), (2, dy)))
    xy = torch.einsum("nij,nj,ni->n", image, dx, dy) / mass
    return mass, torch.stack([x, y], 1), 0.5 * torch.atan2(2 * xy, yy - xx)


def test_the_whole_map_is_a_stretch_a_shear_a_rotation_and_a_shift_in_pixels(monkeypatch):
    """The drawn map equals a product of matrices; the image is not square."""
    drawn = []

    def record(theta, size, align_corners):
        drawn.append(theta)
        return torch.zeros(size[0], *size[2:], 2)

    monkeypatch.setattr(augmentation.F, "affine_grid", record)
    augmentation.random_affine(torch.zeros(5, 1, 20, 40), stream())
    u = torch.rand(6, 5, generator=stream()) * 2 - 1
    for i, theta in enumerate(drawn[0]):
        angle, shear = u[0, i].item() * augmentation.MAX_ROTATION, u[1, i].item() * augmentation.MAX_SHEAR
        wide, tall = (augmentation.MAX_STRETCH ** u[k, i].item() for k in (4, 5))
        turn = torch.tensor([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]])
        pixels = turn @ torch.tensor([[wide, shear * wide], [0.0, tall]])
        half_sides = torch.tensor([40.0, 20.0])
        assert torch.allclose(theta[:, :2], pixels * half_sides / half_sides[:, None], atol=1e-5)
        assert torch.allclose(theta[:, 2], u[2:4, i] * augmentation.MAX_SHIFT)


def test_a_stroke_has_its_size_place_and_angle():
    """On black images: its area is its length times its width, whatever its angle."""
    mass, centre, angle = moments(augmentation.random_stroke(torch.zeros(2000, 1, 112, 112), stream()))
    lengths = mass / 56**2 / (2 * augmentation.STROKE_HALF_WIDTH)
    shortest, longest = (2 * half for half in augmentation.STROKE_HALF_LENGTHS)
    assert lengths.min().item() == pytest.approx(shortest, rel=0.05)
    assert lengths.max().item() == pytest.approx(longest, rel=0.05)
    assert lengths.mean().item() == pytest.approx((shortest + longest) / 2, rel=0.02)
    assert centre.abs().max().item() == pytest.approx(augmentation.MAX_STROKE_OFFSET, rel=0.05)
    assert centre.mean(0).abs().max() < 0.02
    quarters = ((angle / math.pi + 0.5) * 4).long().clamp(0, 3)
    assert quarters.bincount(minlength=4).tolist() == pytest.approx([500] * 4, abs=80)


def test_every_second_augmented_image_has_a_stroke():
    augmented, mapped = (function(bars(7), stream()) for function in (augmentation.augment, augmentation.random_affine))
    assert torch.equal(augmented[1::2], mapped[1::2])
    assert (augmented[::2] >= mapped[::2]).all() and (augmented[::2] != mapped[::2]).flatten(1).any(1).all()


@pytest.mark.parametrize(("channels", "size"), [(1, 8), (3, 16), (1, 28), (3, 64)])
def test_strokes_and_shifts_have_one_size_relative_to_the_image(channels, size):
    """The mean area of a stroke, and how far a square in the middle moves at most (further than the limit of a shift,
    because maps stretch as well), in half sides."""
    strokes = augmentation.random_stroke(torch.zeros(4000, channels, size, size), stream())
    area = strokes.mean((1, 2, 3)).mean().item() * 4
    expected = 2 * augmentation.STROKE_HALF_WIDTH * sum(augmentation.STROKE_HALF_LENGTHS)
    assert area == pytest.approx(expected, rel=0.06) and (strokes.amax((1, 2, 3)) > 0.2).all()
    assert torch.equal(strokes, strokes[:, :1].expand_as(strokes)), "a stroke is grey"
    middle = torch.zeros(1000, channels, size, size)
    middle[..., size // 2 - size // 8 : size // 2 + size // 8, size // 2 - size // 8 : size // 2 + size // 8] = 1
    _, centre, _ = moments(augmentation.random_affine(middle, stream()))
    assert centre.abs().max().item() == pytest.approx(1.53 * augmentation.MAX_SHIFT, rel=0.02)


@pytest.mark.parametrize("channels", [1, 3])
def test_a_stroke_is_dark_on_a_bright_background(channels, digits):
    """Negatives have the negative's strokes, also where single images beside them have a dark border; with both kinds
    in one batch each has its own."""
    images = (digits.train.images[:200].float() / 255).expand(-1, channels, -1, -1)
    on_black, on_white = (augmentation.random_stroke(x, stream()) for x in (images, 1 - images))
    assert torch.allclose(1 - on_white, on_black, atol=1e-6)
    assert ((1 - images) - on_white).flatten(1).amax(1).gt(0.1).float().mean() > 0.8, "the strokes can be seen"
    half = torch.cat([images[:100], 1 - images[100:]])
    of_both = augmentation.random_stroke(half, stream())
    assert torch.equal(of_both[:100], on_black[:100]) and torch.allclose(of_both[100:], on_white[100:], atol=1e-6)


def test_on_a_black_background_nothing_but_the_stroke_changes(digits):
    """Strokes of brightness 1, bit for bit, also on images that reach the border."""
    mapped = augmentation.random_affine(digits.train.images[:512].float() / 255, stream())
    strokes = augmentation.random_stroke(torch.zeros_like(mapped), stream())
    assert torch.equal(augmentation.random_stroke(mapped, stream()), torch.maximum(mapped, strokes))
    assert mapped.min() >= 0 and mapped.max() <= 1 + 1e-6
    assert torch.allclose(augmentation.random_affine(torch.ones(5, 1, 8, 8), stream()), torch.ones(5, 1, 8, 8))


# What a configuration lists: each operation by its definition, with a draw for each image.


def photos(n: int = 400, height: int = 16, width: int = 24) -> torch.Tensor:
    return torch.rand(n, 3, height, width, generator=stream(1))


def test_flip_mirrors_so_many_of_the_images():
    images = photos()
    flipped = augmentation.flip(images, stream(), 0.3)
    mirrored = (flipped == images.flip(3)).flatten(1).all(1)
    assert (mirrored | (flipped == images).flatten(1).all(1)).all()
    assert mirrored.float().mean().item() == pytest.approx(0.3, abs=0.06)


def test_crop_shows_a_window_within_the_image():
    """On ramps from 0 to 1 along each axis: a window's ramp has the window's length, and lies within the image's."""
    ramp = (torch.arange(64) + 0.5) / 64
    images = torch.stack([ramp.expand(64, 64), ramp[:, None].expand(64, 64)]).expand(500, 2, 64, 64)
    shown = augmentation.crop(images, stream(), 0.4)
    sizes = [
        (shown[:, 0, 32, 56] - shown[:, 0, 32, 8]) / (48 / 64),
        (shown[:, 1, 56, 32] - shown[:, 1, 8, 32]) / (48 / 64),
    ]
    assert torch.allclose(*sizes, atol=1e-4), "the shape stays"
    assert sizes[0].min().item() == pytest.approx(0.6, abs=0.02) and sizes[0].max().item() == pytest.approx(1, abs=0.02)
    middles = shown[:, :, 31:33, 31:33].mean((2, 3)) - 0.5
    for middle in middles.T:
        assert ((middle.abs() - (1 - sizes[0]) / 2) < 1e-3).all()
    assert abs(torch.corrcoef(middles.T)[0, 1]) < 0.15, "both places are drawn"


def test_erasing_fills_one_rectangle_with_one_colour():
    images = torch.full((400, 3, 32, 32), 2.0)  # no colour that is drawn
    shown = augmentation.erasing(images, stream(), 0.5)
    erased = (shown != 2).all(1)
    rows, columns = erased.any(2), erased.any(1)
    assert torch.equal(erased, rows[:, :, None] & columns[:, None])
    assert rows.sum(1).max() in (15, 16, 17) and rows.sum(1).float().mean().item() == pytest.approx(8, abs=1)
    first = shown[erased.flatten(1).any(1)][0]
    assert first[:, first[0] != 2].unique(dim=1).shape[1] == 1
    assert shown[erased[:, None].expand_as(shown)].unique().numel() > 900, "each image has a colour of its own"


def test_brightness_is_a_factor_for_each_image():
    images = photos() / 2
    factors = augmentation.brightness(images, stream(), 0.3) / images
    assert (factors.flatten(1).std(1) < 1e-4).all()
    each = factors.flatten(1).mean(1)
    assert each.min().item() == pytest.approx(0.7, abs=0.02) and each.max().item() == pytest.approx(1.3, abs=0.02)


@pytest.mark.parametrize("name", ["digits", *augmentation.OPERATIONS])
def test_each_operation_draws_for_each_image_and_stays_in_range(name):
    images = photos(1).expand(16, -1, -1, -1)
    shown, same, other = (augmentation.build(name).augment(images, stream(seed)) for seed in (0, 0, 1))
    assert torch.equal(shown, same) and not torch.equal(shown, other)
    assert 0 <= shown.min() and shown.max() <= 1 + 1e-6
    assert shown.flatten(1).unique(dim=0).shape[0] > (1 if name == "flip" else 10)


def test_digits_are_augmented_as_ever_and_a_list_in_its_order():
    images = photos(9)
    made = augmentation.build("digits")
    assert torch.equal(made.augment(images, stream()), augmentation.augment(images, stream()))
    assert torch.equal(made.confuse(images, stream()), augmentation.random_stroke(images, stream()))
    assert augmentation.build("none").augment(images, stream()) is images
    random = stream()
    expected = augmentation.crop(augmentation.flip(images, random, 0.5), random, 0.2)
    assert torch.equal(augmentation.build("flip,crop=0.2").augment(images, stream()), expected)
    assert torch.equal(augmentation.build("flip + crop=0.2").confuse(images, stream()), expected)
    assert [name for name, _ in augmentation.parse(augmentation.OBJECTS)] == ["crop", "flip", "brightness", "erasing"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("blur", "augmentation has 'blur'; allowed: digits, objects, none, or a list of flip, crop"),
        ("", "augmentation has ''; allowed"),
        ("flip,crop=2", "augmentation gives crop the strength 2; give a number above 0, at most 1"),
        ("crop=much", "augmentation gives crop the strength much; give"),
        ("flip,flip", "augmentation has flip twice"),
    ],
)
def test_a_list_that_cannot_be_read_is_named(text, message):
    with pytest.raises(InputError, match=message):
        training.resolve(config(augmentation=text))


def test_the_pretraining_and_the_iic_term_learn_from_what_is_configured(digits, tmp_path, monkeypatch):
    """And resume bit for bit."""
    monkeypatch.setattr(overclustering, "SAMPLE", 64)
    monkeypatch.setattr(overclustering, "HEADS", 1)
    used = []
    brightness, strength = augmentation.OPERATIONS["brightness"]
    counted = lambda images, stream, s: used.append(s) or brightness(images, stream, s)  # noqa: E731
    monkeypatch.setitem(augmentation.OPERATIONS, "brightness", (counted, strength))
    common = {"augmentation": "crop,brightness=0.2", "pretraining": 4, "evaluations": 1, "lr_decay": 0.0}
    fit(tmp_path / "whole", digits, "iic", updates=4, **common)
    assert used[0] == 0.2 and len(used) > 4 + 4
    for updates in (2, 4):
        fit(tmp_path / "parts", digits, "iic", updates=updates, **common)
    assert same_tensors(tmp_path / "whole", tmp_path / "parts")
