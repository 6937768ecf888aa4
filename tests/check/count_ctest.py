#!/usr/bin/env python3
"""Counts what ctest ran, down to the cases inside each cmocka program.

    count_ctest.py RESULT.xml SHARED_FOLDER

Shows the output of what failed. A program that skips itself because recorded data is absent counts
as failed when the data folder is there. The last line is `N passed, M failed`."""
import os
import re
import sys
import xml.etree.ElementTree as ET


def main():
    path, shared = sys.argv[1:3]
    if not os.path.exists(path):
        print("ctest left no result")
        print("0 passed, 1 failed")
        return 1
    passed = failed = programs = skipped = 0
    for case in ET.parse(path).getroot().iter("testcase"):
        programs += 1
        name, status = case.get("name"), case.get("status")
        out = "".join(e.text or "" for e in case.iter("system-out"))
        good = set(re.findall(r"^\[ +OK +\] (.+)$", out, re.M))
        bad = set(re.findall(r"^\[ +FAILED +\] (?!\d+ test)(?:\w+: )?(\w.*)$", out, re.M))
        if status == "run":
            passed += max(1, len(good))
        elif status in ("disabled", "notrun") or case.find("skipped") is not None:
            skipped += 1
            if os.path.isdir(shared) or status == "notrun":
                failed += 1
                print(f"FAILED: {name} skipped itself although {shared} is there\n{out[-2000:]}")
            else:
                print(f"SKIP: {name}\n{out[-400:]}")
        else:
            passed += len(good - bad)
            failed += max(1, len(bad))
            print(f"FAILED: {name}\n{out[-6000:]}")
    print(f"{programs} test programs, {skipped} skipped")
    if programs == 0:
        failed += 1
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
