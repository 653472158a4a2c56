"""Has PyPI's libraries verify recorded webhooks: the cases of the JSON file that it
is given. It writes what each library says of each case as JSON."""
import base64
import json
import sys

import standardwebhooks.webhooks
import svix.webhooks

LIBRARIES = {"standardwebhooks": standardwebhooks.webhooks.Webhook, "svix": svix.webhooks.Webhook}

with open(sys.argv[1], encoding="utf-8") as file:
    cases = json.load(file)
verdicts = []
for library, webhook in LIBRARIES.items():
    for case in cases:
        error = ""
        try:
            webhook(case["secret"]).verify(base64.b64decode(case["body"]), case["header"])
        except Exception as err:  # whatever it is: the test looks at it
            error = f"{type(err).__name__}: {err}"
        verdicts.append({"library": library, "case": case["name"], "error": error})
print(json.dumps(verdicts))
