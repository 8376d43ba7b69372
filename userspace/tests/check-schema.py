#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Holds what plugctl prints as JSON against the schema. Prints TAP.

usage: check-schema SCHEMA SAMPLES PLUGCTL
"""
import json
import subprocess
import sys

try:
    import jsonschema
except ImportError:
    print("1..0 # SKIP no jsonschema module for python3")
    sys.exit(0)

SCHEMA, SAMPLES, PLUGCTL = sys.argv[1:4]
BATCH = b"# comment\nbzffer x\nbuffer nosuch0 nosuch1\nversion\nshow\nbuffer"

with open(SCHEMA, encoding="utf-8") as file:
    schema = json.load(file)
count = failed = 0


def validates(definition, value):
    where = {"$ref": "#/definitions/" + definition,
             "definitions": schema["definitions"]}
    try:
        jsonschema.validate(value, where)
        jsonschema.validate(value, schema)
    except jsonschema.ValidationError as error:
        return str(error)
    return None


def check(name, definition, text, refused=False):
    global count, failed
    count += 1
    problem = validates(definition, json.loads(text))
    if bool(problem) == refused:
        print(f"ok {count} - {name}")
        return
    failed += 1
    print(f"not ok {count} - {name}")
    print("# " + (problem or "was accepted").replace("\n", "\n# "))


def run(*command, text=None):
    return subprocess.run(command, input=text, stdout=subprocess.PIPE,
                          stderr=subprocess.DEVNULL, check=False).stdout


jsonschema.Draft7Validator.check_schema(schema)
for number, line in enumerate(run(SAMPLES).splitlines()):
    check(f"sample {number + 1}", "plugs", line)
check("show", "plugs", run(PLUGCTL, "-j", "show"))
check("show, pretty", "plugs", run(PLUGCTL, "-p", "show"))
check("is-open in a batch", "answer",
      '{"line":1,"open":false,"command":"is-open","ok":true}')
check("a guest", "guests", '[{"device":"v0","ifb":"ifb-v0","redirected":true,'
      '"except_arp":false}]')
check("a guest without an ifb is refused", "guests", '[{"device":"v0"}]',
      refused=True)
check("version", "version", run(PLUGCTL, "-j", "version"))
check("-V", "version", run(PLUGCTL, "-j", "-V"))
check("help", "help", run(PLUGCTL, "-j", "help"))
check("help COMMAND", "command", run(PLUGCTL, "-j", "help", "run"))
for number, line in enumerate(run(PLUGCTL, "-j", "--force", "batch",
                                  text=BATCH).splitlines()):
    check(f"batch answer {number + 1}", "answer", line)
# The schema must refuse invalid data.
check("a plug without a handle is refused", "plugs",
      '[{"device": "eth0"}]', refused=True)
check("an unknown event is refused", "event",
      '{"time_ns": 1, "event": "explode", "plug": {}}', refused=True)
print(f"1..{count}")
sys.exit(1 if failed else 0)
