# SPDX-License-Identifier: BSD-3-Clause
"""CloudFormation's resource types, and those of EC2; each is created with the service's API.

A Kind creates, changes and deletes resources of one type, and has the properties
that require replacement. The time that AWS needs passes in the service (a NAT
gateway is pending) or as `seconds` of the Kind.
"""

import json
import uuid

from botocore.exceptions import ClientError, ParamValidationError

from ..wire import clients


class Failed(Exception):
    """The resource could not be created, changed or deleted; says why."""


class Call:
    """One resource of one stack during one operation."""

    def __init__(self, stack, resource):
        self.stack = stack
        self.logical_id = resource.logical_id
        self.service = resource.type.split("::")[1].capitalize()
        self.token = str(uuid.uuid4())

    def client(self, service):
        """A client in the stack's region, with the rights of the operation's caller."""
        return clients.client(service, self.stack.region, self.stack.caller)

    def name(self, limit=64) -> str:
        """A unique name in CloudFormation's form."""
        tail = "-" + uuid.uuid4().hex[:12].upper()
        head = f"{self.stack.name}-{self.logical_id}"
        return head[: limit - len(tail)] + tail

    @property
    def arn_prefix(self) -> str:
        """Region and account ID, the middle of every ARN."""
        return f"{self.stack.region}:{self.stack.account_id}"


class Kind:
    """How resources of one type are created, changed and deleted."""

    type = ""
    seconds = 2  # of AWS's time for the creation, in addition to the service's own
    delete_seconds = 1
    properties = frozenset()
    fixed = frozenset()  # properties whose change requires a replacement
    stubborn = False  # whether deletion waits until other resources release it
    tags = "Tags"  # the property with the tags, None if there is none

    def create(self, call, props) -> str:
        """Create the resource; its physical ID."""
        raise NotImplementedError

    def ready(self, _call, _physical_id) -> bool:
        """Whether the resource can be used; polled until it can."""
        return True

    def attributes(self, _call, _physical_id, _props) -> dict:
        """The attributes for Fn::GetAtt."""
        return {}

    def update(self, _call, _physical_id, _old, _new) -> None:
        """Change the resource in place."""
        raise Failed(f"Update of {self.type} is not supported.")

    def delete(self, call, physical_id, props) -> None:
        """Delete the resource; it is no error if it no longer exists."""
        raise NotImplementedError

    def gone(self, _call, _physical_id) -> bool:
        """Whether the resource no longer exists; polled until it does not."""
        return True


def explain(error, call) -> str:
    """The reason of a failure, as CloudFormation writes it."""
    if isinstance(error, Failed):
        return str(error)
    if isinstance(error, ParamValidationError):
        return (
            f"Properties validation failed for resource {call.logical_id} with "
            f"message:\n{error}"
        )
    if isinstance(error, ClientError):
        details = error.response["Error"]
        meta = error.response["ResponseMetadata"]
        return (
            f'Resource handler returned message: "{details.get("Message", "")} '
            f"(Service: {call.service}, Status Code: {meta['HTTPStatusCode']}, "
            f"Request ID: {meta.get('RequestId', '')}) "
            f'(SDK Attempt Count: 1)" (RequestToken: {call.token}, HandlerErrorCode: '
            f"{handler_code(details['Code'])})"
        )
    return f"Internal failure: {error!r}"


def handler_code(code: str) -> str:
    """CloudFormation's error class for a service's error."""
    for piece, name in (
        ("NotFound", "NotFound"),
        ("AlreadyExist", "AlreadyExists"),
        ("Conflict", "AlreadyExists"),
        ("Duplicate", "AlreadyExists"),
        ("LimitExceeded", "ServiceLimitExceeded"),
        ("AccessDenied", "AccessDenied"),
        ("Unauthorized", "AccessDenied"),
        ("Throttl", "Throttling"),
    ):
        if piece in code:
            return name
    return "InvalidRequest"


def missing_is_fine(error: ClientError) -> bool:
    """Whether an error means that the resource does not exist."""
    code = error.response["Error"]["Code"]
    return "NotFound" in code or code in ("NoSuchEntity", "ClientException")


def text_policy(document) -> str:
    """A policy as text: templates have data, APIs take text."""
    return document if isinstance(document, str) else json.dumps(document)


