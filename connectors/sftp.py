"""fsspec's SFTP file system with time-outs, pinned host keys, keys as text, and whole-file reads.

``host_key`` (``<type> <base64>``, or base64 alone) pins the server's key; without it the first key shown is
taken, as Airflow's own SFTP connections do.
"""

from __future__ import annotations

import base64
from io import BytesIO, StringIO
from typing import Any

import paramiko
from fsspec.implementations.sftp import SFTPFileSystem

_SECONDS = 20.0
_SILENCE = 120.0
_KEYS = (paramiko.Ed25519Key, paramiko.ECDSAKey, paramiko.RSAKey)


class Sftp(SFTPFileSystem):
    """One SFTP session."""

    def _connect(self) -> None:
        options: dict[str, Any] = dict(self.ssh_kwargs)
        pinned, text = options.pop("host_key", None), options.pop("private_key", None)
        for name in ("skip_instance_cache", "use_listings_cache"):
            options.pop(name, None)
        if text:
            options["pkey"] = _private_key(text, options.get("passphrase"))
        self.client = paramiko.SSHClient()
        self.client.set_missing_host_key_policy(_Pinned(pinned) if pinned else paramiko.AutoAddPolicy())
        self.client.connect(
            self.host,
            timeout=_SECONDS,
            banner_timeout=_SECONDS,
            auth_timeout=_SECONDS,
            allow_agent=False,
            look_for_keys=False,
            **options,
        )
        self.ftp = self.client.open_sftp()
        self.ftp.get_channel().settimeout(_SILENCE)

    def cat_file(self, path: str, start: int | None = None, end: int | None = None, **_: Any) -> bytes:
        """The whole file in one pipelined transfer."""
        sink = BytesIO()
        self.ftp.getfo(path, sink)
        return sink.getvalue()[start:end]


class _Pinned(paramiko.MissingHostKeyPolicy):
    def __init__(self, text: str) -> None:
        self.blob = base64.b64decode(text.split()[-1] if len(text.split()) < 3 else text.split()[1])

    def missing_host_key(self, client: Any, hostname: str, key: paramiko.PKey) -> None:
        if key.asbytes() != self.blob:
            raise paramiko.BadHostKeyException(hostname, key, key)


def _private_key(text: str, passphrase: str | None) -> paramiko.PKey:
    for kind in _KEYS:
        try:
            return kind.from_private_key(StringIO(text), password=passphrase)
        except paramiko.PasswordRequiredException:
            raise
        except paramiko.SSHException:
            continue
    raise paramiko.AuthenticationException
