"""A pytest plug-in for tests that import `ssl`, which WASI does not have.

Most of these tests never use it. The plug-in imports the libraries without `ssl`, as programs do, and
then adds an empty module of this name for the tests. Tests that use it still fail.
"""

import importlib
import socket
import sys
import types

for name in ("asyncio", "http.client", "urllib.request", "flask", "urllib3", "requests"):
    try:
        importlib.import_module(name)
    except ModuleNotFoundError:
        pass  # The tests of another package are running.

ssl = types.ModuleType("ssl")
# Tests catch the exceptions and derive classes from the others when they are imported.
ssl.SSLError = ssl.CertificateError = type("SSLError", (OSError,), {})
ssl.SSLContext = ssl.SSLSocket = type("SSLContext", (), {})
ssl.CERT_NONE, ssl.CERT_OPTIONAL, ssl.CERT_REQUIRED = range(3)
ssl.PROTOCOL_SSLv23 = 2
sys.modules["ssl"] = ssl


def getaddrinfo(*_, **__):
    raise socket.gaierror(socket.EAI_FAIL, "WASI has no network")


# The installation's function raises `OSError`, which urllib3's tests do not catch.
socket.getaddrinfo = getaddrinfo
