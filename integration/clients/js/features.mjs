// Goes through features.json with the AWS SDK for JavaScript v3: each group is a case of its own, in a bucket of its own, and reported
// on a line: PASS name, or FAIL name followed by the reason and a line with a single dot.

import { randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";

const require = createRequire(process.env.SDK_DIR + "/");
const sdk = require("@aws-sdk/client-s3");

const client = (accessKeyId, secretAccessKey) => new sdk.S3Client({
  endpoint: process.env.AWS_ENDPOINT_URL_S3, forcePathStyle: true, maxAttempts: 1, credentials: { accessKeyId, secretAccessKey },
});
const clients = {
  root: client(process.env.AWS_ACCESS_KEY_ID, process.env.AWS_SECRET_ACCESS_KEY),
  stranger: client(process.env.STRANGER_KEY, process.env.STRANGER_SECRET),
};
const withoutBucket = ["ListBuckets"];
const date = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.000Z$/;

// filled is the value with $names replaced. The SDK wants dates as such.
function filled(value, names, dates = false) {
  if (typeof value === "string") {
    const text = value.replace(/\$(\w+)/g, (_, name) => names[name]);
    return dates && date.test(text) ? new Date(text) : text;
  }
  if (Array.isArray(value)) return value.map((v) => filled(v, names, dates));
  if (value && typeof value === "object") return Object.fromEntries(Object.entries(value).map(([k, v]) => [k, filled(v, names, dates)]));
  return value;
}

// plain is the answer with what SDKs show in their own ways made text.
async function plain(answer) {
  if (answer instanceof Date) return answer.toISOString();
  if (Array.isArray(answer)) return Promise.all(answer.map(plain));
  if (!answer || typeof answer !== "object") return answer;
  const out = {};
  for (const [k, v] of Object.entries(answer)) {
    if (k === "Body") {
      out[k] = await v.transformToString();
    } else if (k === "Payload") {
      const events = [];
      for await (const e of v) events.push(e);
      out[k] = {
        Records: Buffer.concat(events.filter((e) => e.Records).map((e) => Buffer.from(e.Records.Payload))).toString(),
        Events: events.map((e) => Object.keys(e)[0]),
      };
    } else if (k !== "$metadata") {
      out[k] = await plain(v);
    }
  }
  return out;
}

// differs tells what of want is not in got.
function differs(got, want, at = "") {
  if (want === "*") return got == null ? `${at} is missing` : null;
  if (want === null) return got == null ? null : `${at} is ${JSON.stringify(got)}, want none`;
  if (typeof want === "string" && want.startsWith("~")) return new RegExp(want.slice(1)).test(String(got)) ? null : `${at} is ${got}, want ${want}`;
  if (Array.isArray(want)) {
    if (!Array.isArray(got) && want.length > 0 || (got ?? []).length !== want.length) return `${at} is ${JSON.stringify(got)}, want ${JSON.stringify(want)}`;
    return want.map((w, i) => differs(got[i], w, `${at}[${i}]`)).find((d) => d) ?? null;
  }
  if (typeof want === "object") return Object.entries(want).map(([k, w]) => differs(got?.[k], w, `${at}.${k}`)).find((d) => d) ?? null;
  return got === want ? null : `${at} is ${JSON.stringify(got)}, want ${JSON.stringify(want)}`;
}

async function step(s, names) {
  if ((s.only ?? "js") !== "js") return;
  const c = clients[s.as ?? "root"], op = s.do ?? s.paginate ?? s.wait;
  const args = filled(s.in ?? {}, names, true);
  if (!withoutBucket.includes(op)) args.Bucket ??= names.BUCKET;
  if (s.wait) {
    await sdk["waitUntil" + op]({ client: c, maxWaitTime: 20 }, args);
    return;
  }
  if (s.paginate) {
    let items = 0, pages = 0;
    for await (const page of sdk["paginate" + op]({ client: c, pageSize: s.page }, args)) {
      items += (page[s.items] ?? []).length;
      pages++;
    }
    if (items !== s.count || pages < items) throw new Error(`${items} items on ${pages} pages, want ${s.count}`);
    return;
  }
  let answer = {}, failed = null;
  try {
    answer = await plain(await c.send(new sdk[op + "Command"](args)));
  } catch (e) {
    if (!s.fails) throw e;
    failed = e.name;
  }
  const wrong = differs(failed, filled(s.fails ?? null, names), "the error") ?? differs(answer, filled(s.out ?? {}, names));
  if (wrong) throw new Error(`${wrong} in ${JSON.stringify(answer)}`);
  for (const [name, path] of Object.entries(s.save ?? {})) names[name] = path.split(".").reduce((v, k) => v[k], answer);
}

let failed = false;
for (const [name, group] of Object.entries(JSON.parse(readFileSync(process.argv[2], "utf8")))) {
  const id = randomBytes(4).toString("hex");
  const names = { BUCKET: "js-" + id, TARGET: `js-target-${id}`, KMSKEY: process.env.KMSKEY, LARGE: "x".repeat(5 << 20) };
  let s = null;
  try {
    await clients.root.send(new sdk.CreateBucketCommand({ Bucket: names.BUCKET, ...group.bucket }));
    await clients.root.send(new sdk.CreateBucketCommand({ Bucket: names.TARGET }));
    for (s of group.steps) await step(s, names);
    console.log("PASS", name);
  } catch (e) {
    failed = true;
    console.log(`FAIL ${name}\n${JSON.stringify(s)}\n${String(e.stack ?? e).slice(0, 2000)}\n.`);
  }
}
process.exit(failed ? 1 : 0);
