import math

import pytest
import torch

from infogan import views


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


def test_the_same_stream_gives_the_same_copies_and_each_image_its_own():
    images = bars(4)
    one, same, other = (views.transformed(images, stream(seed)) for seed in (0, 0, 1))
    assert torch.equal(one, same) and not torch.equal(one, other)
    assert all(not torch.equal(one[0], one[i]) for i in range(1, 4))


def test_nothing_is_changed_by_no_transformation(monkeypatch):
    for name, none in (("ANGLE", 0.0), ("STRETCH", 1.0), ("SHEAR", 0.0), ("SHIFT", 0.0)):
        monkeypatch.setattr(views, name, none)
    images = torch.rand(3, 2, 16, 12, generator=stream())
    assert torch.allclose(views.transformed(images, stream()), images, atol=1e-5)


@pytest.mark.parametrize("only", ["ANGLE", "STRETCH", "SHEAR", "SHIFT"])
def test_each_transformation_does_what_it_says_and_reaches_its_limit(only, monkeypatch):
    for name, none in (("ANGLE", 0.0), ("STRETCH", 1.0), ("SHEAR", 0.0), ("SHIFT", 0.0)):
        if name != only:
            monkeypatch.setattr(views, name, none)
    images = bars(400)
    mass, centre, angle = moments(views.transformed(images, stream()))
    before = moments(images)[0]
    turned, moved, grown = angle.abs().max().item(), centre.abs().amax().item(), (mass / before).max().item()
    if only in ("ANGLE", "SHEAR"):
        limit = views.ANGLE if only == "ANGLE" else math.atan(views.SHEAR)
        assert turned == pytest.approx(limit, rel=0.1) and (angle < -limit / 2).any() and (angle > limit / 2).any()
    else:
        assert turned < 0.01
    assert moved == pytest.approx(views.SHIFT if only == "SHIFT" else 0, abs=0.01)
    assert grown == pytest.approx(views.STRETCH**2 if only == "STRETCH" else 1, rel=0.1)


def test_brightness_stays_in_its_range_and_the_border_goes_on():
    images = torch.rand(50, 3, 8, 8, generator=stream())
    copies = views.transformed(images, stream(1))
    assert copies.min() >= images.min() - 1e-6 and copies.max() <= images.max() + 1e-6
    assert torch.allclose(views.transformed(torch.ones(5, 1, 8, 8), stream()), torch.ones(5, 1, 8, 8))


def test_all_at_once_is_a_stretch_and_a_shear_and_then_a_turn_and_a_shift_in_pixels(monkeypatch):
    """The drawn map against matrices multiplied here; the picture is not square."""
    drawn = []
    monkeypatch.setattr(views.F, "affine_grid", lambda theta, size, align_corners: drawn.append(theta) or torch.zeros(size[0], *size[2:], 2))
    views.transformed(torch.zeros(5, 1, 20, 40), stream())
    u = torch.rand(6, 5, generator=stream()) * 2 - 1
    for i, theta in enumerate(drawn[0]):
        angle, shear = u[0, i].item() * views.ANGLE, u[1, i].item() * views.SHEAR
        wide, tall = (views.STRETCH ** u[k, i].item() for k in (4, 5))
        turn = torch.tensor([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]])
        pixels = turn @ torch.tensor([[wide, shear * wide], [0.0, tall]])
        half_sides = torch.tensor([40.0, 20.0])
        assert torch.allclose(theta[:, :2], pixels * half_sides / half_sides[:, None], atol=1e-5)
        assert torch.allclose(theta[:, 2], u[2:4, i] * views.SHIFT)


@pytest.mark.parametrize("along", ["x", "y"])
def test_distortions_have_their_size(along):
    """A ramp's brightness says where each point was taken from; in the middle of an odd side lies a point of the lattice."""
    ramp = (torch.arange(29.0) + 0.5) / 29 * 2 - 1
    images = ramp.expand(4000, 1, 29, 29) if along == "x" else ramp[:, None].expand(4000, 1, 29, 29)
    moved = views.distorted(images, stream())[:, 0, 14, 14]
    assert moved.std().item() == pytest.approx(views.DISPLACEMENT, rel=0.05) and abs(moved.mean().item()) < 0.01
    assert torch.equal(views.distorted(images[:2], stream(3)), views.distorted(images[:2], stream(3)))


def test_a_distortion_of_no_size_changes_nothing(monkeypatch):
    monkeypatch.setattr(views, "DISPLACEMENT", 0.0)
    images = torch.rand(3, 2, 16, 12, generator=stream())
    assert torch.allclose(views.distorted(images, stream()), images, atol=1e-5)
