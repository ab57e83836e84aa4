#!/bin/sh
# Fetches Terraform's provider of AWS into .cache, for "make terraform": from the registry of OpenTofu, or from the mirror that the
# file named by TF_CLI_CONFIG_FILE leads to. It is too large to be built here, so that the test of it is not one of "make test".
set -eu

top=$(cd "$(dirname "$0")/.." && pwd)
cache=${AUREOLE_TEST_CACHE:-$top/.cache}
version=5.100.0

if [ -x "$cache/bin/terraform-provider-aws" ]; then
	printf 'setup: terraform-provider-aws is there\n'
	exit
fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
printf 'terraform {\n  required_providers {\n    aws = { source = "hashicorp/aws", version = "%s" }\n  }\n}\n' "$version" >"$work/main.tf"
(cd "$work" && "$cache/bin/tofu" init -backend=false -input=false -no-color >/dev/null)
cp -L "$(find -L "$work/.terraform/providers" -name 'terraform-provider-aws_*' | head -n 1)" "$cache/bin/terraform-provider-aws"
