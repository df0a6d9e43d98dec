# gridhub: Airflow with its DAGs and the gridhub command, from the hash-pinned lock.
FROM python:3.11-slim
ENV PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1 PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
WORKDIR /opt/gridhub
COPY requirements/main.txt requirements/uv.txt requirements/
RUN python -m venv .venv \
    && .venv/bin/pip install --quiet --require-hashes -r requirements/uv.txt \
    && .venv/bin/uv pip install --quiet --no-cache --python .venv/bin/python --require-hashes -r requirements/main.txt
COPY pyproject.toml README.md ./
COPY standards standards
COPY contracts contracts
COPY connectors connectors
COPY expectations expectations
COPY warehouse warehouse
COPY places places
COPY linkage linkage
COPY profiles profiles
COPY publish publish
COPY reports reports
COPY gridhub gridhub
COPY simulator simulator
COPY demo demo
COPY dags dags
# Named volumes take owner and mode from the folders they are mounted on the first time.
RUN .venv/bin/uv pip install --quiet --no-cache --python .venv/bin/python --no-deps --no-build-isolation --editable . \
    && useradd --system --create-home --home-dir /var/lib/gridhub --shell /usr/sbin/nologin gridhub \
    && mkdir -p /var/lib/gridhub/home /county && chmod 700 /var/lib/gridhub/home /county \
    && chown gridhub: /var/lib/gridhub/home /county
ENV PATH=/opt/gridhub/.venv/bin:$PATH \
    PYTHONPATH=/opt/gridhub/dags/config \
    GRIDHUB_HOME=/var/lib/gridhub/home \
    AIRFLOW_HOME=/var/lib/gridhub/airflow \
    AIRFLOW__CORE__DAGS_FOLDER=/opt/gridhub/dags \
    AIRFLOW__CORE__PLUGINS_FOLDER=/opt/gridhub/dags/plugins \
    AIRFLOW__CORE__LOAD_EXAMPLES=False \
    AIRFLOW__LOGGING__BASE_LOG_FOLDER=/var/lib/gridhub/home/airflow/logs
USER gridhub
ENTRYPOINT ["sh", "/opt/gridhub/dags/config/enter.sh"]
CMD ["gridhub", "--help"]
