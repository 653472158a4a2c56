// A receiver of Postrider's webhooks in Express:
//
//   npm ci
//   WEBHOOK_SECRET=whsec_… WEBHOOK_INBOX=/var/lib/webhooks PORT=4000 node receiver.js
//
// verify.js and inbox.js are those of ../node: copy them, too.
"use strict";

const express = require("express");
const { setTimeout: pause } = require("node:timers/promises");
const { Inbox } = require("../node/inbox");
const { parseSecrets, verified } = require("../node/verify");

/** Does the work, and may take its time over it: the answer has been given. */
async function handle(event) {
  await pause(Number(process.env.WORK_MS ?? 0)); // your work
  console.log("handled", event.type, event.id);
}

const keys = parseSecrets(process.env.WEBHOOK_SECRET);
const inbox = new Inbox(process.env.WEBHOOK_INBOX ?? "inbox", handle);
const app = express();

// The signature is of the bytes as they came. express.json() throws them away:
// don't use it on this route, and app.use() it below. The type is any, for an
// endpoint's format may be CloudEvents, and 2 MiB is more than any event has.
app.post("/webhooks", express.raw({ type: () => true, limit: "2mb" }), async (req, res) => {
  const body = Buffer.isBuffer(req.body) ? req.body : Buffer.alloc(0); // none came
  if (!verified(req.headers, body, keys)) {
    return res.sendStatus(401);
  }
  await inbox.note(req.headers["webhook-id"], body); // what X-Webhook-ID says, but signed
  res.sendStatus(204);
});

// Four parameters make it the one for errors: 413 for a body that is too long,
// and else 500, after which the event comes again.
app.use((err, req, res, next) => {
  console.error(err);
  res.sendStatus(err.status ?? 500);
});

inbox.run();
app.listen(Number(process.env.PORT ?? 4000), process.env.HOST ?? "127.0.0.1");
