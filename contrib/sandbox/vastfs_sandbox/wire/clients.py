# SPDX-License-Identifier: BSD-3-Clause
"""AWS as the sandbox's own services call it.

CloudFormation is a client of the other services, as on AWS, and reports their
refusals. Its calls go straight to moto: signatures, faults and the journal
apply to the user's calls only.
"""

import io
import threading
from urllib.parse import unquote, urlsplit

import boto3
from botocore.awsrequest import AWSResponse
from botocore.config import Config

from . import sigv4, wsgi

_context = None
_app = None
_clients = {}
_lock = threading.Lock()


def install(context, app) -> None:
    """`app` is moto with all rules, without the layers above it."""
    global _context, _app
    _context = context
    _app = app


def client(service: str, region=None, access_key=sigv4.ACCESS_KEY):
    """A boto3 client of the sandbox's own, shared by all threads.

    CloudFormation passes the key of its caller, whose policies judge its calls.
    """
    name = (service, region or _context.region, access_key)
    with _lock:
        if name not in _clients:
            _clients[name] = _make(*name)
        return _clients[name]


def _make(service, region, access_key):
    made = boto3.client(
        service,
        region_name=region,
        endpoint_url=_context.endpoint,
        aws_access_key_id=access_key,
        aws_secret_access_key=sigv4.SECRET_KEY,
        config=Config(retries={"total_max_attempts": 1}, user_agent="sandbox"),
    )
    made.meta.events.register("before-send", _send)
    made.meta.events.register("before-parameter-build", _coerce_all)
    return made


def _coerce_all(params, model, **_kwargs) -> None:
    """Templates hold text where APIs want numbers; CloudFormation converts."""
    shape = model.input_shape
    for name in list(params):
        if name in shape.members:
            params[name] = _coerce(params[name], shape.members[name])


def _coerce(value, shape):
    kind = shape.type_name
    if kind == "structure" and isinstance(value, dict):
        members = shape.members
        return {
            key: _coerce(item, members[key]) if key in members else item
            for key, item in value.items()
        }
    if kind == "map" and isinstance(value, dict):
        return {key: _coerce(item, shape.value) for key, item in value.items()}
    if kind == "list" and isinstance(value, list):
        return [_coerce(item, shape.member) for item in value]
    if kind in ("integer", "long") and isinstance(value, str):
        return int(value) if value.lstrip("-").isdigit() else value
    if kind == "boolean" and value in ("true", "false"):
        return value == "true"
    if kind == "string" and isinstance(value, (int, float)):
        return str(value).lower() if isinstance(value, bool) else str(value)
    return value


class _Raw(io.BytesIO):
    """The body of a reply, with the interface that botocore reads."""

    def stream(self, **_kwargs):
        """The whole body at once."""
        yield self.read()


def _send(request, **_kwargs):
    """Answer one of the sandbox's own requests without a socket."""
    environ = _environ(request)
    with _context.lock:
        captured = wsgi.Captured(_app, environ)
        body = captured.body()
    headers = {name: value for name, value in captured.headers}
    return AWSResponse(request.url, captured.status, headers, _Raw(body))


def _environ(request) -> dict:
    url = urlsplit(request.url)
    raw = url.path + (f"?{url.query}" if url.query else "")
    environ = {
        "REQUEST_METHOD": request.method,
        "SCRIPT_NAME": "",
        "PATH_INFO": unquote(url.path).encode().decode("latin-1"),
        "QUERY_STRING": url.query,
        "RAW_URI": raw,
        "REQUEST_URI": raw,
        "SERVER_NAME": _context.host,
        "SERVER_PORT": str(_context.port),
        "SERVER_PROTOCOL": "HTTP/1.1",
        "HTTP_HOST": url.netloc,
        "wsgi.url_scheme": "http",
        "wsgi.version": (1, 0),
        "wsgi.errors": io.StringIO(),
        "wsgi.multithread": True,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
        "vastfs.internal": True,
    }
    for name, value in request.headers.items():
        key = name.upper().replace("-", "_")
        if key not in ("CONTENT_TYPE", "CONTENT_LENGTH"):
            key = f"HTTP_{key}"
        environ[key] = value.decode() if isinstance(value, bytes) else value
    body = request.body or b""
    wsgi.set_body(environ, body.encode() if isinstance(body, str) else body)
    return environ
