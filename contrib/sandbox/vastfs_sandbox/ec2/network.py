# SPDX-License-Identifier: BSD-3-Clause
"""The VPC to deploy into, and subnets that collide with a carelessly chosen CIDR.

In the home region the account's default VPC has a fixed ID, so that settings
can name it before the sandbox runs.
"""

from unittest import mock

VPC_ID = "vpc-0123456789abcdef0"
BARE_VPC_ID = "vpc-0123456789abcdef1"
PEER_VPC_ID = "vpc-0123456789abcdef2"
BARE_CIDR = "10.9.0.0/16"
PEER_CIDR = "10.1.0.0/16"
PEER_SUBNET_CIDR = "10.1.0.0/20"


def install(context) -> None:
    """Create the networks of the home region."""
    from moto.ec2.models import ec2_backends

    with _fixed_id(VPC_ID):  # the backend creates the default VPC
        backend = ec2_backends[context.account_id][context.region]
    vpc = backend.get_vpc(VPC_ID)
    vpc.enable_dns_hostnames = True
    vpc.add_tag("Name", "sandbox")
    gateway = backend.create_internet_gateway()
    backend.attach_internet_gateway(gateway.id, VPC_ID)
    main = backend.describe_route_tables(
        filters={"vpc-id": [VPC_ID], "association.main": ["true"]}
    )[0]
    backend.create_route(main.id, "0.0.0.0/0", gateway_id=gateway.id)
    _make_vpc(backend, BARE_VPC_ID, BARE_CIDR, "sandbox without a gateway")
    _make_peer(backend, vpc)


def _fixed_id(vpc_id: str):
    return mock.patch("moto.ec2.models.vpcs.random_vpc_id", return_value=vpc_id)


def _make_vpc(backend, vpc_id, cidr, name):
    with _fixed_id(vpc_id):
        return backend.create_vpc(cidr, tags=[{"Key": "Name", "Value": name}])


def _make_peer(backend, vpc) -> None:
    peer = _make_vpc(backend, PEER_VPC_ID, PEER_CIDR, "sandbox peer")
    zone = backend.describe_availability_zones()[0].name
    backend.create_subnet(PEER_VPC_ID, PEER_SUBNET_CIDR, availability_zone=zone)
    connection = backend.create_vpc_peering_connection(vpc, peer)
    backend.accept_vpc_peering_connection(connection.id)
