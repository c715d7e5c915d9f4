#!/usr/bin/env bash
# Gets other people's FTP and SSH programs for the tests marked network_lab; run as root, with a folder as its argument.
#
# What can be installed is; servers that exclude each other as packages are unpacked into the folder, which is what
# FEEDENGINE_LAB must name. Nothing is started, nothing fails: what is missing is printed, and its tests are left out.
set -uo pipefail

folder=${1:?usage: install.sh FOLDER}
clients="curl lftp rclone ftp-ssl openssl"
unpacked="vsftpd proftpd-core proftpd-mod-crypto pure-ftpd pure-ftpd-common"
libraries="libhiredis0.14 libmemcached11 libmemcachedutil2 libhashkit2 libpcre2-posix3 libsodium23 libwrap0 libcap2 libpq5 libldap-2.5-0 libmariadb3 libsasl2-2"

missing() { echo "lab: $1 is missing; tests that need it are left out" >&2; }

if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
  echo "lab: not root, or no apt-get: nothing is installed" >&2
  exit 0
fi
mkdir -p "$folder"
folder=$(cd "$folder" && pwd)
export DEBIAN_FRONTEND=noninteractive

wanted=()
for each in $clients; do
  command -v "$each" >/dev/null || wanted+=("$each")
done
todo=()
for each in $unpacked; do
  [ -e "$folder/.unpacked/$each" ] || todo+=("$each")
done
[ -x /usr/sbin/sshd ] || wanted+=(openssh-server)
if [ ${#wanted[@]} = 0 ] && [ ${#todo[@]} = 0 ]; then
  exit 0
fi
timeout 120 apt-get update -qq >/dev/null 2>&1 || echo "lab: the package lists could not be loaded" >&2

# The tests start their own sshd; the system's must not be started by its installation.
policy=/usr/sbin/policy-rc.d
made=no
if [ ! -e "$policy" ]; then
  printf '#!/bin/sh\nexit 101\n' >"$policy" && chmod 755 "$policy" && made=yes
fi
for each in "${wanted[@]}"; do
  timeout 300 apt-get install -y -qq --no-install-recommends "$each" >/dev/null 2>&1 || missing "$each"
done
[ "$made" = no ] || rm -f "$policy"

mkdir -p "$folder/.unpacked" "$folder/.packages"
chmod 755 "$folder"
cd "$folder/.packages" || exit 0
for each in "${todo[@]}" $libraries; do
  [ ! -e "$folder/.unpacked/$each" ] || continue
  if [[ " $libraries " == *" $each "* ]] && dpkg -s "$each" >/dev/null 2>&1; then
    continue
  fi
  if timeout 120 apt-get download -qq "$each" >/dev/null 2>&1 && dpkg -x "$each"_*.deb "$folder"; then
    touch "$folder/.unpacked/$each"
  elif [[ " $unpacked " == *" $each "* ]]; then
    missing "$each"
  fi
done
rm -rf "$folder/.packages"
exit 0
