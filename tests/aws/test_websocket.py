# SPDX-License-Identifier: BSD-3-Clause
"""WebSockets against the `websockets` package, which knows nothing of vastfs."""

import asyncio
import base64
import hashlib
import json
import os
import re
import socket
import socketserver
import ssl
import subprocess
import threading

import pytest
import websockets

from conftest import BUILD


def talk(serve, *options, path="", tls=None, host="127.0.0.1", env=None):
    """Runs a server for one call of websocket-call: what it printed, and what `serve` returned."""
    returned = []

    async def one(ws):
        try:
            returned.append(await serve(ws))
        except websockets.ConnectionClosed as closed:
            returned.append(closed)

    async def run():
        async with websockets.serve(one, "127.0.0.1", 0, max_size=None, ssl=tls) as server:
            port = server.sockets[0].getsockname()[1]
            process = await asyncio.create_subprocess_exec(
                str(BUILD / "tests/aws/websocket-call"), *options, f"{'wss' if tls else 'ws'}://{host}:{port}{path}",
                stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE, env={**os.environ, **(env or {})})
            out, err = await asyncio.wait_for(process.communicate(), 30)
            assert process.returncode == 0, err
            return json.loads(out)
    printed = asyncio.run(run())
    return printed, returned[0] if returned else None


