import math

import numpy as np
import pytest
import torch

from infogan import data
from infogan.data import cache, synthetic
from infogan.data.synthetic import chairs3d, faces3d
from infogan.data.synthetic.ray_casting import Solids, render, rotation
from infogan.data.synthetic.scenes import Scenes

AHEAD = torch.tensor([[0.0, 0.0, 1.0]])  # light from where the viewer is


def solids(*parts: tuple) -> Solids:
    """(is it a box, centre, half axes, albedo) of one scene."""
    is_box, *numbers = zip(*parts)
    return Solids(is_box, *(torch.tensor([column], dtype=torch.float32) for column in numbers))


def picture(scene: Solids, azimuth: float = 0.0, elevation: float = 0.0, ambient: float = 0.25) -> np.ndarray:
    turn = rotation(torch.tensor([azimuth]), torch.tensor([elevation]))
    return render(scene, turn, AHEAD, 64, background=0.0, extent=1.0, ambient=ambient)[0, 0].numpy() / 255


def test_a_ball_is_shaded_by_lamberts_law():
    ball = solids((False, (0, 0, 0), (0.8, 0.8, 0.8), 1.0))
    assert picture(ball, ambient=1.0).mean() == pytest.approx(math.pi * 0.8**2 / 4, rel=0.01), "what it covers"
    image = picture(ball, ambient=0.2)
    x = (np.arange(64) + 0.5) / 32 - 1
    inside = np.abs(x) < 0.7
    expected = 0.2 + 0.8 * np.sqrt(1 - (x / 0.8) ** 2, where=inside, out=np.zeros(64))
    assert image[32][inside] == pytest.approx(expected[inside], abs=0.02)


def test_a_box_covers_its_face_and_hides_what_is_behind():
    box, ball = (True, (0.25, 0, 0.5), (0.25, 0.5, 0.1), 0.5), (False, (0.25, 0, -0.5), (0.2, 0.2, 0.2), 1.0)
    for scene in (solids(box, ball), solids(ball, box)):
        image = picture(scene)
        assert (image[:, :32] == 0).all() and (image[:15] == 0).all()
        assert image[16:48, 32:48] == pytest.approx(0.5, abs=0.01)
    from_behind = picture(solids(box, ball), azimuth=math.pi)
    assert from_behind.max() == pytest.approx(1, abs=0.02), "the ball is in front"


def test_scenes_turn_about_the_upright_axis_and_tip_towards_the_viewer():
    ball = solids((False, (0, 0, 0.5), (0.2, 0.2, 0.2), 1.0))

    def place(**turn) -> tuple[float, float]:
        rows, columns = np.nonzero(picture(ball, **turn))
        return (columns.mean() + 0.5) / 32 - 1, 1 - (rows.mean() + 0.5) / 32

    assert place() == pytest.approx((0, 0), abs=0.02)
    assert place(azimuth=math.pi / 2) == pytest.approx((0.5, 0), abs=0.02)
    assert place(elevation=math.pi / 6) == pytest.approx((0, -0.25), abs=0.02)


def test_an_ellipsoid_seen_along_each_axis():
    egg = solids((False, (0, 0, 0), (0.9, 0.3, 0.6), 1.0))
    assert picture(egg, ambient=1.0).mean() == pytest.approx(math.pi * 0.9 * 0.3 / 4, rel=0.01)
    assert picture(egg, azimuth=math.pi / 2, ambient=1.0).mean() == pytest.approx(math.pi * 0.6 * 0.3 / 4, rel=0.01)


@pytest.fixture
def small_chunks(monkeypatch):
    monkeypatch.setattr(cache, "CHUNK", 40)


@pytest.mark.parametrize("name", data.SYNTHETIC)
def test_images_are_the_same_each_time_and_cached(name, small_chunks, monkeypatch):
    images, factors = synthetic.render_dataset(name, 32, 60)
    kind = synthetic.SCENES[name]
    assert images.shape == (60, 1, 32, 32) and factors.shape == (60, len(kind.factor_names))

    def not_rendered(n: int, generator: torch.Generator) -> Scenes:
        return Scenes(kind.draw_scenes(n, generator).factors, lambda size: pytest.fail("the cache has it"))

    with monkeypatch.context() as patch:
        patch.setitem(synthetic.SCENES, name, kind._replace(draw_scenes=not_rendered))
        again, same_factors = synthetic.render_dataset(name, 32, 60)
    assert torch.equal(images, again) and torch.equal(factors, same_factors)
    more, more_factors = synthetic.render_dataset(name, 32, 80)
    assert torch.equal(images[:40], more[:40]) and torch.equal(factors[:40], more_factors[:40])
    assert len(np.unique(images.flatten(1).numpy(), axis=0)) > 55, "they differ"


