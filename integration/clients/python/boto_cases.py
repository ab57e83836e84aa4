"""Drives the server with boto3 and reports each case on a line of its own: PASS name, or FAIL name followed by the
traceback and a line with a single dot. Settings come from the environment that boto3 itself reads."""

import base64
import hashlib
import io
import os
import random
import sys
import threading
import traceback
import urllib.request

import boto3
from boto3.s3.transfer import TransferConfig
from botocore.config import Config
from botocore.exceptions import ClientError
from botocore.httpsession import URLLib3Session
from botocore.awsrequest import AWSPreparedRequest

ENDPOINT = os.environ["AWS_ENDPOINT_URL_S3"]
TLS = ENDPOINT.startswith("https://")
CA = os.environ.get("AWS_CA_BUNDLE") or True
CASES = []


def case(f):
    CASES.append(f)
    return f


def client(**config):
    config.setdefault("s3", {"addressing_style": "path"})
    config.setdefault("retries", {"max_attempts": 1})
    return boto3.client("s3", config=Config(**config))


S3 = client()
BUCKET = "boto3-%08x" % random.getrandbits(32)


def body(n, seed=1):
    return random.Random(seed).randbytes(n)


def fetch(method, url, data=None, headers=None):
    """An HTTP request without any SDK on top."""
    session = URLLib3Session(verify=CA)
    r = session.send(AWSPreparedRequest(method, url, headers or {}, data, False))
    return r.status_code, r.content, r.headers


def code(f, *args, **kwargs):
    try:
        f(*args, **kwargs)
    except ClientError as e:
        return e.response["Error"]["Code"]
    return "no error"


def want(got, expected, what=""):
    if got != expected:
        raise AssertionError("%s: got %.200r, want %.200r" % (what, got, expected))


def read(key, **kw):
    return S3.get_object(Bucket=BUCKET, Key=key, **kw)["Body"].read()


class Unseekable(io.RawIOBase):
    """A stream like a pipe: it can only be read."""

    def __init__(self, data):
        self.inner = io.BytesIO(data)

    def readable(self):
        return True

    def readinto(self, b):
        return self.inner.readinto(b)


@case
def buckets():
    S3.create_bucket(Bucket=BUCKET)
    assert any(b["Name"] == BUCKET for b in S3.list_buckets()["Buckets"])
    want(S3.get_bucket_location(Bucket=BUCKET)["LocationConstraint"], None)
    S3.get_waiter("bucket_exists").wait(Bucket=BUCKET)
    want(code(S3.head_bucket, Bucket=BUCKET + "-none"), "404")
    want(code(S3.list_objects_v2, Bucket=BUCKET + "-none"), "NoSuchBucket")


@case
def put_get_sizes():
    for n in (0, 1, 4096, 16384, 16385, 1 << 20, 9 << 20):
        data = body(n)
        r = S3.put_object(Bucket=BUCKET, Key="size/%d" % n, Body=data)
        want(r["ETag"], '"%s"' % hashlib.md5(data).hexdigest(), "ETag of %d bytes" % n)
        want(read("size/%d" % n), data, "%d bytes" % n)
        want(S3.head_object(Bucket=BUCKET, Key="size/%d" % n)["ContentLength"], n)


@case
def odd_keys():
    keys = ["a", "a/b", "a/", "//x", "a//b", ".", "..", "a/../b", "./y", " lead", "trail ", "plus+", "per%cent", "%2F",
            "q?x=1&y", "ha#sh", "semi;", "comma,", "quo\"te'", "back\\slash", "ünï", "日本語", "emoji😀", "tab\t", "new\nline",
            "k" * 1024]
    for i, key in enumerate(keys):
        S3.put_object(Bucket=BUCKET, Key="odd/"[:0] + key, Body=b"%d" % i)
    for i, key in enumerate(keys):
        want(read(key), b"%d" % i, repr(key))
    listed = []
    for page in S3.get_paginator("list_objects_v2").paginate(Bucket=BUCKET, PaginationConfig={"PageSize": 5}):
        listed += [o["Key"] for o in page.get("Contents", [])]
    for key in keys:
        assert key in listed, repr(key)
    want(listed, sorted(listed, key=lambda k: k.encode()), "order")
    for key in keys:
        S3.delete_object(Bucket=BUCKET, Key=key)
        want(code(S3.head_object, Bucket=BUCKET, Key=key), "404", repr(key))


