# SPDX-License-Identifier: BSD-3-Clause
"""Runs one case through botocore and through vastfs, and says what left the machine.

All traffic goes through a proxy of this module, which plays AWS for every host name (its certificates are signed by an
authority of its own, in AWS_CA_BUNDLE). An access key tells where it comes from, and every secret follows from its access
key, so that botocore's signer can check any signature.
"""

import copy
import datetime
import json
import os
import re
import shutil
import ssl
import subprocess
import threading
from unittest import mock
from urllib.parse import parse_qs, urlsplit

import botocore.auth
import botocore.session
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.credentials import Credentials
from botocore.loaders import create_loader
from conftest import BUILD, Handler, Server, reply
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

LATER = "2099-01-01T00:00:00Z"
LOADER = create_loader()


def secret_of(key):
    return "secret/of+" + key


class Authority:
    """Signs a certificate for every host that is asked for."""

    def __init__(self, folder):
        self.folder, self.contexts, self.lock = folder, {}, threading.Lock()
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "test authority")])
        self.path = folder / "authority.pem"
        certificate = self._sign(self.name, self.key.public_key(), x509.BasicConstraints(ca=True, path_length=0))
        self.path.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))

    def _sign(self, subject, public_key, *extensions):
        now = datetime.datetime.now(datetime.timezone.utc)
        builder = (x509.CertificateBuilder().subject_name(subject).issuer_name(self.name).public_key(public_key)
                   .serial_number(x509.random_serial_number()).not_valid_before(now - datetime.timedelta(days=2))
                   .not_valid_after(now + datetime.timedelta(days=2)))
        for extension in extensions:
            builder = builder.add_extension(extension, critical=False)
        return builder.sign(self.key, hashes.SHA256())

    def context(self, host):
        with self.lock:
            if host not in self.contexts:
                self.contexts[host] = self._make(host)
            return self.contexts[host]

    def _make(self, host):
        key = ec.generate_private_key(ec.SECP256R1())
        certificate = self._sign(x509.Name([]), key.public_key(), x509.SubjectAlternativeName([x509.DNSName(host)]))
        path = self.folder / f"{host}.pem"
        path.write_bytes(key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
                         + certificate.public_bytes(serialization.Encoding.PEM))
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(path)
        return context


class ProxyHandler(Handler):
    """A proxy that answers itself, over TLS behind CONNECT; asked directly it is a container's endpoint or an instance's."""

    base = ""

    def read(self):
        request = super().read()
        if request is None or request.method != "CONNECT":
            if request is not None:
                request.url = self.base + request.target
            return request
        if self.server.tunnel_status != 200:
            self.wfile.write(reply(self.server.tunnel_status, b""))
            return None
        self.wfile.write(b"HTTP/1.1 200 X\r\n\r\n")
        host = request.target.rpartition(":")[0]
        try:
            wrapped = self.server.authority.context(host).wrap_socket(self.connection, server_side=True)
        except OSError:
            return None
        self.base = "https://" + request.target.removesuffix(":443")
        self.rfile, self.wfile = wrapped.makefile("rb"), wrapped.makefile("wb", 0)
        return self.read()


