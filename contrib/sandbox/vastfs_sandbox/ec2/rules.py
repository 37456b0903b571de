# SPDX-License-Identifier: BSD-3-Clause
"""Requests that EC2 refuses, and changes that take time on EC2.

moto deletes anything at once and creates NAT gateways immediately: a client
that deletes in the wrong order would never notice.
"""

import functools
import ipaddress
import itertools

from moto.core.responses import ActionResult
from moto.ec2.exceptions import DependencyViolationError, EC2ClientError
from moto.ec2.models import EC2Backend, ec2_backends, elastic_ip_addresses
from moto.ec2.models.elastic_network_interfaces import NetworkInterface
from moto.ec2.models.vpcs import VPC, VPCEndPoint
from moto.ec2.responses import EC2Response

from ..common import quotas
from ..common.patching import surround

NAT_CREATE = 90
NAT_DELETE = 50

#: action -> (key of the list in its reply, parameter with explicit IDs)
PAGED = {
    "describe_vpcs": ("Vpcs", "VpcIds"),
    "describe_subnets": ("Subnets", "SubnetIds"),
    "describe_network_interfaces": ("NetworkInterfaces", "NetworkInterfaceIds"),
    "describe_security_groups": ("SecurityGroups", "GroupIds"),
    "describe_nat_gateways": ("NatGateways", "NatGatewayIds"),
    "describe_route_tables": ("RouteTables", "RouteTableIds"),
    "describe_internet_gateways": ("InternetGateways", "InternetGatewayIds"),
    "describe_vpc_peering_connections": (
        "VpcPeeringConnections",
        "VpcPeeringConnectionIds",
    ),
}

_context = None


def install(context) -> None:
    """Wrap the rules around moto's backend."""
    global _context
    _context = context
    surround(
        context,
        EC2Backend,
        create_nat_gateway,
        delete_nat_gateway,
        delete_subnet,
        delete_security_group,
        release_address,
        allocate_address,
        create_subnet,
    )
    surround(context, EC2Response, delete_network_interface)
    create = EC2Response.create_nat_gateway
    EC2Response.create_nat_gateway = _once_per_token(create)
    for name, (key, ids) in PAGED.items():
        setattr(EC2Response, name, _paged(getattr(EC2Response, name), key, ids))
    _filters()
    _endpoints()
    VPC.owner_id = property(lambda vpc: getattr(vpc, "shared_by", vpc.ec2_backend.account_id))
    context.controls["POST", "/sandbox/vpc"] = share_vpc
    numbers = itertools.count(1)
    elastic_ip_addresses.random_ip = lambda: f"203.0.113.{next(numbers) % 254 + 1}"


def share_vpc(wish):
    """`{"vpc": ID, "owner": ACCOUNT}`: from now on another account owns the VPC and shares it."""
    backends = ec2_backends[_context.account_id][_context.region]
    vpc = backends.get_vpc(wish["vpc"])
    vpc.shared_by = wish["owner"]
    return 200, {"vpc": vpc.id, "owner": vpc.owner_id}


def _filters() -> None:
    """Add filters with which clients find a function's interfaces."""
    original = NetworkInterface.get_filter_value
    plain = {
        "interface-type": "interface_type",
        "status": "status",
        "requester-id": "requester_id",
    }

    def get_filter_value(interface, name, method_name=None):
        if name in plain:
            return getattr(interface, plain[name])
        if name == "requester-managed":
            return str(interface.requester_managed).lower()
        return original(interface, name, method_name)

    NetworkInterface.get_filter_value = get_filter_value
    NetworkInterface.private_dns_name = ""


def _endpoints() -> None:
    """The default type of a VPC endpoint is Gateway."""
    original = VPCEndPoint.__init__

    @functools.wraps(original)
    def init(endpoint, *arguments, **keywords):
        original(endpoint, *arguments, **keywords)
        endpoint.vpc_endpoint_type = endpoint.vpc_endpoint_type or "Gateway"

    VPCEndPoint.__init__ = init


