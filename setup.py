"""Packages: those found below ``tsrnn``, and the folder ``datasets`` as ``tsrnn._data``."""

from setuptools import find_packages, setup

setup(
    packages=[*find_packages(include=["tsrnn*"]), "tsrnn._data"],
    package_dir={"tsrnn._data": "datasets"},
)
