# SPDX-License-Identifier: BSD-3-Clause
"""Sources of credentials: IAM Identity Center, STS, container and instance endpoints.

A user signs in to Identity Center's OIDC service with a code that is confirmed
on a page of the sandbox (RFC 8628); the portal returns keys for the access
token. moto's STS knows the role of all keys, so that signatures with them are
verified like any others. None of these calls is signed.

Rules of /sandbox/faults: `sso-oidc:CreateToken` with the kinds `slow_down`,
`expired_token` and `outage`, `sso:GetRoleCredentials` with the kind `delay`.
"""

import json
import secrets
import time
from datetime import timedelta
from html import escape
from urllib.parse import parse_qs

from ..common import clock
from ..common.faults import take
from ..wire import wsgi

#: the role that an engineer's profile names
ROLE = "Engineer"
START = "/start"
DEVICE = "/sign-in"
CONTAINER = "/credentials/container"
CONTAINER_TOKEN = "sandbox-container-token"
WEB_IDENTITY_TOKEN = "sandbox.web-identity.token"
INSTANCE = "/latest/meta-data/iam/security-credentials/"

CODE_VALID_S = 600
INTERVAL_S = 1
TOKEN_VALID_S = 8 * 3600
KEYS_VALID_S = 3600
REGISTRATION_VALID_S = 90 * 86400
DEVICE_GRANT = "urn:ietf:params:oauth:grant-type:device_code"
LETTERS = "BCDFGHJKLMNPQRSTVWXZ"


class Refusal(Exception):
    """(HTTP status, exception of the service model, OAuth's error)."""

    def __init__(self, status, name, error=""):
        super().__init__(name)
        self.status, self.name, self.error = status, name, error


def _keys(context, session, role=ROLE, seconds=KEYS_VALID_S):
    """Keys of a role as STS returns them, known to the signature check."""
    from moto.sts.models import sts_backends

    # not under context.lock: this call takes moto's own lock, which must be taken first
    return sts_backends[context.account_id]["aws"].assume_role(
        region_name=context.region,
        role_session_name=session,
        role_arn=f"arn:aws:iam::{context.account_id}:role/{role}",
        policy="",
        duration=seconds,
        external_id="",
    )


def _expiry(keys):
    return keys.expiration.strftime("%Y-%m-%dT%H:%M:%SZ")


class Oidc:
    """Registered clients, device codes and tokens."""

    def __init__(self, context):
        self.context = context
        self.clients = {}  # id -> secret, scopes
        self.codes = {}  # device code -> state
        self.tokens = {}  # access token -> expiry, in seconds
        self.refreshers = {}  # refresh token -> client

    def register(self, request):
        name = secrets.token_urlsafe(12)
        self.clients[name] = {"secret": secrets.token_urlsafe(24), "scopes": request.get("scopes", [])}
        return {"clientId": name, "clientSecret": self.clients[name]["secret"], "clientIdIssuedAt": int(clock.timestamp()),
                "clientSecretExpiresAt": int(clock.timestamp()) + REGISTRATION_VALID_S}

    def client(self, request):
        found = self.clients.get(request.get("clientId"))
        if not found or found["secret"] != request.get("clientSecret"):
            raise Refusal(401, "InvalidClientException", "invalid_client")
        return found

    def authorize(self, request):
        client = self.client(request)
        if request.get("startUrl") != self.context.endpoint + START:
            raise Refusal(400, "InvalidRequestException", "invalid_request")
        code = "-".join("".join(secrets.choice(LETTERS) for _ in range(4)) for _ in range(2))
        device = secrets.token_urlsafe(24)
        self.codes[device] = {"code": code, "client": client, "decision": "", "until": time.monotonic() + CODE_VALID_S, "polled": 0}
        page = self.context.endpoint + DEVICE
        return {"deviceCode": device, "userCode": code, "verificationUri": page, "verificationUriComplete": f"{page}?user_code={code}",
                "expiresIn": CODE_VALID_S, "interval": INTERVAL_S}

    def decide(self, code, decision):
        """Record the user's decision; False if no such code is pending."""
        for state in self.codes.values():
            if state["code"] == code and not state["decision"]:
                state["decision"] = decision
                return True
        return False

    def token(self, request):
        if take("sso-oidc:CreateToken", "outage"):
            raise Refusal(503, "ServiceUnavailable")
        client = self.client(request)
        if request.get("grantType") == "refresh_token":
            if self.refreshers.pop(request.get("refreshToken"), None) is not client:
                raise Refusal(400, "InvalidGrantException", "invalid_grant")
            return self._give(client)
        if request.get("grantType") != DEVICE_GRANT:
            raise Refusal(400, "UnsupportedGrantTypeException", "unsupported_grant_type")
        return self._token_of_code(client, request.get("deviceCode"))

    def _token_of_code(self, client, device):
        state = self.codes.get(device)
        if not state or state["client"] is not client:
            raise Refusal(400, "InvalidGrantException", "invalid_grant")
        early = time.monotonic() - state["polled"] < INTERVAL_S * 0.8
        state["polled"] = time.monotonic()
        if early or take("sso-oidc:CreateToken", "slow_down"):
            raise Refusal(400, "SlowDownException", "slow_down")
        if state["until"] < time.monotonic() or take("sso-oidc:CreateToken", "expired_token"):
            raise Refusal(400, "ExpiredTokenException", "expired_token")
        if not state["decision"]:
            raise Refusal(400, "AuthorizationPendingException", "authorization_pending")
        del self.codes[device]
        if state["decision"] != "allow":
            raise Refusal(400, "AccessDeniedException", "access_denied")
        return self._give(client)

    def _give(self, client):
        token = secrets.token_urlsafe(24)
        self.tokens[token] = clock.timestamp() + TOKEN_VALID_S
        given = {"accessToken": token, "tokenType": "Bearer", "expiresIn": TOKEN_VALID_S}
        if client["scopes"]:
            given["refreshToken"] = secrets.token_urlsafe(24)
            self.refreshers[given["refreshToken"]] = client
        return given

    def check(self, environ):
        """Check the access token of a call to the portal."""
        # WSGI omits headers with an underscore in their names
        token = environ["vastfs.handler"].headers.get("x-amz-sso_bearer_token", "")
        if self.tokens.get(token, 0) < clock.timestamp():
            raise Refusal(401, "UnauthorizedException")
        return token


