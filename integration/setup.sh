#!/bin/sh
# Installs the real clients that the integration tests drive: Debian's packages, among them a headless Chromium; in a virtual
# environment the current boto3, AWS CLI v1, Arrow, object_store and delta-rs; the JavaScript SDK v3, litestream, kopia, rclone and
# OpenTofu. Needs root for apt; everything else lands in .cache at the top of the repository, which git ignores. Run it again at any
# time: what is there is left alone.
set -eu

top=$(cd "$(dirname "$0")/.." && pwd)
cache=${AUREOLE_TEST_CACHE:-$top/.cache}
here=$top/integration
kopia_version=v0.22.3
litestream_version=v0.5.18
opentofu_version=v1.12.6

say() { printf 'setup: %s\n' "$*"; }

# again COMMAND... tries four times: whoever hands packages out is away now and then.
again() {
	for wait in 5 20 60; do
		"$@" && return
		say "failed, and is tried again in $wait s: $*" >&2
		sleep $wait
	done
	"$@"
}

# --- Debian packages ------------------------------------------------------------------------------------------
# package:command pairs; a package is installed when its command is missing.
wanted="awscli:/usr/bin/aws restic:restic rclone:rclone s3cmd:s3cmd s3fs:s3fs curl:curl sqlite3:sqlite3 chromium-headless-shell:chromium-headless-shell
	debootstrap:/usr/sbin/debootstrap gcc:gcc
	python3:/usr/bin/python3 nodejs:node npm:npm
	nftables:nft iproute2:ip busybox:busybox"
missing=""
for pair in $wanted; do
	command -v "${pair#*:}" >/dev/null 2>&1 || missing="$missing ${pair%%:*}"
done
# Debian splits ensurepip off into python3-venv, and a venv without it is useless.
if ! /usr/bin/python3 -c 'import ensurepip, venv' >/dev/null 2>&1; then
	missing="$missing python3-venv"
fi
# The old SDK, which signs with Version 2.
if ! /usr/bin/python3 -c 'import boto' >/dev/null 2>&1; then
	missing="$missing python3-boto"
fi
if [ -n "$missing" ]; then
	say "apt-get install$missing"
	export DEBIAN_FRONTEND=noninteractive
	again apt-get update -qq
	# shellcheck disable=SC2086 # the list is meant to be split
	again apt-get install -y -qq --no-install-recommends $missing >/dev/null
else
	say "Debian packages are there"
fi

# --- Virtual machines -----------------------------------------------------------------------------------------
sh "$top/hypervisor/setup.sh"

# done_for NAME FILE... succeeds when NAME was set up from exactly these files.
done_for() {
	name=$1; shift
	[ -f "$cache/$name.stamp" ] && [ "$(cat "$@" | sha256sum)" = "$(cat "$cache/$name.stamp")" ]
}
mark_done() {
	name=$1; shift
	cat "$@" | sha256sum >"$cache/$name.stamp"
}
mkdir -p "$cache/bin"

# s3fs mounts through /dev/fuse, which minimal containers lack.
if [ ! -e /dev/fuse ]; then
	say "making /dev/fuse"
	modprobe fuse 2>/dev/null || true
	[ -e /dev/fuse ] || mknod -m 666 /dev/fuse c 10 229
fi

# --- Python ---------------------------------------------------------------------------------------------------
if done_for py "$here/clients/python/requirements.txt" && [ -x "$cache/py/bin/aws" ]; then
	say "Python packages are there"
else
	say "pip install $(tr '\n' ' ' <"$here/clients/python/requirements.txt")"
	rm -rf "$cache/py"
	/usr/bin/python3 -m venv "$cache/py"
	again "$cache/py/bin/pip" install --quiet --disable-pip-version-check -r "$here/clients/python/requirements.txt"
	mark_done py "$here/clients/python/requirements.txt"
fi

# --- JavaScript -----------------------------------------------------------------------------------------------
if done_for js "$here/clients/js/package.json" && [ -d "$cache/js/node_modules/@aws-sdk/client-s3" ]; then
	say "AWS SDK for JavaScript is there"
