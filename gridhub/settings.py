"""The one settings object: read from the environment at the roof and passed down as values."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

SHANGHAI = ZoneInfo("Asia/Shanghai")


class SettingsError(ValueError):
    """A setting that can't be used; the text names the variable and what was expected."""


@dataclass(frozen=True)
class Settings:
    """Every setting of gridhub. ``docs/settings.md`` documents each; a test holds the two together."""

    home: Path  # GRIDHUB_HOME
    database_url: str | None  # AIRFLOW_CONN_WAREHOUSE; None: the embedded PostgreSQL
    contracts: Path | None  # GRIDHUB_CONTRACTS: a folder with further feeds
    as_of: date | None  # GRIDHUB_AS_OF: the day ages and terms are counted from; None: today
    language: str  # GRIDHUB_LANGUAGE: zh | en
    threads: int  # GRIDHUB_THREADS: for DuckDB
    memory_mb: int | None  # GRIDHUB_MEMORY_MB: DuckDB's limit; None: by the number of records
    splink_backend: str = "duckdb"  # GRIDHUB_SPLINK_BACKEND: duckdb | spark
    spark_master: str | None = None  # GRIDHUB_SPARK_MASTER: Spark's address, if it scores
    link_chunks: int = 1  # GRIDHUB_LINK_CHUNKS: tasks of the link DAG that score side by side

    @classmethod
    def from_environment(cls, environ: Mapping[str, str] | None = None) -> Settings:
        """Settings from ``environ`` (default: the process's). SettingsError names the variable."""
        env = os.environ if environ is None else environ
        language = env.get("GRIDHUB_LANGUAGE", "zh")
        if language not in ("zh", "en"):
            raise SettingsError("GRIDHUB_LANGUAGE: expected zh or en")
        backend, master = env.get("GRIDHUB_SPLINK_BACKEND") or "duckdb", env.get("GRIDHUB_SPARK_MASTER") or None
        chunks = _positive(env, "GRIDHUB_LINK_CHUNKS", 1)
        if backend not in ("duckdb", "spark"):
            raise SettingsError("GRIDHUB_SPLINK_BACKEND: expected duckdb or spark")
        if backend == "spark" and not master:
            raise SettingsError("GRIDHUB_SPARK_MASTER: expected Spark's address, because GRIDHUB_SPLINK_BACKEND is spark")
        if backend == "spark" and chunks > 1:
            raise SettingsError("GRIDHUB_LINK_CHUNKS: expected 1, because Spark shares the pairs out itself")
        return cls(
            home=Path(env.get("GRIDHUB_HOME") or "var").absolute(),
            database_url=env.get("AIRFLOW_CONN_WAREHOUSE") or None,
            contracts=Path(env["GRIDHUB_CONTRACTS"]).absolute() if env.get("GRIDHUB_CONTRACTS") else None,
            as_of=_day(env, "GRIDHUB_AS_OF"),
            language=language,
            threads=_positive(env, "GRIDHUB_THREADS", os.cpu_count() or 2),
            memory_mb=_positive(env, "GRIDHUB_MEMORY_MB", None),
            splink_backend=backend,
            spark_master=master,
            link_chunks=chunks,
        )

    @property
    def today(self) -> date:
        """The day ages and terms are counted from: ``as_of``, else today in Shanghai."""
        return self.as_of or datetime.now(SHANGHAI).date()

    @property
    def landing(self) -> Path:
        """The folder of the immutable batches."""
        return self.home / "landing"

    @property
    def shared(self) -> Path:
        """The folder through which processes hand pairs to each other; every worker must reach it under this path."""
        return self.home / "shared"

    @property
    def known(self) -> Path:
        """The folder of what an assembly leaves to the next one; it can be deleted at any time."""
        return self.home / "assembly"

    @property
    def out(self) -> Path:
        """The folder of extracts and reports."""
        return self.home / "out"


def _day(env: Mapping[str, str], name: str) -> date | None:
    if not env.get(name):
        return None
    try:
        return date.fromisoformat(env[name])
    except ValueError:
        raise SettingsError(f"{name}: expected a day like 2026-11-01") from None


def _positive(env: Mapping[str, str], name: str, default: int | None) -> int | None:
    text = env.get(name)
    if not text:
        return default
    if not text.isdigit() or int(text) < 1:
        raise SettingsError(f"{name}: expected a whole number above 0")
    return int(text)
