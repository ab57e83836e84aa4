// Drives the server with the AWS SDK for JavaScript v3 and reports each case on a line of its own: PASS name, or FAIL
// name followed by the stack and a line with a single dot. The SDK comes from the folder named by SDK_DIR.

import { createHash, randomBytes } from "node:crypto";
import { createRequire } from "node:module";
import { Readable } from "node:stream";
import https from "node:https";
import http from "node:http";
import assert from "node:assert/strict";

const require = createRequire(process.env.SDK_DIR + "/");
const s3sdk = require("@aws-sdk/client-s3");
const { Upload } = require("@aws-sdk/lib-storage");
const { getSignedUrl } = require("@aws-sdk/s3-request-presigner");
const { createPresignedPost } = require("@aws-sdk/s3-presigned-post");
const {
  S3Client, CreateBucketCommand, HeadBucketCommand, ListBucketsCommand, PutObjectCommand, GetObjectCommand, HeadObjectCommand,
  DeleteObjectCommand, DeleteObjectsCommand, CopyObjectCommand, ListObjectsV2Command, paginateListObjectsV2, waitUntilObjectExists,
  CreateMultipartUploadCommand, UploadPartCommand, CompleteMultipartUploadCommand, GetObjectAttributesCommand,
  PutObjectTaggingCommand, GetObjectTaggingCommand,
} = s3sdk;

const endpoint = process.env.AWS_ENDPOINT_URL_S3;
const client = (extra = {}) => new S3Client({ endpoint, forcePathStyle: true, maxAttempts: 1, ...extra });
const s3 = client();
const Bucket = "js-" + randomBytes(4).toString("hex");
const send = (c) => s3.send(c);
const bytes = async (out) => Buffer.from(await out.Body.transformToByteArray());
const read = async (Key, more = {}) => bytes(await send(new GetObjectCommand({ Bucket, Key, ...more })));

// chunksOf streams data in pieces of the given size: the SDK sends one aws-chunk for each.
const chunksOf = (data, size) => Readable.from((function* () {
  for (let i = 0; i < data.length; i += size) yield data.subarray(i, i + size);
})(), { objectMode: false });

async function code(promise) {
  try {
    await promise;
  } catch (e) {
    return e.name;
  }
  return "no error";
}

function fetchRaw(method, url, body, headers = {}) {
  return new Promise((resolve, reject) => {
    const lib = url.startsWith("https:") ? https : http;
    const req = lib.request(url, { method, headers }, (res) => {
      const parts = [];
      res.on("data", (d) => parts.push(d));
      res.on("end", () => resolve({ status: res.statusCode, body: Buffer.concat(parts), headers: res.headers }));
    });
    req.on("error", reject);
    req.end(body);
  });
}

