# SPDX-License-Identifier: BSD-3-Clause
"""Verifies the signature of every request with botocore's signer.

botocore computes the expected signature from the bytes that arrived; only the
rules around it (known key, token, age, scope, body hash) are checked here.
moto's own check is not used: it refuses correct REST requests and accepts
expired ones.
"""

import hashlib
import hmac
from datetime import datetime, timezone

import boto3
from botocore.auth import S3SigV4Auth, SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from ..common import clock
from . import wsgi
from .errors import envelope, protocol_of

ACCESS_KEY = "AKIAVASTFSSANDBOX000"
SECRET_KEY = "sandbox/secret+key/that/protects/nothing"
USER_NAME = "sandbox"

MAX_AGE = 300  # seconds between the signature's time and the clock

#: X-Amz-Target prefix -> signing name
TARGETS = {
    "AmazonEC2ContainerServiceV20141113": "ecs",
    "AmazonEC2ContainerRegistry_V20150921": "ecr",
    "Logs_20140328": "logs",
    "AmazonSSM": "ssm",
    "ServiceQuotasV20190624": "servicequotas",
    "ResourceGroupsTaggingAPI_20170126": "tagging",
}
#: API version of the query services -> signing name
VERSIONS = {
    "2016-11-15": "ec2",
    "2010-05-08": "iam",
    "2011-06-15": "sts",
    "2010-05-15": "cloudformation",
}

_regions = frozenset()
_account = ""


class Refused(Exception):
    """AWS would refuse the request; `reason` names the rule."""

    def __init__(self, reason: str, message: str):
        super().__init__(message)
        self.reason = reason
        self.message = message


#: reason -> {protocol: (status, code)}; "" is the default
CODES = {
    "missing": {
        "ec2": (401, "AuthFailure"),
        "json": (400, "MissingAuthenticationTokenException"),
        "rest-json": (403, "MissingAuthenticationTokenException"),
        "": (403, "MissingAuthenticationToken"),
    },
    "signature": {
        "ec2": (401, "AuthFailure"),
        "json": (400, "InvalidSignatureException"),
        "rest-json": (403, "InvalidSignatureException"),
        "": (403, "SignatureDoesNotMatch"),
    },
    "key": {
        "ec2": (401, "AuthFailure"),
        "json": (400, "UnrecognizedClientException"),
        "rest-json": (403, "UnrecognizedClientException"),
        "rest-xml": (403, "InvalidAccessKeyId"),
        "": (403, "InvalidClientTokenId"),
    },
    "expired": {
        "ec2": (400, "RequestExpired"),
        "json": (400, "InvalidSignatureException"),
        "rest-json": (403, "InvalidSignatureException"),
        "rest-xml": (403, "RequestTimeTooSkewed"),
        "": (403, "SignatureDoesNotMatch"),
    },
    "token_expired": {
        "ec2": (400, "RequestExpired"),
        "json": (400, "ExpiredTokenException"),
        "rest-json": (403, "ExpiredTokenException"),
        "": (403, "ExpiredToken"),
    },
}

MISMATCH = (
    "The request signature we calculated does not match the signature you provided. "
    "Check your AWS Secret Access Key and signing method. Consult the service "
    "documentation for details."
)
EC2_REFUSED = "AWS was not able to validate the provided access credentials"


def install(context) -> None:
    """Load the region names and create the user who owns the sandbox's key."""
    global _regions, _account
    session = boto3.session.Session()
    _regions = frozenset(session.get_available_regions("ec2")) | {context.region}
    _account = context.account_id
    _make_user(context)


def _make_user(context) -> None:
    """The user and the key: GetCallerIdentity must name a user that exists."""
    from moto.iam.models import iam_backends

    backend = iam_backends[context.account_id]["aws"]
    backend.create_user(context.region, USER_NAME)
    key = backend.create_access_key(USER_NAME)
    key.access_key_id = ACCESS_KEY
    key.secret_access_key = SECRET_KEY


class SigV4:
    """The layer that refuses requests without a valid signature."""

    def __init__(self, app):
        self.app = app

    def __call__(self, environ, start_response):
        try:
            verify(environ)
        except Refused as refused:
            return self._refuse(environ, start_response, refused)
        return self.app(environ, start_response)

    @staticmethod
    def _refuse(environ, start_response, refused):
        service = wsgi.service_of(environ) or _addressed_service(environ) or "s3"
        table = CODES[refused.reason]
        status, code = table.get(protocol_of(service), table[""])
        message = EC2_REFUSED if code == "AuthFailure" else refused.message
        return wsgi.reply(start_response, *envelope(service, status, code, message))


def verify(environ) -> None:
    """Raise Refused unless the request is signed as AWS demands."""
    scope = wsgi.scope_of(environ)
    if scope is None:
        raise Refused("missing", "Request is missing Authentication Token")
    access_key, date, region, service = scope
    secret, token, expires = _find_key(access_key)
    if token and not hmac.compare_digest(
        token, environ.get("HTTP_X_AMZ_SECURITY_TOKEN", "")
    ):
        raise Refused("key", "The security token included in the request is invalid.")
    if expires and expires < clock.now():
        raise Refused(
            "token_expired", "The security token included in the request is expired"
        )
    _check_scope(environ, region, service)
    _check_date(environ, date)
    _check_body(environ)
    _check_signature(environ, scope, Credentials(access_key, secret, token))


