#!/bin/sh
# Run once by docker compose: both databases, Airflow's metadata, a pool a department, the administrator.
set -eu
python - <<'PY'
import json, os, pathlib
from sqlalchemy import create_engine, text

url = os.environ["AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"]
with create_engine(url, isolation_level="AUTOCOMMIT").connect() as connection:
    if not connection.scalar(text("SELECT 1 FROM pg_database WHERE datname = 'warehouse'")):
        connection.execute(text("CREATE DATABASE warehouse"))
path = pathlib.Path(os.environ["AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE"])
path.touch(mode=0o600)
path.write_text(json.dumps({"admin": os.environ["GRIDHUB_ADMIN_PASSWORD"]}))
PY
airflow db migrate
airflow pools import /opt/gridhub/dags/config/pools.json
