# SPDX-License-Identifier: BSD-3-Clause
"""Service Quotas: GetServiceQuota for the quotas that other packages enforce.

The server calls `install`. `POST /sandbox/quotas` takes `{"NAME": VALUE}` with
the names of NAMES, and `{"new_account": true}` for what AWS grants to a new
account; every quota that is not named gets its default.
"""

import json

from moto.servicequotas.exceptions import NoSuchResource
from moto.servicequotas.responses import ServiceQuotasResponse

from ..common import quotas

NAMES = {
    "addresses": quotas.ADDRESSES,
    "nat_gateways": quotas.NAT_GATEWAYS,
    "fargate_vcpus": quotas.FARGATE_VCPUS,
    "lambda_concurrency": quotas.LAMBDA_CONCURRENCY,
    "lambda_memory": quotas.LAMBDA_MEMORY,
}


def install(context) -> None:
    """Replace moto's fixed list of a single service."""
    ServiceQuotasResponse.get_service_quota = get_service_quota
    context.controls["POST", "/sandbox/quotas"] = set_quotas


def get_service_quota(response) -> str:
    """GetServiceQuota."""
    wish = json.loads(response.body)
    service, code = wish.get("ServiceCode"), wish.get("QuotaCode")
    value = quotas.reported(service, code)
    if value is None:
        raise NoSuchResource
    quota = {"ServiceCode": service, "QuotaCode": code, "Value": value, "Unit": "None"}
    return json.dumps({"Quota": {**quota, "Adjustable": True, "GlobalQuota": False}})


def set_quotas(wish):
    values = dict(quotas.NEW_ACCOUNT) if wish.pop("new_account", False) else {}
    values.update({NAMES.get(name, name): float(value) for name, value in wish.items()})
    quotas.change(values)
    return 200, {name: quotas.value(quota) for name, quota in NAMES.items()}