def test_scenes_are_turned_by_their_factors(monkeypatch):
    rendered = []
    for module in (faces3d, chairs3d):
        monkeypatch.setattr(module, "render", lambda *arguments, **options: rendered.append(arguments))
    faces, chairs = (module.draw_scenes(50, torch.Generator().manual_seed(0)) for module in (faces3d, chairs3d))
    faces.render(32)
    chairs.render(64)
    (heads, turn, light, _), (_, chair_turn, _, _) = rendered
    azimuth, elevation, from_the_right, width = (faces.factors * torch.tensor([math.pi / 180] * 3 + [1])).T
    nose = turn @ torch.tensor([0.0, 0.0, 1.0])
    assert torch.allclose(nose[:, 0], azimuth.sin(), atol=1e-6)
    assert torch.allclose(nose[:, 1], -elevation.sin() * azimuth.cos(), atol=1e-6)
    assert torch.allclose(light[:, 0] / light[:, 2], from_the_right.tan(), atol=1e-4)
    assert torch.allclose(heads.half_axes[:, 0, 0], 0.62 * width), "the first part is the skull"
    front = chair_turn @ torch.tensor([0.0, 0.0, 1.0])
    shown, expected = (
        torch.atan2(front[:, 0], front[:, 2] / math.cos(math.pi / 9)),
        chairs.factors[:, 0] * math.pi / 180,
    )
    assert torch.allclose(shown, torch.atan2(expected.sin(), expected.cos()), atol=1e-4)


def test_a_part_of_size_0_is_not_seen_from_any_side():
    ball, sheet = (False, (0, 0, 0), (0.2, 0.2, 0.2), 1.0), (True, (0.6, 0, 0), (0.0, 0.0, 0.0), 1.0)
    for azimuth in (0, 0.3, math.pi / 2):
        assert np.array_equal(picture(solids(ball, sheet), azimuth=azimuth), picture(solids(ball), azimuth=azimuth))


def correlation(a, b) -> float:
    return float(np.corrcoef(a, b)[0, 1])


def test_factors_do_what_their_names_say(small_chunks):
    def of(name: str) -> tuple[torch.Tensor, dict]:
        images, factors = synthetic.render_dataset(name, None, 120)
        return images[:, 0].float() / 255, dict(zip(synthetic.SCENES[name].factor_names, factors.numpy().T))

    images, factors = of("sprites")
    area = images.sum((1, 2))
    x, y = (images.sum(dimension) @ torch.arange(64.0) / area for dimension in (1, 2))
    assert correlation(x, factors["posX"]) > 0.99 and correlation(y, factors["posY"]) > 0.99
    for shape in (1, 2, 3):
        of_shape = factors["shape"] == shape
        assert correlation(area[of_shape], factors["scale"][of_shape] ** 2) > 0.99

    images, factors = of("faces3d")
    lit = images[:, :, :16].sum((1, 2)) - images[:, :, 16:].sum((1, 2))
    assert correlation(lit, factors["light_azimuth_degrees"]) < -0.8, "light from the right lights the right"
    assert correlation((images[:, 8:24] > 0).any(1).sum(1), factors["width"]) > 0.8

    images, factors = of("chairs3d")
    assert correlation((images < 1).any(1).sum(1), factors["width"]) > 0.4, "depth and rotation have an effect too"


@pytest.mark.parametrize("name", synthetic.SCENES)
def test_another_size_shows_the_same_scenes(name: str):
    usual, factors = synthetic.render_dataset(name, None, 20)
    side = usual.shape[-1] // 2
    half, same_factors = synthetic.render_dataset(name, side, 20)
    assert half.shape == (20, 1, side, side) and torch.equal(factors, same_factors)
    merged = torch.nn.functional.avg_pool2d(usual.float(), 2)
    assert (merged - half).abs().mean() < 255 * 0.02


def test_a_name_can_give_the_size(monkeypatch):
    monkeypatch.setattr(synthetic, "COUNT", 30)
    assert data.load("chairs3d@16").image_shape == (1, 16, 16)