def specification(kind, props) -> list:
    """EC2's parameter for tags at creation."""
    tags = props.get("Tags") or []
    return [{"ResourceType": kind, "Tags": tags}] if tags else []


def pick(props, *names) -> dict:
    """Those of the named properties that are present."""
    return {name: props[name] for name in names if name in props}


class Ec2Kind(Kind):
    """EC2's types: their tags are changed in the same way."""

    def update(self, call, physical_id, old, new) -> None:
        ec2 = call.client("ec2")
        before = {tag["Key"]: tag["Value"] for tag in old.get("Tags", [])}
        after = {tag["Key"]: tag["Value"] for tag in new.get("Tags", [])}
        lost = [{"Key": key} for key in before if key not in after]
        if lost:
            ec2.delete_tags(Resources=[physical_id], Tags=lost)
        if before != after and after:
            ec2.create_tags(Resources=[physical_id], Tags=new["Tags"])


class Subnet(Ec2Kind):
    type = "AWS::EC2::Subnet"
    stubborn = True
    fixed = frozenset({"VpcId", "CidrBlock", "AvailabilityZone"})
    properties = fixed | {"MapPublicIpOnLaunch", "Tags"}

    def create(self, call, props):
        made = call.client("ec2").create_subnet(
            **pick(props, "VpcId", "CidrBlock", "AvailabilityZone"),
            TagSpecifications=specification("subnet", props),
        )["Subnet"]["SubnetId"]
        self._map_public(call, made, props)
        return made

    @staticmethod
    def _map_public(call, physical_id, props):
        wanted = props.get("MapPublicIpOnLaunch", False)
        call.client("ec2").modify_subnet_attribute(
            SubnetId=physical_id, MapPublicIpOnLaunch={"Value": wanted}
        )

    def attributes(self, call, physical_id, props):
        subnet = call.client("ec2").describe_subnets(SubnetIds=[physical_id])
        names = ("SubnetId", "VpcId", "CidrBlock", "AvailabilityZone")
        return pick(subnet["Subnets"][0], *names)

    def update(self, call, physical_id, old, new):
        super().update(call, physical_id, old, new)
        self._map_public(call, physical_id, new)

    def delete(self, call, physical_id, props):
        call.client("ec2").delete_subnet(SubnetId=physical_id)


class Eip(Ec2Kind):
    type = "AWS::EC2::EIP"
    fixed = frozenset({"Domain"})
    properties = frozenset({"Domain", "Tags"})

    def create(self, call, props):
        return call.client("ec2").allocate_address(
            Domain=props.get("Domain", "vpc"),
            TagSpecifications=specification("elastic-ip", props),
        )["PublicIp"]

    @staticmethod
    def _allocation(call, physical_id):
        found = call.client("ec2").describe_addresses(PublicIps=[physical_id])
        return found["Addresses"][0]["AllocationId"]

    def attributes(self, call, physical_id, props):
        allocation = self._allocation(call, physical_id)
        return {"AllocationId": allocation, "PublicIp": physical_id}

    def update(self, call, physical_id, old, new):
        super().update(call, self._allocation(call, physical_id), old, new)

    def delete(self, call, physical_id, props):
        allocation = self._allocation(call, physical_id)
        call.client("ec2").release_address(AllocationId=allocation)


class NatGateway(Ec2Kind):
    type = "AWS::EC2::NatGateway"
    seconds = 3
    fixed = frozenset({"SubnetId", "AllocationId", "ConnectivityType"})
    properties = fixed | {"Tags"}

    def create(self, call, props):
        return call.client("ec2").create_nat_gateway(
            **pick(props, "SubnetId", "AllocationId", "ConnectivityType"),
            ClientToken=call.token,
            TagSpecifications=specification("natgateway", props),
        )["NatGateway"]["NatGatewayId"]

    @staticmethod
    def _state(call, physical_id):
        found = call.client("ec2").describe_nat_gateways(NatGatewayIds=[physical_id])
        return found["NatGateways"][0]

    def ready(self, call, physical_id):
        gateway = self._state(call, physical_id)
        if gateway["State"] == "failed":
            raise Failed(
                f'Resource handler returned message: "NatGateway {physical_id} is in '
                f"state failed and hence failed to stabilize. Detailed failure "
                f'message: {gateway.get("FailureMessage", "")}" (RequestToken: '
                f"{call.token}, HandlerErrorCode: NotStabilized)"
            )
        return gateway["State"] == "available"

    def attributes(self, call, physical_id, props):
        return {"NatGatewayId": physical_id}

    def delete(self, call, physical_id, props):
        call.client("ec2").delete_nat_gateway(NatGatewayId=physical_id)

    def gone(self, call, physical_id):
        return self._state(call, physical_id)["State"] == "deleted"