def _find_key(access_key):
    """(secret, session token, expiry) of a key; the last two may be None."""
    if access_key == ACCESS_KEY:
        return SECRET_KEY, None, None
    from moto.iam.models import iam_backends
    from moto.sts.models import sts_backends

    for role in sts_backends[_account]["aws"].assumed_roles:
        if role.access_key_id == access_key:
            expires = role.expiration.replace(tzinfo=timezone.utc)
            return role.secret_access_key, role.session_token, expires
    key = iam_backends[_account]["aws"].access_keys.get(access_key)
    if key is not None:
        return key.secret_access_key, None, None
    raise Refused("key", "The security token included in the request is invalid.")


def _addressed_service(environ) -> str:
    """The service that the content of the request names, or an empty string."""
    target = environ.get("HTTP_X_AMZ_TARGET", "").partition(".")[0]
    if target:
        return TARGETS.get(target, "")
    return VERSIONS.get(wsgi.form_of(environ).get("Version", ""), "")


def _check_scope(environ, region, service) -> None:
    # SDKs with an explicit endpoint sign for their own region, for IAM too
    if region not in _regions:
        raise Refused("signature", "Credential should be scoped to a valid region.")
    addressed = _addressed_service(environ)
    if addressed and addressed != service:
        raise Refused(
            "signature",
            f"Credential should be scoped to correct service: '{addressed}'.",
        )


def _check_date(environ, scope_date) -> None:
    text = environ.get("HTTP_X_AMZ_DATE", "")
    try:
        date = datetime.strptime(text, "%Y%m%dT%H%M%SZ").replace(tzinfo=timezone.utc)
    except ValueError:
        raise Refused("signature", "Date must be in ISO-8601 'basic format'.") from None
    if text[:8] != scope_date:
        raise Refused(
            "signature",
            "Date in Credential scope does not match YYYYMMDD from ISO-8601 version "
            f"of date from HTTP: '{scope_date}' != '{text[:8]}', from '{text}'.",
        )
    age = clock.timestamp() - date.timestamp()
    if abs(age) > MAX_AGE:
        now = clock.now().strftime("%Y%m%dT%H%M%SZ")
        words = "Signature expired" if age > 0 else "Signature not yet current"
        side = "earlier" if age > 0 else "later"
        raise Refused("expired", f"{words}: {text} is now {side} than {now} (5 min.)")


def _check_body(environ) -> None:
    """Compare the body with the hash in the header, which botocore's signer trusts."""
    claimed = environ.get("HTTP_X_AMZ_CONTENT_SHA256")
    if not claimed or claimed == "UNSIGNED-PAYLOAD":
        return
    if claimed != hashlib.sha256(wsgi.body_of(environ)).hexdigest():
        raise Refused("signature", MISMATCH)


def _authorization_fields(environ):
    fields = {}
    _, _, rest = environ["HTTP_AUTHORIZATION"].partition(" ")
    for part in rest.split(","):
        name, _, value = part.strip().partition("=")
        fields[name] = value
    return fields


def _check_signature(environ, scope, credentials) -> None:
    fields = _authorization_fields(environ)
    signed = fields.get("SignedHeaders", "").split(";")
    _check_signed_headers(environ, signed)
    request = _rebuild(environ, signed)
    _, _, region, service = scope
    kind = S3SigV4Auth if service == "s3" else SigV4Auth
    signer = kind(credentials, service, region)
    signer.headers_to_sign = lambda _request: request.headers
    canonical = signer.canonical_request(request)
    text = signer.string_to_sign(request, canonical)
    if not hmac.compare_digest(
        signer.signature(text, request), fields.get("Signature", "")
    ):
        raise Refused("signature", MISMATCH)


def _check_signed_headers(environ, signed) -> None:
    """AWS requires the host and every x-amz header to be signed."""
    present = {
        name[5:].lower().replace("_", "-")
        for name in environ
        if name.startswith("HTTP_X_AMZ_")
    }
    missing = ({"host"} | present) - set(signed)
    if missing or signed != sorted(signed):
        names = ", ".join(f"'{name}'" for name in sorted(missing))
        raise Refused(
            "signature", f"{names} must be a 'SignedHeader' in the AWS Authorization."
        )


def _rebuild(environ, signed) -> AWSRequest:
    """The request as the client must have signed it, from the raw URI."""
    url = f"http://{environ.get('HTTP_HOST', '')}{environ['RAW_URI']}"
    request = AWSRequest(
        method=environ["REQUEST_METHOD"], url=url, data=wsgi.body_of(environ)
    )
    for name in signed:
        request.headers[name] = _header(environ, name)
    request.context["timestamp"] = environ.get("HTTP_X_AMZ_DATE", "")
    return request


def _header(environ, name) -> str:
    key = name.upper().replace("-", "_")
    if key in ("CONTENT_TYPE", "CONTENT_LENGTH"):
        return environ.get(key, "")
    return environ.get(f"HTTP_{key}", "")
