import pytest

from infogan.data.files import download, expand_user
from infogan.errors import InputError


@pytest.mark.parametrize("failure", [OSError("no network"), KeyboardInterrupt()])
def test_a_download_that_fails_leaves_nothing_behind(failure, tmp_path):
    """Whatever folders it made, and the part of a file; what was there before stays."""
    mine = tmp_path / "mine"
    mine.mkdir()
    folder = mine / "a" / "b"

    def fetch():
        folder.mkdir(parents=True)
        (folder / "x.mat").write_text("a part")
        raise failure

    expected = KeyboardInterrupt if isinstance(failure, KeyboardInterrupt) else InputError
    with pytest.raises(expected):
        download(fetch, "x is not here and", folder, file=folder / "x.mat")
    assert list(tmp_path.iterdir()) == [mine] and list(mine.iterdir()) == []


def test_a_file_that_was_there_before_a_failed_download_stays(tmp_path):
    (tmp_path / "x.mat").write_text("mine")

    def fetch():
        raise OSError("no network")

    with pytest.raises(InputError, match=r"x is damaged and could not be downloaded \(no network\)"):
        download(fetch, "x is damaged and", tmp_path, file=tmp_path / "x.mat")
    assert (tmp_path / "x.mat").read_text() == "mine"


def test_an_unknown_users_home_is_named():
    with pytest.raises(InputError, match="~nobody-of-this-name/d: there is no such user"):
        expand_user("~nobody-of-this-name/d")
