# SPDX-License-Identifier: BSD-3-Clause
"""The resources of one stage in an account, as a value to compare, without IDs and times."""

from collections import Counter


def _error_code(error) -> str:
    return error.response["Error"]["Code"]


class Account:
    """The resources of one stage, read with boto3 without the proxy."""

    def __init__(self, cloud, name: str):
        self.name = name
        self.stage = name.removeprefix("vast-")
        self._clients = {s: cloud.boto(s) for s in ("cloudformation", "ecs", "ecr", "efs", "ec2", "lambda")}

    def state(self) -> dict:
        """All resources of the stage."""
        stack = self.stack()
        return {"stack": stack and stack["StackStatus"].replace("CREATE_", "").replace("UPDATE_", ""),
                "parameters": self._parameters(stack), "change_sets": self._change_sets(stack),
                "tasks": self._tasks(), "services": self._services(), "images": self._images(),
                "file_systems": self._file_systems(), "interfaces": self._interfaces(), "function": self._function(stack)}

    def stack(self):
        """The stack's description, or None."""
        client = self._clients["cloudformation"]
        try:
            return client.describe_stacks(StackName=self.name)["Stacks"][0]
        except client.exceptions.ClientError as error:
            assert _error_code(error) == "ValidationError", error
            return None

    def _parameters(self, stack):
        """The parameters that depend on settings."""
        known = {p["ParameterKey"]: p["ParameterValue"] for p in (stack or {}).get("Parameters", [])}
        return {k: v for k, v in known.items() if k.startswith(("Server", "Lambda")) and not k.endswith(("Id", "Arn"))}

    def _change_sets(self, stack) -> int:
        if not stack:
            return 0
        return len(self._clients["cloudformation"].list_change_sets(StackName=self.name)["Summaries"])

    def clusters(self):
        """ARNs of the clusters with the stage's tag or name."""
        ecs = self._clients["ecs"]
        arns = ecs.list_clusters()["clusterArns"]
        found = ecs.describe_clusters(clusters=arns, include=["TAGS"])["clusters"] if arns else []
        return [c["clusterArn"] for c in found if c["status"] == "ACTIVE" and (
            self.name + "-" in c["clusterName"] or
            {"key": "vastfs:stage", "value": self.stage} in c.get("tags", []))]

    def live_tasks(self):
        """Tasks that are not STOPPED, including those that are stopping."""
        ecs = self._clients["ecs"]
        found = []
        for cluster in self.clusters():
            arns = [a for s in ("RUNNING", "STOPPED") for a in ecs.list_tasks(cluster=cluster, desiredStatus=s)["taskArns"]]
            if arns:
                found += ecs.describe_tasks(cluster=cluster, tasks=arns)["tasks"]
        return [t for t in found if t["lastStatus"] != "STOPPED"]

    def _tasks(self):
        return dict(Counter(t["lastStatus"] for t in self.live_tasks()))

    def _services(self):
        ecs = self._clients["ecs"]
        found = []
        for cluster in self.clusters():
            arns = ecs.list_services(cluster=cluster)["serviceArns"]
            if arns:
                found += ecs.describe_services(cluster=cluster, services=arns)["services"]
        return sorted((s["status"], s["desiredCount"]) for s in found if s["status"] != "INACTIVE")

    def _images(self):
        """The tagged images of the repository; None without a repository."""
        ecr = self._clients["ecr"]
        try:
            found = ecr.describe_images(repositoryName=self.name)["imageDetails"]
        except ecr.exceptions.RepositoryNotFoundException:
            return None
        return sum(bool(i.get("imageTags")) for i in found)

    def _file_systems(self):
        found = self._clients["efs"].describe_file_systems()["FileSystems"]
        return [f["LifeCycleState"] for f in found if {"Key": "vastfs:stage", "Value": self.stage} in f.get("Tags", [])]

    def _interfaces(self) -> int:
        """Lambda's interfaces, which delay a deletion."""
        groups = self._clients["ec2"].describe_security_groups(
            Filters=[{"Name": "tag:vastfs:stage", "Values": [self.stage]}])["SecurityGroups"]
        ids = [g["GroupId"] for g in groups]
        if not ids:
            return 0
        found = self._clients["ec2"].describe_network_interfaces(Filters=[{"Name": "group-id", "Values": ids}])
        return sum(i.get("InterfaceType") == "lambda" for i in found["NetworkInterfaces"])

    def _function(self, stack):
        """Whether the stack's function is in its VPC."""
        name = next((o["OutputValue"] for o in (stack or {}).get("Outputs", []) if o["OutputKey"] == "FunctionName"), None)
        if not name:
            return None
        found = self._clients["lambda"].get_function_configuration(FunctionName=name)
        return found["State"], bool(found.get("VpcConfig", {}).get("SubnetIds"))
