// A receiver of deliveries: it checks each signature, drops what has come before, and prints each entry.
//
//     SECRET=whsec_... node receiver.mjs 8874

import { createHmac, timingSafeEqual } from "node:crypto";
import { createServer } from "node:http";

const key = Buffer.from(process.env.SECRET.replace("whsec_", ""), "base64");
const seen = new Set(); // Keep it where your own data is, in the same transaction, for as long as deliveries are retried.
const isSame = (a, b) => a.length === b.length && timingSafeEqual(Buffer.from(a), Buffer.from(b));

const server = createServer(async (request, response) => {
  const chunks = [];
  for await (const chunk of request) chunks.push(chunk);
  const body = Buffer.concat(chunks);
  const { "webhook-id": id, "webhook-timestamp": at, "webhook-signature": signatures = "" } = request.headers;
  const mine = "v1," + createHmac("sha256", key).update(`${id}.${at}.`).update(body).digest("base64");
  const isGood = signatures.split(" ").some((one) => isSame(mine, one)) && Math.abs(Date.now() / 1000 - at) < 300;
  if (isGood && !seen.has(id)) {
    for (const { action, path } of JSON.parse(body).data.entry) console.log(action, path);
    seen.add(id);
  }
  response.writeHead(isGood ? 204 : 401).end();
});
server.listen(Number(process.argv[2]), "127.0.0.1", () => console.log("listening on", server.address().port));
