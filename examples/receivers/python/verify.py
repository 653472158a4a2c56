"""Whether a request is Postrider's, by Standard Webhooks."""

import base64
import hmac
import re

# How old a request may be, and how far our clock may be behind, in seconds.
TOLERANCE = 5 * 60


def parse_secrets(text):
    """The keys of WEBHOOK_SECRET: the endpoint's secret or, while it rotates, both with a
    comma between them. Raises at anything else, so that a variable that is not set lets
    nobody in.
    """
    keys = []
    for secret in text.split(","):
        if not re.fullmatch(r"whsec_[A-Za-z0-9+/]{32,}={0,2}", secret):
            raise ValueError('WEBHOOK_SECRET must be "whsec_" and base64; several have commas between them')
        keys.append(base64.b64decode(secret[len("whsec_") :]))
    return keys


def verified(headers, body, keys, now):
    """Says whether exactly these bytes were signed with one of the keys, in the last five
    minutes. headers has a get that takes any case, as every framework's; now is in seconds.
    """
    ident = headers.get("webhook-id") or ""
    timestamp = headers.get("webhook-timestamp") or ""
    if not re.fullmatch(r"[A-Za-z0-9_-]+", ident) or not re.fullmatch(r"[0-9]{1,12}", timestamp):
        return False
    if abs(int(now) - int(timestamp)) > TOLERANCE:
        return False
    signed = f"{ident}.{timestamp}.".encode() + body
    # A list with spaces in it: while a secret rotates there is a signature by each.
    # Some servers join repeated headers with a comma.
    given = re.split(r",?\s+", headers.get("webhook-signature") or "")
    for key in keys:
        want = b"v1," + base64.b64encode(hmac.digest(key, signed, "sha256"))
        for signature in given:
            # In a time that does not tell where the two differ. As bytes: of strings it
            # takes ASCII only, and raises at what a stranger may send.
            if hmac.compare_digest(want, signature.encode("utf-8", "replace")):
                return True
    return False
