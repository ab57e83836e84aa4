"""Goes through features.json with boto3: each group is a case of its own, in a bucket of its own, and reported on a line: PASS name,
or FAIL name followed by the reason and a line with a single dot."""

import datetime
import json
import os
import random
import re
import sys
import traceback

import boto3
from botocore import xform_name
from botocore.config import Config
from botocore.exceptions import ClientError


def client(key, secret):
    return boto3.client("s3", aws_access_key_id=key, aws_secret_access_key=secret,
                        config=Config(s3={"addressing_style": "path"}, retries={"max_attempts": 1}))


CLIENTS = {"root": client(os.environ["AWS_ACCESS_KEY_ID"], os.environ["AWS_SECRET_ACCESS_KEY"]),
           "stranger": client(os.environ["STRANGER_KEY"], os.environ["STRANGER_SECRET"])}
WITHOUT_BUCKET = ("ListBuckets",)


def filled(value, names):
    """The value with $names replaced."""
    if isinstance(value, str):
        return re.sub(r"\$(\w+)", lambda m: names[m[1]], value)
    if isinstance(value, list):
        return [filled(v, names) for v in value]
    if isinstance(value, dict):
        return {k: filled(v, names) for k, v in value.items()}
    return value


def plain(op, answer):
    """The answer with what SDKs show in their own ways made text."""
    if isinstance(answer, datetime.datetime):
        return answer.astimezone(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.000Z")
    if isinstance(answer, list):
        return [plain(op, a) for a in answer]
    if not isinstance(answer, dict):
        return answer
    out = {}
    for k, v in answer.items():
        if k == "Body":
            v = v.read().decode()
        elif k == "Payload" and op == "SelectObjectContent":
            events = list(v)
            v = {"Records": b"".join(e["Records"]["Payload"] for e in events if "Records" in e).decode(),
                 "Events": [next(iter(e)) for e in events]}
        out[k] = plain(op, v)
    return out


def differs(got, want, at=""):
    """What of want is not in got, or None."""
    if want == "*":
        return None if got is not None else f"{at} is missing"
    if isinstance(want, str) and want.startswith("~"):
        return None if re.search(want[1:], str(got)) else f"{at} is {got!r}, want {want}"
    if isinstance(want, dict) and isinstance(got, dict):
        for k, v in want.items():
            if (d := differs(got.get(k), v, f"{at}.{k}")) is not None:
                return d
        return None
    if isinstance(want, list) and isinstance(got, list) and len(want) == len(got):
        for i, v in enumerate(want):
            if (d := differs(got[i], v, f"{at}[{i}]")) is not None:
                return d
        return None
    return None if got == want else f"{at} is {got!r}, want {want!r}"


def step(s, names):
    if s.get("only", "boto3") != "boto3":
        return
    c, op = CLIENTS[s.get("as", "root")], s.get("do") or s.get("paginate") or s["wait"]
    args = filled(s.get("in", {}), names)
    if op not in WITHOUT_BUCKET:
        args.setdefault("Bucket", names["BUCKET"])
    if "wait" in s:
        c.get_waiter(xform_name(op)).wait(**args)
        return
    if "paginate" in s:
        items, pages = 0, 0
        for page in c.get_paginator(xform_name(op)).paginate(PaginationConfig={"PageSize": s["page"]}, **args):
            items, pages = items + len(page.get(s["items"], [])), pages + 1
        if items != s["count"] or pages < items:
            raise AssertionError(f"{items} items on {pages} pages, want {s['count']}")
        return
    try:
        answer = plain(op, getattr(c, xform_name(op))(**args))
        failed = None
    except ClientError as e:
        answer, failed = {}, e.response["Error"]["Code"]
        if "fails" not in s:
            raise
    if (d := differs(failed, filled(s.get("fails"), names), "the error")) is not None:
        raise AssertionError(d)
    if (d := differs(answer, filled(s.get("out", {}), names))) is not None:
        raise AssertionError(f"{d} in {answer}")
    for name, path in s.get("save", {}).items():
        value = answer
        for part in path.split("."):
            value = value[part]
        names[name] = value


def main():
    failed = False
    with open(sys.argv[1], encoding="utf-8") as f:
        groups = json.load(f)
    for name, group in groups.items():
        names = {"BUCKET": "py-%08x" % random.getrandbits(32), "TARGET": "py-target-%08x" % random.getrandbits(32),
                 "KMSKEY": os.environ["KMSKEY"], "LARGE": "x" * (5 << 20)}
        s = None
        try:
            CLIENTS["root"].create_bucket(Bucket=names["BUCKET"], **group.get("bucket", {}))
            CLIENTS["root"].create_bucket(Bucket=names["TARGET"])
            for s in group["steps"]:
                step(s, names)
            print("PASS", name, flush=True)
        except Exception:  # the report is the point of this program
            failed = True
            print("FAIL", name)
            print(json.dumps(s))
            print(traceback.format_exc().strip()[-2000:])
            print(".", flush=True)
    sys.exit(1 if failed else 0)


main()