PAGE = """<!DOCTYPE html><title>Sign in to the sandbox</title>
<h1>Sign in to the sandbox</h1><p>{text}</p>{form}"""
FORM = """<form method="post"><button name="decision" value="allow">Allow</button>
<button name="decision" value="deny">Deny</button></form>"""


class SignIn:
    """The layer that answers these calls and passes all others on."""

    def __init__(self, context, app):
        self.context, self.app, self.oidc = context, app, Oidc(context)
        self.routes = {
            ("POST", "/client/register"): self._json(self.oidc.register),
            ("POST", "/device_authorization"): self._json(self.oidc.authorize),
            ("POST", "/token"): self._json(self.oidc.token),
            ("GET", "/federation/credentials"): self._role_credentials,
            ("POST", "/logout"): self._logout,
            ("GET", DEVICE): self._page,
            ("POST", DEVICE): self._decide,
            ("GET", CONTAINER): self._container,
            ("PUT", "/latest/api/token"): self._instance_token,
            ("GET", INSTANCE): self._instance_role,
            ("GET", INSTANCE + ROLE): self._instance_keys,
        }
        self.instance_tokens = set()

    def __call__(self, environ, start_response):
        route = self.routes.get((environ["REQUEST_METHOD"], environ["PATH_INFO"]))
        if not route and self._is_web_identity(environ):
            route = self._web_identity
        if not route or wsgi.scope_of(environ):
            return self.app(environ, start_response)
        try:
            return route(environ, start_response)
        except Refusal as refusal:
            body = {"error": refusal.error, "error_description": refusal.name} if refusal.error else {"message": refusal.name}
            return self._answer(start_response, body, refusal.status, [("x-amzn-ErrorType", refusal.name)])

    @staticmethod
    def _answer(start_response, body, status=200, headers=()):
        return wsgi.reply(start_response, status, [("Content-Type", "application/json"), *headers], json.dumps(body).encode())

    @staticmethod
    def _text(start_response, text, status=200, kind="text/plain"):
        return wsgi.reply(start_response, status, [("Content-Type", kind)], text.encode())

    def _json(self, function):
        def call(environ, start_response):
            return self._answer(start_response, function(json.loads(wsgi.body_of(environ) or b"{}")))

        return call

    # -- the portal

    def _role_credentials(self, environ, start_response):
        self.oidc.check(environ)
        if rule := take("sso:GetRoleCredentials", "delay"):
            self.context.stopping.wait(float(rule["seconds"]))
        wanted = parse_qs(environ["QUERY_STRING"])
        if wanted.get("account_id") != [self.context.account_id] or wanted.get("role_name") != [ROLE]:
            raise Refusal(403, "ForbiddenException")
        keys = _keys(self.context, "engineer", f"AWSReservedSSO_{ROLE}_0123456789abcdef")
        expires = keys.expiration.timestamp() if keys.expiration.tzinfo else (keys.expiration - timedelta(seconds=time.timezone)).timestamp()
        return self._answer(start_response, {"roleCredentials": {
            "accessKeyId": keys.access_key_id, "secretAccessKey": keys.secret_access_key, "sessionToken": keys.session_token,
            "expiration": int(expires * 1000)}})

    def _logout(self, environ, start_response):
        del self.oidc.tokens[self.oidc.check(environ)]
        return wsgi.reply(start_response, 200, [], b"")

    # -- the page

    def _page(self, environ, start_response):
        code = parse_qs(environ["QUERY_STRING"]).get("user_code", [""])[0]
        text = PAGE.format(text=f"Does your terminal show the code {escape(code)}?", form=FORM)
        return self._text(start_response, text, kind="text/html")

    def _decide(self, environ, start_response):
        code = parse_qs(environ["QUERY_STRING"]).get("user_code", [""])[0]
        decision = wsgi.form_of(environ).get("decision", "")
        if decision not in ("allow", "deny") or not self.oidc.decide(code, decision):
            return self._text(start_response, "no such code waits, or no decision\n", 400)
        return self._text(start_response, "signed in\n" if decision == "allow" else "denied\n")

    # -- STS

    @staticmethod
    def _is_web_identity(environ):
        return environ["REQUEST_METHOD"] == "POST" and wsgi.form_of(environ).get("Action") == "AssumeRoleWithWebIdentity"

    def _web_identity(self, environ, start_response):
        form = wsgi.form_of(environ)
        if form.get("WebIdentityToken") != WEB_IDENTITY_TOKEN:
            text = ("<ErrorResponse><Error><Type>Sender</Type><Code>InvalidIdentityToken</Code><Message>No OpenIDConnect provider found "
                    "in your account for this token</Message></Error></ErrorResponse>")
            return self._text(start_response, text, 400, "text/xml")
        keys = _keys(self.context, form["RoleSessionName"], form["RoleArn"].rpartition("/")[2], int(form.get("DurationSeconds", KEYS_VALID_S)))
        text = (f"<AssumeRoleWithWebIdentityResponse><AssumeRoleWithWebIdentityResult><Credentials>"
                f"<AccessKeyId>{keys.access_key_id}</AccessKeyId><SecretAccessKey>{escape(keys.secret_access_key)}</SecretAccessKey>"
                f"<SessionToken>{escape(keys.session_token)}</SessionToken><Expiration>{_expiry(keys)}</Expiration></Credentials>"
                "</AssumeRoleWithWebIdentityResult></AssumeRoleWithWebIdentityResponse>")
        return self._text(start_response, text, kind="text/xml")

    # -- container and instance

    def _metadata(self, session):
        keys = _keys(self.context, session)
        return {"AccessKeyId": keys.access_key_id, "SecretAccessKey": keys.secret_access_key, "Token": keys.session_token,
                "Expiration": _expiry(keys)}

    def _container(self, environ, start_response):
        if environ.get("HTTP_AUTHORIZATION") != CONTAINER_TOKEN:
            return self._answer(start_response, {"message": "the authorization token is wrong"}, 401)
        return self._answer(start_response, self._metadata("container"))

    def _instance_token(self, environ, start_response):
        if not environ.get("HTTP_X_AWS_EC2_METADATA_TOKEN_TTL_SECONDS"):
            return self._text(start_response, "", 400)
        token = secrets.token_urlsafe(16)
        self.instance_tokens.add(token)
        return self._text(start_response, token)

    def _has_instance_token(self, environ):
        return environ.get("HTTP_X_AWS_EC2_METADATA_TOKEN") in self.instance_tokens

    def _instance_role(self, environ, start_response):
        return self._text(start_response, *((ROLE,) if self._has_instance_token(environ) else ("", 401)))

    def _instance_keys(self, environ, start_response):
        if not self._has_instance_token(environ):
            return self._text(start_response, "", 401)
        return self._answer(start_response, {"Code": "Success", "Type": "AWS-HMAC", **self._metadata("i-0123456789abcdef0")})


def install(context):
    """Announce what a profile needs to sign in here."""
    context.facts["sign_in"] = {
        "start_url": context.endpoint + START, "role": ROLE, "container_url": context.endpoint + CONTAINER,
        "container_token": CONTAINER_TOKEN, "web_identity_token": WEB_IDENTITY_TOKEN,
    }


def middleware(context, app):
    """This layer comes before the signature check: its calls are unsigned."""
    return SignIn(context, app)