def _paged(original, key, ids):
    """Add MaxResults and NextToken, which moto ignores."""

    @functools.wraps(original)
    def action(response):
        answer = original(response)
        limit = response._get_int_param("MaxResults")
        token = response._get_param("NextToken")
        if limit is None and token is None:
            return answer
        if limit is not None and response._get_param(ids):
            raise EC2ClientError(
                "InvalidParameterCombination",
                f"The parameter {ids} cannot be used with the parameter MaxResults",
            )
        items = list(answer.result[key])
        start = int(token) if token else 0
        end = start + (limit or 1000)
        page = {**answer.result, key: items[start:end]}
        if end < len(items):
            page["NextToken"] = str(end)
        return ActionResult(page)

    return action


# Interfaces


def free_address(backend, subnet) -> str:
    """The lowest free address of a subnet."""
    taken = {
        item["PrivateIpAddress"]
        for interface in backend.enis.values()
        if interface.subnet.id == subnet.id
        for item in interface.private_ip_addresses
    }
    for address in itertools.islice(subnet.cidr.hosts(), 3, None):
        if str(address) not in taken:
            return str(address)
    raise EC2ClientError(
        "InsufficientFreeAddressesInSubnet",
        f"Insufficient free addresses in subnet '{subnet.id}'.",
    )


def make_interface(backend, subnet_id, groups, description, kind):
    """Create a service's interface in the user's subnet."""
    subnet = backend.get_subnet(subnet_id)
    address = free_address(backend, subnet)
    interface = backend.create_network_interface(
        subnet, address, group_ids=groups, description=description
    )
    own(interface, description, kind)
    return interface


def own(interface, description, kind) -> None:
    """Mark an interface as managed by a service."""
    interface.description = description
    interface.interface_type = kind
    interface.requester_managed = True
    interface.status = "in-use"


def interfaces_in(backend, subnet_id) -> list:
    """The interfaces that have an address in a subnet."""
    return [eni for eni in backend.enis.values() if eni.subnet.id == subnet_id]


def delete_network_interface(response, original):
    """Only an interface that is not in use can be deleted."""
    interface = response.ec2_backend.get_network_interface(
        response._get_param("NetworkInterfaceId")
    )
    if interface.status == "in-use":
        code = "InvalidParameterValue"
        if interface.requester_managed:
            code = "OperationNotPermitted"
        raise EC2ClientError(
            code, f"Network interface '{interface.id}' is currently in use."
        )
    return original(response)


# Subnets and groups


def create_subnet(backend, original, vpc_id, cidr_block, *arguments, **keywords):
    """The smallest subnet is a /28; only default subnets map public addresses; a
    participant cannot create subnets in a VPC that is shared with it."""
    if hasattr(backend, "default_vpc") and backend.get_vpc(vpc_id).owner_id != backend.account_id:
        raise EC2ClientError(
            "UnauthorizedOperation",
            "You are not authorized to perform this operation. User is not authorized to "
            f"perform: ec2:CreateSubnet on resource: {vpc_id}",
        )
    try:
        prefix = ipaddress.ip_network(str(cidr_block), strict=False).prefixlen
    except ValueError:
        prefix = 28  # moto raises the error for an invalid block
    if not 16 <= prefix <= 28:
        raise EC2ClientError(
            "InvalidSubnet.Range", f"The CIDR '{cidr_block}' is invalid."
        )
    subnet = original(backend, vpc_id, cidr_block, *arguments, **keywords)
    if hasattr(backend, "default_vpc"):  # all but moto's initial subnets
        subnet.default_for_az = subnet.map_public_ip_on_launch = False
    return subnet


def delete_subnet(backend, original, subnet_id):
    """No interface may have an address in the subnet."""
    if interfaces_in(backend, subnet_id):
        raise DependencyViolationError(
            f"The subnet '{subnet_id}' has dependencies and cannot be deleted."
        )
    return original(backend, subnet_id)


def delete_security_group(backend, original, name=None, group_id=None):
    """No interface and no rule of another group may refer to the group."""
    used = any(
        group_id == group.id
        for interface in backend.enis.values()
        for group in interface.group_set
    )
    if group_id and (used or _referenced(backend, group_id)):
        raise DependencyViolationError(f"resource {group_id} has a dependent object")
    return original(backend, name, group_id)


