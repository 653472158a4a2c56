"""What schemathesis can't know from the description."""

import collections
import itertools
import os
import re

import schemathesis
from schemathesis.generation.meta import TestPhase
from schemathesis.openapi.checks import RejectedPositiveData
from schemathesis.specs.openapi.checks import positive_data_acceptance

# Where a request may be wrong in ways that no schema says: at the pointer of the
# error, and why.
SEMANTIC = re.compile(
    r"""
      cursor                  # must come from an answer
    | /portal_origins/\d+     # no port that is the scheme's own
    | /id                     # a number is spelled in digits alone: 1e3 is none
    | /events/\d+             # 258 characters with the .* of a prefix, 256 without
    | /secret                 # base64 is more than a pattern; or it is the present one
    | /headers(/.*)?          # reserved names, the size in all
    | /filters(/.*)?          # operators and their operands
    | /metadata               # the size
    | /retry_schedule         # the delays' sum
    | (/schema|/example)(/.*)? # has to be JSON Schema; has to satisfy it
    | /validation
    | (/since|/until)         # their order
    | /statuses/\d+           # "missing" stands alone
    | (.*)/endpoint_ids(/\d+)? # have to exist
    | /delivery_ids(/\d+)?   # have to exist
    | (.*)/wait              # not in a batch, and not with deliver_at
    | (.*)/deliver_at        # how far ahead
    | (.*)/ordering_key      # printable characters
    | actor|action|target    # ids and names
    | /received_at           # years 1 to 9999, in UTC
    | /body|/headers         # needed where nothing is known of what was sent
    | resource                # leaves room for what is appended
    | .*/created_at           # years 1 to 9999, in UTC
    """,
    re.VERBOSE | re.DOTALL,
)

keys = itertools.count()

# Ids that answers had, by prefix: made-up ones are of nobody, and hide what lies
# behind them.
seen = collections.defaultdict(list)
ID = re.compile(r'"((?:[a-z]+)_)([0-7][0-9a-hjkmnp-tv-z]{25})"')


@schemathesis.hook
def after_call(context, case, response):
    for prefix, text in ID.findall(response.text):
        known = seen[prefix]
        if prefix + text not in known:
            known.append(prefix + text)
            del known[:-50]


def known_id(case, value):
    if re.fullmatch(r"456|[a-z]+", value) and "/workspaces/" in case.operation.path and case.method != "DELETE":
        return os.environ["POSTRIDER_WORKSPACE"]
    made_up = ID.fullmatch(f'"{value}"')
    known = seen[made_up[1]] if made_up else []
    return known[next(keys) % len(known)] if known else value


@schemathesis.hook
def before_call(context, case, kwargs):
    # A scenario has ids of its own.
    if case.meta is None or case.meta.phase.name != TestPhase.STATEFUL:
        for name, value in (case.path_parameters or {}).items():
            case.path_parameters[name] = known_id(case, str(value))
    # The example's key would make all requests but the first one a mismatch.
    if "Idempotency-Key" in (case.headers or {}) and case.headers["Idempotency-Key"] == "order-1234-paid":
        case.headers["Idempotency-Key"] = f"order-{next(keys)}"
    # What is no cursor for sure would hide the list.
    if "cursor" in (case.query or {}) and not re.fullmatch(r"[A-Za-z0-9_-]{22,200}", str(case.query["cursor"])):
        del case.query["cursor"]
    # Everything happens in this workspace.
    if case.method == "DELETE" and (case.path_parameters or {}).get("id") == os.environ["POSTRIDER_WORKSPACE"]:
        case.path_parameters["id"] = "another"


@schemathesis.hook
def filter_case(context, case):
    # An empty parameter is none (allowEmptyValue), whatever its schema says.
    return "" not in (case.query or {}).values()


@schemathesis.check
def valid_data_is_accepted(ctx, response, case):
    """positive_data_acceptance, less what no schema can say."""
    try:
        return positive_data_acceptance(ctx, response, case)
    except RejectedPositiveData:
        if response.status_code != 422:
            raise
        problem = response.json()
        errors = problem.get("errors", [])
        used = problem["code"] == "idempotency_mismatch"
        if used or errors and all(SEMANTIC.fullmatch(e["pointer"]) for e in errors):
            return None
        raise
