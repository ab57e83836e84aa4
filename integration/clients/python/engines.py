"""Drives the server with what stands under data engines: Arrow's filesystem (AWS's SDK for C++), object_store (Rust) and delta-rs, whose
commits are conditional writes. Each case is reported on a line of its own: PASS name, or FAIL name followed by the traceback and a line
with a single dot."""

import io
import os
import random
import sys
import threading
import traceback
import urllib.request
from datetime import timedelta

import boto3
import obstore
import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.fs as fs
import pyarrow.parquet as pq
from deltalake import DeltaTable, write_deltalake
from obstore.store import S3Store

ENDPOINT = os.environ["AWS_ENDPOINT_URL_S3"]
KEY, SECRET, REGION = os.environ["AWS_ACCESS_KEY_ID"], os.environ["AWS_SECRET_ACCESS_KEY"], os.environ["AWS_REGION"]
BUCKET = "engines-%08x" % random.getrandbits(32)


def want(got, expected):
    if got != expected:
        raise AssertionError("got %.300r, want %.300r" % (got, expected))


def arrow():
    scheme, host = ENDPOINT.split("://")
    f = fs.S3FileSystem(access_key=KEY, secret_key=SECRET, endpoint_override=host, scheme=scheme, region=REGION,
                        allow_bucket_creation=True, allow_bucket_deletion=True)
    root = BUCKET + "/arrow"
    table = pa.table({"n": list(range(1_000_000)), "x": [random.random() for _ in range(1_000_000)]})
    pq.write_table(table, root + "/dir/t.parquet", filesystem=f)  # in parts
    assert pq.read_table(root + "/dir/t.parquet", filesystem=f).equals(table)
    pq.write_to_dataset(pa.table({"k": [1, 2, 2], "v": ["x", "y", "z ü"]}), root + "/set", partition_cols=["k"], filesystem=f)
    want(ds.dataset(root + "/set", filesystem=f, partitioning="hive").to_table().num_rows, 3)
    with f.open_output_stream(root + "/big.bin") as out:
        for i in range(12):
            out.write(bytes([i]) * (1 << 20))
    with f.open_input_file(root + "/big.bin") as src:
        want(src.size(), 12 << 20)
        src.seek((5 << 20) - 1)
        want(src.read(2), b"\x04\x05")
    f.copy_file(root + "/big.bin", root + "/copies/a +é.bin")
    f.move(root + "/copies/a +é.bin", root + "/moved.bin")
    f.open_output_stream(root + "/empty").close()
    want(f.get_file_info(root + "/empty").size, 0)
    want(f.get_file_info(root + "/none").type, fs.FileType.NotFound)
    f.delete_dir_contents(root)
    want(f.get_file_info(fs.FileSelector(root, recursive=True)), [])
    f.create_dir(BUCKET + "-made/x")
    f.delete_dir(BUCKET + "-made")


def object_store():
    options = dict(endpoint=ENDPOINT, access_key_id=KEY, secret_access_key=SECRET, region=REGION, client_options={"allow_http": True})
    s = S3Store(BUCKET, prefix="store", **options)
    first = obstore.put(s, "a b/é+.txt", b"one", mode="create")
    for mode, refusal in (("create", obstore.exceptions.AlreadyExistsError), ({"e_tag": '"other"'}, obstore.exceptions.PreconditionError)):
        try:
            obstore.put(s, "a b/é+.txt", b"two", mode=mode)
            raise AssertionError("overwritten in spite of %s" % mode)
        except refusal:
            pass
    obstore.put(s, "a b/é+.txt", b"three", mode={"e_tag": first["e_tag"]})
    want(bytes(obstore.get(s, "a b/é+.txt").bytes()), b"three")
    data = random.randbytes(13 << 20)
    obstore.put(s, "big", io.BytesIO(data), chunk_size=5 << 20)
    assert bytes(obstore.get(s, "big").bytes()) == data
    want(bytes(obstore.get_range(s, "big", start=5, end=500)), data[5:500])
    obstore.copy(s, "big", "copy")
    obstore.rename(s, "copy", "renamed")
    summed = S3Store(BUCKET, prefix="store", checksum_algorithm="SHA256", **options)
    obstore.put(summed, "sum", b"x" * 1000)
    with urllib.request.urlopen(obstore.sign(s, "GET", "sum", timedelta(seconds=60))) as r:
        want(r.read(), b"x" * 1000)
    names = sorted(o["path"] for page in obstore.list(s) for o in page)
    want(names, ["a b/é+.txt", "big", "renamed", "sum"])
    obstore.delete(s, names)
    want([o for page in obstore.list(s) for o in page], [])


def delta():
    at = "s3://%s/delta" % BUCKET
    options = {"AWS_ENDPOINT_URL": ENDPOINT, "AWS_ACCESS_KEY_ID": KEY, "AWS_SECRET_ACCESS_KEY": SECRET, "AWS_REGION": REGION,
               "AWS_ALLOW_HTTP": "true", "aws_conditional_put": "etag"}
    for i in range(3):
        write_deltalake(at, pa.table({"n": [i] * 100, "p": [i % 2] * 100}), mode="append", storage_options=options, partition_by=["p"])
    table = DeltaTable(at, storage_options=options)
    want(table.version(), 2)
    table.optimize.compact()
    table.vacuum(retention_hours=0, enforce_retention_duration=False, dry_run=False)
    # Writers at the same time: each commit is the first of its number, or is made again.
    failed = []

    def append(i):
        try:
            write_deltalake(at, pa.table({"n": [i], "p": [0]}), mode="append", storage_options=options)
        except Exception as e:
            failed.append(e)

    writers = [threading.Thread(target=append, args=(i,)) for i in range(4)]
    for w in writers:
        w.start()
    for w in writers:
        w.join()
    want(failed, [])
    want(DeltaTable(at, storage_options=options).to_pyarrow_table().num_rows, 304)


def main():
    boto3.client("s3").create_bucket(Bucket=BUCKET)
    failed = False
    for case in (arrow, object_store, delta):
        try:
            case()
            print("PASS", case.__name__, flush=True)
        except Exception:  # the report is the point of this program
            failed = True
            print("FAIL", case.__name__)
            print(traceback.format_exc().strip())
            print(".", flush=True)
    # Every case has been judged and reported. Arrow's threads sometimes abort an interpreter that winds down:
    # https://github.com/apache/arrow/issues/34314
    sys.stdout.flush()
    os._exit(1 if failed else 0)


main()
