#!/bin/bash
# Makes a build worker of a blank Debian 13 on Compute Engine, from what is in the machine's metadata (worker.tf). Runs as root at every
# boot, and again when the metadata change (derivery-roll.service): what is done already is left alone. Whatever fails ends it,
# before the worker is started: a machine that is half made builds nothing.
set -euo pipefail

METADATA=http://metadata.google.internal/computeMetadata/v1/instance
DISK=/dev/disk/by-id/google-nix
PROGRAMS=/opt/derivery
STATE=/nix/derivery
CONFIG=/etc/derivery

say() { echo "derivery: $*"; }
die() {
  say "$*" >&2
  exit 1
}

metadata() { curl --silent --show-error --fail --retry 5 --header 'Metadata-Flavor: Google' "$METADATA/$1"; }
attribute() { metadata "attributes/derivery-$1"; }

# keep NAME FILE MODE: the file of worker-vm/, or another attribute, becomes the file; `changed` says whether it was another before.
keep() {
  local new
  new=$(mktemp)
  attribute "$1" >"$new"
  changed=yes
  if cmp --silent "$new" "$2"; then changed=no; else install -D --mode="$3" "$new" "$2"; fi
  rm "$new"
}

# The disk of Nix's store outlives the system: it is formatted once, when it is blank.
mount_store() {
  local status=0
  [[ -b $DISK ]] || die "there is no disk $DISK"
  blkid --probe "$DISK" >/dev/null || status=$?
  case $status in
    0) ;;
    # Small files by the hundred thousand: twice as many inodes as by default.
    2) mkfs.ext4 -q -i 8192 -L nix "$DISK" ;;
    *) die "what is on $DISK cannot be told (blkid ended with $status)" ;;
  esac
  mkdir -p /nix
  grep -q ' /nix ' /etc/fstab || echo "$DISK /nix ext4 nofail,noatime 0 2" >>/etc/fstab
  mountpoint --quiet /nix || mount /nix
  # Where the disk was made larger.
  resize2fs "$DISK" 2>/dev/null
}

