"""Runs programs unchanged beside an emulated HCP. Executed by the Python of their environment.

``driver.py PLAN``: *PLAN* is a JSON file with ``before`` and ``after``, lists of requests
(method, URL, user, body), and ``commands``, lists of arguments. Prints, as JSON, the exit codes of
the commands and the responses to the requests after them.
"""

import base64
import hashlib
import http.client
import json
import os
import pathlib
import runpy
import ssl
import sys
import traceback
from typing import Any
from urllib.parse import urlsplit

from hcpsdk.testing import HCP

PASSWORDS = {"n": "n01", "service": "service01"}
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


def run(arguments: list[str]) -> int:
    """The exit code of a program, which runs in a process of its own."""
    process = os.fork()
    if process:
        return os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])
    code = 1
    try:
        os.dup2(2, 1)  # what it prints is not a part of the result
        program = pathlib.Path(sys.executable).parent / arguments[0]
        sys.argv = [str(program), *arguments[1:]]
        runpy.run_path(str(program), run_name="__main__")
        code = 0
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else int(bool(end.code))
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stderr.flush()
        os._exit(code)


def main(plan: dict[str, Any]) -> None:
    with HCP(reports_tiering=True):
        for request in plan["before"]:
            assert ask(*request)["status"] in (200, 201), request
        codes = [run(command) for command in plan["commands"]]
        responses = [ask(*request) for request in plan["after"]]
    print(json.dumps({"codes": codes, "responses": responses}))


if __name__ == "__main__":
    main(json.loads(pathlib.Path(sys.argv[1]).read_text()))
