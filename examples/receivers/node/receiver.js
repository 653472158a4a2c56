// A receiver of Postrider's webhooks, with nothing but Node 18:
//
//   WEBHOOK_SECRET=whsec_… WEBHOOK_INBOX=/var/lib/webhooks PORT=4000 node receiver.js
//
// It verifies, notes the event, answers, and handles it then. What is noted when
// the process dies is handled by the next one.
"use strict";

const http = require("node:http");
const { setTimeout: pause } = require("node:timers/promises");
const { Inbox } = require("./inbox");
const { parseSecrets, verified } = require("./verify");

/** The largest event is 1 MiB and what surrounds it. */
const maxBody = 2 << 20;

/** Does the work, and may take its time over it: the answer has been given. */
async function handle(event) {
  await pause(Number(process.env.WORK_MS ?? 0)); // your work
  console.log("handled", event.type, event.id);
}

const keys = parseSecrets(process.env.WEBHOOK_SECRET);
const inbox = new Inbox(process.env.WEBHOOK_INBOX ?? "inbox", handle);

/** Returns the body's bytes, or nothing if there are too many. */
async function read(req) {
  const chunks = [];
  let length = 0;
  for await (const chunk of req) {
    length += chunk.length;
    if (length <= maxBody) {
      chunks.push(chunk);
    }
  }
  return length <= maxBody ? Buffer.concat(chunks) : undefined;
}

/** Returns the status to answer with. */
async function receive(req) {
  if (req.method !== "POST") {
    return 405;
  }
  const body = await read(req);
  if (body === undefined) {
    return 413;
  }
  if (!verified(req.headers, body, keys)) {
    return 401;
  }
  await inbox.note(req.headers["webhook-id"], body); // what X-Webhook-ID says, but signed
  return 204;
}

const server = http.createServer(async (req, res) => {
  let status = 500; // it comes again
  try {
    status = await receive(req);
  } catch (err) {
    console.error(err);
  }
  res.writeHead(status).end();
});

inbox.run();
server.listen(Number(process.env.PORT ?? 4000), process.env.HOST ?? "127.0.0.1");
