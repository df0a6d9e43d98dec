"""link, assemble, publish, report: each runs when the stage before it has news; and the watch on lateness."""

from __future__ import annotations

from airflow.sdk import dag, task
from support.policy import COMMON, EXTRACTS, PERSONS, PROFILES, RECORDS, REPORT
from support.sharing import shared_rounds

from gridhub.settings import Settings

LINK = """### 关联 link
Resolves new addresses (地址) and works out who is who. Skips while an ingest runs or waits for its turn: that
ingest's own update starts it again. Safe to run again; the result does not depend on the order of feeds.
`gridhub report` shows the figures; conflicts stand in `hub.link_conflict`. With `GRIDHUB_LINK_CHUNKS` above 1 the pairs of
each round are scored by as many tasks (分块打分): `docs/scale.md`.
"""
ASSEMBLE = """### 一户一档 assemble
Households (户籍、居住、共同生活), surviving values and profiles. Only changed profiles get a new version.
A failure leaves the last version published. Run again after the cause in the log's last line is gone.
"""
PUBLISH = """### 发布 publish
Each recipient's extract as its agreement says: full at first, then what changed. An agreement that is not
valid yields nothing. Files and manifests are under `GRIDHUB_HOME/out/extracts/<recipient>/`.
"""
REPORT_DOC = """### 报告 report
The supervisors' page (数据质量报告) under `GRIDHUB_HOME/out/report/`. It holds no personal value.
"""
WATCH = """### 时效 watch
Raises an alert for each feed that has not come in time, and clears it when it has. `gridhub alerts` lists them.
"""


@dag(dag_id="link", dag_display_name="关联", schedule=RECORDS, tags=["stage"], doc_md=LINK, **COMMON)
def link():
    chunks = Settings.from_environment().link_chunks

    # A chunk that nobody scored costs time, not the result: the last start scores it.
    @task(outlets=[PERSONS], trigger_rule="all_success" if chunks == 1 else "all_done")
    def resolve_and_link() -> dict:
        from support.hub import hub, skip_while_ingesting

        skip_while_ingesting()
        return hub().link().counts()

    resolve_and_link() if chunks == 1 else shared_rounds() >> resolve_and_link()


@dag(dag_id="assemble", dag_display_name="一户一档", schedule=PERSONS, tags=["stage"], doc_md=ASSEMBLE, **COMMON)
def assemble():
    @task(outlets=[PROFILES])
    def assemble_households() -> dict:
        from support.hub import hub

        return hub().assemble().counts()

    assemble_households()


@dag(dag_id="publish", dag_display_name="发布", schedule=PROFILES, tags=["stage"], doc_md=PUBLISH, **COMMON)
def publish():
    @task(outlets=[EXTRACTS])
    def write_extracts() -> dict:
        from support.hub import hub

        return hub().publish().counts()

    write_extracts()


@dag(dag_id="report", dag_display_name="报告", schedule=EXTRACTS, tags=["stage"], doc_md=REPORT_DOC, **COMMON)
def report():
    @task(outlets=[REPORT])
    def write_report() -> dict:
        from support.hub import hub

        return hub().report().counts()

    write_report()


@dag(dag_id="watch", dag_display_name="时效", schedule="50 * * * *", tags=["watch"], doc_md=WATCH, **COMMON)
def watch():
    @task
    def raise_alerts() -> dict:
        from support.hub import hub

        return hub().watch().counts()

    raise_alerts()


link(), assemble(), publish(), report(), watch()
