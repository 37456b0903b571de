# SPDX-License-Identifier: BSD-3-Clause
"""The images of ECR's registry: its tokens, its rules, and moto's repositories."""

import base64
import binascii

from moto.ecr.exceptions import ImageAlreadyExistsException
from moto.ecr.models import ecr_backends

from ..common import oci
from ..wire.errors import ApiError
from . import ecr
from .blobs import Blobs
from .faults import RegistryFaults
from .protocol import Refused, Registry, Storage, is_registry_call

storage = Storage()
shelf = None


def install(context) -> None:
    """Create the store for all pushed blobs."""
    global shelf
    shelf = Shelf(context)


def middleware(context, app):
    """The registry on the port of all services."""
    registry = RegistryFaults(context, Registry(shelf), "registry")

    def choose(environ, start_response):
        chosen = registry if is_registry_call(environ) else app
        return chosen(environ, start_response)

    return choose


class Shelf:
    """The contents of the account's repositories.

    moto stores the manifests. The digests of a repository's blobs are stored in
    moto's record of the repository, so that they are deleted with it.
    """

    service = "registry"

    def __init__(self, context):
        self.context = context
        self.storage = storage
        self.blobs = Blobs(context.run_dir / "registry")

    def admit(self, call) -> str:
        """Check the credentials; the region that the token is for."""
        scheme, _, token = call.header("HTTP_AUTHORIZATION").partition(" ")
        try:
            user, _, password = base64.b64decode(token).decode().partition(":")
        except (binascii.Error, ValueError):
            user = password = ""
        if scheme.lower() != "basic" or user != "AWS":
            raise self._unauthorized()
        try:
            region, access_key = ecr.grant_of(password)
        except ecr.Expired:
            message = "Your authorization token has expired. Reauthenticate and try again."
            raise Refused(403, "DENIED", message) from None
        except ecr.Unknown:
            raise self._unauthorized() from None
        refusal = self.context.registry_guard(access_key, region, call.words.get("name", ""), call.action)
        if refusal:
            raise Refused(403, "DENIED", refusal)
        return region

    def _unauthorized(self) -> Refused:
        challenge = f'Basic realm="{self.context.endpoint}/",service="ecr.amazonaws.com"'
        return Refused(401, "UNAUTHORIZED", "Not Authorized", [("Www-Authenticate", challenge)])

    def _repository(self, region: str, name: str):
        account = self.context.account_id
        found = ecr_backends[account][region].repositories.get(name)
        if found is None:
            message = (
                f"The repository with name '{name}' does not exist in the registry "
                f"with id '{account}'"
            )
            raise Refused(404, "NAME_UNKNOWN", message)
        return found

    def _links(self, region: str, name: str) -> set:
        """The digests of a repository's blobs; the caller holds the lock."""
        return self._repository(region, name).__dict__.setdefault("vastfs_blobs", set())

    def check_name(self, region: str, name: str) -> None:
        with self.context.lock:
            self._repository(region, name)

    def blob(self, region: str, name: str, digest: str):
        """The file of a blob of the repository, or None."""
        with self.context.lock:
            known = digest in self._links(region, name)
        return self.blobs.path(digest) if known else None

    def add_blob(self, region: str, name: str, digest: str) -> None:
        with self.context.lock:
            self._links(region, name).add(digest)

    def mount(self, region: str, name: str, digest: str, source: str) -> bool:
        """Only a blob that an image of the other repository refers to can be mounted."""
        with self.context.lock:
            try:
                images = self._repository(region, source).images
            except Refused:
                return False
            for image in images:
                blobs = manifest_of(image).blobs
                if any(blob["digest"] == digest for blob in blobs):
                    self._links(region, name).add(digest)
                    return True
        return False

    def manifest(self, region: str, name: str, reference: str):
        with self.context.lock:
            image = find(self._repository(region, name), reference)
            return manifest_of(image) if image else None

    def add_manifest(self, region: str, name: str, reference: str, manifest) -> None:
        tag = None if oci.is_digest(reference) else reference
        with self.context.lock:
            repository = self._repository(region, name)
            self._check_parts(region, name, repository, manifest)
            backend = ecr_backends[self.context.account_id][region]
            try:
                backend.put_image(
                    repository_name=name,
                    image_manifest=manifest.data.decode(),
                    image_tag=tag,
                    image_manifest_mediatype=manifest.media_type,
                )
            except ImageAlreadyExistsException:
                pass  # a repeated push of the same image
            except ApiError as error:
                raise Refused(400, "TAG_INVALID", error.message) from error

    def _check_parts(self, region, name, repository, manifest) -> None:
        links = self._links(region, name)
        for blob in manifest.blobs:
            if blob["digest"] not in links:
                raise Refused(404, "BLOB_UNKNOWN", missing("Layers", blob, name))
            if self.blobs.path(blob["digest"]).stat().st_size != blob["size"]:
                raise Refused(400, "SIZE_INVALID", f"{blob['digest']} has another size")
        for child in manifest.children:
            if find(repository, child["digest"]) is None:
                words = missing("Images", child, name)
                raise Refused(404, "MANIFEST_BLOB_UNKNOWN", words)

    def tags(self, region: str, name: str) -> list:
        with self.context.lock:
            images = self._repository(region, name).images
            return [tag for image in images for tag in image.image_tags]


def missing(what: str, descriptor: dict, name: str) -> str:
    return (
        f"{what} with digests '[{descriptor['digest']}]' required for pushing image "
        f"into repository '{name}' do not exist"
    )


def find(repository, reference: str):
    """moto's record of an image, by digest or tag."""
    for image in repository.images:
        if reference == image.image_digest or reference in image.image_tags:
            return image
    return None


def manifest_of(image) -> oci.Manifest:
    kind = image.image_manifest_media_type
    return oci.Manifest(image.image_manifest.encode(), kind)
