"""A small model and its rows in files."""

import copy
import shutil

from helpers import hourly
from tsrnn import cli

N_FIT, N_NEW = 80, 40


def to_csv(frame, path):
    frame.to_csv(path, date_format="%Y-%m-%dT%H:%M")
    return str(path)


class Folder:
    """Files of a history, of rows to come, and of a model fitted on the first."""

    def __init__(self, path):
        self.path = path
        self.rows = hourly(N_FIT + N_NEW, 2)
        to_csv(self.rows[:N_FIT], path / "history.csv")
        to_csv(self.rows[N_FIT:], path / "new.csv")
        to_csv(self.rows, path / "all.csv")

    def copied(self, path):
        """Return the same files in another place, so that tests may share a fit."""
        shutil.copytree(self.path, path, dirs_exist_ok=True)
        other = copy.copy(self)
        other.path = path
        return other

    def __getitem__(self, name):
        return str(self.path / name)

    def read(self, name):
        return (self.path / name).read_bytes()

    def __call__(self, *argv):
        """Run the command; return its exit code."""
        return cli.main([str(arg) for arg in argv])

    def fit(self, *argv, model="linear"):
        argv = ("--time", "time", "--horizon", 3, "--model", model, "-o", self["m.tsrnn"], *argv)
        assert self("fit", self["history.csv"], *argv) == 0
        return self["m.tsrnn"]
