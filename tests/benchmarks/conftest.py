"""Runs of the benchmarks lie in a folder of the test, as those of core's measuring do."""

from tests.core.measuring.conftest import elsewhere as elsewhere