class World(Server):
    """AWS and the machine's endpoints, for one case."""

    handler = ProxyHandler
    tunnel_status = 200

    def __init__(self, folder):
        self.authority = Authority(folder)
        super().__init__()
        self.script = [self.answer]
        self.overrides = {}
        self.seen = []

    def keys(self, name, form="SessionToken"):
        return {"AccessKeyId": name, "SecretAccessKey": secret_of(name), form: "token-of-" + name, "Expiration": LATER}

    def answer(self, request):
        where = urlsplit(request.url)
        headers = {k.lower(): v for k, v in request.headers}
        form = {k: v[0] for k, v in parse_qs(request.body.decode(errors="replace")).items()}
        name = form.get("Action") or where.path
        for pattern, answer in self.overrides.items():
            found = re.fullmatch(pattern, name) and (answer(self) if callable(answer) else answer)
            if found:
                return found
        if "Action" in form:
            return self.query(request, where, headers, form)
        return self.other(request, where, headers)

    def note(self, request, where, headers, *what):
        scope = headers.get("authorization", "").partition("Credential=")[2].split(",")[0].split("/")
        signer = (scope[0], headers.get("x-amz-security-token"), scope[2], scope[3]) if len(scope) > 3 else ()
        entry = (where.scheme, headers["host"], signer, *what)
        if not self.seen or self.seen[-1] != entry:
            self.seen.append(entry)
        if signer:
            check_signature(request, headers, signer)

    def query(self, request, where, headers, form):
        what = {k: form[k] for k in ("Action", "RoleArn", "ExternalId", "DurationSeconds", "WebIdentityToken") if k in form}
        if "RoleSessionName" in form and not re.match(r"botocore-session-|vastfs-", form["RoleSessionName"]):
            what["RoleSessionName"] = form["RoleSessionName"]
        self.note(request, where, headers, what)
        action, role = form["Action"], form.get("RoleArn", "").rpartition("/")[2]
        if role == "denied":
            return reply(403, b"<ErrorResponse><Error><Code>AccessDenied</Code><Message>no</Message></Error></ErrorResponse>")
        inner = "<Account>1</Account><Arn>a</Arn><UserId>u</UserId>"
        if role:
            keys = self.keys(("WEB" if "WebIdentityToken" in form else "ROLE") + role)
            inner = "<Credentials>" + "".join(f"<{k}>{v}</{k}>" for k, v in keys.items()) + "</Credentials>"
        return reply(200, f"<{action}Response><{action}Result>{inner}</{action}Result></{action}Response>".encode())

    def other(self, request, where, headers):
        if where.path == "/federation/credentials":
            self.note(request, where, headers, where.query)
            token = headers.get("x-amz-sso_bearer_token", "")
            if not token.startswith("good"):
                return reply(401, {"message": "no"}, [("x-amzn-ErrorType", "UnauthorizedException")])
            name = "SSO" + parse_qs(where.query)["role_name"][0] + token
            return reply(200, {"roleCredentials": {"accessKeyId": name, "secretAccessKey": secret_of(name), "sessionToken": "t", "expiration": 4070908800000}})
        if where.path == "/token":
            self.note(request, where, headers, json.loads(request.body))
            return reply(200, {"accessToken": "good-new", "expiresIn": 3600, "refreshToken": "r2"})
        if where.path == "/latest/api/token":
            return reply(200, b"instance-token")
        if where.path.startswith("/latest/meta-data/iam/security-credentials/"):
            role = where.path.rpartition("/")[2]
            return reply(200, {"Code": "Success", **self.keys("INSTANCE" + role, "Token")} if role else b"my-role")
        if where.path.startswith("/container"):
            authorization = re.sub(r"\W", "", headers.get("authorization", ""))
            return reply(200, self.keys("CONTAINER" + re.sub(r"\W", "", where.path + where.query) + authorization, "Token"))
        self.note(request, where, headers, where.path)
        return reply(200, {})


def check_signature(request, headers, signer):
    """As botocore's signer makes it, at the time that the request names."""
    when = datetime.datetime.strptime(headers["x-amz-date"], "%Y%m%dT%H%M%SZ")
    signed = headers["authorization"].partition("SignedHeaders=")[2].partition(",")[0].split(";")
    kept = {k: v for k, v in request.headers if k.lower() in signed and k.lower() not in ("x-amz-date", "x-amz-security-token")}
    again = AWSRequest(request.method, request.url, headers=kept, data=request.body)
    key, token, region, service = signer
    auth = botocore.auth.SigV4Auth(Credentials(key, secret_of(key), token), service, region)
    with mock.patch.object(botocore.auth, "get_current_datetime", lambda *a, **k: when):
        auth.add_auth(again)
    assert again.headers["Authorization"] == headers["authorization"], request.url


