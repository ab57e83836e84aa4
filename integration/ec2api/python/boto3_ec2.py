"""EC2 by boto3: clients, resources, paginators, errors."""
import sys

import boto3
from botocore.exceptions import ClientError

endpoint = "http://" + sys.argv[1]
client = boto3.client("ec2", endpoint_url=endpoint, region_name="us-east-1")
resource = boto3.resource("ec2", endpoint_url=endpoint, region_name="us-east-1")


def refused(code, call, **args):
    try:
        call(**args)
    except ClientError as e:
        assert e.response["Error"]["Code"] == code, e
        assert e.response["ResponseMetadata"]["RequestId"], e.response
    else:
        raise AssertionError(f"{code} expected")


pair = resource.create_key_pair(KeyName="boto3", KeyType="ed25519")
assert pair.key_material.startswith("-----BEGIN OPENSSH")
assert [p.name for p in resource.key_pairs.filter(KeyNames=["boto3"])] == ["boto3"]

vpc = list(resource.vpcs.filter(Filters=[{"Name": "is-default", "Values": ["true"]}]))[0]
vpc.create_tags(Tags=[{"Key": "Name", "Value": "mäin"}, {"Key": "empty", "Value": ""}])
vpc.reload()
assert {t["Key"]: t["Value"] for t in vpc.tags} == {"Name": "mäin", "empty": ""}, vpc.tags
assert len(list(vpc.subnets.all())) == 3

pages = list(client.get_paginator("describe_subnets").paginate(PaginationConfig={"PageSize": 5}))
assert sum(len(p["Subnets"]) for p in pages) == 3
kinds = [t["InstanceType"] for p in client.get_paginator("describe_instance_types").paginate(PaginationConfig={"PageSize": 7}) for t in p["InstanceTypes"]]
assert len(kinds) == len(set(kinds)) >= 60, kinds

refused("InvalidKeyPair.Duplicate", client.create_key_pair, KeyName="boto3")
refused("DryRunOperation", client.create_key_pair, KeyName="dry", DryRun=True)
refused("InvalidVpcID.NotFound", client.describe_vpcs, VpcIds=["vpc-0123456789abcdef0"])
refused("InvalidParameterValue", client.describe_vpcs, Filters=[{"Name": "colour", "Values": ["red"]}])
refused("UnsupportedOperation", client.describe_fleet_history, FleetId="fleet-1", StartTime="2026-01-01T00:00:00Z")

client.delete_tags(Resources=[vpc.id], Tags=[{"Key": "empty"}, {"Key": "Name", "Value": "mäin"}])
vpc.reload()
assert not vpc.tags, vpc.tags
pair.delete()
assert client.describe_key_pairs()["KeyPairs"] == []
print("ok")
