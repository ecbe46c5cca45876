"""Make anew what the manual shows of real runs, and what it draws from the code.

Run it after a change of a sample or of the library, and commit what it writes::

    python3 docs/regenerate.py           # writes what is out of date
    python3 docs/regenerate.py --check   # only reports, with status 1; the tests do that

Figures that differ from run to run (times, ids, dates, addresses) are no reason to write.
"""

import csv
import difflib
import io
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from hcpsdk import RS_READ_ALLOWED, RS_READ_ON_FAILOVER, RS_WRITE_ALLOWED, RS_WRITE_ON_FAILOVER
from hcpsdk._failover import Outcome, Primary, decide

DOCS = Path(__file__).resolve().parent
SAMPLES = DOCS.parent / "samples"
OUTPUT = DOCS / "samples" / "output"

# What differs from run to run, and the word that stands for it in a comparison.
VARYING = [
    (r"\[('127\.0\.0\.\d+'(, )?)+\]", "[ADDRESSES]"),
    (r"'(127\.0\.0\.\d+(, )?)+'", "'ADDRESSES'"),
    (r"127\.0\.0\.\d+", "ADDRESS"),
    (r"(?<![\d.])\d+\.\d+(e-\d+)?(?= seconds| secs|$)", "SECONDS"),
    (r"(^  ADDRESS: [^\n]*\n)+", "  EACH NODE\n"),
    (r"(?<=started )\d+|0x[0-9a-f]+", "ID"),
    (r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", "UUID"),
    (r"/[0-9a-f]{2}/[0-9a-f]{2}/(?=UUID)", "/XX/XX/"),
    (r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[+-]\d{4}", "DATE"),
    (r"'\d{13}'", "'MILLISECONDS'"),
    (r"(?<=/failover/)\d{19}", "NANOSECONDS"),
    (r"_ssl\.c:\d+", "_ssl.c:LINE"),
    (r"(?<=-)\d{8}-\d{4}\.zip: [\d,]+ bytes", "MOMENT.zip: SIZE bytes"),
    (r" +$", ""),
]


def normalized(output: str) -> str:
    """*output* with words for all that differs from run to run."""
    for pattern, word in VARYING:
        output = re.sub(pattern, word, output, flags=re.MULTILINE)
    return output


# Samples: what is called, and whether P_DEBUG is set to True before, as a user would.

RUNS = {
    "simple_primary_only": ("simple_primary_only.py", False),
    "simple_primary_only_debug": ("simple_primary_only.py", True),
    "certverify_debug": ("simple_primary_only_certverify.py", True),
    "certverify_failed": (
        "simple_primary_only_certverify.py testfiles/failCertificate.pem",
        True,
    ),
    "namespace_report": ("namespace_report.py", False),
    "unique_names": ("unique_names.py", False),
    "hs3_object": ("hs3_object.py", False),
    "hswift_object": ("hswift_object.py", False),
    "replica_failover": ("--linked replica_failover.py", False),
    "replication_links": ("--linked replication_links.py", False),
    "round_trip": ("round_trip.py", False),
    "tenant_usage": ("tenant_usage.py", False),
    "collect_logs": ("collect_logs.py --kind ACCESS --wait 0.1", False),
}


def output(command: str, is_debugging: bool) -> str:
    """What a sample prints, in a fresh copy of the samples."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = shutil.copytree(SAMPLES, Path(scratch) / "samples")
        for script in folder.glob("simple_*.py"):
            text = script.read_text(encoding="utf-8")
            changed = text.replace("P_DEBUG = False", f"P_DEBUG = {is_debugging}")
            script.write_text(changed, encoding="utf-8")
        done = subprocess.run(
            [sys.executable, "-u", "-m", "hcpsdk.testing", "run", *command.split()],
            cwd=folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=120,
        )
    return re.sub(r" +$", "", done.stdout, flags=re.MULTILINE)


def failover_table() -> str:
    """Who serves a request, as the function says that decides; a table in CSV."""
    strategies = {"none": (0, 0), "…_ON_FAILOVER": (RS_READ_ON_FAILOVER, RS_WRITE_ON_FAILOVER)}
    strategies["…_ALLOWED"] = (RS_READ_ALLOWED, RS_WRITE_ALLOWED)
    lines = [("request", "state of the primary", "response of the primary", *strategies)]
    for kind, method, number in (("read", "GET", 0), ("write", "PUT", 1)):
        # The state counts only at the beginning; the test of the function shows that.
        rows = [(state, Outcome.NOT_ASKED) for state in Primary]
        rows += [(Primary.SERVING, each) for each in Outcome if each is not Outcome.NOT_ASKED]
        for state, outcome in rows:
            found = [decide(method, bits[number], state, outcome) for bits in strategies.values()]
            is_first = outcome is Outcome.NOT_ASKED
            words = [each.name.lower().replace("_", " ") for each in found]
            shown = state.value if is_first else "any"
            lines.append((kind, shown, "-" if is_first else outcome.value, *words))
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(lines)
    return text.getvalue()


def files() -> Iterator[tuple[Path, str, Callable[[], str]]]:
    """Each file that is made here, what should be in it, and a function that makes all of it."""
    import drawing  # beside this file; here, so that tests can load what is above

    with ThreadPoolExecutor(2) as pool:  # one of them mostly waits
        outputs = pool.map(lambda run: output(*run), RUNS.values())
        for name, text in zip(RUNS, outputs, strict=True):
            yield OUTPUT / f"{name}.txt", text, lambda text=text: text
    yield DOCS / "pictures" / "failover.csv", failover_table(), failover_table
    for name in drawing.PICTURES:
        yield (
            DOCS / "pictures" / f"{name}.svg",
            drawing.source(name),
            lambda name=name: drawing.svg(name),
        )


def main() -> None:
    differences = []
    for path, wanted, make in files():
        found = path.read_text(encoding="utf-8") if path.is_file() else ""
        if path.suffix == ".svg":  # how dot lays it out differs between its versions
            found = found.partition("<!-- ")[2].partition(" -->")[0]
        if normalized(found) == normalized(wanted):
            continue
        if "--check" in sys.argv[1:]:
            lines = (normalized(text).splitlines() for text in (found, wanted))
            differences += [f"{path} is out of date:", *difflib.unified_diff(*lines, lineterm="")]
        else:
            path.write_text(make(), encoding="utf-8")
            print(f"wrote {path}")
    if differences:
        sys.exit("\n".join(differences))


if __name__ == "__main__":
    main()
