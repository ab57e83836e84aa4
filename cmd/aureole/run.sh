#!/bin/sh
# What "make run" does: run.sh BINARY [ARGUMENTS OF serve...]. As root it gets the machine ready for virtual machines, serves
# S3 and EC2, and makes the tiny machine image. Where machines are impossible, or not as root, it says why and serves S3.
# Whoever gives --hypervisor or AUREOLE_HYPERVISOR decides that alone, and nothing is installed.
set -eu

bin=$1
shift
top=$(cd "$(dirname "$0")/../.." && pwd)

say() { printf 'make run: %s\n' "$*" >&2; }

data=${AUREOLE_DATA:-}
data=${data%%[, ]*}
chosen=${AUREOLE_HYPERVISOR:-}
previous=
for a in "$@"; do
	case $previous in
	--data) [ -n "$data" ] || data=$a ;;
	--hypervisor) chosen=$a ;;
	esac
	case $a in
	--data=*) [ -n "$data" ] || data=${a#--data=} ;;
	--hypervisor=*) chosen=${a#--hypervisor=} ;;
	esac
	previous=$a
done

if [ -z "$chosen" ]; then
	chosen=off
	if [ "$(id -u)" != 0 ]; then
		say "not root: no virtual machines, S3 only"
	elif sh "$top/hypervisor/setup.sh"; then
		chosen=libvirt
	else
		say "no virtual machines here, for the reason above; S3 only"
	fi
	export AUREOLE_HYPERVISOR=$chosen
fi

if [ "$chosen" = libvirt ]; then
	server=$$ # the server takes this process over
	(
		if ! apt-cache show linux-image-cloud-amd64 >/dev/null 2>&1; then apt-get update -qq || true; fi
		while kill -0 $server 2>/dev/null; do
			sleep 1
			if out=$("$bin" image tiny ${data:+--data "$data"} 2>&1); then
				say "machine image $out is ready to launch: aws ec2 run-instances --image-id $out --instance-type t3.nano"
				break
			fi
			case $out in
			*"no server runs"* | *"no data folder"* | *"connection refused"* | *"is starting"*) continue ;; # it is starting
			esac
			say "the tiny machine image could not be made: $out"
			break
		done
	) </dev/null &
fi
exec "$bin" serve "$@"