const cases = {
  async buckets() {
    await send(new CreateBucketCommand({ Bucket }));
    await send(new HeadBucketCommand({ Bucket }));
    assert.ok((await send(new ListBucketsCommand({}))).Buckets.some((b) => b.Name === Bucket));
    assert.equal(await code(send(new CreateBucketCommand({ Bucket: "UPPER" }))), "InvalidBucketName");
  },

  async put_buffers() {
    for (const n of [0, 1, 4096, 16384, 70000, 9 << 20]) {
      const data = randomBytes(n);
      const out = await send(new PutObjectCommand({ Bucket, Key: `buf/${n}`, Body: data }));
      assert.equal(out.ETag, `"${createHash("md5").update(data).digest("hex")}"`);
      assert.deepEqual(await read(`buf/${n}`), data);
    }
    await send(new PutObjectCommand({ Bucket, Key: "string", Body: "täxt", ContentType: "text/plain" }));
    assert.equal((await read("string")).toString(), "täxt");
  },

  async put_streams() {
    // A stream of known length goes out as aws-chunked with a trailing checksum, on plain HTTP as well.
    for (const [n, size] of [[1, 1], [10, 3], [70000, 1000], [300000, 64 << 10], [3 << 20, 100001]]) {
      const data = randomBytes(n);
      await send(new PutObjectCommand({ Bucket, Key: `stream/${n}`, Body: chunksOf(data, size), ContentLength: n }));
      assert.deepEqual(await read(`stream/${n}`), data, `stream of ${n} by ${size}`);
      const head = await send(new HeadObjectCommand({ Bucket, Key: `stream/${n}`, ChecksumMode: "ENABLED" }));
      assert.equal(head.ContentLength, n);
      assert.ok(head.ChecksumCRC32, "no CRC32 was stored");
      assert.ok(!head.ContentEncoding, "aws-chunked was stored as the content's encoding: " + head.ContentEncoding);
    }
  },

  async stream_with_content_encoding() {
    const data = randomBytes(5000);
    await send(new PutObjectCommand({ Bucket, Key: "gz", Body: chunksOf(data, 999), ContentLength: 5000, ContentEncoding: "gzip" }));
    assert.equal((await send(new HeadObjectCommand({ Bucket, Key: "gz" }))).ContentEncoding, "gzip");
    assert.deepEqual(await read("gz"), data);
  },

  async upload_helper() {
    for (const n of [0, 1000, 5 << 20, (12 << 20) + 17]) {
      const data = randomBytes(n);
      const out = await new Upload({ client: s3, params: { Bucket, Key: `upload/${n}`, Body: chunksOf(data, 250000), ContentType: "a/b" } }).done();
      assert.ok(out.ETag);
      assert.deepEqual(await read(`upload/${n}`), data, `upload of ${n}`);
    }
  },

  async checksums() {
    const data = randomBytes(20000);
    for (const alg of ["CRC32", "CRC32C", "CRC64NVME", "SHA1", "SHA256"]) {
      if (alg === "CRC64NVME") continue; // needs the CRT, which is a binary of its own
      for (const Body of [data, chunksOf(data, 777)]) {
        await send(new PutObjectCommand({ Bucket, Key: "sum/" + alg, Body, ContentLength: data.length, ChecksumAlgorithm: alg }));
        const head = await send(new HeadObjectCommand({ Bucket, Key: "sum/" + alg, ChecksumMode: "ENABLED" }));
        assert.ok(head["Checksum" + alg], alg + " is not returned");
        assert.deepEqual(await read("sum/" + alg, { ChecksumMode: "ENABLED" }), data);
      }
    }
    const wrong = createHash("sha256").update("other").digest("base64");
    assert.equal(await code(send(new PutObjectCommand({ Bucket, Key: "sum/bad", Body: data, ChecksumSHA256: wrong }))), "BadDigest");
    assert.equal(await code(send(new HeadObjectCommand({ Bucket, Key: "sum/bad" }))), "NotFound");
  },

  async multipart_by_hand() {
    const Key = "by hand/ü";
    const p1 = randomBytes(5 << 20), p2 = randomBytes(1000);
    const { UploadId } = await send(new CreateMultipartUploadCommand({ Bucket, Key, ChecksumAlgorithm: "SHA256" }));
    const Parts = [];
    for (const [i, Body] of [p1, p2].entries()) {
      const r = await send(new UploadPartCommand({ Bucket, Key, UploadId, PartNumber: i + 1, Body, ChecksumAlgorithm: "SHA256" }));
      Parts.push({ PartNumber: i + 1, ETag: r.ETag.replaceAll('"', ""), ChecksumSHA256: r.ChecksumSHA256 });
    }
    await send(new CompleteMultipartUploadCommand({ Bucket, Key, UploadId, MultipartUpload: { Parts } }));
    assert.deepEqual(await read(Key), Buffer.concat([p1, p2]));
    const attrs = await send(new GetObjectAttributesCommand({ Bucket, Key, ObjectAttributes: ["ETag", "ObjectParts", "ObjectSize", "Checksum"] }));
    assert.equal(attrs.ObjectSize, p1.length + p2.length);
    assert.equal(attrs.ObjectParts.TotalPartsCount, 2);
    assert.equal(attrs.Checksum.ChecksumType, "COMPOSITE");
  },

  async ranges_and_conditions() {
    const data = randomBytes(100000);
    const { ETag } = await send(new PutObjectCommand({ Bucket, Key: "r", Body: data }));
    assert.deepEqual(await read("r", { Range: "bytes=65530-65545" }), data.subarray(65530, 65546));
    assert.deepEqual(await read("r", { Range: "bytes=-10" }), data.subarray(-10));
    assert.equal(await code(read("r", { Range: "bytes=100000-" })), "InvalidRange");
    assert.equal(await code(send(new PutObjectCommand({ Bucket, Key: "r", Body: "x", IfNoneMatch: "*" }))), "PreconditionFailed");
    await send(new PutObjectCommand({ Bucket, Key: "r", Body: "y", IfMatch: ETag }));
    assert.equal(await code(send(new DeleteObjectCommand({ Bucket, Key: "r", IfMatch: ETag }))), "PreconditionFailed");
  },

  async listing_and_deleting() {
    const keys = [];
    for (let i = 0; i < 25; i++) keys.push(`ls/${i % 2}/k ${i}+é`);
    await Promise.all(keys.map((Key) => send(new PutObjectCommand({ Bucket, Key, Body: Key }))));
    const found = [];
    for await (const page of paginateListObjectsV2({ client: s3, pageSize: 4 }, { Bucket, Prefix: "ls/" })) found.push(...(page.Contents ?? []).map((o) => o.Key));
    assert.deepEqual(found.sort(), keys.sort());
    const dirs = await send(new ListObjectsV2Command({ Bucket, Prefix: "ls/", Delimiter: "/" }));
    assert.deepEqual(dirs.CommonPrefixes.map((p) => p.Prefix), ["ls/0/", "ls/1/"]);
    const out = await send(new DeleteObjectsCommand({ Bucket, Delete: { Objects: keys.map((Key) => ({ Key })) } }));
    assert.equal(out.Deleted.length, keys.length);
    assert.equal((await send(new ListObjectsV2Command({ Bucket, Prefix: "ls/" }))).KeyCount, 0);
  },

  async odd_keys_and_metadata() {
    for (const Key of ["//x", "a/../b", ".", "..", "./c", "sp ace", "plus+", "%2F", "q?a=b&c", "#hash", "日本/語", "😀", "trail/", "semi;colon", "'quote'", "(paren)*!"]) {
      await send(new PutObjectCommand({ Bucket, Key, Body: Key, Metadata: { name: "v 1" } }));
      const out = await send(new GetObjectCommand({ Bucket, Key }));
      assert.equal((await bytes(out)).toString(), Key);
      assert.deepEqual(out.Metadata, { name: "v 1" });
      await send(new CopyObjectCommand({ Bucket, Key: "copy of", CopySource: `${Bucket}/${encodeURIComponent(Key)}` }));
      assert.equal((await read("copy of")).toString(), Key);
      await send(new DeleteObjectCommand({ Bucket, Key }));
    }
    await waitUntilObjectExists({ client: s3, maxWaitTime: 10 }, { Bucket, Key: "copy of" });
    await send(new PutObjectTaggingCommand({ Bucket, Key: "copy of", Tagging: { TagSet: [{ Key: "a", Value: "b c" }] } }));
    assert.deepEqual((await send(new GetObjectTaggingCommand({ Bucket, Key: "copy of" }))).TagSet, [{ Key: "a", Value: "b c" }]);
  },

  async presigned() {
    const Key = "pre/sig ned+ü", data = randomBytes(5000);
    // What the SDK presigns by default carries the checksum of an empty body in the query. S3 refuses a body that
    // does not match it, and so must we; without the default the upload goes through.
    const strict = await getSignedUrl(s3, new PutObjectCommand({ Bucket, Key }), { expiresIn: 60 });
    if (strict.includes("x-amz-checksum-crc32")) {
      const r = await fetchRaw("PUT", strict, data);
      assert.equal(r.status, 400, r.body.toString());
    }
    const plain = client({ requestChecksumCalculation: "WHEN_REQUIRED" });
    const put = await fetchRaw("PUT", await getSignedUrl(plain, new PutObjectCommand({ Bucket, Key }), { expiresIn: 60 }), data);
    assert.equal(put.status, 200, put.body.toString());
    const get = await fetchRaw("GET", await getSignedUrl(s3, new GetObjectCommand({ Bucket, Key, ResponseContentType: "x/y" }), { expiresIn: 60 }));
    assert.equal(get.status, 200, get.body.toString());
    assert.deepEqual(get.body, data);
    assert.equal(get.headers["content-type"], "x/y");
  },

  async presigned_post() {
    const { url, fields } = await createPresignedPost(s3, { Bucket, Key: "post/${filename}", Conditions: [["content-length-range", 0, 1000], ["starts-with", "$key", "post/"]], Expires: 60 });
    const form = new FormData();
    for (const [k, v] of Object.entries(fields)) form.append(k, v);
    form.append("file", new Blob(["posted"]), "name.txt");
    const encoded = new Response(form);
    const body = Buffer.from(await encoded.arrayBuffer());
    const r = await fetchRaw("POST", url, body, { "content-type": encoded.headers.get("content-type"), "content-length": body.length });
    assert.equal(r.status, 204, r.body.toString());
    assert.equal((await read("post/name.txt")).toString(), "posted");
  },
};

let failed = false;
for (const [name, run] of Object.entries(cases)) {
  try {
    await run();
    console.log("PASS", name);
  } catch (e) {
    failed = true;
    console.log("FAIL", name);
    console.log(e.stack ?? e);
    if (e.$response?.body) console.log(String(e.$response.statusCode));
    console.log(".");
  }
}
process.exit(failed ? 1 : 0);
