# SPDX-License-Identifier: BSD-3-Clause
"""The HTTP server: persistent connections and chunked replies.

werkzeug's own handler closes every connection after one reply. That would hide
a client's mistakes in reusing connections.
"""

import contextlib
import traceback
from http import HTTPStatus

from werkzeug.serving import ThreadedWSGIServer, WSGIRequestHandler

from ..common import clock
from . import wsgi
from .bodies import Body
from .errors import envelope

NO_BODY = (204, 304)


class Handler(WSGIRequestHandler):
    """One connection: request after request until one side closes it."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1  # one packet for header and body
    timeout = 600

    def run_wsgi(self) -> None:
        """Answer one request."""
        if self.headers.get("Expect", "").lower() == "100-continue":
            self.wfile.write(b"HTTP/1.1 100 Continue\r\n\r\n")
            self.wfile.flush()
        self.environ = environ = self.make_environ()
        environ["vastfs.handler"] = self
        stream = None
        if self.server.streams(environ):
            environ["vastfs.stream"] = stream = Body(self.rfile, self.headers)
        elif not self.headers.get("Upgrade"):
            self._read_body(environ)
        self._sent = False
        try:
            self._answer(environ)
            if stream and not self.close_connection:
                stream.discard()
        except ConnectionError:
            self.close_connection = True
        except Exception:  # the client must always get an answer
            traceback.print_exc()
            self._fail(environ)

    @staticmethod
    def _read_body(environ) -> None:
        """Read the whole body: the signature check, the rules and reuse of the connection need it."""
        stream = environ["wsgi.input"]
        if environ.get("wsgi.input_terminated"):
            wsgi.set_body(environ, stream.read())
        else:
            wsgi.set_body(environ, stream.read(int(environ.get("CONTENT_LENGTH") or 0)))

    def _answer(self, environ) -> None:
        captured = wsgi.Captured(self.server.app, environ)
        names = {name.lower() for name, _ in captured.headers}
        bodiless = captured.status in NO_BODY or self.command == "HEAD"
        chunked = not bodiless and "content-length" not in names
        self._send_head(captured, chunked)
        with contextlib.closing(captured.stream()) as stream:
            for data in stream:
                if data and not bodiless:
                    self._send(data, chunked)
        if chunked:
            self.wfile.write(b"0\r\n\r\n")
        self.wfile.flush()
        if environ.get("vastfs.hang_up"):
            self.close_connection = True

    def _send_head(self, captured, chunked) -> None:
        self._sent = True
        phrase = wsgi.status_line(captured.status).partition(" ")[2]
        self.send_response(captured.status, phrase)
        for name, value in captured.headers:
            if name.lower() not in ("date", "connection"):
                self.send_header(name, value)
        if chunked:
            self.send_header("Transfer-Encoding", "chunked")
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()

    def _send(self, data, chunked) -> None:
        if chunked:
            self.wfile.write(b"%x\r\n%b\r\n" % (len(data), data))
            self.wfile.flush()
        else:
            self.wfile.write(data)

    def _fail(self, environ) -> None:
        """Reply InternalFailure after an exception, or close the connection if the reply has begun."""
        self.close_connection = True
        if self._sent:
            return
        status = HTTPStatus.INTERNAL_SERVER_ERROR
        service = wsgi.service_of(environ)
        reply = envelope(
            service, int(status), "InternalFailure", "The sandbox failed; see its log."
        )
        body = wsgi.reply(lambda *args: None, *reply)[0]
        self.send_response(int(status), status.phrase)
        for name, value in reply[1]:
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
        self.wfile.flush()

    def date_time_string(self, timestamp=None):
        """The Date header shows the cloud's clock."""
        return super().date_time_string(timestamp or clock.timestamp())

    def log_request(self, code="-", size="-") -> None:
        """Write nothing: calls are in the journal, and the log is for errors."""


class Server(ThreadedWSGIServer):
    """One thread for each connection; none of them keeps the process alive."""

    daemon_threads = True
    request_queue_size = 512

    #: whether the application reads the request's body itself, as `vastfs.stream`
    streams = staticmethod(lambda environ: False)


def make_server(host: str, port: int, app) -> Server:
    """A server that already listens when this function returns."""
    return Server(host, port, app, handler=Handler)
