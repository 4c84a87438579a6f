"""The parts of bench/run: every file beside this one.

A part's first docstring line says what it measures. It has
  TARGETS            the CMake targets that it runs
  IN_ALL             whether `bench/run` without --only runs it
  add_options(group) (if it wants) its own options, whose values come back in bench.args
  measure(bench)     measures, and prints a table of its own
"""

import dataclasses
import importlib
import pathlib
import pkgutil


@dataclasses.dataclass
class Bench:
    """What a part is given."""

    args: object  # of the command line
    folder: pathlib.Path  # the build
    work: pathlib.Path  # an empty folder, gone afterwards
    server_cpu: int
    client_cpu: int


def load():
    """Name to module, in the order of their names."""
    here = str(pathlib.Path(__file__).parent)
    return {found.name: importlib.import_module(f"parts.{found.name}") for found in pkgutil.iter_modules([here])}
