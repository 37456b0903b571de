# SPDX-License-Identifier: BSD-3-Clause
"""The account's limits, which moto lacks: GetAccountSettings, and the memory of a function."""

import json

from moto.awslambda import urls
from moto.awslambda.exceptions import LambdaClientError
from moto.awslambda.models import LambdaBackend, LambdaFunction
from moto.awslambda.responses import LambdaResponse

from ..common import quotas
from ..common.patching import surround

PATH = "{0}/(?P<api_version>[^/]+)/account-settings/?$"


def install(context) -> None:
    """Add the action to moto, before the first request: moto reads its URLs once."""
    urls.url_paths[PATH] = LambdaResponse.dispatch
    LambdaResponse.get_account_settings = get_account_settings
    surround(context, LambdaBackend, create_function)
    surround(context, LambdaFunction, update_configuration)


def create_function(backend, original, spec):
    """Check the values before the image, as AWS does."""
    _check_memory(spec.get("MemorySize"))
    return original(backend, spec)


def update_configuration(function, original, updates):
    """Check the limit for a change of the function, too."""
    _check_memory(updates.get("MemorySize"))
    return original(function, updates)


def _check_memory(size) -> None:
    """Refuse more memory than AWS grants to a new account."""
    most = int(quotas.value(quotas.LAMBDA_MEMORY))
    if size and int(size) > most:
        message = (
            "'MemorySize' value failed to satisfy constraint: Member must have value less "
            f"than or equal to {most}"
        )
        error = LambdaClientError("InvalidParameterValueException", message)
        error.description = json.dumps({"Type": "User", "Message": message})
        raise error


def get_account_settings(response) -> str:
    concurrent = int(quotas.value(quotas.LAMBDA_CONCURRENCY))
    limit = {
        "TotalCodeSize": 80530636800,
        "CodeSizeUnzipped": 262144000,
        "CodeSizeZipped": 52428800,
        "ConcurrentExecutions": concurrent,
        "UnreservedConcurrentExecutions": concurrent,
    }
    usage = {"TotalCodeSize": 0, "FunctionCount": len(list(response.backend.list_functions()))}
    return json.dumps({"AccountLimit": limit, "AccountUsage": usage})
