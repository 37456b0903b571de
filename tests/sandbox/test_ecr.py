# SPDX-License-Identifier: BSD-3-Clause
"""ECR's API: repositories, their policies and their images."""

import base64
import json

from conftest import refused

POLICY = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Effect": "Allow",
            "Principal": {"Service": "lambda.amazonaws.com"},
            "Action": ["ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"],
        }
    ],
}
RULE = {
    "rulePriority": 1,
    "selection": {
        "tagStatus": "untagged",
        "countType": "sinceImagePushed",
        "countUnit": "days",
        "countNumber": 7,
    },
    "action": {"type": "expire"},
}


def test_policies_come_back_in_the_form_of_aws(sandbox):
    ecr = sandbox.client("ecr")
    ecr.create_repository(repositoryName="own")
    none = "RepositoryPolicyNotFoundException"
    refused(none, ecr.get_repository_policy, repositoryName="own")
    ecr.set_repository_policy(repositoryName="own", policyText=json.dumps(POLICY))
    text = ecr.get_repository_policy(repositoryName="own")["policyText"]
    assert json.loads(text) == POLICY and "\n" in text
    ecr.delete_repository(repositoryName="own")


def test_repositories(sandbox):
    ecr = sandbox.client("ecr")
    name = {"repositoryName": "images"}
    ecr.create_repository(**name)
    ecr.set_repository_policy(**name, policyText=json.dumps(POLICY))
    ecr.put_lifecycle_policy(**name, lifecyclePolicyText=json.dumps({"rules": [RULE]}))
    manifest = '{"schemaVersion": 2, "mediaType": "%s", "layers": []}'
    kind = "application/vnd.docker.distribution.manifest.v2+json"
    ecr.put_image(**name, imageManifest=manifest % kind, imageTag="one")
    image = ecr.describe_images(**name)["imageDetails"][0]
    assert image["imageTags"] == ["one"]
    refused("RepositoryNotEmptyException", ecr.delete_repository, **name)
    gone = ecr.batch_delete_image(**name, imageIds=[{"imageTag": "one"}])
    assert not gone["failures"]
    ecr.delete_repository(**name, force=True)
    token = ecr.get_authorization_token()["authorizationData"][0]
    assert base64.b64decode(token["authorizationToken"]).startswith(b"AWS:")
    assert token["proxyEndpoint"] == sandbox.endpoint