install_packages() {
  local package missing=()
  for package in "$@"; do
    [[ $(dpkg-query --show --showformat='${db:Status-Status}' "$package" 2>/dev/null) == installed ]] || missing+=("$package")
  done
  ((${#missing[@]} > 0)) || return 0
  export DEBIAN_FRONTEND=noninteractive
  apt-get -o DPkg::Lock::Timeout=300 update
  apt-get -o DPkg::Lock::Timeout=300 install --yes --no-install-recommends "${missing[@]}"
}

# What Nix may do, and what its builds may reach. Before anything is built.
configure_nix() {
  keep nix-conf /etc/nix/nix.conf 0644
  [[ $changed == no ]] || nix_changed=yes
  keep nix-daemon-conf /etc/systemd/system/nix-daemon.service.d/derivery.conf 0644
  [[ $changed == no ]] || nix_changed=yes
  # The group has another number where the system is newer than the store.
  [[ ! -d /nix/store ]] || chown root:nixbld /nix/store
  keep nftables-conf "$CONFIG/nftables.conf" 0644
  nft --file "$CONFIG/nftables.conf"
}

make_user() {
  id derivery >/dev/null 2>&1 ||
    useradd --system --user-group --home-dir "$STATE/home" --no-create-home --shell /usr/sbin/nologin derivery
  local folder
  for folder in "$STATE" "$STATE/home" "$STATE/spool"; do
    mkdir -p "$folder"
    # The user too may have another number than when the store was made.
    [[ $(stat --format=%U "$folder") == derivery ]] || chown --recursive derivery:derivery "$folder"
  done
}

# fetch OBJECT SHA256 FILE: an object BUCKET/NAME of Cloud Storage, which has to be what was promised.
fetch() {
  local token url="https://storage.googleapis.com/$1" found
  token=$(metadata service-accounts/default/token | sed -n 's/.*"access_token" *: *"\([^"]*\)".*/\1/p')
  # Not as an argument: those are everybody's to read.
  curl --silent --show-error --fail --retry 5 --location --output "$3" --header @- "$url" <<<"Authorization: Bearer $token"
  found=$(sha256sum "$3" | cut -d ' ' -f 1)
  [[ $found == "$2" ]] || die "$url has the SHA-256 $found, not $2"
}

# Node and the worker, each in a folder by its hash, so that an old one runs on until it is stopped.
install_programs() {
  local node worker unpacked
  node=$(attribute node-sha256)
  worker=$(attribute bundle-sha256)
  mkdir -p "$PROGRAMS"
  unpacked=$(mktemp -d -p "$PROGRAMS" .new.XXXXXX)
  if [[ ! -e $PROGRAMS/node-$node ]]; then
    fetch "$(attribute node)" "$node" "$unpacked/node"
    chmod 0755 "$unpacked/node"
    mv "$unpacked/node" "$PROGRAMS/node-$node"
  fi
  if [[ ! -e $PROGRAMS/worker-$worker ]]; then
    fetch "$(attribute bundle)" "$worker" "$unpacked/worker.tar.gz"
    mkdir "$unpacked/worker"
    tar --extract --gzip --no-same-owner --file="$unpacked/worker.tar.gz" --directory="$unpacked/worker"
    mv "$unpacked/worker" "$PROGRAMS/worker-$worker"
  fi
  rm -rf "$unpacked"
  chmod -R u=rwX,go=rX "$PROGRAMS"
  [[ $(readlink "$PROGRAMS/node") == "node-$node" ]] || worker_changed=yes
  [[ $(readlink "$PROGRAMS/worker") == "worker-$worker" ]] || worker_changed=yes
  ln -sfn "node-$node" "$PROGRAMS/node"
  ln -sfn "worker-$worker" "$PROGRAMS/worker"
}

# When nothing runs from them any more.
remove_old_programs() {
  local program
  for program in "$PROGRAMS"/node-* "$PROGRAMS"/worker-* "$PROGRAMS"/.new.*; do
    case ${program##*/} in
      "$(readlink "$PROGRAMS/node")" | "$(readlink "$PROGRAMS/worker")") ;;
      *) rm -rf "$program" ;;
    esac
  done
}

# Google's agent brings the journal to Cloud Logging. Builds are worth more than their logs: without it these go to the serial
# console, and from there to Cloud Logging as plain text.
install_log_agent() {
  local key=/usr/share/keyrings/derivery-google.asc list=/etc/apt/sources.list.d/google-cloud-ops-agent.list
  local to_console=/etc/systemd/system/derivery-worker.service.d/console.conf
  if [[ ! -e /opt/google-cloud-ops-agent ]]; then
    curl --silent --show-error --fail --retry 5 --output "$key" https://packages.cloud.google.com/apt/doc/apt-key.gpg || true
    echo "deb [signed-by=$key] https://packages.cloud.google.com/apt google-cloud-ops-agent-trixie-all main" >"$list"
    if ! (install_packages google-cloud-ops-agent); then
      say 'the log agent cannot be installed: logs go to the serial console' >&2
      rm "$list"
      [[ -e $to_console ]] || worker_changed=yes
      mkdir -p "${to_console%/*}"
      printf '[Service]\nStandardOutput=journal+console\n' >"$to_console"
      return
    fi
  fi
  [[ ! -e $to_console ]] || worker_changed=yes
  rm -f "$to_console"
  keep ops-agent /etc/google-cloud-ops-agent/config.yaml 0644
  [[ $changed == no ]] || systemctl restart google-cloud-ops-agent.service
}

start_worker() {
  keep environment "$CONFIG/worker.env" 0600
  [[ $changed == no ]] || worker_changed=yes
  keep worker-service /etc/systemd/system/derivery-worker.service 0644
  [[ $changed == no ]] || worker_changed=yes
  # Not started anew: this script may be its own.
  keep roll-service /etc/systemd/system/derivery-roll.service 0644
  systemctl daemon-reload
  [[ $nix_changed == no ]] || systemctl restart nix-daemon.service
  systemctl start nix-daemon.socket
  # Stopped, a worker gives its builds back: another takes them, or the new one.
  if [[ $worker_changed == yes ]]; then
    systemctl restart derivery-worker.service
  else
    systemctl start derivery-worker.service
  fi
  systemctl start derivery-roll.service
}

nix_changed=no
worker_changed=no

mount_store
install_packages busybox-static ca-certificates git nftables nix-bin nix-setup-systemd openssh-client
configure_nix
make_user
install_programs
install_log_agent
start_worker
remove_old_programs
say 'the worker runs'
