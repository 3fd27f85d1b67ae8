"""Runs cases and prints one JSON line for each."""

import json
import traceback


class NotRun(Exception):
    """The client library cannot do the case."""


def expect(actual, wanted, what):
    if actual != wanted:
        raise AssertionError(f"{what}: {actual!r} instead of {wanted!r}")


def run_all(cases):
    for name, case in cases.items():
        line = {"case": name, "ok": True}
        try:
            case()
        except NotRun as reason:
            line = {"case": name, "ok": False, "notRun": str(reason)}
        except Exception:
            line = {"case": name, "ok": False, "error": traceback.format_exc(limit=4)}
        print(json.dumps(line), flush=True)
