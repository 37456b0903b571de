"""WebSockets against the `websockets` package, which knows nothing of vastfs."""

import asyncio
import base64
import hashlib
import json
import os
import re
import socket
import subprocess
import threading

import pytest

websockets = pytest.importorskip("websockets")

from conftest import BUILD  # noqa: E402


def talk(serve, *options, path=""):
    """Runs a server for one call of websocket-call: what it printed, and what `serve` returned."""
    returned = []

    async def one(ws):
        try:
            returned.append(await serve(ws))
        except websockets.ConnectionClosed as closed:
            returned.append(closed)

    async def run():
        async with websockets.serve(one, "127.0.0.1", 0, max_size=None) as server:
            port = server.sockets[0].getsockname()[1]
            process = await asyncio.create_subprocess_exec(
                str(BUILD / "tests/aws/websocket-call"), *options, f"ws://127.0.0.1:{port}{path}",
                stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE)
            out, err = await asyncio.wait_for(process.communicate(), 30)
            assert process.returncode == 0, err
            return json.loads(out)
    printed = asyncio.run(run())
    return printed, returned[0] if returned else None


def raw(answer, close=True):
    """What websocket-call says of a peer that answers so."""
    listener = socket.create_server(("127.0.0.1", 0))

    def serve():
        peer, _ = listener.accept()
        request = b""
        while b"\r\n\r\n" not in request:
            request += peer.recv(4096)
        peer.sendall(answer(request) if callable(answer) else answer)
        if close:
            peer.close()
        else:
            peer.recv(1 << 20)
    threading.Thread(target=serve, daemon=True).start()
    done = subprocess.run([BUILD / "tests/aws/websocket-call", "-p", "300", f"ws://127.0.0.1:{listener.getsockname()[1]}/"],
                          capture_output=True, text=True, timeout=30)
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
    listener_says = raw(agree, close=False)
    assert listener_says["errno"] in (-110, -107)


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


def test_nobody_there():
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        done = subprocess.run([BUILD / "tests/aws/websocket-call", f"ws://127.0.0.1:{unused.getsockname()[1]}/"],
                              capture_output=True, text=True, timeout=30)
    assert json.loads(done.stdout)["errno"] == -111