@case
def metadata():
    S3.put_object(Bucket=BUCKET, Key="meta", Body=b"x", Metadata={"Upper": "Value", "a-b": "c  d"}, ContentType="text/html",
                  CacheControl="no-cache", Tagging="k=v")
    h = S3.head_object(Bucket=BUCKET, Key="meta")
    want(h["ContentType"], "text/html")
    want({k.lower(): v for k, v in h["Metadata"].items()}.get("upper"), "Value")
    want(h["CacheControl"], "no-cache")
    want(S3.get_object_tagging(Bucket=BUCKET, Key="meta")["TagSet"], [{"Key": "k", "Value": "v"}])


@case
def streams():
    data = body(300_000)
    # boto3 accepts what it cannot rewind only by the transfer manager or over TLS, where the checksum trails.
    S3.upload_fileobj(Unseekable(data), BUCKET, "stream")
    want(read("stream"), data)
    r = S3.get_object(Bucket=BUCKET, Key="stream")["Body"]
    want(b"".join(r.iter_chunks(1000)), data, "iter_chunks")


@case
def transfer_manager():
    config = TransferConfig(multipart_threshold=5 << 20, multipart_chunksize=5 << 20, max_concurrency=4)
    for n in (0, 100, (5 << 20) + 1, (17 << 20) + 3):
        data = body(n, n)
        S3.upload_fileobj(io.BytesIO(data), BUCKET, "tm/%d" % n, Config=config, ExtraArgs={"ContentType": "x/y"})
        out = io.BytesIO()
        S3.download_fileobj(BUCKET, "tm/%d" % n, out, Config=config)
        want(out.getvalue(), data, "%d bytes" % n)
        S3.upload_fileobj(Unseekable(data), BUCKET, "tms/%d" % n, Config=config)
        want(read("tms/%d" % n), data, "%d unseekable bytes" % n)
    S3.copy({"Bucket": BUCKET, "Key": "tm/%d" % ((17 << 20) + 3)}, BUCKET, "tm/copy", Config=config)
    want(read("tm/copy"), body((17 << 20) + 3, (17 << 20) + 3), "multipart copy")


@case
def checksums():
    data = body(100_000)
    for alg in ("CRC32", "SHA1", "SHA256"):
        S3.put_object(Bucket=BUCKET, Key="sum/" + alg, Body=data, ChecksumAlgorithm=alg)
        h = S3.head_object(Bucket=BUCKET, Key="sum/" + alg, ChecksumMode="ENABLED")
        assert h.get("Checksum" + alg), h
        want(h["ChecksumType"], "FULL_OBJECT")
        want(read("sum/" + alg, ChecksumMode="ENABLED"), data)
    sha = base64.b64encode(hashlib.sha256(data).digest()).decode()
    want(S3.head_object(Bucket=BUCKET, Key="sum/SHA256", ChecksumMode="ENABLED")["ChecksumSHA256"], sha)
    assert "ChecksumSHA256" not in S3.head_object(Bucket=BUCKET, Key="sum/SHA256")
    wrong = base64.b64encode(hashlib.sha256(b"other").digest()).decode()
    want(code(S3.put_object, Bucket=BUCKET, Key="sum/wrong", Body=data, ChecksumSHA256=wrong), "BadDigest")
    want(code(S3.head_object, Bucket=BUCKET, Key="sum/wrong"), "404")


@case
def checksums_when_required():
    c = client(request_checksum_calculation="when_required", response_checksum_validation="when_required")
    data = body(50_000)
    c.put_object(Bucket=BUCKET, Key="required", Body=data)
    want(c.get_object(Bucket=BUCKET, Key="required")["Body"].read(), data)
    md5 = base64.b64encode(hashlib.md5(data).digest()).decode()
    c.put_object(Bucket=BUCKET, Key="md5", Body=data, ContentMD5=md5)
    want(code(c.put_object, Bucket=BUCKET, Key="md5-bad", Body=b"x", ContentMD5=md5), "BadDigest")
    want(code(c.head_object, Bucket=BUCKET, Key="md5-bad"), "404")


@case
def payload_signing():
    for signed in (True, False):
        c = client(s3={"addressing_style": "path", "payload_signing_enabled": signed})
        c.put_object(Bucket=BUCKET, Key="signed", Body=b"payload %d" % signed)
        want(read("signed"), b"payload %d" % signed)


