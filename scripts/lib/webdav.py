"""A WebDAV server in memory, on a free port of this machine, that misbehaves on request."""
import base64
import os
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

PASSWORD = "sesame"
SLOW = 30  # seconds


class Server(ThreadingHTTPServer):
    """`mode` is how it answers: `well`, `slow`, `429`, `half` (half an object) or `garbage`."""

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.mode, self.files, self.directories = "well", {}, {"/"}
        self.port = self.server_address[1]
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def variables(self, password=PASSWORD):
        """Those that sccache needs for it."""
        return {
            "SCCACHE_WEBDAV_ENDPOINT": f"http://127.0.0.1:{self.port}",
            "SCCACHE_WEBDAV_USERNAME": "me",
            "SCCACHE_WEBDAV_PASSWORD": password,
        }

    def end(self):
        self.shutdown()
        self.server_close()

    def handle_error(self, request, client_address):
        """A client that was killed is no error here."""


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, format, *args):
        pass

    def reply(self, status, body=b"", length=None, kind="application/octet-stream"):
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body) if length is None else length))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def answer(self):
        mode = self.server.mode
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if mode == "slow":
            time.sleep(SLOW)
        if mode == "429":
            return self.reply(429, b"later")
        wanted = "Basic " + base64.b64encode(f"me:{PASSWORD}".encode()).decode()
        if self.headers.get("Authorization") != wanted:
            return self.reply(401, b"no")
        path = self.path.rstrip("/") or "/"
        if self.command == "PUT":
            self.server.files[path] = body
            return self.reply(201)
        if self.command == "MKCOL":
            self.server.directories.add(path)
            return self.reply(201)
        if self.command == "DELETE":
            self.server.files.pop(path, None)
            return self.reply(204)
        if self.command == "PROPFIND":
            return self.properties(path)
        if path not in self.server.files:
            return self.reply(404)
        body = self.server.files[path]
        if mode == "half" and len(body) > 100:
            self.close_connection = True
            return self.reply(200, body[: len(body) // 2], length=len(body))
        if mode == "garbage":
            body = os.urandom(len(body))
        return self.reply(200, body)

    do_GET = do_HEAD = do_PUT = do_DELETE = do_MKCOL = do_PROPFIND = answer

    def properties(self, path):
        is_directory = path in self.server.directories
        if not is_directory and path not in self.server.files:
            return self.reply(404)
        kind = "<D:collection/>" if is_directory else ""
        size = len(self.server.files.get(path, b""))
        text = (
            '<?xml version="1.0" encoding="utf-8"?><D:multistatus xmlns:D="DAV:"><D:response>'
            f"<D:href>{path}{'/' if is_directory and path != '/' else ''}</D:href><D:propstat><D:prop>"
            "<D:getlastmodified>Thu, 01 Jan 2026 00:00:00 GMT</D:getlastmodified>"
            f"<D:getcontentlength>{size}</D:getcontentlength><D:resourcetype>{kind}</D:resourcetype>"
            "</D:prop><D:status>HTTP/1.1 200 OK</D:status></D:propstat></D:response></D:multistatus>"
        )
        return self.reply(207, text.encode(), kind="application/xml")
