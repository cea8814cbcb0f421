#!/bin/bash
# Makes a build worker of a blank Debian 13 on Compute Engine, from what is in the machine's metadata (worker.tf). Runs as root at every
# boot, and again when the metadata change (derivery-roll.service): what is done already is left alone. Whatever fails ends it,
# before the worker is started: a machine that is half made builds nothing. A minute later it begins anew.
set -euo pipefail

METADATA=http://metadata.google.internal/computeMetadata/v1/instance
DISK=/dev/disk/by-id/google-nix
PROGRAMS=/opt/derivery
STATE=/nix/derivery
CONFIG=/etc/derivery
# In memory: what lies here has never been on a disk.
CREDENTIALS=/run/derivery
# What has changed and is not in effect: a file for each. It outlasts this run, which may end before, and not the next boot, by which
# all is in effect.
DUE=/run/derivery-due

say() { echo "derivery: $*"; }
die() {
  say "$*" >&2
  exit 1
}

metadata() { curl --silent --show-error --fail --retry 5 --header 'Metadata-Flavor: Google' "$METADATA/$1" "${@:2}"; }
attribute() { metadata "attributes/derivery-$1"; }

# One at a time: where systemd starts this anew, it lets the run before go on (KillMode=process of Google's unit). What was not to be had
# may be in a minute: by a grant that Google does not know everywhere yet, of a mirror, or since the bundle was another's meanwhile.
begin() {
  exec 9>/run/derivery-startup.lock
  flock 9
  trap '(($? == 0)) || again' EXIT
}
again() {
  # One that waits is enough.
  systemctl is-active --quiet derivery-again.timer ||
    systemd-run --quiet --collect --unit=derivery-again --on-active=60 systemctl --no-block restart google-startup-scripts.service
}

# For derivery-roll.service: what changes from here on has not been seen, however long this takes.
note_metadata() {
  metadata 'attributes/?recursive=true' --output /dev/null --dump-header - |
    tr -d '\r' | sed -n 's/^[Ee][Tt][Aa][Gg]: //p' | tail -n 1 >/run/derivery-etag
}

due() { touch "$DUE/$1"; }
is_due() { [[ -e $DUE/$1 ]]; }
is_done() { rm -f "$DUE/$1"; }

