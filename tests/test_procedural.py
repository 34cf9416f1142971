import math

import numpy as np
import pytest
import torch

from infogan import data
from infogan.config import InputError
from infogan.data import archives, synthetic
from infogan.data.synthetic import Solids, render, rotation

AHEAD = torch.tensor([[0.0, 0.0, 1.0]])  # light from where the viewer is


def solids(*parts: tuple) -> Solids:
    """(is it a box, centre, half axes, albedo) of one scene."""
    return Solids(
        tuple(part[0] for part in parts), torch.tensor([[part[1] for part in parts]], dtype=torch.float32),
        torch.tensor([[part[2] for part in parts]], dtype=torch.float32), torch.tensor([[part[3] for part in parts]]),
    )  # fmt: skip


def picture(
    scene: Solids, azimuth: float = 0.0, elevation: float = 0.0, light=AHEAD, size: int = 64, **more
) -> np.ndarray:
    turn = rotation(torch.tensor([azimuth]), torch.tensor([elevation]))
    return render(scene, turn, light, size, background=0.0, extent=1.0, **more)[0, 0].numpy() / 255


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
        assert (
            (image[:, :32] == 0).all()
            and image[16:48, 32:48] == pytest.approx(0.5, abs=0.01)
            and (image[:15] == 0).all()
        )
    assert picture(solids(box, ball), azimuth=math.pi).max() == pytest.approx(1, abs=0.02), (
        "seen from behind, the ball is in front"
    )


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
def few(tmp_path, monkeypatch):
    monkeypatch.setenv(archives.CACHE_VARIABLE, str(tmp_path))
    monkeypatch.setattr(archives, "CHUNK", 40)


@pytest.mark.parametrize("name", data.PROCEDURAL)
def test_stand_ins_are_the_same_each_time_and_cached(name, few, monkeypatch):
    images, factors, names = synthetic.rendered(name, count=60)
    kind, expected, size = synthetic.KINDS[name]
    assert images.shape == (60, 1, size, size) and factors.shape == (60, len(names)) and names == expected

    def undrawable(n: int, random: torch.Generator) -> synthetic.Scenes:
        return synthetic.Scenes(kind(n, random).factors, lambda size: pytest.fail("the cache has it"))

    with monkeypatch.context() as patch:
        patch.setitem(synthetic.KINDS, name, (undrawable, expected, size))
        again, same, _ = synthetic.rendered(name, count=60)
    assert torch.equal(images, again) and np.array_equal(factors, same)
    more, longer, _ = synthetic.rendered(name, count=80)
    assert torch.equal(images[:40], more[:40]) and np.array_equal(factors[:40], longer[:40])
    assert len(np.unique(images.flatten(1).numpy(), axis=0)) > 55, "they differ"


def test_a_cache_that_was_damaged_is_made_again(few):
    images = synthetic.rendered("sprites", count=60)[0].clone()
    (folder,) = archives.cache_folder().glob("sprites-*")
    for damage in (
        lambda: (folder / "done").write_text(""),
        lambda: (folder / "images.npy").write_bytes((folder / "images.npy").read_bytes()[:5000]),
        lambda: (folder / "images.npy").unlink(),
        lambda: (folder / "done").write_text("10") and (folder / "images.npy").write_bytes(b"not an array"),
    ):
        damage()
        assert torch.equal(synthetic.rendered("sprites", count=60)[0], images)


def test_a_cache_that_is_whole_may_be_read_only(few, monkeypatch):
    images = synthetic.rendered("sprites", count=60)[0]
    monkeypatch.setattr(archives, "FileLock", lambda path: pytest.fail("nothing is to be written"))
    assert torch.equal(synthetic.rendered("sprites", count=60)[0], images)


def test_a_full_disk_is_an_error_and_no_crash(few, monkeypatch):
    def full(file, start, length):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(archives.os, "posix_fallocate", full)
    with pytest.raises(
        InputError, match=r"sprites cannot be kept in .* \(\[Errno 28\] No space left on device\): make room"
    ):
        synthetic.rendered("sprites", count=60)


