"""Run as root in a container: which programs trust a server whose certificate is in the image's bundle?

Prints a line for each program and each way that it may be told where the bundle is. A program must refuse the server
before its certificate is in the bundle, and accept it afterwards.
"""

import functools
import http.server
import os
import pathlib
import ssl
import subprocess
import sys
import threading

BUNDLE = "/etc/ssl/certs/ca-certificates.crt"
VARIABLES = ["SSL_CERT_FILE", "NIX_SSL_CERT_FILE", "GIT_SSL_CAINFO"]
CONFIG = "[req]\ndistinguished_name=dn\nx509_extensions=ext\n[dn]\n[ext]\nsubjectAltName=DNS:localhost\nbasicConstraints=critical,CA:true\n"

work = pathlib.Path("/tmp/trust")
(work / "web").mkdir(parents=True)


def run(*command, env=None):
    return subprocess.run(command, env=env, stdin=subprocess.DEVNULL, capture_output=True, text=True, cwd=work)


def require(*command):
    result = run(*command)
    if result.returncode != 0:
        sys.exit(f"{command}: {result.stderr}")


(work / "openssl.cnf").write_text(CONFIG)
key = ["-newkey", "rsa:2048", "-nodes", "-keyout", "key.pem"]
require("openssl", "req", "-config", "openssl.cnf", "-x509", *key, "-out", "cert.pem", "-subj", "/CN=localhost")
require("git", "init", "-q", "origin")
commit = ["-c", "user.name=n", "-c", "user.email=a@b", "commit", "-q", "--allow-empty", "-m", "m"]
require("git", "-C", "origin", *commit)
require("git", "clone", "-q", "--bare", "origin", "web/r.git")
require("git", "-C", "web/r.git", "update-server-info")


class Handler(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


class Server(http.server.ThreadingHTTPServer):
    def handle_error(self, *_):
        """A client that hangs up in the handshake is what is tried here."""


context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(work / "cert.pem", work / "key.pem")
server = Server(("localhost", 0), functools.partial(Handler, directory=work / "web"))
server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
threading.Thread(target=server.serve_forever, daemon=True).start()
port = server.server_address[1]
url = f"https://localhost:{port}/"

PROGRAMS = {
    "curl": ["curl", "-sS", "-o", "/dev/null", url],
    "git": ["git", "ls-remote", f"{url}r.git"],
    "python": ["python3", "-c", f"import urllib.request as r; r.urlopen('{url}').read()"],
    "openssl": ["openssl", "s_client", "-verify_return_error", "-connect", f"localhost:{port}"],
}
ENVIRONMENTS = {
    "told": dict(os.environ),
    "untold": {name: value for name, value in os.environ.items() if name not in VARIABLES},
}


def accepts(program, environment):
    return run(*PROGRAMS[program], env=ENVIRONMENTS[environment]).returncode == 0


before = {(p, e): accepts(p, e) for p in PROGRAMS for e in ENVIRONMENTS}
with open(BUNDLE, "a") as bundle:
    bundle.write((work / "cert.pem").read_text())
for (program, environment), trusted in before.items():
    after = accepts(program, environment)
    print(program, environment, "trusts anything" if trusted else "trusts" if after else "refuses")
