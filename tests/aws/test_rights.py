# SPDX-License-Identifier: BSD-3-Clause
"""contrib/iam: every call has a row, the policies are fresh, and IAM would accept them.

Judges are AWS's service models (botocore), the schemas of CloudFormation's registry and the list of all actions, which
both come with cfn-lint.
"""

import fnmatch
import functools
import importlib.machinery
import importlib.util
import json
import re
import subprocess
import sys
from pathlib import Path

import botocore.session
import cfnlint.data
import pytest

ROOT = Path(__file__).resolve().parents[2]
DATA = Path(cfnlint.data.__file__).parent
ROLES = ("viewer", "operator", "deployer")
#: characters of a managed policy without blanks
LIMIT = 6144
#: files of src/aws/services without calls that IAM knows
WITHOUT_RIGHTS = ("service.c", "sso.c")


@pytest.fixture(scope="module")
def generate():
    loader = importlib.machinery.SourceFileLoader("generate", str(ROOT / "contrib/iam/generate"))
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader("generate", loader))
    loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def rows(generate):
    return generate.table()


def policy(role):
    return json.loads((ROOT / f"contrib/iam/{role}.json").read_text())


@functools.cache
def actions_of_aws():
    return json.loads((DATA / "AdditionalSpecs/Policies.json").read_text())


def as_list(value):
    return value if isinstance(value, list) else [value]


def actions_of(role):
    return {action for statement in policy(role)["Statement"] for action in as_list(statement["Action"])}


def operations():
    """All operations that a file of src/aws/services names, with the prefix that IAM uses."""
    session = botocore.session.get_session()
    for source in sorted((ROOT / "src/aws/services").glob("*.c")):
        if source.name in WITHOUT_RIGHTS:
            continue
        model = session.get_service_model(source.stem.replace("_", "-"))
        named = set(re.findall(r'"([A-Z]\w+)"', source.read_text()))
        for operation in sorted(named & set(model.operation_names)):
            yield f"{model.signing_name}:{operation}"


def test_every_call_has_a_row(rows):
    known = {operation for row in rows for operation in row.operations}
    made = set(operations())
    assert len(made) > 50
    assert not made - known, "add a row to contrib/iam/rights for each of these calls"
    services = {call.partition(":")[0] for call in made}
    named = {o for o in known if ":" in o and o.partition(":")[0] in services}
    dead = {operation for operation in named if operation not in made and "*" not in operation}
    assert not dead - rows_of_cloudformation(rows), "rows of contrib/iam/rights for calls that are no longer made"


def rows_of_cloudformation(rows):
    return {action for row in rows if "cloudformation" in row.operations for action in row.actions}


def handler_permissions():
    template = json.loads((ROOT / "src/stack/template.json").read_text())
    types = {resource["Type"] for resource in template["Resources"].values()}
    files = json.loads((DATA / "schemas/providers/us-east-1.json").read_text())
    for kind in sorted(types):
        schema = json.loads((DATA / f"schemas/resources/{files[kind]}.json").read_text())
        for name, handler in schema.get("handlers", {}).items():
            for permission in handler["permissions"] if name != "list" else ():
                yield kind, permission
        for permission in schema.get("tagging", {}).get("permissions", []):
            yield kind, permission


def test_what_cloudformation_does_for_the_template_has_rows(rows):
    known = rows_of_cloudformation(rows) | {action for row in rows for action in row.actions}
    needed = list(handler_permissions())
    assert len(needed) > 100
    missing = {(kind, p) for kind, p in needed if not any(fnmatch.fnmatchcase(p, action) for action in known)}
    assert not missing, "add rows for cloudformation to contrib/iam/rights"


def test_the_files_are_what_the_table_makes():
    done = subprocess.run([sys.executable, ROOT / "contrib/iam/generate", "--check"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("role", ROLES)
def test_a_policy_fits_and_names_only_what_exists(role):
    made = policy(role)
    assert len(json.dumps(made, separators=(",", ":"))) <= LIMIT
    known = actions_of_aws()
    for statement in made["Statement"]:
        assert statement["Effect"] == "Allow"
        for action in as_list(statement["Action"]):
            service, _, name = action.partition(":")
            found = fnmatch.filter(known[service]["Actions"], name.lower())
            assert found, action
        for resource in as_list(statement["Resource"]):
            assert resource == "*" or re.fullmatch(r"arn:aws:[a-z0-9-]+:[^:]*:[^:]*:.+", resource), resource


def test_a_short_form_adds_nothing_that_writes(generate, rows):
    """Everything that it matches further only reads."""
    known = actions_of_aws()
    listed = {action.lower() for row in rows for action in row.actions if row.role != "nobody"}
    for form in generate.SHORT:
        service, _, name = form.partition(":")
        further = {a for a in fnmatch.filter(known[service]["Actions"], name.lower()) if f"{service}:{a}" not in listed}
        assert not {a for a in further if not a.startswith(("describe", "get", "list"))}, form


def test_an_operator_cannot_change_the_stack_and_a_viewer_nothing():
    assert not [a for a in actions_of("viewer") if not re.match(r"\w+:(Describe|Get|List)", a)]
    changing = ("cloudformation:Create", "cloudformation:Delete", "cloudformation:Execute", "ec2:Create", "ec2:Delete", "iam:Put", "iam:Create",
                "ecr:Delete", "ecr:Put", "lambda:Update", "lambda:Create", "elasticfilesystem:")
    assert not [a for a in actions_of("operator") if a.startswith(changing) and not a.startswith("elasticfilesystem:Describe")]
    for role in ROLES:
        for statement in policy(role)["Statement"]:
            if any("PassRole" in action for action in as_list(statement["Action"])):
                assert "iam:PassedToService" in json.dumps(statement["Condition"])


def permissions(statements):
    """Each action with its resources and condition."""
    return sorted((action, str(s["Resource"]), str(s.get("Condition"))) for s in statements for action in as_list(s["Action"]))


@pytest.mark.parametrize("partition, region, stage", [
    ("aws-cn", "cn-north-1", "prod"), ("aws", "eu-west-1", "x"), ("aws-us-gov", "us-gov-east-1", "a-stage-whose-name-is-very-long-x")])
def test_policies_can_be_narrowed_to_one_stage(tmp_path, partition, region, stage):
    options = ["--account", "111122223333", "--region", region, "--partition", partition, "--stage", stage, "--to", str(tmp_path)]
    subprocess.run([sys.executable, ROOT / "contrib/iam/generate", *options], check=True)
    texts = [path.read_text() for path in sorted(tmp_path.glob("deployer*.json"))]
    documents = [json.loads(text) for text in texts]
    made = [statement for document in documents for statement in document["Statement"]]
    assert f":{partition}:cloudformation:{region}:111122223333:stack/vast-{stage}/*" in "".join(texts)
    assert "vast-*" not in "".join(texts) and (partition == "aws" or "arn:aws:" not in "".join(texts))
    ours = next(s for s in made if "ec2:CreateRoute" in s["Action"])
    assert ours["Condition"] == {"StringLike": {"aws:ResourceTag/vastfs:stage": stage}}
    assert len(documents) == 1 + (len(stage) > 30)
    assert all(len(json.dumps(document, separators=(",", ":"))) <= LIMIT for document in documents)
    # The same permissions as in the policy for all stages, however they are divided.
    assert [p[0] for p in permissions(made)] == [p[0] for p in permissions(policy("deployer")["Statement"])]


def test_there_is_room_in_the_policies():
    """The next call of the deployer needs some characters."""
    assert len(json.dumps(policy("deployer"), separators=(",", ":"))) <= LIMIT - 200