@case
def multipart_with_and_without_checksum():
    p1, p2 = body(5 << 20, 1), body(123, 2)
    for extra in ({}, {"ChecksumAlgorithm": "CRC32"}, {"ChecksumAlgorithm": "SHA256"}, {"ChecksumAlgorithm": "CRC32", "ChecksumType": "FULL_OBJECT"}):
        key = "mp/" + "-".join(extra.values())
        up = S3.create_multipart_upload(Bucket=BUCKET, Key=key, **extra)["UploadId"]
        part_extra = {k: v for k, v in extra.items() if k == "ChecksumAlgorithm"}
        parts = []
        for i, p in enumerate((p1, p2)):
            r = S3.upload_part(Bucket=BUCKET, Key=key, UploadId=up, PartNumber=i + 1, Body=p, **part_extra)
            parts.append({"PartNumber": i + 1, "ETag": r["ETag"], **{k: v for k, v in r.items() if k.startswith("Checksum") and extra and k != "ChecksumType"}})
        want([p["Size"] for p in S3.list_parts(Bucket=BUCKET, Key=key, UploadId=up)["Parts"]], [len(p1), len(p2)])
        # boto sends no checksum header and no type on Complete, even when the upload was made with one.
        S3.complete_multipart_upload(Bucket=BUCKET, Key=key, UploadId=up, MultipartUpload={"Parts": parts})
        want(read(key), p1 + p2, key)
    want(S3.list_multipart_uploads(Bucket=BUCKET).get("Uploads", []), [])


@case
def presigned():
    key = "pre signed/ü+k"
    for version in (None, "s3", "s3v4"):  # None: boto3's own default, which is SigV2 at a custom endpoint
        c = client(signature_version=version) if version else client()
        data = body(2000)
        status, out, _ = fetch("PUT", c.generate_presigned_url("put_object", {"Bucket": BUCKET, "Key": key}, 300), data)
        want(status, 200, "PUT with %s: %r" % (version, out))
        url = c.generate_presigned_url("get_object", {"Bucket": BUCKET, "Key": key, "ResponseContentType": "a/b"}, 300)
        if version == "s3":
            assert "AWSAccessKeyId=" in url, url
        status, out, headers = fetch("GET", url)
        want((status, out), (200, data), "GET with %s" % version)
        want(headers["Content-Type"], "a/b")
        status, out, _ = fetch("GET", url[:-3] + ("aaa" if url[-3:] != "aaa" else "bbb"))
        want(status, 403, "tampered")
        status, out, _ = fetch("GET", c.generate_presigned_url("list_objects_v2", {"Bucket": BUCKET, "Prefix": "pre s"}, 300))
        want(status, 200, "list with %s: %r" % (version, out))
        assert b"<Name>" + BUCKET.encode() in out
        status, out, _ = fetch("DELETE", c.generate_presigned_url("delete_object", {"Bucket": BUCKET, "Key": key}, 300))
        want(status, 204, "DELETE with %s: %r" % (version, out))


def form(fields, data, filename="file.bin"):
    boundary = "boundary%x" % random.getrandbits(64)
    out = b""
    for name, value in fields.items():
        out += ('--%s\r\nContent-Disposition: form-data; name="%s"\r\n\r\n%s\r\n' % (boundary, name, value)).encode()
    out += ('--%s\r\nContent-Disposition: form-data; name="file"; filename="%s"\r\nContent-Type: text/plain\r\n\r\n' % (boundary, filename)).encode()
    out += data + ("\r\n--%s--\r\n" % boundary).encode()
    return out, {"Content-Type": "multipart/form-data; boundary=" + boundary}


