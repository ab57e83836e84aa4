"""EC2 by boto 2.49: Version 2 signatures, and SigV4 with the region and service that it makes up."""
import os
import sys

# Python 3.12 took away what boto's copy of six needs of importlib; older ones do not mind.
try:
    import boto
except ModuleNotFoundError:
    import six
    sys.modules["boto.vendored.six.moves"] = six.moves
    import boto
from boto.ec2.connection import EC2Connection
from boto.ec2.regioninfo import RegionInfo
from boto.exception import EC2ResponseError
from boto.vpc import VPCConnection

host, port = sys.argv[1].split(":")
access, secret = os.environ["AWS_ACCESS_KEY_ID"], os.environ["AWS_SECRET_ACCESS_KEY"]


def old(kind):
    """The connection as it was before boto went over to SigV4."""
    return type("Old", (kind,), {"_required_auth_capability": lambda self: ["ec2"]})


def connect(kind, path="/"):
    return kind(access, secret, is_secure=False, port=int(port), path=path, region=RegionInfo(name="eucalyptus", endpoint=host))


for v4 in (False, True):
    for path in ("/", "/services/compute"):
        ec2 = connect(EC2Connection if v4 else old(EC2Connection), path)
        vpc = connect(VPCConnection if v4 else old(VPCConnection), path)
        assert [r.name for r in ec2.get_all_regions()] == ["us-east-1"]
        assert [z.name for z in ec2.get_all_zones()] == ["us-east-1a", "us-east-1b", "us-east-1c"]
        pair = ec2.create_key_pair("boto")
        assert pair.material.startswith("-----BEGIN RSA PRIVATE KEY-----"), pair.material
        assert [k.name for k in ec2.get_all_key_pairs(filters={"key-name": "bo*"})] == ["boto"]
        assert len(vpc.get_all_vpcs()) == 1
        subnet = vpc.get_all_subnets()[0]
        ec2.create_tags([subnet.id], {"Name": "x y&z", "empty": ""})
        assert vpc.get_all_subnets([subnet.id])[0].tags == {"Name": "x y&z", "empty": ""}
        ec2.delete_tags([subnet.id], ["Name", "empty"])
        assert ec2.get_all_instances() == []
        assert ec2.delete_key_pair("boto")
        try:
            ec2.get_all_key_pairs(["boto"])
            raise AssertionError("the key pair is still there")
        except EC2ResponseError as e:
            assert e.error_code == "InvalidKeyPair.NotFound" and e.request_id, e
wrong = EC2Connection(access, "wrong", is_secure=False, port=int(port), region=RegionInfo(name="x", endpoint=host))
try:
    wrong.get_all_regions()
    raise AssertionError("a wrong secret was taken")
except EC2ResponseError as e:
    assert e.status == 401 and e.error_code == "AuthFailure", e
print("ok")
