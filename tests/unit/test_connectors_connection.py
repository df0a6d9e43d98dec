"""Connections in every form feeds and Airflow write them."""

from __future__ import annotations

import json

import pytest

from connectors.connection import Connection, base_url, from_environment, parse
from connectors.errors import ConnectionInvalid
from connectors.filesystem import place_of
from connectors.sql_engine import database_url


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("http://key:secret@127.0.0.1:8080", "http://127.0.0.1:8080"),
        ("https://key:secret@gateway.example/", "https://gateway.example"),
        ("http://key:secret@gateway.example:8443/https", "https://gateway.example:8443"),
        ("http://key:secret@gateway.example/health/api", "http://gateway.example/health/api"),
        ("http://key:p%40ss%2Fword@https%3A%2F%2Fgateway.example%3A8443%2Fapi%2F", "https://gateway.example:8443/api"),
        ('{"conn_type": "http", "host": "gateway.example", "schema": "https", "port": 8080}', "https://gateway.example:8080"),
        ('{"conn_type": "http", "host": "gateway.example", "port": "8080"}', "http://gateway.example:8080"),
        ('{"conn_type": "http", "host": "https://gateway.example/", "port": 8443}', "https://gateway.example:8443"),
        ('{"conn_type": "http", "host": "http://gateway.example:81/v2/", "port": 9}', "http://gateway.example:81/v2"),
        ('{"conn_type": "https", "host": "gateway.example"}', "https://gateway.example"),
        ('{"conn_type": "http", "host": "[::1]", "port": 8080}', "http://[::1]:8080"),
    ],
)
def test_base_url(text, expected):
    assert base_url(parse("health_api", text)) == expected


def test_parts_of_a_uri_are_decoded():
    made = parse("x", "http://app%20key:p%40ss%3A%2Fw%23d@host:80/?__extra__=%7B%22verify%22%3A+false%7D")
    assert (made.login, made.password, made.extra) == ("app key", "p@ss:/w#d", {"verify": False})


@pytest.mark.parametrize("extra", [{"path": "/drop"}, '{"path": "/drop"}'])
def test_extra_is_an_object_or_its_text(extra):
    text = json.dumps({"conn_type": "sftp", "host": "h", "login": "u", "password": "p", "port": 2222, "extra": extra})
    place = place_of(parse("civil_drop", text))
    assert (place.protocol, place.path, place.options["port"]) == ("sftp", "/drop", 2222)


@pytest.mark.parametrize(
    ("text", "protocol", "path"),
    [
        ('{"conn_type": "fs", "extra": {"path": "/data/drop"}}', "file", "/data/drop"),
        ('{"conn_type": "file", "extra": {"path": "file:///data/%E4%BA%A4%E6%8D%A2"}}', "file", "/data/交换"),
        ("file:///data/drop", "file", "/data/drop"),
        ("fs:///?path=%2Fdata%2Fdrop", "file", "/data/drop"),
        ('{"conn_type": "generic", "extra": {"path": "sftp://u:p%40w@host:2022/in/drop"}}', "sftp", "/in/drop"),
        ("sftp://u:p%40w@host:2022/in/drop", "sftp", "/in/drop"),
        ("sftp://u:p%40w@host:2022/?path=%2Fin%2Fdrop", "sftp", "/in/drop"),
        ('{"conn_type": "aws", "login": "k", "password": "s", "extra": {"path": "s3://bucket/in"}}', "s3", "bucket/in"),
        ("s3://k:s@bucket/in", "s3", "bucket/in"),
    ],
)
def test_place_of_a_drop_folder(text, protocol, path):
    place = place_of(parse("drop", text))
    assert (place.protocol, place.path) == (protocol, path)
    if protocol == "sftp":
        assert (place.options["username"], place.options["password"], place.options["port"]) == ("u", "p@w", 2022)
    if protocol == "s3":
        assert (place.options["key"], place.options["secret"]) == ("k", "s")


def test_s3_takes_key_secret_and_endpoint_from_extra():
    extra = {"path": "s3://b", "key": "k", "secret": "s", "endpoint_url": "http://127.0.0.1:9000", "region_name": "cn-1"}
    options = place_of(Connection.of("drop", conn_type="s3", extra=extra)).options
    assert (options["endpoint_url"], options["client_kwargs"]) == ("http://127.0.0.1:9000", {"region_name": "cn-1"})


@pytest.mark.parametrize(
    ("text", "url"),
    [
        ("postgres://u:p%40w@h:5433/db", "postgresql+psycopg2://u:p%40w@h:5433/db"),
        ("postgresql://u:p@h/db?sslmode=require", "postgresql+psycopg2://u:p@h/db?sslmode=require"),
        ("mysql://u:p@h/db?charset=utf8mb4", "mysql+pymysql://u:p@h/db?charset=utf8mb4"),
        ("mysql+pymysql://u:p@h/db", "mysql+pymysql://u:p@h/db"),
        ("sqlite:////data/psb.db", "sqlite:////data/psb.db"),
        ("sqlite:///psb.db", "sqlite:///psb.db"),
        ('{"conn_type": "sqlite", "host": "/data/psb.db"}', "sqlite:////data/psb.db"),
        ('{"conn_type": "sqlite", "schema": "/data/psb.db"}', "sqlite:////data/psb.db"),
        ('{"conn_type": "sqlite", "extra": {"path": "/data/psb.db"}}', "sqlite:////data/psb.db"),
        ('{"conn_type": "postgres", "host": "h", "login": "u", "password": "p@w", "schema": "db", "port": 5432}',
         "postgresql+psycopg2://u:p%40w@h:5432/db"),
        ('{"conn_type": "mysql", "host": "h", "login": "u", "password": "p", "schema": "db", "extra": {"query": {"charset": "utf8mb4"}}}',
         "mysql+pymysql://u:p@h/db?charset=utf8mb4"),
        ('{"uri": "postgresql://u:p@h/db"}', "postgresql+psycopg2://u:p@h/db"),
        ("postgresql://u:p@h/db?__extra__=%7B%7D", "postgresql+psycopg2://u:p@h/db"),
    ],
)  # fmt: skip
def test_database_url(text, url):
    assert database_url(parse("psb_exchange", text)).render_as_string(hide_password=False) == url


@pytest.mark.parametrize(
    "text",
    ["", "no-uri", '{"conn_type": "http", "port": "eighty"}', '["http"]', "{broken", "http://k:topsecret@host:port/",
     '{"conn_type": "http", "extra": "topsecret"}'],
)  # fmt: skip
def test_a_wrong_connection_is_named_without_its_text(text):
    with pytest.raises(ConnectionInvalid) as caught:
        from_environment({"AIRFLOW_CONN_HEALTH_API": text})("health_api")
    assert "health_api" in str(caught.value) and "topsecret" not in str(caught.value)
    assert caught.value.__context__ is None


def test_a_url_of_no_known_database_is_refused():
    with pytest.raises(ConnectionInvalid, match="psb_exchange"):
        database_url(parse("psb_exchange", "nosuchdb://u:topsecret@h/db"))


def test_a_connection_does_not_show_its_secrets():
    assert "secret" not in repr(parse("health_api", "http://key:secret@host"))
