"""ECR: the registry that its tokens open is this server."""

import base64
from datetime import timedelta

from moto.core.responses import ActionResult
from moto.ecr.responses import ECRResponse

from . import clock

TOKEN_HOURS = 12
PASSWORD = "sandbox-registry-token"

_context = None


def install(context) -> None:
    """Replace the token, which moto lets point to AWS."""
    global _context
    _context = context
    ECRResponse.get_authorization_token = get_authorization_token


def get_authorization_token(response):
    """A password for the registry at this endpoint."""
    token = base64.b64encode(f"AWS:{PASSWORD}".encode()).decode()
    registries = response._get_param("registryIds") or [response.current_account]
    data = [
        {
            "authorizationToken": token,
            "expiresAt": clock.now() + timedelta(hours=TOKEN_HOURS),
            "proxyEndpoint": _context.endpoint,
        }
        for _ in registries
    ]
    return ActionResult({"authorizationData": data})
