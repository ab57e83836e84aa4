"""Instances by boto 2.49, with Version 2 signatures and SigV4, as scripts of euca2ools' time drove them."""
import os
import sys
import time

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

host, port = sys.argv[1].split(":")
image = sys.argv[2]
access, secret = os.environ["AWS_ACCESS_KEY_ID"], os.environ["AWS_SECRET_ACCESS_KEY"]


class Old(EC2Connection):
    """The connection as it was before boto went over to SigV4."""

    def _required_auth_capability(self):
        return ["ec2"]


def reach(instance, state):
    for _ in range(600):
        if instance.update() == state:
            return
        time.sleep(0.1)
    raise AssertionError(f"{instance.id} is {instance.state}, not {state}")


for kind in (Old, EC2Connection):
    ec2 = kind(access, secret, is_secure=False, port=int(port), path="/services/compute", region=RegionInfo(name="eucalyptus", endpoint=host))
    assert [i.id for i in ec2.get_all_images([image])] == [image]
    assert ec2.get_all_images(filters={"name": "noth*"})[0].id == image
    group = ec2.create_security_group("boto", "of boto")
    assert group.authorize("tcp", 22, 22, "0.0.0.0/0") and group.authorize(src_group=group)
    reservation = ec2.run_instances(image, instance_type="t3.nano", security_groups=["boto"], user_data="#!/bin/sh")
    instance = reservation.instances[0]
    reach(instance, "running")
    instance.add_tag("Name", "by boto")
    found = [i.id for r in ec2.get_all_instances(filters={"tag:Name": "by*", "instance-state-name": "running"}) for i in r.instances]
    assert found == [instance.id], found
    assert ec2.get_instance_attribute(instance.id, "instanceType")["instanceType"] == "t3.nano"
    assert ec2.get_all_instance_status([instance.id])[0].state_name == "running"
    assert ec2.get_console_output(instance.id).instance_id == instance.id
    assert ec2.get_all_volumes(filters={"attachment.instance-id": instance.id})[0].attach_data.instance_id == instance.id
    instance.stop()
    reach(instance, "stopped")
    assert ec2.modify_instance_attribute(instance.id, "disableApiTermination", True)
    try:
        instance.terminate()
        raise AssertionError("a protected instance was terminated")
    except EC2ResponseError as e:
        assert e.error_code == "OperationNotPermitted", e
    assert ec2.modify_instance_attribute(instance.id, "disableApiTermination", False)
    try:
        ec2.get_all_instances(instance_ids=["i-0123456789abcdef0"])
        raise AssertionError("an instance that is not there")
    except EC2ResponseError as e:
        assert e.error_code == "InvalidInstanceID.NotFound", e
    instance.terminate()
    reach(instance, "terminated")
    assert ec2.delete_security_group("boto")
print("ok")
