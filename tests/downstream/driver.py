"""Runs programs unchanged beside an emulated HCP. Executed by the Python of their environment.

``driver.py PLAN``: *PLAN* is a JSON file with ``before`` and ``after``, lists of requests
(method, URL, user, body), and ``commands``, lists of arguments. Prints, as JSON, the exit codes of
the commands and the responses to the requests after them.

A plan may have a ``daemon``, too: the ``arguments`` of hcpupd, the ``files`` to create when it has
uploaded the one that was there, and the ``signal`` that ends it when it has uploaded them. Its exit
code comes last; ``uploaded`` has what is stored for each file.
"""

import base64
import hashlib
import http.client
import json
import os
import pathlib
import re
import runpy
import signal
import ssl
import sys
import traceback
from typing import Any
from urllib.parse import quote, urlsplit

from hcpsdk.testing import HCP

PASSWORDS = {"n": "n01", "service": "service01"}
MAX_SECONDS = 60  # of a program; a daemon that is not ended would remain
UNVERIFIED = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
UNVERIFIED.check_hostname, UNVERIFIED.verify_mode = False, ssl.CERT_NONE


def ask(method: str, url: str, user: str, body: str | None) -> dict[str, Any]:
    """The status and the body of the response to a request; *user* may be empty."""
    parts = urlsplit(url)
    headers = {"Content-Type": "application/json"} if parts.port else {}
    if user:
        name = base64.b64encode(user.encode()).decode()
        digest = hashlib.md5(PASSWORDS[user].encode()).hexdigest()
        headers["Authorization"] = f"HCP {name}:{digest}"
    connection = http.client.HTTPSConnection(parts.netloc, context=UNVERIFIED)
    target = parts.path + (f"?{parts.query}" if parts.query else "")
    connection.request(method, target, None if body is None else body.encode(), headers)
    response = connection.getresponse()
    found = {"status": response.status, "body": response.read().decode("latin-1")}
    connection.close()
    return found


def start(arguments: list[str], output: int) -> int:
    """The id of a process of its own in which a program runs; *output* is where it prints."""
    if process := os.fork():
        return process
    code = 1
    try:
        signal.alarm(MAX_SECONDS)
        os.dup2(output, 1)
        program = pathlib.Path(sys.executable).parent / arguments[0]
        sys.argv = [str(program), *arguments[1:]]
        runpy.run_path(str(program), run_name="__main__")
        code = 0
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else int(bool(end.code))
        if isinstance(end.code, str):
            print(end.code, file=sys.stderr)
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def wait(process: int) -> int:
    """The exit code of a process."""
    return os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])


def run_daemon(plan: dict[str, Any]) -> tuple[int, dict[str, str]]:
    """The exit code of hcpupd, and the URLs of the files that it says to have uploaded."""
    reader, writer = os.pipe()
    process = start(plan["arguments"], writer)
    os.close(writer)  # so that the pipe ends with the process
    uploaded: dict[str, str] = {}
    with open(reader) as output:
        for line in output:
            print(line, end="", file=sys.stderr)
            if found := re.search(r"uploaded (.+) to (/rest/.+) \(", line):
                uploaded[found[1]] = found[2]
                if len(uploaded) == 1:  # the directory has been read: all others are events
                    for name, content in plan["files"].items():
                        create(pathlib.Path(name), content)
                if len(uploaded) == 1 + len(plan["files"]):
                    os.kill(process, signal.Signals[plan["signal"]])
    return wait(process), uploaded


def create(path: pathlib.Path, content: str) -> None:
    """Create a file: written in place, or elsewhere and moved there if its name says so."""
    if path.name.startswith("moved"):
        elsewhere = pathlib.Path("elsewhere")
        elsewhere.write_text(content)
        elsewhere.rename(path)
    else:
        path.write_text(content)


def main(plan: dict[str, Any]) -> None:
    with HCP(reports_tiering=True):
        for request in plan["before"]:
            response = ask(*request)
            if response["status"] not in (200, 201):
                raise AssertionError(f"{request}: {response}")
        # What they print is no part of the result.
        codes = [wait(start(command, 2)) for command in plan["commands"]]
        urls: dict[str, str] = {}
        if "daemon" in plan:
            code, urls = run_daemon(plan["daemon"])
            codes.append(code)
        responses = [ask(*request) for request in plan["after"]]
        uploaded = {name: stored(plan["daemon"]["namespace"], url) for name, url in urls.items()}
    print(json.dumps({"codes": codes, "responses": responses, "uploaded": uploaded}))


def stored(namespace: str, url: str) -> list[str]:
    """The path of an object, its content, and its annotation; empty without one."""
    query = "?type=custom-metadata&annotation=hcpupd"
    content, annotation = (
        ask("GET", f"https://{namespace}{quote(url)}{q}", "n", None) for q in ("", query)
    )
    return [url, content["body"], annotation["body"] if annotation["status"] == 200 else ""]


if __name__ == "__main__":
    main(json.loads(pathlib.Path(sys.argv[1]).read_text()))
