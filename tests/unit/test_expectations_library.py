"""Great Expectations without what it never runs: the placeholders become the real modules when they are needed."""

from __future__ import annotations

import subprocess
import sys

CODE = """
import sys
import expectations.engine
loaded = [name for name in ("scipy.stats", "altair", "pyspark") if name in sys.modules]
assert loaded == [], loaded
from great_expectations.expectations.core import expect_column_kl_divergence_to_be_less_than as divergence
assert divergence.stats.entropy([0.5, 0.5], [0.5, 0.5]) == 0
assert "scipy.stats" in sys.modules and "entropy" in vars(sys.modules["scipy.stats"])
from scipy import stats
assert stats is sys.modules["scipy.stats"]
"""


def test_what_only_other_engines_need_is_imported_when_it_is_used() -> None:
    subprocess.run([sys.executable, "-c", CODE], check=True, timeout=120)


def test_a_module_hidden_for_the_import_can_be_imported_after_it() -> None:
    from expectations import library

    with library._lean():
        pass
    assert all(sys.modules.get(name, ...) is not None for name in library._NEVER)
