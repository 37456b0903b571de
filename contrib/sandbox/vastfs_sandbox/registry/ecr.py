# SPDX-License-Identifier: BSD-3-Clause
"""ECR's API: tokens for the registry at this server, and rules for images.

moto computes digests from something other than the manifest, and deletes an
image when its tag moves to another one.
"""

import base64
import hashlib
import hmac
import json
import secrets
from datetime import timedelta

from moto.core.responses import ActionResult
from moto.ecr.exceptions import ImageAlreadyExistsException, InvalidParameterException
from moto.ecr.models import ECRBackend, Image
from moto.ecr.responses import ECRResponse

from ..common import clock, oci, resource_policies
from ..common.patching import surround
from ..wire.errors import ApiError

TOKEN_HOURS = 12

_context = None
_secret = secrets.token_bytes(32)


class Unknown(Exception):
    """The password was never issued."""


class Expired(Exception):
    """The password is no longer valid."""


def install(context) -> None:
    """Replace moto's token, which names AWS's endpoint, and its creation of images."""
    global _context
    _context = context
    ECRResponse.get_authorization_token = get_authorization_token
    surround(context, ECRBackend, put_image, set_repository_policy)
    Image.get_image_size_in_bytes = size_of


def set_repository_policy(backend, original, registry_id, repository_name, policy_text):
    """The policy is stored in the form in which AWS returns it."""
    original(backend, registry_id, repository_name, policy_text)
    repository = backend._get_repository(repository_name, registry_id)
    repository.policy = resource_policies.stored(policy_text)
    return {
        "registryId": repository.registry_id,
        "repositoryName": repository_name,
        "policyText": repository.policy,
    }


def password(region: str, access_key: str) -> str:
    """A password for the registry of one region, valid for 12 hours, with the rights of its owner."""
    expires = int(clock.timestamp()) + TOKEN_HOURS * 3600
    words = f"{region}.{access_key}.{expires}"
    return f"{words}.{signature(words)}"


def signature(words: str) -> str:
    return hmac.new(_secret, words.encode(), hashlib.sha256).hexdigest()


def grant_of(given: str) -> tuple:
    """The region that a password is for, and the key of its owner; Unknown or Expired."""
    words, _, signed = given.rpartition(".")
    if not hmac.compare_digest(signed.encode(), signature(words).encode()):
        raise Unknown
    region, access_key, expires = words.split(".")
    if clock.timestamp() > int(expires):
        raise Expired
    return region, access_key


def get_authorization_token(response):
    """A password for the registry at this endpoint."""
    word = password(response.region, response.access_key)
    token = base64.b64encode(f"AWS:{word}".encode()).decode()
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


def put_image(
    backend,
    _original,
    repository_name,
    image_manifest,
    image_tag,
    image_manifest_mediatype=None,
    digest=None,
):
    """The digest is that of the manifest; an image that loses its tag remains."""
    repository = backend._get_repository(repository_name)
    kind = image_manifest_mediatype or media_type_in(image_manifest)
    digest = oci.digest_of(image_manifest.encode())
    image = next((i for i in repository.images if i.image_digest == digest), None)
    if image and (image_tag is None or image_tag in image.image_tags):
        raise ImageAlreadyExistsException(
            registry_id=repository.registry_id,
            image_tag=image_tag,
            digest=digest,
            repository_name=repository_name,
        )
    if image_tag is not None:
        check_mutable(backend, repository, image_tag)
        take_tag(repository, image_tag)
    if image:
        image.update_tag(image_tag)
        return image
    place = (backend.account_id, image_tag, image_manifest, repository_name)
    image = Image(*place, kind, digest)
    repository.images.append(image)
    return image


def check_mutable(backend, repository, tag: str) -> None:
    try:
        backend._resolve_image_tag_mutability(repository, tag)
    except ImageAlreadyExistsException:
        raise ApiError(
            "ImageTagAlreadyExistsException",
            f"The image tag '{tag}' already exists in the '{repository.name}' repository "
            "and cannot be overwritten because the tag is immutable.",
        ) from None


def media_type_in(text: str) -> str:
    try:
        return json.loads(text)["mediaType"]
    except (ValueError, KeyError, TypeError):
        raise InvalidParameterException(
            "Invalid parameter at 'ImageManifest' failed to satisfy constraint: "
            "'manifest media type not provided in manifest or parameter'"
        ) from None


def take_tag(repository, tag: str) -> None:
    for image in repository.images:
        if tag in image.image_tags:
            image.remove_tag(tag)
            if not image.image_tags:
                image.image_tag = None


def size_of(image):
    """The number of bytes that a pull of the image fetches; None for an index."""
    content = json.loads(image.image_manifest)
    if "layers" not in content:
        return None
    parts = [content.get("config", {}), *content["layers"]]
    return sum(part.get("size", 0) for part in parts)
