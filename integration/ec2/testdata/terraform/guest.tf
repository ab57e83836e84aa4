# A guest that ssh reaches, as people describe one.
terraform {
  required_providers {
    aws = { source = "hashicorp/aws" }
  }
}

variable "endpoint" {}
variable "public_key" {}
variable "image" {}
variable "ports" { type = list(number) }
variable "type" {}

provider "aws" {
  endpoints {
    ec2 = var.endpoint
    sts = var.endpoint
  }
}

resource "aws_key_pair" "guest" {
  key_name   = "guest"
  public_key = var.public_key
}

resource "aws_security_group" "guest" {
  name = "guest"

  dynamic "ingress" {
    for_each = var.ports
    content {
      protocol    = "tcp"
      from_port   = ingress.value
      to_port     = ingress.value
      cidr_blocks = ["0.0.0.0/0"]
    }
  }

  egress {
    protocol    = "-1"
    from_port   = 0
    to_port     = 0
    cidr_blocks = ["0.0.0.0/0"]
  }
}

resource "aws_instance" "guest" {
  ami                    = var.image
  instance_type          = var.type
  key_name               = aws_key_pair.guest.key_name
  vpc_security_group_ids = [aws_security_group.guest.id]
  user_data              = "#!/bin/sh\nmkdir -p /root/www\necho made >/root/www/index.html\nhttpd -p 7000 -h /root/www\n"

  tags = { Name = "guest" }
}

output "instance" { value = aws_instance.guest.id }
output "address" { value = aws_instance.guest.public_ip }
