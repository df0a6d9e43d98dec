"""Loaded by every Airflow process: pay the heavy imports once, in the scheduler that forks workers."""

import importlib
import sys

# What tasks import inside: LocalExecutor forks, so they find it in memory. None of it starts a thread or opens a file.
IMPORTED_BY_TASKS = ("gridhub.pipeline", "linkage.store", "places.store", "profiles.store", "publish.extracts", "splink")

if any(argument == "scheduler" for argument in sys.argv):
    from expectations.verdicts import preload

    preload()
    for module in IMPORTED_BY_TASKS:
        importlib.import_module(module)