def raw(answer, close=True, piece=1 << 20):
    """What websocket-call says of a peer that answers so, in pieces of this size."""
    listener = socket.create_server(("127.0.0.1", 0))

    def serve():
        peer, _ = listener.accept()
        request = b""
        while b"\r\n\r\n" not in request:
            request += peer.recv(4096)
        peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        reply = answer(request) if callable(answer) else answer
        for at in range(0, len(reply), piece):
            peer.sendall(reply[at:at + piece])
        while not close and peer.recv(1 << 20):
            pass
        peer.close()
    threading.Thread(target=serve, daemon=True).start()
    done = subprocess.run([BUILD / "tests/aws/websocket-call", "-p", "300", f"ws://127.0.0.1:{listener.getsockname()[1]}/"],
                          capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done
    listener.close()
    return json.loads(done.stdout)


def test_messages_of_all_sizes_come_back():
    sizes = [0, 1, 125, 126, 127, 65535, 65536, 200_000, 1 << 20]

    async def serve(ws):
        assert await ws.recv() == "hello"
        for size in sizes:
            data = os.urandom(size)
            await ws.send(data)
            assert await ws.recv() == data
        await ws.send("bye")
        await ws.wait_closed()
        return ws.close_code
    printed, code = talk(serve)
    assert printed["errno"] == 0 and printed["messages"] == len(sizes) + 1
    assert code == 1000


def test_fragments_and_pings():
    async def serve(ws):
        await ws.recv()
        await (await ws.ping())
        await ws.send([b"a" * 1000, b"b" * 70000, b"c"])
        assert await ws.recv() == b"a" * 1000 + b"b" * 70000 + b"c"
        await ws.send("bye")
        await ws.wait_closed()
        return True
    assert talk(serve)[1] is True


def test_many_messages():
    async def serve(ws):
        await ws.recv()

        room = asyncio.Semaphore(1000)  # under way

        async def send():
            for i in range(10000):
                await room.acquire()
                await ws.send(b"%08d" % i + bytes(1000))
        task = asyncio.create_task(send())
        for i in range(10000):
            assert (await ws.recv())[:8] == b"%08d" % i
            room.release()
        await task
        await ws.send("bye")
        await ws.wait_closed()
        return True
    assert talk(serve)[1] is True


def test_the_path_goes_as_it_is():
    seen = []

    async def serve(ws):
        seen.append(getattr(ws, "path", None) or ws.request.path)
        await ws.close()
    talk(serve, path="/v1/data-channel/x?role=publish_subscribe&a=%2F")
    assert seen == ["/v1/data-channel/x?role=publish_subscribe&a=%2F"]


def test_the_peer_closes():
    async def serve(ws):
        await ws.recv()
        await ws.close(1011, "no")
    printed, _ = talk(serve)
    assert printed["errno"] == -107 and "closed" in printed["message"]


def test_the_peer_goes_without_a_word():
    async def serve(ws):
        await ws.recv()
        ws.transport.abort()
    assert talk(serve)[0]["errno"] == -107


def test_a_message_that_is_too_long():
    async def serve(ws):
        await ws.recv()
        await ws.send(bytes(5001))
        await ws.recv()
    assert talk(serve, "-m", "5000")[0]["errno"] in (-71, -107)


def test_a_peer_that_does_not_answer_pings():
    def agree(request):
        key = re.search(rb"Sec-WebSocket-Key: (\S+)", request)[1] + b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
        accept = base64.b64encode(hashlib.sha1(key).digest())
        return b"HTTP/1.1 101 X\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: " + accept + b"\r\n\r\n"
    printed = raw(agree, close=False)
    assert printed["errno"] == -110 and printed["message"].endswith("the server no longer answers pings")


@pytest.mark.parametrize("answer, errno", [
    (b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n", -71),
    (b"HTTP/1.1 101 X\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: x\r\n\r\n", -71),
    (b"SSH-2.0\r\n\r\n", -71),
    (b"HTTP/1.1 101", -71),
    (b"", -71),
    (b"x" * 20000, -71),
])
def test_who_is_no_websocket(answer, errno):
    assert raw(answer)["errno"] == errno


# -- TLS and proxies: as for every other call


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    """One that only who is told of it trusts: (its file, a server's context)."""
    base = tmp_path_factory.mktemp("tls")
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost",
                    "-addext", "subjectAltName=DNS:localhost", "-keyout", base / "key", "-out", base / "certificate"],
                   check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(base / "certificate", base / "key")
    return str(base / "certificate"), context


async def echo_and_close(ws):
    hello = await ws.recv()
    await ws.send(b"x" * 200000)
    assert len(await ws.recv()) == 200000
    await ws.close()
    return hello


def test_tls(certificate):
    printed, hello = talk(echo_and_close, "-c", certificate[0], tls=certificate[1], host="localhost")
    assert hello == "hello" and printed["bytes"] == 200000


def test_a_certificate_that_nobody_trusts(certificate):
    printed, _ = talk(echo_and_close, tls=certificate[1], host="localhost")
    assert printed["messages"] == 0 and "certificate" in printed["message"].lower()


def test_a_certificate_for_another_name(certificate):
    printed, _ = talk(echo_and_close, "-c", certificate[0], tls=certificate[1])
    assert printed["messages"] == 0 and printed["errno"] < 0


class Proxy(socketserver.ThreadingTCPServer):
    """Takes CONNECT, remembers for whom, and passes bytes on."""
    daemon_threads = True

    def __init__(self, status=b"200 OK"):
        self.status = status
        self.asked = []
        super().__init__(("127.0.0.1", 0), None)
        threading.Thread(target=self.serve_forever, args=(0.05,), daemon=True).start()

    def finish_request(self, request, client_address):
        head = b""
        while b"\r\n\r\n" not in head:
            head += request.recv(1)
        self.asked.append(head.split()[:2])
        request.sendall(b"HTTP/1.1 " + self.status + b"\r\n\r\n")
        if not self.status.startswith(b"200"):
            return
        host, _, port = head.split()[1].decode().rpartition(":")
        with socket.create_connection((host, int(port))) as there:
            back = threading.Thread(target=pump, args=(there, request), daemon=True)
            back.start()
            pump(request, there)
            back.join()


def pump(source, target):
    try:
        while data := source.recv(65536):
            target.sendall(data)
        target.shutdown(socket.SHUT_WR)
    except OSError:
        pass


@pytest.mark.parametrize("scheme", ["http_proxy", "https_proxy"])
def test_a_proxy(certificate, scheme):
    with Proxy() as proxy:
        env = {scheme: f"http://127.0.0.1:{proxy.server_address[1]}", "no_proxy": "", "NO_PROXY": ""}
        tls = certificate[1] if scheme == "https_proxy" else None
        printed, hello = talk(echo_and_close, "-c", certificate[0], tls=tls, host="localhost", env=env)
        proxy.shutdown()
    assert hello == "hello" and printed["bytes"] == 200000
    assert [verb for verb, _ in proxy.asked] == [b"CONNECT"]
    assert proxy.asked[0][1].startswith(b"localhost:")


def test_a_proxy_that_refuses():
    with Proxy(b"407 Proxy Authentication Required") as proxy:
        env = {"http_proxy": f"http://127.0.0.1:{proxy.server_address[1]}", "no_proxy": "", "NO_PROXY": ""}
        printed, _ = talk(echo_and_close, env=env)
        proxy.shutdown()
    assert printed["errno"] < 0 and "407" in printed["message"]


def test_a_proxy_that_answers_in_place_of_the_server():
    """It says the same as where a tunnel is refused."""
    printed = raw(b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n")
    assert re.fullmatch(r"127\.0\.0\.1:\d+: the proxy requires credentials \(HTTP status 407\)", printed["message"]), printed
    assert "http://USER:PASSWORD@HOST:PORT" in printed["remedy"]


def test_a_reply_in_many_pieces():
    printed = raw(b"HTTP/1.1 403 Forbidden\r\n" + b"X: y\r\n" * 100 + b"Content-Length: 0\r\n\r\n", piece=1)
    assert printed["http_status"] == 403, printed


@pytest.mark.parametrize("url", ["ftp://127.0.0.1/", "ws:///", "127.0.0.1"])
def test_what_is_no_address(url):
    done = subprocess.run([BUILD / "tests/aws/websocket-call", url], capture_output=True, text=True, timeout=60)
    assert json.loads(done.stdout)["errno"] == -22


def test_nobody_there():
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        done = subprocess.run([BUILD / "tests/aws/websocket-call", f"ws://127.0.0.1:{unused.getsockname()[1]}/"],
                              capture_output=True, text=True, timeout=60)
    assert json.loads(done.stdout)["errno"] == -111
