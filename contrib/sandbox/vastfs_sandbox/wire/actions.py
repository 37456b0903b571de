# SPDX-License-Identifier: BSD-3-Clause
"""The action of a request, as `service:Action`, and its parameters.

Requests of REST services do not name the action: it is found in the service's
published model by method and path.
"""

import functools
import json
import re
from urllib.parse import parse_qsl, unquote

import botocore.session

from . import wsgi
from .errors import SHORT_NAMES, protocol_of

#: signing name -> name of the botocore model, for the REST services
REST_MODELS = {"lambda": "lambda", "elasticfilesystem": "efs"}

SECRET = re.compile(r"secret|password|sessiontoken|authorization", re.IGNORECASE)
MAX_VALUE = 4096  # longer values are cut in the journal


@functools.lru_cache
def _rest_table(service: str):
    """[(method, compiled path, action)], the longest literal paths first."""
    model = botocore.session.get_session().get_service_model(REST_MODELS[service])
    table = []
    for name in model.operation_names:
        http = model.operation_model(name).http
        path = http["requestUri"].split("?")[0].rstrip("/")
        parts = re.split(r"\{[^}]+\}", path)
        pattern = "([^/]+)".join(re.escape(part) for part in parts)
        table.append((http["method"], re.compile(pattern + "/?$"), name, len(path)))
    table.sort(key=lambda row: -row[3])
    return [row[:3] for row in table]


def name_of(environ) -> str:
    """`service:Action`, or an empty string if the request is not an AWS call."""
    service = wsgi.service_of(environ)
    if not service:
        return ""
    return f"{SHORT_NAMES.get(service, service)}:{_action(environ, service)}"


def _action(environ, service) -> str:
    target = environ.get("HTTP_X_AMZ_TARGET")
    if target:
        return target.rpartition(".")[2]
    if service in REST_MODELS:
        path = environ["RAW_URI"].split("?")[0]
        for method, pattern, name in _rest_table(service):
            if method == environ["REQUEST_METHOD"] and pattern.match(path):
                return name
        return f"{environ['REQUEST_METHOD']} {path}"
    action = wsgi.form_of(environ).get("Action")
    return action or f"{environ['REQUEST_METHOD']} {environ['PATH_INFO']}"


def parameters_of(environ) -> dict:
    """The request's parameters, without secrets and with long values cut."""
    service = wsgi.service_of(environ)
    protocol = protocol_of(service)
    if protocol in ("ec2", "query"):
        return _clean(wsgi.form_of(environ))
    values = dict(parse_qsl(environ.get("QUERY_STRING", ""), keep_blank_values=True))
    if protocol == "rest-json":
        values["path"] = unquote(environ["RAW_URI"].split("?")[0])
    try:
        body = json.loads(wsgi.body_of(environ) or b"{}")
        values.update(body if isinstance(body, dict) else {"body": body})
    except ValueError:
        values["body_bytes"] = len(wsgi.body_of(environ))
    return _clean(values)


def _clean(value, name=""):
    if SECRET.search(name):
        return "***"
    if isinstance(value, dict):
        return {key: _clean(item, key) for key, item in value.items()}
    if isinstance(value, list):
        return [_clean(item) for item in value]
    if isinstance(value, str) and len(value) > MAX_VALUE:
        return value[:MAX_VALUE] + "..."
    return value