#: how each service is asked
OPERATIONS = {"sts": ("get_caller_identity", "GetCallerIdentity"), "iam": ("list_roles", "ListRoles"), "ec2": ("describe_vpcs", "DescribeVpcs"),
              "ecs": ("list_clusters", "ListClusters"), "logs": ("describe_log_groups", "DescribeLogGroups"), "ssm": ("describe_parameters", "DescribeParameters"),
              "cloudformation": ("describe_stacks", "DescribeStacks"), "ecr": ("describe_repositories", "DescribeRepositories"),
              "kms": ("list_keys", "ListKeys")}


class Both:
    """A home and an environment, used by both in turn."""

    def __init__(self, world, base):
        self.world, self.base = world, base

    def fill(self, text):
        return text.replace("@HOME@", str(self.base)).replace("@URL@", self.world.url).replace(
            "@LOCALHOST@", self.world.url.replace("127.0.0.1", "localhost"))

    def lay_out(self, case):
        shutil.rmtree(self.base, ignore_errors=True)
        files = {".aws/config": case.config, ".aws/credentials": case.shared, **case.files}
        for name, text in files.items():
            path = self.base / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(self.fill(text).encode() if isinstance(text, str) else text)
            path.chmod(0o755 if name.startswith("bin/") else 0o600)
        self.world.overrides, self.world.seen = copy.deepcopy(case.overrides), []
        proxy = self.world.url
        env = {"HOME": str(self.base), "PATH": f"{self.base}/bin:{os.environ['PATH']}", "AWS_EC2_METADATA_DISABLED": "true", "HTTPS_PROXY": proxy,
               "http_proxy": proxy, "NO_PROXY": "127.0.0.1,localhost", "AWS_CA_BUNDLE": str(self.world.authority.path), "AWS_DEFAULT_REGION": "eu-west-1",
               **{k: self.fill(v) for k, v in case.env.items() if v is not None}}
        return {k: v for k, v in env.items() if case.env.get(k, "") is not None}

    def botocore(self, case):
        env = self.lay_out(case)
        tokens = str(self.base / ".aws/sso/cache")
        with mock.patch.dict("os.environ", env, clear=True), mock.patch("time.sleep"), \
                mock.patch("botocore.credentials.SSOProvider._SSO_TOKEN_CACHE_DIR", tokens), \
                mock.patch("botocore.tokens.SSOTokenProvider._SSO_TOKEN_CACHE_DIR", tokens):
            try:
                session = botocore.session.Session(profile=case.profile)
                session.register_component("data_loader", LOADER)
                # its region variable is AWS_DEFAULT_REGION alone; the AWS CLI asks AWS_REGION before it
                region = env.get("AWS_REGION") or None
                client = session.create_client(case.service, region_name=region, config=Config(retries={"total_max_attempts": 1}))
                getattr(client, OPERATIONS[case.service][0])()
            except AssertionError:
                raise
            except Exception as error:  # pylint: disable=broad-exception-caught
                return "refused", repr(error)  # some are botocore's own, some Python's: TypeError, KeyError, IndexError
        return self.world.seen, ""

    def vastfs(self, case):
        env = self.lay_out(case)
        options = ["-P", case.profile] if case.profile else []
        params = [] if case.service in ("lambda", "efs") else ["{}"]
        done = subprocess.run([BUILD / "tests/aws/aws-call", *options, "-", case.service, OPERATIONS[case.service][1], *params],
                              env=env, capture_output=True, text=True, timeout=120, check=False, cwd=self.base)
        assert done.returncode in (0, 1) and "Sanitizer" not in done.stderr, done.stderr
        answer = json.loads(done.stdout)
        if answer["errno"] < 0:
            assert answer["message"], answer
            return "refused", f"{answer['message']}; {answer.get('remedy')}"
        return self.world.seen, ""
