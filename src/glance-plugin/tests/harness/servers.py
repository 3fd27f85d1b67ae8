"""HTTP servers of a test's own."""

from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
import threading


class Server:
    """Answers every request with what respond(method, path, headers, body) returns: status, headers, body."""

    def __init__(self, respond):
        class Handler(BaseHTTPRequestHandler):
            def answer(self):
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                status, headers, content = respond(self.command, self.path, dict(self.headers), body)
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.end_headers()
                try:
                    self.wfile.write(content)
                except ConnectionError:
                    pass  # a client may close when it has seen enough

            do_GET = do_POST = do_HEAD = answer

            def log_message(self, *_):
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = "http://127.0.0.1:%d" % self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self):
        self._server.shutdown()
        self._server.server_close()
