"""EC2 by boto3: every filter of every Describe action, pages, resources and waiters, with instances."""
import json
import re
import sys

import boto3
from botocore import xform_name
from botocore.exceptions import ClientError

endpoint, image = "http://" + sys.argv[1], sys.argv[2]
client = boto3.client("ec2", endpoint_url=endpoint, region_name="us-east-1")
resource = boto3.resource("ec2", endpoint_url=endpoint, region_name="us-east-1")
quick = {"Delay": 1, "MaxAttempts": 60}

# Resources, from a VPC to an instance that is waited for.
vpc = resource.create_vpc(CidrBlock="10.80.0.0/16")
vpc.wait_until_available()
vpc.create_tags(Tags=[{"Key": "Name", "Value": "web-vpc"}])
vpc.modify_attribute(EnableDnsHostnames={"Value": True})
assert vpc.describe_attribute(Attribute="enableDnsHostnames")["EnableDnsHostnames"]["Value"] is True
subnet = vpc.create_subnet(CidrBlock="10.80.1.0/24", AvailabilityZone="us-east-1a")
gateway = resource.create_internet_gateway()
vpc.attach_internet_gateway(InternetGatewayId=gateway.id)
table = vpc.create_route_table()
table.create_route(DestinationCidrBlock="0.0.0.0/0", GatewayId=gateway.id)
association = table.associate_with_subnet(SubnetId=subnet.id)
group = vpc.create_security_group(GroupName="web", Description="web")
group.authorize_ingress(IpProtocol="tcp", FromPort=22, ToPort=22, CidrIp="0.0.0.0/0")
pair = resource.create_key_pair(KeyName="machines", KeyType="ed25519")
made = subnet.create_instances(ImageId=image, InstanceType="t3.nano", MinCount=2, MaxCount=2, KeyName="machines", SecurityGroupIds=[group.id],
                               TagSpecifications=[{"ResourceType": "instance", "Tags": [{"Key": "Name", "Value": "web-1"}]}])
first, second = made
for i in made:
    i.wait_until_running(WaiterConfig=quick)
    i.load()
    assert i.state["Name"] == "running" and i.vpc.id == vpc.id and i.subnet.id == subnet.id and i.key_pair.name == "machines"
    assert [g["GroupId"] for g in i.security_groups] == [group.id] and i.image.id == image and i.placement["AvailabilityZone"] == "us-east-1a"
    assert [v.id for v in i.volumes.all()] and [n.id for n in i.network_interfaces]
first.create_tags(Tags=[{"Key": "Stage", "Value": "test"}])
first.load()
assert {t["Key"]: t["Value"] for t in first.tags} == {"Name": "web-1", "Stage": "test"}, first.tags
assert [i.id for i in vpc.instances.filter(Filters=[{"Name": "tag:Stage", "Values": ["t?st"]}])] == [first.id]
assert {i.id for i in resource.instances.filter(Filters=[{"Name": "tag:Name", "Values": ["web*"]}, {"Name": "instance-state-name", "Values": ["running"]}])} == {first.id, second.id}
client.get_waiter("instance_status_ok").wait(InstanceIds=[first.id], WaiterConfig=quick)
first.stop()
first.wait_until_stopped(WaiterConfig=quick)
first.modify_attribute(InstanceType={"Value": "t3.micro"})
assert first.describe_attribute(Attribute="instanceType")["InstanceType"]["Value"] == "t3.micro"
first.start()
first.wait_until_running(WaiterConfig=quick)
assert first.console_output()["InstanceId"] == first.id
done = client.modify_instance_credit_specification(InstanceCreditSpecifications=[
    {"InstanceId": first.id, "CpuCredits": "standard"}, {"InstanceId": "i-0123456789abcdef0", "CpuCredits": "standard"}])
assert [s["InstanceId"] for s in done["SuccessfulInstanceCreditSpecifications"]] == [first.id], done
assert done["UnsuccessfulInstanceCreditSpecifications"][0]["Error"]["Code"] == "InvalidInstanceID.NotFound", done
assert client.describe_instance_credit_specifications(InstanceIds=[first.id])["InstanceCreditSpecifications"][0]["CpuCredits"] == "standard"

# Every Describe action takes every filter that is documented for it, with a wildcard; what nothing matches is nothing.
documented = json.load(open("../../ec2api/internal/gen/filters.json"))
states = dict(re.findall(r"^\| (\w+) \| (built|partial|empty) \|", open("../../docs/ec2-actions.md").read(), re.M))
tried = 0
for action in sorted(a for a in states if a.startswith("Describe")):
    shape = client.meta.service_model.operation_model(action).input_shape
    if shape.required_members or states[action] == "empty":
        continue
    call = getattr(client, xform_name(action))
    whole = call()
    listed = max((k for k, v in whole.items() if isinstance(v, list)), key=lambda k: len(whole[k]), default=None)
    name = next((n for n in ("Filters", "Filter") if n in shape.members), None)
    for f in documented.get(action, []) if name else []:
        f = {"tag": "tag:Name", "tag:<key>": "tag:Name"}.get(f, f)
        got = call(**{name: [{"Name": f, "Values": ["no?such*"]}]})
        assert not got[listed], (action, f, got[listed])
        tried += 1
    if name and documented.get(action):
        try:
            call(**{name: [{"Name": "no-such-filter", "Values": ["x"]}]})
            raise AssertionError(f"{action} took a filter that is not documented")
        except ClientError as e:
            assert e.response["Error"]["Code"] == "InvalidParameterValue", e
    if client.can_paginate(xform_name(action)):
        pages = client.get_paginator(xform_name(action)).paginate(PaginationConfig={"PageSize": 5})
        assert sum(len(p[listed]) for p in pages) == len(whole[listed]), action
assert tried > 300, tried
for action, kind, tag in (("describe_instances", "Reservations", "web*"), ("describe_vpcs", "Vpcs", "*-vpc"), ("describe_tags", "Tags", None)):
    filters = [{"Name": "tag:Name", "Values": [tag]}] if tag else [{"Name": "value", "Values": ["web*"]}]
    assert getattr(client, action)(Filters=filters)[kind], action

# And everything goes again.
for i in made:
    i.terminate()
for i in made:
    i.wait_until_terminated(WaiterConfig=quick)
association.delete()
table.delete()
group.delete()
vpc.detach_internet_gateway(InternetGatewayId=gateway.id)
gateway.delete()
subnet.delete()
vpc.delete()
pair.delete()
print("ok")
