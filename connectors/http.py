"""One way to ask a department's HTTP interface: keep-alive, time-outs, patience, errors in our words.

Requests go to the connection's own base URL and nowhere else (no redirect, no other host), so a
credential can't leak. What the answer must look like is the caller's ``read``: an answer it can't read
(cut off by a dropped connection, an error page with status 200) is asked for again.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, TypeVar
from urllib.parse import parse_qsl, quote, urlencode, urljoin, urlsplit

import requests

from connectors import json_text
from connectors.auth import Auth, Bearer, ClientCredentials, Signed, credential
from connectors.connection import Connection, base_url
from connectors.errors import AuthenticationRefused, ConnectionInvalid, ConnectorError, PermanentError, TransientError
from connectors.retry import Patience
from contracts.model import Contract

T = TypeVar("T")
TIMEOUT = (10.0, 60.0)  # seconds to connect, seconds of silence
_TRANSIENT = frozenset({408, 425, 429, 500, 502, 503, 504})


@dataclass(frozen=True)
class Answer:
    """A complete answer with status 200."""

    body: bytes
    headers: Mapping[str, str]
    path: str  # path and query it came from


class Client:
    """A session with one department. Close it, or use it as a context."""

    def __init__(self, contract: Contract, connection: Connection, patience: Patience) -> None:
        self.feed = contract.feed
        self.base = base_url(connection)
        self.patience = patience
        self.session = requests.Session()
        # No .netrc and no proxy of the environment: both would change who gets the credential.
        self.session.trust_env = False
        self.session.proxies = dict(connection.extra.get("proxies") or {})
        self.session.verify = connection.extra.get("verify", True)
        self.timeout = float(connection.extra.get("timeout", TIMEOUT[1]))
        self.auth = self._auth(contract, connection)

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *_: object) -> None:
        self.session.close()

    def get(self, path: str, parameters: Mapping[str, Any], what: str, read: Callable[[Answer], T]) -> T:
        """``read`` of the answer to a GET. ``what`` names the page in errors. A ValueError of ``read``
        means the answer is cut off or no answer: it is transient."""
        query = urlencode(sorted((k, str(v)) for k, v in parameters.items()), quote_via=quote, safe="")
        return self.patience.run(lambda: self._attempt(path, query, what, read))

    def follow(self, link: str, current: str) -> tuple[str, dict[str, str]]:
        """Path and parameters of a ``next`` link, relative or absolute. Only its path and query count: the
        request goes to our own base, whatever host the link names."""
        parts = urlsplit(urljoin(self.base + current, link))
        prefix = urlsplit(self.base).path
        path = parts.path.removeprefix(prefix) if prefix and parts.path.startswith(prefix + "/") else parts.path
        return path, dict(parse_qsl(parts.query, keep_blank_values=True))

    # -- one attempt -------------------------------------------------------------------

    def _attempt(self, path: str, query: str, what: str, read: Callable[[Answer], T]) -> T:
        where = f"{self.feed}, {what}"
        prefix = urlsplit(self.base).path
        for last in (False, True):
            headers = self.auth.headers("GET", prefix + path, query)
            answer = self._send("GET", path, query, headers, where)
            if answer.status_code != 401 or last or not self.auth.renew():
                break
        self._judge(answer, where)
        body = self._body(answer, where)
        current = f"{path}?{query}" if query else path
        failure: ConnectorError
        try:
            return read(Answer(body, answer.headers, current))
        except ValueError:
            failure = TransientError(
                f"{where}: the answer of {len(body)} bytes is cut off or no answer of this interface"
            )
        raise failure

    def _send(
        self,
        method: str,
        path: str,
        query: str,
        headers: Mapping[str, str],
        where: str,
        form: Mapping[str, str] | None = None,
    ) -> requests.Response:
        url = f"{self.base}{path}{'?' + query if query else ''}"
        request = self.session.prepare_request(requests.Request(method, url, headers=dict(headers), data=form))
        request.url = url  # byte for byte what was signed
        failure: ConnectorError
        try:
            return self.session.send(
                request,
                timeout=(TIMEOUT[0], self.timeout),
                allow_redirects=False,
                stream=True,
                verify=self.session.verify,
                proxies=self.session.proxies,
            )
        except requests.exceptions.SSLError:
            failure = PermanentError(f"{where}: the server's certificate is not trusted (extra.verify names a CA file)")
        except (requests.exceptions.InvalidURL, requests.exceptions.InvalidSchema):
            failure = PermanentError(f"{where}: the connection's host is no HTTP address")
        except requests.exceptions.Timeout:
            failure = TransientError(f"{where}: no answer within {self.timeout:g} s")
        except requests.exceptions.RequestException as error:
            failure = TransientError(f"{where}: the connection failed ({type(error).__name__})")
        raise failure

    def _body(self, answer: requests.Response, where: str) -> bytes:
        failure: ConnectorError
        try:
            return answer.content  # urllib3 checks the length promised
        except requests.exceptions.RequestException as error:
            failure = TransientError(f"{where}: the connection dropped in mid-answer ({type(error).__name__})")
        raise failure

    def _judge(self, answer: requests.Response, where: str) -> None:
        status = answer.status_code
        if status == 200:
            return
        answer.close()
        if status in (401, 403):
            raise AuthenticationRefused(f"{where}: HTTP {status}, our credential is refused")
        if status in _TRANSIENT:
            raise TransientError(f"{where}: HTTP {status}", retry_after=_retry_after(answer.headers.get("Retry-After")))
        raise PermanentError(f"{where}: HTTP {status} where 200 is expected")

    # -- who we are --------------------------------------------------------------------

    def _auth(self, contract: Contract, connection: Connection) -> Auth:
        kind = contract.options.get("auth")
        if kind == "signed":
            return Signed(*credential(connection, "login", "password"))
        if kind == "bearer":
            return Bearer(*credential(connection, "password"))
        if kind == "oauth2":
            path = str(contract.options.get("token_path", "/oauth/token"))
            return ClientCredentials(lambda form: self._token(path, form), *credential(connection, "login", "password"))
        raise ConnectionInvalid(f"{contract.feed}: option auth: signed, bearer or oauth2 is expected")

    def _token(self, path: str, form: Mapping[str, str]) -> dict:
        where = f"{self.feed}, token"
        answer = self._send("POST", path, "", {}, where, form)
        if answer.status_code in (400, 401):  # RFC 6749, 2.3.1: credentials in the form, or as HTTP Basic
            answer.close()
            word = base64.b64encode(f"{quote(form['client_id'])}:{quote(form['client_secret'])}".encode()).decode()
            basic = {"Authorization": f"Basic {word}"}
            answer = self._send("POST", path, "", basic, where, {"grant_type": form["grant_type"]})
        if answer.status_code == 400:
            answer.close()
            raise AuthenticationRefused(f"{where}: HTTP 400, our client credential is refused")
        self._judge(answer, where)
        body, token = self._body(answer, where), None
        try:
            token = json_text.decode(body)
        except ValueError:
            pass
        if not isinstance(token, dict):
            raise TransientError(f"{where}: the answer is no JSON object")
        return token


def dotted(answer: Any, path: str) -> Any:
    """The value at a dotted path of a JSON answer (``""``: the answer itself). ValueError if it isn't there."""
    for step in path.split(".") if path else ():
        if not isinstance(answer, dict) or step not in answer:
            raise ValueError(path)
        answer = answer[step]
    return answer


def _retry_after(text: str | None) -> float | None:
    """Seconds of a ``Retry-After``, given in seconds or as a date (RFC 9110, 10.2.3)."""
    if not text:
        return None
    try:
        return float(text)
    except ValueError:
        pass
    try:
        return max(0.0, (parsedate_to_datetime(text) - datetime.now(UTC)).total_seconds())
    except (TypeError, ValueError):
        return None
