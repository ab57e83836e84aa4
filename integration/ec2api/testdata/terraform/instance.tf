terraform {
  required_providers {
    aws = { source = "hashicorp/aws" }
  }
}

variable "endpoint" {}
variable "image_name" {}

provider "aws" {
  endpoints {
    ec2 = var.endpoint
    sts = var.endpoint
  }
}

variable "type" { default = "t3.nano" }
variable "user_data" { default = "#!/bin/sh\necho one\n" }
variable "colour" { default = "red" }
variable "ports" {
  type    = set(string)
  default = ["22"]
}

data "aws_ami" "it" {
  most_recent = true
  owners      = ["self"]
  filter {
    name   = "name"
    values = [var.image_name]
  }
  filter {
    name   = "virtualization-type"
    values = ["hvm"]
  }
}
data "aws_vpc" "default" { default = true }
data "aws_availability_zones" "all" { state = "available" }
data "aws_subnets" "default" {
  filter {
    name   = "vpc-id"
    values = [data.aws_vpc.default.id]
  }
  filter {
    name   = "availability-zone"
    values = [data.aws_availability_zones.all.names[0]]
  }
}
data "aws_subnet" "one" { id = data.aws_subnets.default.ids[0] }
data "aws_ec2_instance_type" "it" { instance_type = var.type }
data "aws_caller_identity" "me" {}

resource "aws_key_pair" "it" {
  key_name   = "demo"
  public_key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ9z4XL4yT/lsgwtErtUJ7A0t5oh0GrJWz5+kp0XYdZ0 x@y"
  lifecycle { ignore_changes = [public_key] } # the provider does not read it when it imports
}
resource "aws_security_group" "it" {
  name        = "demo"
  description = "demo"
  vpc_id      = data.aws_vpc.default.id
  tags        = { Name = "demo", colour = var.colour }
}
resource "aws_vpc_security_group_ingress_rule" "in" {
  for_each          = toset(var.ports)
  security_group_id = aws_security_group.it.id
  cidr_ipv4         = "10.0.0.0/8"
  ip_protocol       = "tcp"
  from_port         = tonumber(each.key)
  to_port           = tonumber(each.key)
  description       = "port ${each.key}"
  tags              = { colour = var.colour }
}
resource "aws_vpc_security_group_ingress_rule" "self" {
  security_group_id            = aws_security_group.it.id
  referenced_security_group_id = aws_security_group.it.id
  ip_protocol                  = "-1"
}
resource "aws_vpc_security_group_egress_rule" "out" {
  security_group_id = aws_security_group.it.id
  cidr_ipv4         = "0.0.0.0/0"
  ip_protocol       = "-1"
}
resource "aws_instance" "it" {
  ami                         = data.aws_ami.it.id
  instance_type               = data.aws_ec2_instance_type.it.instance_type
  key_name                    = aws_key_pair.it.key_name
  subnet_id                   = data.aws_subnet.one.id
  vpc_security_group_ids      = [aws_security_group.it.id]
  user_data                   = var.user_data
  user_data_replace_on_change = true
  tags                        = { Name = "demo", colour = var.colour }
  root_block_device {
    delete_on_termination = true
    tags                  = { Name = "demo" }
  }
  metadata_options { http_tokens = "required" }
  lifecycle { ignore_changes = [user_data_replace_on_change] } # is nowhere to be read
}
output "image" { value = data.aws_ami.it.id }
output "instance" { value = aws_instance.it.id }
