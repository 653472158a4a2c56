// A receiver of Postrider's webhooks:
//
//   WEBHOOK_SECRET=whsec_… WEBHOOK_SEEN=/var/lib/webhooks PORT=8000 node receiver.js
//
// It needs nothing but Node 18. In a framework take verified() and firstTime(),
// and make sure to get the raw body: express.json() throws it away, but
// express.raw({ type: "application/json" }) keeps it.
"use strict";

const crypto = require("node:crypto");
const fs = require("node:fs");
const http = require("node:http");
const path = require("node:path");

const secret = process.env.WEBHOOK_SECRET ?? "";
const seen = process.env.WEBHOOK_SEEN ?? "";
const maxBody = 4 << 20;

/** Says whether Postrider signed exactly these bytes with this secret. */
function verified(body, signature, secret) {
  if (secret === "" || typeof signature !== "string") {
    return false;
  }
  const want = Buffer.from("sha256=" + crypto.createHmac("sha256", secret).update(body).digest("hex"));
  const got = Buffer.from(signature);
  // timingSafeEqual throws when the lengths differ. The length is no secret.
  return got.length === want.length && crypto.timingSafeEqual(got, want);
}

/**
 * Says whether this event is new, and remembers it. Delivery is at least once:
 * the same event may come again, also at the same moment. A unique column in
 * your database does the same, in the transaction that handles the event.
 */
function firstTime(id) {
  const name = crypto.createHash("sha256").update(id).digest("hex");
  try {
    fs.writeFileSync(path.join(seen, name), id + "\n", { flag: "wx" }); // fails if it exists
    return true;
  } catch (err) {
    if (err.code === "EEXIST") {
      return false;
    }
    throw err; // answered with a 500: it comes again
  }
}

/** Does the work. Only note it here and do what takes long elsewhere: the answer is waited for. */
function handle(event) {
  console.log("handled", event.type, event.id);
}

/** Returns the status to answer with. */
function receive(req, body) {
  if (!verified(body, req.headers["x-webhook-signature"], secret)) {
    return 401;
  }
  let event;
  try {
    event = JSON.parse(body.toString("utf8"));
  } catch {
    return 400;
  }
  const id = req.headers["x-webhook-id"];
  // The header itself is not signed, but the id is in the body as well.
  if (!id || event?.id !== id) {
    return 400;
  }
  if (firstTime(id)) {
    handle(event);
  }
  return 204;
}

const server = http.createServer((req, res) => {
  const answer = (status) => res.writeHead(status).end();
  if (req.method !== "POST") {
    return answer(405);
  }
  const chunks = [];
  let length = 0;
  req.on("data", (chunk) => {
    length += chunk.length;
    if (length <= maxBody) {
      chunks.push(chunk);
    }
  });
  req.on("end", () => {
    if (length > maxBody) {
      return answer(413);
    }
    try {
      answer(receive(req, Buffer.concat(chunks)));
    } catch (err) {
      console.error(err);
      answer(500);
    }
  });
});

server.listen(Number(process.env.PORT ?? 8000), "127.0.0.1");
