"""Locks on file systems that have none."""

import errno
import fcntl

import pytest
from conftest import fit
from filelock import Timeout

from infogan.utils.locks import locked


@pytest.mark.parametrize("number", [errno.ENOLCK, errno.EOPNOTSUPP, errno.ENOSYS])
def test_where_there_are_no_locks_a_file_takes_their_place(number, tmp_path, monkeypatch):
    def refused(*_):
        raise OSError(number, "no locks")

    monkeypatch.setattr(fcntl, "flock", refused)
    with locked(tmp_path / "a"), pytest.raises(Timeout), locked(tmp_path / "a", timeout=0):
        pass
    with locked(tmp_path / "a", timeout=0):
        pass


def test_a_run_trains_where_there_are_no_locks(tmp_path, digits, monkeypatch):
    def refused(*_):
        raise OSError(errno.EOPNOTSUPP, "no locks")

    monkeypatch.setattr(fcntl, "flock", refused)
    assert fit(tmp_path, digits, updates=2)["step"] == 2
