"""Downloads and unpacks a source distribution, whose code does not run.

Arguments: the name of the package, a lock file with the URL, the SHA-256, and the directory to create.
"""

import hashlib
import io
import sys
import tarfile
import tomllib
import urllib.request

name, lock, sha256, directory = sys.argv[1:]
with open(lock, "rb") as file:
    packages = tomllib.load(file)["packages"]
[sdist] = [package["sdist"] for package in packages if package["name"] == name]
with urllib.request.urlopen(sdist["url"]) as answer:
    content = answer.read()
if hashlib.sha256(content).hexdigest() != sha256:
    sys.exit(f"the source distribution of {name} does not have the SHA-256 {sha256}")
with tarfile.open(fileobj=io.BytesIO(content)) as archive:
    archive.extractall(directory, filter="data")