def _referenced(backend, group_id) -> bool:
    for groups in backend.groups.values():
        for group in groups.values():
            if group.id == group_id:
                continue
            for rule in [*group.ingress_rules, *group.egress_rules]:
                if rule.source_group.get("GroupId") == group_id:
                    return True
    return False


# Addresses and NAT gateways


def allocate_address(backend, original, *arguments, **keywords):
    """The quota of addresses per region."""
    if len(backend.addresses) >= quotas.value(quotas.ADDRESSES):
        raise EC2ClientError(
            "AddressLimitExceeded", "The maximum number of addresses has been reached."
        )
    return original(backend, *arguments, **keywords)


def release_address(backend, original, address=None, allocation_id=None):
    """An address cannot be released while a NAT gateway uses it."""
    for item in backend.addresses:
        if allocation_id == item.allocation_id and item.eni:
            raise EC2ClientError(
                "AuthFailure",
                "You do not have permission to access the specified resource.",
            )
    return original(backend, address, allocation_id)


def _once_per_token(original):
    """A repeated client token returns the same gateway."""

    @functools.wraps(original)
    def create_nat_gateway(response):
        token = response._get_param("ClientToken")
        with _context.lock:
            tokens = response.ec2_backend.__dict__.setdefault("nat_tokens", {})
            if token not in tokens:
                answer = original(response)
                if token is None:
                    return answer
                tokens[token] = answer.result["NatGateway"]
        return ActionResult({"NatGateway": tokens[token], "ClientToken": token})

    return create_nat_gateway


def create_nat_gateway(backend, original, subnet_id, allocation_id, *rest, **keywords):
    """The gateway is pending for a while; without an Internet gateway it fails."""
    _check_nat_quota(backend, backend.get_subnet(subnet_id).availability_zone)
    gateway = original(backend, subnet_id, allocation_id, *rest, **keywords)
    subnet = backend.get_subnet(subnet_id)
    interface = gateway._eni
    address = free_address(backend, subnet)
    interface.private_ip_address = gateway.private_ip = address
    interface.private_ip_addresses = [{"Primary": True, "PrivateIpAddress": address}]
    gateway.address_set[0]["privateIp"] = address
    own(interface, f"Interface for NAT Gateway {gateway.id}", "nat_gateway")
    interface._group_set = []
    gateway.state = "pending"
    _context.later(NAT_CREATE, functools.partial(_finish_nat, backend, gateway))
    return gateway


def _check_nat_quota(backend, zone) -> None:
    """The quota is one of the availability zone."""
    here = [
        gateway
        for gateway in backend.nat_gateways.values()
        if gateway.state in ("pending", "available", "deleting")
        and backend.get_subnet(gateway.subnet_id).availability_zone == zone
    ]
    most = quotas.value(quotas.NAT_GATEWAYS)
    if len(here) >= most:
        raise EC2ClientError(
            "NatGatewayLimitExceeded",
            f"The maximum number of NAT Gateways has been reached. (Service: AmazonEC2) {most:.0f}",
        )


def _finish_nat(backend, gateway) -> None:
    if gateway.state != "pending":
        return
    attached = any(
        item.vpc and item.vpc.id == gateway.vpc_id
        for item in backend.internet_gateways.values()
    )
    if attached:
        gateway.state = "available"
        return
    gateway.state = "failed"
    gateway.failure_code = "Gateway.NotAttached"
    gateway.failure_message = (
        f"Network {gateway.vpc_id} has no Internet gateway attached"
    )
    _let_go(backend, gateway)


def delete_nat_gateway(backend, original, nat_gateway_id):
    """The gateway is deleting for a while; afterwards its address and interface are free."""
    gateway = backend.nat_gateways.get(nat_gateway_id)
    if gateway is None:
        raise EC2ClientError(
            "NatGatewayNotFound", f"The Nat Gateway {nat_gateway_id} was not found"
        )
    if gateway.state in ("deleting", "deleted"):
        return gateway
    gateway.state = "deleting"

    def finish():
        _let_go(backend, gateway)
        original(backend, nat_gateway_id)

    _context.later(NAT_DELETE, finish)
    return gateway


def _let_go(backend, gateway) -> None:
    for address in backend.addresses:
        if address.eni is gateway._eni:
            backend.disassociate_address(address=address.public_ip)
    backend.enis.pop(gateway._eni.id, None)
