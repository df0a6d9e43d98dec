"""Loaded by every Airflow process: pay Great Expectations' import once, in the scheduler that forks workers."""

import sys

if any(argument == "scheduler" for argument in sys.argv):
    from expectations.verdicts import preload

    preload()  # LocalExecutor forks: tasks inherit the import
