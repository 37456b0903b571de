# SPDX-License-Identifier: BSD-3-Clause
"""Images in the ECR of other regions and accounts: each is read from its own host, with a token of its region."""

import base64
import json
import shutil
import socket
import ssl
import subprocess
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from vastfs_sandbox.seed import image as seed_image

from conftest import Tree

OWN, OTHER = "123456789012", "210987654321"
ELSEWHERE = "us-east-1"


def password(cloud, region):
    """The token of a region, as a client of that region gets it."""
    import boto3
    ecr = boto3.client("ecr", endpoint_url=cloud.endpoint, region_name=region, aws_access_key_id=cloud.facts["access_key"],
                       aws_secret_access_key=cloud.facts["secret_key"])
    token = ecr.get_authorization_token()["authorizationData"][0]["authorizationToken"]
    return ecr, base64.b64decode(token).decode()


def tokens(cloud):
    """The regions that tokens were asked for in."""
    return [c["region"] for c in cloud.control("GET", "journal") if c["action"] == "GetAuthorizationToken"]


@pytest.fixture
def layout(tmp_path):
    path = tmp_path / "layout"
    shutil.copytree(seed_image.make(with_engine=False), path)
    return path


def test_an_image_of_the_account_in_another_region(cloud, tree, layout):
    if not shutil.which("skopeo"):
        pytest.skip("skopeo is not installed")
    ecr, secret = password(cloud, ELSEWHERE)
    ecr.create_repository(repositoryName="lab/base")
    # the same name at home is another image
    cloud.boto("ecr").create_repository(repositoryName="lab/base")
    host = cloud.endpoint.partition("://")[2]
    subprocess.run(["skopeo", "copy", "--dest-tls-verify=false", "--dest-creds", secret, f"oci:{layout}",
                    f"docker://{host}/lab/base:1"], check=True, capture_output=True)
    cloud.control("DELETE", "journal")
    tree.configure(vast_image=f"{OWN}.dkr.ecr.{ELSEWHERE}.amazonaws.com/lab/base:1")
    assert "is deployed" in tree.operate("deploy")
    assert set(tokens(cloud)) == {cloud.facts["region"], ELSEWHERE}
    assert tree.query("echo here") == b"here\n"
    tree.configure(vast_image=f"{OWN}.dkr.ecr.{cloud.facts['region']}.amazonaws.com/lab/base:1")
    error = tree.operate("deploy", fails=True)
    assert "not found" in error, "the image of that name is in the other region"


class Theirs:
    """Another account's registry behind TLS, and the proxy through which alone it can be reached."""

    def __init__(self, host, layout, directory):
        self.asked, self.tunnels = [], []
        theirs = self
        certificate = directory / "theirs.pem"
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
                        "-subj", "/CN=theirs", "-addext", f"subjectAltName=DNS:{host}", "-keyout", directory / "key.pem", "-out", certificate],
                       check=True, capture_output=True)
        self.certificate = certificate

        class Registry(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                theirs.asked.append((self.headers["Host"], self.path, self.headers.get("Authorization")))
                last = self.path.rsplit("/", 1)[1]
                entry = json.loads((layout / "index.json").read_text())["manifests"][0]
                found = layout / "blobs" / (entry["digest"] if last == "1" else last).replace(":", "/")
                data = found.read_bytes() if found.exists() else b"{}"
                self.send_response(200 if found.exists() else 404)
                self.send_header("Content-Length", str(len(data)))
                if "/manifests/" in self.path:
                    self.send_header("Content-Type", json.loads(data)["mediaType"])
                    self.send_header("Docker-Content-Digest", entry["digest"])
                self.end_headers()
                if self.command == "GET":
                    self.wfile.write(data)
            do_HEAD = do_GET

            def log_message(self, *_):
                pass

        class Proxy(BaseHTTPRequestHandler):
            def do_CONNECT(self):
                theirs.tunnels.append(self.path)
                self.send_response(200)
                self.end_headers()
                with socket.create_connection(theirs.registry.server_address) as far:
                    back = threading.Thread(target=pump, args=(far, self.connection))
                    back.start()
                    pump(self.connection, far)
                    back.join()
                self.close_connection = True

            def log_message(self, *_):
                pass

        self.registry = ThreadingHTTPServer(("127.0.0.1", 0), Registry)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, directory / "key.pem")
        self.registry.socket = context.wrap_socket(self.registry.socket, server_side=True, do_handshake_on_connect=False)
        self.proxy = ThreadingHTTPServer(("127.0.0.1", 0), Proxy)
        for server in (self.registry, self.proxy):
            server.daemon_threads = True
            threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    def stop(self):
        for server in (self.registry, self.proxy):
            server.shutdown()
            server.server_close()


def pump(source, sink):
    try:
        while data := source.recv(65536):
            sink.sendall(data)
        sink.shutdown(socket.SHUT_WR)
    except OSError:
        pass


def test_an_image_of_another_account_and_region(cloud, tmp_path, layout):
    host = f"{OTHER}.dkr.ecr.{ELSEWHERE}.amazonaws.com"
    theirs = Theirs(host, layout, tmp_path)
    tree = Tree(cloud, tmp_path, https_proxy=f"http://127.0.0.1:{theirs.proxy.server_port}",
                AWS_CA_BUNDLE=str(theirs.certificate)).mount()
    try:
        tree.configure(vast_image=f"{host}/base:1")
        cloud.control("DELETE", "journal")
        assert "is deployed" in tree.operate("deploy")
        assert set(theirs.tunnels) == {f"{host}:443"}
        assert set(tokens(cloud)) == {cloud.facts["region"], ELSEWHERE}
        assert {name for name, _, _ in theirs.asked} == {host}
        for secret in {authorization for _, _, authorization in theirs.asked}:
            given = base64.b64decode(secret.removeprefix("Basic ")).decode()
            assert given.startswith(f"AWS:{ELSEWHERE}."), "the token is of the image's region"
            assert not any(secret in tree.read(name) for name in ("api.log", "error", "events.log"))
        tree.operate("destroy", "purge")
    finally:
        tree.unmount()
        theirs.stop()