@case
def post_form():
    data = body(70_000)
    for version in ("s3v4", "s3"):
        c = client(signature_version=version)
        post = c.generate_presigned_post(BUCKET, "forms/${filename}", Fields={"success_action_status": "201", "x-amz-meta-color": "blue"},
                                         Conditions=[["starts-with", "$key", "forms/"], {"success_action_status": "201"}, {"x-amz-meta-color": "blue"},
                                                     ["content-length-range", 1, 100_000]], ExpiresIn=300)
        payload, headers = form(post["fields"], data, "up load.txt")
        status, out, _ = fetch("POST", post["url"], payload, headers)
        want(status, 201, "form with %s: %r" % (version, out))
        assert b"<PostResponse" in out or b"<PostResponse>" in out, out
        want(read("forms/up load.txt"), data)
        want(S3.head_object(Bucket=BUCKET, Key="forms/up load.txt")["Metadata"].get("color"), "blue")
        S3.delete_object(Bucket=BUCKET, Key="forms/up load.txt")

        payload, headers = form(post["fields"], body(100_001))
        status, out, _ = fetch("POST", post["url"], payload, headers)
        want(status, 400, "too large: %r" % out)
        assert b"EntityTooLarge" in out, out
        bad = dict(post["fields"], **{"x-amz-meta-color": "red"})
        payload, headers = form(bad, data)
        status, out, _ = fetch("POST", post["url"], payload, headers)
        want(status, 403, "condition broken: %r" % out)
        name = "x-amz-signature" if version == "s3v4" else "signature"
        bad = dict(post["fields"], **{name: "0" * 64})
        payload, headers = form(bad, data)
        status, out, _ = fetch("POST", post["url"], payload, headers)
        want(status, 403, "bad signature: %r" % out)
        want(S3.list_objects_v2(Bucket=BUCKET, Prefix="forms/").get("KeyCount"), 0, "stored by refused forms")


@case
def sigv2_requests():
    c = client(signature_version="s3")
    c.put_object(Bucket=BUCKET, Key="v2/ü k", Body=b"v2", Metadata={"a": "b"})
    want(c.get_object(Bucket=BUCKET, Key="v2/ü k")["Body"].read(), b"v2")
    want([o["Key"] for o in c.list_objects_v2(Bucket=BUCKET, Prefix="v2/")["Contents"]], ["v2/ü k"])
    c.delete_objects(Bucket=BUCKET, Delete={"Objects": [{"Key": "v2/ü k"}]})
    bad = boto3.client("s3", aws_access_key_id=os.environ["AWS_ACCESS_KEY_ID"], aws_secret_access_key="wrong",
                        config=Config(signature_version="s3", s3={"addressing_style": "path"}))
    want(code(bad.list_objects_v2, Bucket=BUCKET), "SignatureDoesNotMatch")


@case
def listings():
    for i in range(30):
        S3.put_object(Bucket=BUCKET, Key="ls/%d/%02d x+y" % (i % 3, i), Body=b"")
    for op in ("list_objects", "list_objects_v2"):
        found, prefixes = [], []
        for page in S3.get_paginator(op).paginate(Bucket=BUCKET, Prefix="ls/", Delimiter="/", PaginationConfig={"PageSize": 2}):
            prefixes += [p["Prefix"] for p in page.get("CommonPrefixes", [])]
        want(prefixes, ["ls/0/", "ls/1/", "ls/2/"], op)
        for page in S3.get_paginator(op).paginate(Bucket=BUCKET, Prefix="ls/", PaginationConfig={"PageSize": 7}):
            found += [o["Key"] for o in page.get("Contents", [])]
        want(len(found), 30, op)
        want(found, sorted(found), op)


@case
def delete_objects():
    keys = ["del/%d <>&\u00fc" % i for i in range(20)]
    for k in keys:
        S3.put_object(Bucket=BUCKET, Key=k, Body=b"x")
    r = S3.delete_objects(Bucket=BUCKET, Delete={"Objects": [{"Key": k} for k in keys + ["del/none"]]})
    want(sorted(d["Key"] for d in r["Deleted"]), sorted(keys + ["del/none"]))
    want(S3.list_objects_v2(Bucket=BUCKET, Prefix="del/")["KeyCount"], 0)


@case
def conditions():
    r = S3.put_object(Bucket=BUCKET, Key="cond", Body=b"1", IfNoneMatch="*")
    want(code(S3.put_object, Bucket=BUCKET, Key="cond", Body=b"2", IfNoneMatch="*"), "PreconditionFailed")
    want(code(S3.put_object, Bucket=BUCKET, Key="cond", Body=b"2", IfMatch='"0"'), "PreconditionFailed")
    want(code(S3.put_object, Bucket=BUCKET, Key="cond-none", Body=b"2", IfMatch='"0"'), "NoSuchKey")
    S3.put_object(Bucket=BUCKET, Key="cond", Body=b"3", IfMatch=r["ETag"])
    want(read("cond"), b"3")
    want(code(S3.get_object, Bucket=BUCKET, Key="cond", IfNoneMatch=S3.head_object(Bucket=BUCKET, Key="cond")["ETag"]), "304")


