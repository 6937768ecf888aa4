#!/usr/bin/env python3
"""code_grep.py PATTERN FILE...: lines of C code that match, comments and string literals aside."""
import re
import sys

TOKEN = re.compile(r'//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', re.S)


def blank(match):
    text = match.group(0)
    if text[0] in "\"'":
        return text[0] * 2
    return re.sub(r"[^\n]", " ", text)


pattern = re.compile(sys.argv[1])
for path in sys.argv[2:]:
    with open(path, encoding="utf-8") as f:
        code = TOKEN.sub(blank, f.read())
    for number, line in enumerate(code.split("\n"), 1):
        if pattern.search(line):
            print(f"{path}:{number}: {line.strip()}")
