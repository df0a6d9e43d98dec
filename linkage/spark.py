"""The same scoring on Spark (分布式计算): Splink's own SparkAPI over files that the driver and its executors share.

For counties whose candidate pairs are too many for one machine. Blocking and judging stay in DuckDB: `entity`, `candidate` and
the name frequencies go out as Parquet, Splink scores them on the cluster by the levels in Spark's SQL (``spark_sql.py``), and
the scores come back as the table ``scored``, pair by pair what DuckDB gives. Needs pyspark (requirements/extras.txt) and Java 17.
"""

from __future__ import annotations

import importlib.util
import logging
import os
import shutil
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

import duckdb

from linkage.model import Model
from linkage.scoring import LEAST_WEIGHT, Scorer, frequency_columns, lay_frequencies, scored_columns, settings_of
from linkage.shared_files import compared_columns, private_folder, read_table, write_table
from linkage.spark_sql import spark_model


class SparkUnavailable(RuntimeError):
    """Spark was asked for and can't be started; the text says what is missing."""


@contextmanager
def spark_scorer(master: str, shared: Path) -> Iterator[Scorer]:
    """A scorer on the cluster at ``master`` (``spark://host:7077``, ``local[2]``, ``local-cluster[2,1,1024]``…).

    ``shared``: a folder that the driver and every executor reach under this path; what is laid there is removed again. Spark is
    started by the first round that has pairs and stopped with the context. Raises SparkUnavailable without pyspark or Java,
    and the scorer does when the master can't be reached.
    """
    if importlib.util.find_spec("pyspark") is None:
        raise SparkUnavailable("GRIDHUB_SPLINK_BACKEND=spark needs pyspark: install requirements/extras.txt")
    if not _java():
        raise SparkUnavailable("GRIDHUB_SPLINK_BACKEND=spark needs Java 17 or newer: none on the path, nor under JAVA_HOME")
    folder, session = shared / f"spark-{uuid4().hex[:12]}", None

    def score(con: duckdb.DuckDBPyConnection, model: Model, weights: Mapping[str, Any] | None, prior: float) -> None:
        nonlocal session
        session = session or _session(master, private_folder(folder))
        _score(session, folder, con, model, weights, prior)

    try:
        yield score
    finally:
        if session is not None:
            session.stop()
        shutil.rmtree(folder, ignore_errors=True)


def _session(master: str, folder: Path) -> Any:
    from pyspark.errors import PySparkException
    from pyspark.sql import SparkSession
    from splink.internals.spark.jar_location import similarity_jar_location

    settings = {
        "spark.jars": similarity_jar_location(),  # edit distances, on the executors too
        "spark.ui.enabled": "false",  # it shows statements to whoever reaches the port
        "spark.ui.showConsoleProgress": "false",
        "spark.sql.ansi.enabled": "true",  # what can't be computed is an error, as in DuckDB, and not null
        "spark.sql.warehouse.dir": str(folder / "warehouse"),
    }
    builder = SparkSession.builder.appName("gridhub link").master(master)
    for name, value in settings.items():
        builder = builder.config(name, value)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            session = builder.getOrCreate()
    except (PySparkException, OSError, RuntimeError) as error:
        raise SparkUnavailable(f"GRIDHUB_SPARK_MASTER: Spark could not be started there ({type(error).__name__}: {_first_line(error)})") from None
    session.sparkContext.setLogLevel("ERROR")
    session.sparkContext.setCheckpointDir(str(folder / "checkpoints"))
    return session


def _java() -> bool:
    home = os.environ.get("JAVA_HOME")
    return bool(home and (Path(home) / "bin" / "java").exists()) or shutil.which("java") is not None


def _first_line(error: Exception) -> str:
    return str(error).strip().splitlines()[0][:200] if str(error).strip() else ""


def _score(session: Any, folder: Path, con: duckdb.DuckDBPyConnection, model: Model, weights: Mapping[str, Any] | None, prior: float) -> None:
    """Make ``scored`` from ``entity`` and ``candidate``, as ``scoring.score`` does."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from splink import Linker, SparkAPI

        lay_frequencies(con, model)
        columns = compared_columns(con, model)
        work = private_folder(folder / uuid4().hex[:12])
        write_table(con, work / "entity.parquet", f"SELECT {_signed(columns)} FROM entity")
        write_table(con, work / "candidate.parquet", "SELECT * FROM candidate")
        for column in frequency_columns(model):
            write_table(con, work / f"frequency_{column}.parquet", f"SELECT * FROM frequency_{column}")

        def laid(name: str) -> Any:
            return session.read.parquet(str(work / f"{name}.parquet"))

        session = session.newSession()  # names of one round do not meet those of the next
        partitions = _partitions(session, con.execute("SELECT count(*) FROM candidate").fetchall()[0][0])
        if not session.sparkContext.getConf().contains("spark.sql.shuffle.partitions"):
            session.conf.set("spark.sql.shuffle.partitions", partitions)
        api = SparkAPI(spark_session=session, break_lineage_method="parquet", num_partitions_on_repartition=partitions)
        settings = settings_of(spark_model(model, columns), prior, weights, dialect="spark")
        linker = Linker(api.register(laid("entity"), dataset_display_name="entity"), settings, log_level=logging.ERROR)
        for column in frequency_columns(model):
            linker.table_management.register_term_frequency_lookup(api.register(laid(f"frequency_{column}")), column)
        linker.table_management.register_blocked_pairs_for_predict(api.register(laid("candidate")))
        predicted = linker.inference.predict(threshold_match_weight=LEAST_WEIGHT, warning_mode="never")
        out = work / "predicted"
        predicted.as_spark_dataframe().write.parquet(str(out))
    read_table(con, "predicted", out / "*.parquet")
    con.execute(f"CREATE OR REPLACE TEMP TABLE scored AS SELECT {scored_columns(model)} FROM predicted")
    con.execute("DROP TABLE predicted")
    session.catalog.clearCache()
    shutil.rmtree(work)
    shutil.rmtree(folder / "checkpoints", ignore_errors=True)


def _partitions(session: Any, pairs: int) -> int:
    """Two tasks a core, and no task with more than a million pairs; Spark's 200 whatever comes are slower than the work on a small round."""
    return max(2, 2 * session.sparkContext.defaultParallelism, pairs // 1_000_000)


def _signed(columns: Mapping[str, str]) -> str:
    """The entity's columns for a reader without unsigned numbers: hashes are moved by 2^63, one to one, for only their
    equality counts."""
    def as_read(name: str, kind: str) -> str:
        if kind == "UBIGINT":
            return f"({name}::HUGEINT - 9223372036854775808)::BIGINT AS {name}"
        if kind == "UBIGINT[]":
            return f"list_transform({name}, lambda x: (x::HUGEINT - 9223372036854775808)::BIGINT) AS {name}"
        return name

    return ", ".join(as_read(name, kind) for name, kind in columns.items())