class RouteTable(Ec2Kind):
    type = "AWS::EC2::RouteTable"
    fixed = frozenset({"VpcId"})
    properties = frozenset({"VpcId", "Tags"})

    def create(self, call, props):
        return call.client("ec2").create_route_table(
            VpcId=props["VpcId"], TagSpecifications=specification("route-table", props)
        )["RouteTable"]["RouteTableId"]

    def attributes(self, call, physical_id, props):
        return {"RouteTableId": physical_id}

    def delete(self, call, physical_id, props):
        call.client("ec2").delete_route_table(RouteTableId=physical_id)


class Route(Kind):
    type = "AWS::EC2::Route"
    tags = None
    fixed = frozenset({"RouteTableId", "DestinationCidrBlock"})
    properties = fixed | {
        "GatewayId",
        "NatGatewayId",
        "NetworkInterfaceId",
        "VpcPeeringConnectionId",
    }

    def create(self, call, props):
        call.client("ec2").create_route(**pick(props, *self.properties))
        return f"{props['RouteTableId']}|{props['DestinationCidrBlock']}"

    def attributes(self, call, physical_id, props):
        return {"CidrBlock": props["DestinationCidrBlock"]}

    def update(self, call, physical_id, old, new):
        call.client("ec2").replace_route(**pick(new, *self.properties))

    def delete(self, call, physical_id, props):
        table, cidr = physical_id.split("|")
        call.client("ec2").delete_route(RouteTableId=table, DestinationCidrBlock=cidr)


class Association(Kind):
    type = "AWS::EC2::SubnetRouteTableAssociation"
    tags = None
    fixed = properties = frozenset({"RouteTableId", "SubnetId"})

    def create(self, call, props):
        made = call.client("ec2").associate_route_table(**props)
        return made["AssociationId"]

    def attributes(self, call, physical_id, props):
        return {"Id": physical_id}

    def delete(self, call, physical_id, props):
        call.client("ec2").disassociate_route_table(AssociationId=physical_id)


RULE_NAMES = {
    "CidrIp": ("IpRanges", "CidrIp"),
    "CidrIpv6": ("Ipv6Ranges", "CidrIpv6"),
    "SourceSecurityGroupId": ("UserIdGroupPairs", "GroupId"),
    "DestinationSecurityGroupId": ("UserIdGroupPairs", "GroupId"),
    "SourcePrefixListId": ("PrefixListIds", "PrefixListId"),
    "DestinationPrefixListId": ("PrefixListIds", "PrefixListId"),
}


def permission(rule) -> dict:
    """A template's rule as the API's IpPermission."""
    made = {"IpProtocol": str(rule["IpProtocol"])}
    for name in ("FromPort", "ToPort"):
        if name in rule:
            made[name] = rule[name]
    for name, (group, key) in RULE_NAMES.items():
        if name in rule:
            entry = {key: rule[name], **pick(rule, "Description")}
            made[group] = [entry]
    return made


class SecurityGroup(Ec2Kind):
    type = "AWS::EC2::SecurityGroup"
    stubborn = True
    seconds = 3
    fixed = frozenset({"GroupDescription", "GroupName", "VpcId"})
    properties = fixed | {"SecurityGroupIngress", "SecurityGroupEgress", "Tags"}

    def create(self, call, props):
        made = call.client("ec2").create_security_group(
            GroupName=props.get("GroupName") or call.name(255),
            Description=props["GroupDescription"],
            VpcId=props["VpcId"],
            TagSpecifications=specification("security-group", props),
        )["GroupId"]
        self._apply(call, made, {}, props)
        return made

    @staticmethod
    def _apply(call, group, old, new):
        ec2 = call.client("ec2")
        everything = [{"IpProtocol": "-1", "CidrIp": "0.0.0.0/0"}]
        for name, direction in (
            ("SecurityGroupIngress", "ingress"),
            ("SecurityGroupEgress", "egress"),
        ):
            default = everything if direction == "egress" else []
            before = [permission(rule) for rule in old.get(name) or default]
            after = [permission(rule) for rule in new.get(name) or default]
            lost = [rule for rule in before if rule not in after]
            won = [rule for rule in after if rule not in before]
            if lost:
                revoke = getattr(ec2, f"revoke_security_group_{direction}")
                revoke(GroupId=group, IpPermissions=lost)
            if won:
                authorize = getattr(ec2, f"authorize_security_group_{direction}")
                authorize(GroupId=group, IpPermissions=won)

    def attributes(self, call, physical_id, props):
        return {"GroupId": physical_id, "Id": physical_id, "VpcId": props["VpcId"]}

    def update(self, call, physical_id, old, new):
        super().update(call, physical_id, old, new)
        self._apply(call, physical_id, old, new)

    def delete(self, call, physical_id, props):
        call.client("ec2").delete_security_group(GroupId=physical_id)