def test_scenes_are_turned_by_their_factors(monkeypatch):
    seen = []
    monkeypatch.setattr(
        synthetic, "render", lambda solids, turn, light, size, **more: seen.append((solids, turn, light))
    )
    faces, chairs = (kind(50, torch.Generator().manual_seed(0)) for kind in (synthetic.faces3d, synthetic.chairs3d))
    faces.draw(32), chairs.draw(64)
    (heads, turn, light), (_, chair_turn, _) = seen
    azimuth, elevation, from_the_right, width = (faces.factors * torch.tensor([math.pi / 180] * 3 + [1])).T
    nose = turn @ torch.tensor([0.0, 0.0, 1.0])
    assert torch.allclose(nose[:, 0], azimuth.sin(), atol=1e-6) and torch.allclose(
        nose[:, 1], -elevation.sin() * azimuth.cos(), atol=1e-6
    )
    assert torch.allclose(light[:, 0] / light[:, 2], from_the_right.tan(), atol=1e-4)
    assert torch.allclose(heads.halves[:, 0, 0], 0.62 * width), "the first part is the skull"
    front = chair_turn @ torch.tensor([0.0, 0.0, 1.0])
    assert torch.allclose(
        torch.atan2(front[:, 0], front[:, 2] / math.cos(math.pi / 9)),
        torch.atan2((chairs.factors[:, 0] * math.pi / 180).sin(), (chairs.factors[:, 0] * math.pi / 180).cos()),
        atol=1e-4,
    )


def test_a_part_of_no_size_is_not_seen_from_any_side():
    ball, sheet = (False, (0, 0, 0), (0.2, 0.2, 0.2), 1.0), (True, (0.6, 0, 0), (0.0, 0.0, 0.0), 1.0)
    for azimuth in (0, 0.3, math.pi / 2):
        assert np.array_equal(picture(solids(ball, sheet), azimuth=azimuth), picture(solids(ball), azimuth=azimuth))
    u = torch.full((2, 11), 0.3)
    u[:, 8] = torch.tensor([0.39, 0.41])  # with arms, without
    seen = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(synthetic.torch, "rand", lambda *shape, generator: u)
        patch.setattr(synthetic, "render", lambda solids, *rest, **more: seen.append(solids.halves))
        synthetic.chairs3d(2, torch.Generator()).draw(64)
    without = (seen[0][0] != seen[0][1]).any(-1)
    assert without.sum() == 4 and (seen[0][1][without] == 0).all(), (
        "two arms with a support each: gone in all directions"
    )


def correlation(a, b) -> float:
    return float(np.corrcoef(a, b)[0, 1])


def test_factors_do_what_their_names_say(few):
    def of(name: str) -> tuple[torch.Tensor, dict]:
        images, factors, names = synthetic.rendered(name, count=160)
        return images[:, 0].float() / 255, dict(zip(names, factors.T))

    images, factors = of("sprites")
    place = (
        images.sum(1) @ torch.arange(64.0) / images.sum((1, 2)),
        images.sum(2) @ torch.arange(64.0) / images.sum((1, 2)),
    )
    assert correlation(place[0], factors["posX"]) > 0.99 and correlation(place[1], factors["posY"]) > 0.99
    area = images.sum((1, 2)).numpy()
    for shape in (1, 2, 3):
        of_shape = factors["shape"] == shape
        assert correlation(area[of_shape], factors["scale"][of_shape] ** 2) > 0.99

    images, factors = of("faces3d")
    lit = images[:, :, :16].sum((1, 2)) - images[:, :, 16:].sum((1, 2))
    assert correlation(lit, factors["light_azimuth_degrees"]) < -0.8, "light from the right lights the right"
    assert correlation((images[:, 8:24] > 0).any(1).sum(1), factors["width"]) > 0.8

    images, factors = of("chairs3d")
    assert correlation((images < 1).any(1).sum(1), factors["width"]) > 0.4, "its depth and its rotation count too"


@pytest.mark.parametrize("name", synthetic.KINDS)
def test_another_size_shows_the_same_scenes(name: str, monkeypatch, tmp_path):
    monkeypatch.setenv(archives.CACHE_VARIABLE, str(tmp_path))
    usual, factors, _ = synthetic.rendered(name, count=20)
    half, same, _ = synthetic.rendered(name, usual.shape[-1] // 2, count=20)
    assert half.shape == (20, 1, usual.shape[-1] // 2, usual.shape[-1] // 2) and (factors == same).all()
    merged = torch.nn.functional.avg_pool2d(usual.float(), 2)
    assert (merged - half).abs().mean() < 255 * 0.02


def test_a_stand_in_is_asked_for_at_a_size(monkeypatch, tmp_path):
    monkeypatch.setenv(archives.CACHE_VARIABLE, str(tmp_path))
    monkeypatch.setattr(synthetic.rendered, "__defaults__", (None, 30))
    assert data.load("chairs3d@16").image_shape == (1, 16, 16)
    with pytest.raises(InputError, match="asks for images of size 'big'; give a multiple of 4, such as chairs3d@64"):
        data.load("chairs3d@big")