# keep NAME FILE MODE [WHO]: the file of worker-vm/, or another attribute, becomes the file. Where it was another before, WHO is due to be
# started anew.
keep() {
  local new
  new=$(mktemp)
  attribute "$1" >"$new"
  if ! cmp --silent "$new" "$2"; then
    [[ $# -lt 4 ]] || due "$4"
    install -D --mode="$3" "$new" "$2"
  fi
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
  resize2fs "$DISK"
}

install_packages() {
  local package missing=()
  for package in "$@"; do
    [[ $(dpkg-query --show --showformat='${db:Status-Status}' "$package" 2>/dev/null) == installed ]] || missing+=("$package")
  done
  ((${#missing[@]} > 0)) || return 0
  export DEBIAN_FRONTEND=noninteractive
  # A machine that was taken away amid an installation: apt refuses to go on from there.
  dpkg --configure -a
  apt-get -o DPkg::Lock::Timeout=300 update
  apt-get -o DPkg::Lock::Timeout=300 install --yes --no-install-recommends "${missing[@]}"
}

# What Nix may do, and what its builds may reach. Before anything is built.
configure_nix() {
  keep nix-conf /etc/nix/nix.conf 0644 nix
  keep nix-daemon-conf /etc/systemd/system/nix-daemon.service.d/derivery.conf 0644 nix
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

# ask URL OPTION...: an answer of Google's to this machine.
ask() {
  local token
  token=$(metadata service-accounts/default/token | sed -n 's/.*"access_token" *: *"\([^"]*\)".*/\1/p')
  # Not as an argument: those are everybody's to read.
  curl --silent --show-error --fail --retry 5 --location --header @- "$@" <<<"Authorization: Bearer $token"
}

# credential SECRET FILE: the content of a secret, for the worker alone; nothing where the secret is `none`. Of what is refused or empty
# nobody could tell later why git was not let in.
credential() {
  local new file=$CREDENTIALS/$2
  if [[ $1 == none ]]; then
    rm -f "$file"
    return
  fi
  new=$(mktemp -p "$CREDENTIALS")
  # A key without the end of its last line is none to ssh.
  ask "https://secretmanager.googleapis.com/v1/$1:access" |
    sed -n 's/.*"data" *: *"\([^"]*\)".*/\1/p' | base64 --decode | awk 1 >"$new" ||
    die "the secret $1 cannot be read"
  [[ -s $new ]] || die "the secret $1 is empty"
  chown derivery:derivery "$new"
  chmod 0400 "$new"
  mv "$new" "$file"
}

# What private repositories are read with, where git and ssh look for it. In folders of its user root makes nothing.
give_credentials() {
  local netrc ssh_key known_hosts
  netrc=$(attribute git-netrc)
  ssh_key=$(attribute git-ssh-key)
  known_hosts=$(attribute git-known-hosts)
  install -d --group=derivery --mode=0750 "$CREDENTIALS"
  credential "$netrc" netrc
  credential "$ssh_key" ssh-key
  credential "$known_hosts" known-hosts
  runuser --user derivery -- ln -sfn "$CREDENTIALS/netrc" "$STATE/home/.netrc"
  printf '%s\n' 'Match localuser derivery' "IdentityFile $CREDENTIALS/ssh-key" 'IdentitiesOnly yes' \
    "UserKnownHostsFile $CREDENTIALS/known-hosts" 'UpdateHostKeys no' >/etc/ssh/ssh_config.d/derivery.conf
}

# fetch OBJECT SHA256 FILE: an object BUCKET/NAME of Cloud Storage, which has to be what was promised.
fetch() {
  local url="https://storage.googleapis.com/$1" found
  ask "$url" --output "$3"
  found=$(sha256sum "$3" | cut -d ' ' -f 1)
  [[ $found == "$2" ]] || die "$url has the SHA-256 $found, not $2"
}

# Node and the worker, each in a folder by its hash, so that an old one runs on until it is stopped. What has its name is believed for
# ever, and so is on the disk before.
install_programs() {
  local node worker unpacked
  node=$(attribute node-sha256)
  worker=$(attribute bundle-sha256)
  mkdir -p "$PROGRAMS"
  unpacked=$(mktemp -d -p "$PROGRAMS" .new.XXXXXX)
  if [[ ! -e $PROGRAMS/node-$node ]]; then
    fetch "$(attribute node)" "$node" "$unpacked/node"
    chmod 0755 "$unpacked/node"
    sync --file-system "$unpacked"
    mv "$unpacked/node" "$PROGRAMS/node-$node"
  fi
  if [[ ! -e $PROGRAMS/worker-$worker ]]; then
    fetch "$(attribute bundle)" "$worker" "$unpacked/worker.tar.gz"
    mkdir "$unpacked/worker"
    tar --extract --gzip --no-same-owner --file="$unpacked/worker.tar.gz" --directory="$unpacked/worker"
    sync --file-system "$unpacked"
    mv "$unpacked/worker" "$PROGRAMS/worker-$worker"
  fi
  rm -rf "$unpacked"
  chmod -R u=rwX,go=rX "$PROGRAMS"
  [[ $(readlink "$PROGRAMS/node") == "node-$node" ]] || due worker
  [[ $(readlink "$PROGRAMS/worker") == "worker-$worker" ]] || due worker
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
      [[ -e $to_console ]] || due worker
      mkdir -p "${to_console%/*}"
      printf '[Service]\nStandardOutput=journal+console\n' >"$to_console"
      return
    fi
  fi
  [[ ! -e $to_console ]] || due worker
  rm -f "$to_console"
  keep ops-agent /etc/google-cloud-ops-agent/config.yaml 0644 log-agent
  ! is_due log-agent || systemctl restart google-cloud-ops-agent.service
  is_done log-agent
}

start_worker() {
  keep environment "$CONFIG/worker.env" 0600 worker
  keep worker-service /etc/systemd/system/derivery-worker.service 0644 worker
  # Not started anew: this script may be its own.
  keep roll-service /etc/systemd/system/derivery-roll.service 0644
  systemctl daemon-reload
  ! is_due nix || systemctl restart nix-daemon.service
  is_done nix
  systemctl start nix-daemon.socket
  # Stopped, a worker gives its builds back: another takes them, or the new one.
  if is_due worker; then
    systemctl restart derivery-worker.service
  else
    systemctl start derivery-worker.service
  fi
  is_done worker
  systemctl start derivery-roll.service
}

begin
mkdir -p "$DUE"
note_metadata
mount_store
install_packages busybox-static ca-certificates git nftables nix-bin nix-setup-systemd openssh-client
configure_nix
make_user
give_credentials
install_programs
install_log_agent
start_worker
remove_old_programs
say 'the worker runs'
