# The outlets of a PDU, for snmpd's pass_persist (snmpd.conf(5)): table.json in the folder of the first argument has the
# objects {OID: [type, value]} and the commands {OID: {value: [OID of a state, its new value]}}. A state follows its
# command after a quarter of a second; each command is a line of the file named log. Once there is a file named ignore,
# commands are taken and nothing happens.
import json
import os
import sys
import time

folder = sys.argv[1]
with open(os.path.join(folder, "table.json")) as f:
    table = json.load(f)
values, commands = table["values"], table["commands"]
coming = {}


def key(oid):
    return [int(n) for n in oid.strip(".").split(".")]


def value(oid):
    if oid in coming and time.monotonic() >= coming[oid][1]:
        values[oid] = ["integer", coming.pop(oid)[0]]
    return values.get(oid)


def answer(oid):
    found = value(oid) if oid else None
    print("NONE" if found is None else "." + oid + "\n" + found[0] + "\n" + str(found[1]), flush=True)


def following(oid):
    later = sorted((o for o in values if key(o) > key(oid)), key=key)
    return later[0] if later else None


def command(oid, text):
    kind, _, new = text.partition(" ")
    if oid not in commands:
        return "not-writable"
    if kind != "integer":
        return "wrong-type"
    if new not in commands[oid]:
        return "wrong-value"
    state, becomes = commands[oid][new]
    with open(os.path.join(folder, "log"), "a") as log:
        log.write(oid + "=" + new + "\n")
    if not os.path.exists(os.path.join(folder, "ignore")):
        coming[state] = (becomes, time.monotonic() + 0.25)
    return "DONE"


while line := sys.stdin.readline():
    word = line.strip()
    if word == "PING":
        print("PONG", flush=True)
    elif word == "get":
        answer(sys.stdin.readline().strip().strip("."))
    elif word == "getnext":
        answer(following(sys.stdin.readline().strip().strip(".")))
    elif word == "set":
        at = sys.stdin.readline().strip().strip(".")
        print(command(at, sys.stdin.readline().strip()), flush=True)
