"""An SFTP server (password, read-only) that shows one folder: civil affairs' drop folder (民政)."""

from __future__ import annotations

import hmac
import os
import socket
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import asyncssh

from simulator.serve.faults import seeded


def new_host_key() -> tuple[str, str]:
    """A fresh host key: (private, public), both in OpenSSH form."""
    key = asyncssh.generate_private_key("ssh-ed25519")
    return key.export_private_key().decode(), key.export_public_key().decode().strip()


@dataclass
class BrokenReads:
    """Chooses the opened files whose read breaks off; never two in a row. ``seed`` None: none."""

    seed: int | None
    opened: int = field(default=0, init=False)
    broken: int = field(default=0, init=False)

    def next(self) -> bool:
        """Whether the read of the file opened now breaks off."""
        if self.seed is None:
            return False
        self.opened += 1
        breaks = self.opened % 9 == 1 + seeded(self.seed, "sftp").randrange(3)
        self.broken += breaks
        return breaks


class _Login(asyncssh.SSHServer):
    def __init__(self, login: str, password: str) -> None:
        self._login, self._password = login, password

    def password_auth_supported(self) -> bool:
        return True

    def validate_password(self, username: str, password: str) -> bool:
        right = hmac.compare_digest(username.encode(), self._login.encode())
        return hmac.compare_digest(password.encode(), self._password.encode()) and right


class _DropFolder(asyncssh.SFTPServer):
    """The folder as ``/``; everything that would change it is refused."""

    def __init__(self, chan: asyncssh.SSHServerChannel, root: Path, breaks: BrokenReads) -> None:
        super().__init__(chan, chroot=os.fsencode(root))
        self._breaks = breaks
        self._doomed: dict[int, int] = {}

    def open(self, path: bytes, pflags: int, attrs: asyncssh.SFTPAttrs) -> object:
        if pflags & (asyncssh.FXF_WRITE | asyncssh.FXF_APPEND | asyncssh.FXF_CREAT | asyncssh.FXF_TRUNC):
            raise asyncssh.SFTPPermissionDenied("read-only account")
        handle = super().open(path, pflags, attrs)
        if not path.endswith(b".ok") and self._breaks.next():
            self._doomed[id(handle)] = os.fstat(handle.fileno()).st_size // 2  # type: ignore[attr-defined]
        return handle

    def read(self, file_obj: object, offset: int, size: int) -> bytes:
        limit = self._doomed.get(id(file_obj))
        if limit is not None and offset + size > limit:
            self.connection.abort()
            raise asyncssh.SFTPConnectionLost("broken")
        return super().read(file_obj, offset, size)

    def close(self, file_obj: object) -> None:
        self._doomed.pop(id(file_obj), None)
        super().close(file_obj)

    def _refuse(self, *args: object) -> None:
        raise asyncssh.SFTPPermissionDenied("read-only account")

    write = setstat = lsetstat = fsetstat = remove = mkdir = rmdir = rename = _refuse  # type: ignore[assignment]
    posix_rename = symlink = link = _refuse  # type: ignore[assignment]


async def serve_sftp(
    root: Path, sock: socket.socket, *, host_key: str, login: str, password: str, breaks: BrokenReads
) -> asyncssh.SSHAcceptor:
    """Serve ``root`` on a bound socket."""
    factory: Callable = lambda chan: _DropFolder(chan, root, breaks)  # noqa: E731
    return await asyncssh.create_server(
        lambda: _Login(login, password),
        sock=sock,
        server_host_keys=[asyncssh.import_private_key(host_key)],
        sftp_factory=factory,
        allow_scp=False,
        # AES-GCM runs in OpenSSL; the default ChaCha20 is slower, and two cores are shared with the product
        encryption_algs=["aes128-gcm@openssh.com", "aes256-gcm@openssh.com", "aes128-ctr", "aes256-ctr"],
    )
