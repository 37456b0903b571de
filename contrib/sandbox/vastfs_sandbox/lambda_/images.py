# SPDX-License-Identifier: BSD-3-Clause
"""The images of Lambda functions.

Lambda looks up and pulls the image once, when a function is created or its code
is updated. Meanwhile the function is Pending; it is Failed if the image cannot
be used.
"""

import json
import threading

from moto.awslambda.exceptions import LambdaClientError
from moto.awslambda.models import LambdaBackend, LambdaFunction

from ..common.patching import surround
from ..containers import host_place, images

_context = None


def install(context) -> None:
    """Wrap the rules of images around moto's functions."""
    global _context
    _context = context
    LambdaFunction.image = None  # the image that the function runs from
    LambdaFunction.first_image = False  # whether the function has no image yet
    LambdaFunction.fetching = False
    LambdaFunction.image_error = None
    surround(context, LambdaBackend, create_function)
    surround(context, LambdaFunction, get_code, update_function_code)


def create_function(backend, original, spec):
    """The image must exist."""
    image = located((spec.get("Code") or {}).get("ImageUri"))
    function = original(backend, spec)
    if image:
        begin(function, image)
    return function


def update_function_code(function, original, spec):
    """A request with an image for another architecture names the architecture."""
    image = located(spec.get("ImageUri"))
    if "Architectures" in spec:
        function.architectures = spec["Architectures"]
    answer = original(function, spec)
    if spec.get("DryRun") or "ImageUri" not in spec:
        return answer
    if image is None:
        function.image = None
    elif image != function.image:
        begin(function, image)
        answer = function.get_configuration()
    return answer


def located(uri):
    """The image of a URI; None without a URI and for images that host_place runs; else refused."""
    if not uri or host_place.stands_for(uri):
        return None
    try:
        image = images.locate(uri)
    except images.NotThere:
        refuse(f"Source image {uri} does not exist. Provide a valid source image.")
    if not image.for_lambda:
        refuse(
            "The image manifest, config or layer media type for the source image "
            f"{uri} is not supported."
        )
    return image


def refuse(message: str):
    error = LambdaClientError("InvalidParameterValueException", message)
    error.description = json.dumps({"Type": "User", "Message": message})
    raise error


def begin(function, image) -> None:
    """Pull the image; until then the function is unchanged."""
    function.first_image = function.image is None
    function.fetching = True
    function.image_error = None
    threading.Thread(target=fetch, args=(function, image), daemon=True).start()


def fetch(function, image) -> None:
    error = None
    try:
        image.root()
    except images.Unusable as problem:
        error = f"The image {image.uri} is not valid: {problem}"
    with _context.lock:
        function.fetching = False
        function.image_error = error
        if error is None:
            function.image = image
            function.code_sha_256 = image.digest.partition(":")[2]
            function.generation += 1


def get_code(function, original):
    """Add the digest that the image had at the lookup."""
    answer = original(function)
    uri = function.code.get("ImageUri")
    if uri:
        resolved = f"{uri.partition('@')[0]}@sha256:{function.code_sha_256}"
        if function.image:
            resolved = function.image.resolved
        answer["Code"]["ResolvedImageUri"] = resolved
    return answer