@case
def resource_api():
    bucket = boto3.resource("s3", config=Config(s3={"addressing_style": "path"})).Bucket(BUCKET)
    obj = bucket.Object("resource/x")
    obj.put(Body=b"resource")
    want(obj.get()["Body"].read(), b"resource")
    want([o.key for o in bucket.objects.filter(Prefix="resource/")], ["resource/x"])
    bucket.objects.filter(Prefix="resource/").delete()
    want([o.key for o in bucket.objects.filter(Prefix="resource/")], [])


@case
def threads():
    errors = []

    def work(n):
        try:
            for i in range(20):
                data = body(1000 * (i + 1), n * 100 + i)
                S3.put_object(Bucket=BUCKET, Key="thread/%d/%d" % (n, i), Body=data, Metadata={"n": str(n), "i": str(i)})
                r = S3.get_object(Bucket=BUCKET, Key="thread/%d/%d" % (n, i))
                want(r["Body"].read(), data)
                want(r["Metadata"], {"n": str(n), "i": str(i)})
        except Exception:  # reported by the case
            errors.append(traceback.format_exc())

    pool = [threading.Thread(target=work, args=(n,)) for n in range(8)]
    for t in pool:
        t.start()
    for t in pool:
        t.join()
    assert not errors, errors[0]


@case
def encryption():
    key = body(32, 9)
    args = {"SSECustomerAlgorithm": "AES256", "SSECustomerKey": key}  # boto3 adds the MD5 and the base64
    data = body(200_000)
    S3.put_object(Bucket=BUCKET, Key="sse-c", Body=data, **args)
    want(S3.get_object(Bucket=BUCKET, Key="sse-c", **args)["Body"].read(), data)
    want(S3.get_object(Bucket=BUCKET, Key="sse-c", Range="bytes=65000-66000", **args)["Body"].read(), data[65000:66001])
    want(code(S3.get_object, Bucket=BUCKET, Key="sse-c"), "InvalidRequest")
    want(code(S3.get_object, Bucket=BUCKET, Key="sse-c", SSECustomerAlgorithm="AES256", SSECustomerKey=body(32, 10)), "AccessDenied")
    r = S3.put_object(Bucket=BUCKET, Key="sse-kms", Body=data, ServerSideEncryption="aws:kms", BucketKeyEnabled=True)
    want(r["ServerSideEncryption"], "aws:kms")
    assert r["SSEKMSKeyId"].startswith("arn:aws:kms:"), r
    want(S3.get_object(Bucket=BUCKET, Key="sse-kms")["Body"].read(), data)
    S3.upload_fileobj(io.BytesIO(body(6_000_000)), BUCKET, "sse-parts", ExtraArgs=args,
                      Config=TransferConfig(multipart_threshold=5 << 20, multipart_chunksize=5 << 20))
    out = io.BytesIO()
    S3.download_fileobj(BUCKET, "sse-parts", out, ExtraArgs=args)
    want(out.getvalue(), body(6_000_000))


@case
def select():
    S3.put_object(Bucket=BUCKET, Key="people.csv", Body=b"name,age\nann,31\nbob,5\n")
    r = S3.select_object_content(Bucket=BUCKET, Key="people.csv", ExpressionType="SQL",
                                 Expression="select s.name from S3Object s where cast(s.age as int) > 18",
                                 InputSerialization={"CSV": {"FileHeaderInfo": "USE", "RecordDelimiter": "\n"}},
                                 OutputSerialization={"JSON": {"RecordDelimiter": "\n"}})
    events = list(r["Payload"])
    want(b"".join(e["Records"]["Payload"] for e in events if "Records" in e), b'{"name":"ann"}\n')
    want([next(iter(e)) for e in events], ["Records", "Stats", "End"])
    want(code(S3.select_object_content, Bucket=BUCKET, Key="people.csv", Expression="select 1", ExpressionType="SQL",
              InputSerialization={"CSV": {}}, OutputSerialization={"CSV": {}}), "ParseSelectMissingFrom")


@case
def not_implemented():
    # An operation that is not there says so in S3's words instead of doing something else.
    want(code(S3.select_object_content, Bucket=BUCKET, Key="cond", Expression="select * from S3Object", ExpressionType="SQL",
              InputSerialization={"Parquet": {}}, OutputSerialization={"CSV": {}}), "NotImplemented")


def main():
    failed = False
    for f in CASES:
        try:
            f()
            print("PASS", f.__name__, flush=True)
        except Exception:  # the report is the point of this program
            failed = True
            print("FAIL", f.__name__)
            print(traceback.format_exc().strip())
            print(".", flush=True)
    sys.exit(1 if failed else 0)


main()
