// Whether a request is Postrider's, by Standard Webhooks. Needs nothing but Node 18.
"use strict";

const crypto = require("node:crypto");

/** How old a request may be, and how far our clock may be behind, in seconds. */
const tolerance = 5 * 60;

/**
 * The keys of WEBHOOK_SECRET: the endpoint's secret or, while it rotates, both
 * with a comma between them. Throws at anything else, so that a variable that is
 * not set lets nobody in.
 */
function parseSecrets(text) {
  return (text ?? "").split(",").map((secret) => {
    if (!/^whsec_[A-Za-z0-9+/]{32,}={0,2}$/.test(secret)) {
      throw new Error('WEBHOOK_SECRET must be "whsec_" and base64; several have commas between them');
    }
    return Buffer.from(secret.slice("whsec_".length), "base64");
  });
}

/**
 * Says whether exactly these bytes were signed with one of the keys, in the last
 * five minutes. The headers are Node's, with names in lower case.
 */
function verified(headers, body, keys, now = Date.now()) {
  const id = headers["webhook-id"] ?? "";
  const timestamp = headers["webhook-timestamp"] ?? "";
  if (!/^[A-Za-z0-9_-]+$/.test(id) || !/^[0-9]{1,12}$/.test(timestamp)) {
    return false;
  }
  if (Math.abs(Math.floor(now / 1000) - Number(timestamp)) > tolerance) {
    return false;
  }
  // A list with spaces in it: while a secret rotates there is a signature by each.
  // Repeated headers have been joined with a comma.
  const given = (headers["webhook-signature"] ?? "").split(/,?\s+/);
  return keys.some((key) => {
    const mac = crypto.createHmac("sha256", key).update(`${id}.${timestamp}.`).update(body);
    const want = "v1," + mac.digest("base64");
    return given.some((signature) => equal(want, signature));
  });
}

/** Compares in a time that does not tell where the two differ. */
function equal(want, given) {
  const [a, b] = [Buffer.from(want), Buffer.from(given)];
  // timingSafeEqual throws when the lengths differ. The length is no secret.
  return a.length === b.length && crypto.timingSafeEqual(a, b);
}

module.exports = { parseSecrets, verified };
