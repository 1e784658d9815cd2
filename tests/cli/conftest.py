"""A folder with files and a model in it, for commands to work on."""

import pytest
from helpers.folder import Folder


@pytest.fixture(scope="module")
def first_folder(tmp_path_factory):
    """A model of one stream; modules that need another have a fixture of this name."""
    folder = Folder(tmp_path_factory.mktemp("stream"))
    folder.fit("--target", "s0")
    return folder


@pytest.fixture
def folder(first_folder, tmp_path):
    """A copy of it, to be written to."""
    return first_folder.copied(tmp_path)