else
	say "npm install $(grep -c '@aws-sdk' "$here/clients/js/package.json") packages of the AWS SDK for JavaScript"
	rm -rf "$cache/js"
	mkdir -p "$cache/js"
	cp "$here/clients/js/package.json" "$cache/js/"
	(cd "$cache/js" && again npm install --silent --no-audit --no-fund --no-package-lock >/dev/null)
	mark_done js "$here/clients/js/package.json"
fi
# The SDK needs Node 20; Debian 12 ships 18. The registry also has Node itself.
if [ "$(node -p 'process.versions.node.split(".")[0]')" -lt 20 ] && [ ! -x "$cache/js/node_modules/.bin/node" ]; then
	say "npm install node@22 (the system's node is older than 20)"
	(cd "$cache/js" && again npm install --silent --no-audit --no-fund --no-package-lock --no-save node@22 >/dev/null)
fi

# --- Go tools -------------------------------------------------------------------------------------------------
if [ -x "$cache/bin/litestream-$litestream_version" ]; then
	say "litestream $litestream_version is there"
else
	say "go install litestream $litestream_version"
	# From a folder without a go.mod, so that this module's versions stay out of it.
	(cd / && again env GOFLAGS= GOBIN="$cache/bin" go install "github.com/benbjohnson/litestream/cmd/litestream@$litestream_version")
	mv "$cache/bin/litestream" "$cache/bin/litestream-$litestream_version"
fi
ln -sf "litestream-$litestream_version" "$cache/bin/litestream"

# from_source NAME VERSION MODULE PACKAGE FLAG... builds a program from a copy of its source, so that its own go.mod counts: "go
# install" refuses one that replaces modules, as OpenTofu's does, and asks the proxy for lists that not all proxies give.
from_source() {
	name=$1 version=$2 module=$3 package=$4; shift 4
	if [ -x "$cache/bin/$name-$version" ]; then
		say "$name $version is there"
	else
		say "go build $name $version (some minutes)"
		(cd / && again env GOFLAGS= go mod download "$module@$version")
		source=$(cd / && GOFLAGS= go mod download -json "$module@$version" | sed -n 's/^.*"Dir": "\(.*\)".*$/\1/p')
		work=$(mktemp -d)
		cp -r "$source/." "$work"
		chmod -R u+w "$work"
		(cd "$work" && again env GOFLAGS=-buildvcs=false CGO_ENABLED=0 go build "$@" -ldflags '-s -w' -o "$cache/bin/$name-$version" "$package")
		rm -rf "$work"
	fi
	ln -sf "$name-$version" "$cache/bin/$name"
}
from_source tofu "$opentofu_version" github.com/opentofu/opentofu ./cmd/tofu
from_source kopia "$kopia_version" github.com/kopia/kopia . -tags nohtmlui

# A program of ours around litestream's leaser, in a module of its own.
if done_for lease "$here/clients/lease/main.go" "$here/clients/lease/go.sum" && [ -x "$cache/bin/litestream-lease" ]; then
	say "litestream-lease is there"
else
	say "go build litestream-lease"
	(cd "$here/clients/lease" && again env GOFLAGS= CGO_ENABLED=0 go build -o "$cache/bin/litestream-lease" .)
	mark_done lease "$here/clients/lease/main.go" "$here/clients/lease/go.sum"
fi

# Current rclone with the S3 backend alone; Debian's is from 2022.
if done_for rclone "$here/clients/rclone/main.go" "$here/clients/rclone/go.sum" && [ -x "$cache/bin/rclone-s3" ]; then
	say "rclone-s3 is there"
else
	say "go build rclone-s3"
	(cd "$here/clients/rclone" && again env GOFLAGS= CGO_ENABLED=0 go build -ldflags '-s -w' -o "$cache/bin/rclone-s3" .)
	mark_done rclone "$here/clients/rclone/main.go" "$here/clients/rclone/go.sum"
fi

say "ready"