class SecurityGroupRule(Kind):
    """A rule as a resource, for groups that refer to each other."""

    direction = ""
    tags = None
    common = frozenset(
        {
            "GroupId",
            "IpProtocol",
            "FromPort",
            "ToPort",
            "CidrIp",
            "CidrIpv6",
            "Description",
        }
    )

    def create(self, call, props):
        authorize = getattr(
            call.client("ec2"), f"authorize_security_group_{self.direction}"
        )
        made = authorize(GroupId=props["GroupId"], IpPermissions=[permission(props)])
        return made["SecurityGroupRules"][0]["SecurityGroupRuleId"]

    def attributes(self, call, physical_id, props):
        return {"Id": physical_id}

    def delete(self, call, physical_id, props):
        revoke = getattr(call.client("ec2"), f"revoke_security_group_{self.direction}")
        revoke(GroupId=props["GroupId"], SecurityGroupRuleIds=[physical_id])


class SecurityGroupIngress(SecurityGroupRule):
    type = "AWS::EC2::SecurityGroupIngress"
    direction = "ingress"
    properties = SecurityGroupRule.common | {
        "SourceSecurityGroupId",
        "SourcePrefixListId",
    }
    fixed = properties - {"Description"}

    def update(self, call, physical_id, old, new):
        """Accept a new description; no client reads it."""


class SecurityGroupEgress(SecurityGroupIngress):
    type = "AWS::EC2::SecurityGroupEgress"
    direction = "egress"
    properties = SecurityGroupRule.common | {
        "DestinationSecurityGroupId",
        "DestinationPrefixListId",
    }
    fixed = properties - {"Description"}


class VpcEndpoint(Kind):
    type = "AWS::EC2::VPCEndpoint"
    seconds = 5
    tags = "Tags"
    fixed = frozenset({"ServiceName", "VpcEndpointType", "VpcId"})
    properties = fixed | {
        "PolicyDocument",
        "PrivateDnsEnabled",
        "RouteTableIds",
        "SecurityGroupIds",
        "SubnetIds",
        "Tags",
    }

    def create(self, call, props):
        arguments = pick(props, *(self.properties - {"Tags", "PolicyDocument"}))
        arguments.setdefault("VpcEndpointType", "Gateway")
        if "PolicyDocument" in props:
            arguments["PolicyDocument"] = text_policy(props["PolicyDocument"])
        made = call.client("ec2").create_vpc_endpoint(
            **arguments, TagSpecifications=specification("vpc-endpoint", props)
        )
        return made["VpcEndpoint"]["VpcEndpointId"]

    def attributes(self, call, physical_id, props):
        return {"Id": physical_id}

    def update(self, call, physical_id, old, new):
        before = set(old.get("RouteTableIds", []))
        after = set(new.get("RouteTableIds", []))
        arguments = {"VpcEndpointId": physical_id}
        if "PolicyDocument" in new:
            arguments["PolicyDocument"] = text_policy(new["PolicyDocument"])
        call.client("ec2").modify_vpc_endpoint(
            **arguments,
            AddRouteTableIds=sorted(after - before),
            RemoveRouteTableIds=sorted(before - after),
        )

    def delete(self, call, physical_id, props):
        call.client("ec2").delete_vpc_endpoints(VpcEndpointIds=[physical_id])


EC2_KINDS = (
    Subnet,
    Eip,
    NatGateway,
    RouteTable,
    Route,
    Association,
    SecurityGroup,
    SecurityGroupIngress,
    SecurityGroupEgress,
    VpcEndpoint,
)
