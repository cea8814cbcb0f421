#!/bin/bash
# In the place of what a folder that was made the root has not: a disk, systemd, a kernel's tables, Google. Called by the name of the
# program that it stands for; what it was asked for is in /stubs/log.
name=${0##*/}
[[ $name == curl || $name == mountpoint ]] || echo "$name $*" >>/stubs/log
case $name in
  blkid) [[ -e /stubs/formatted ]] || exit 2 ;;
  mkfs.ext4) touch /stubs/formatted ;;
  systemctl) [[ $1 != is-active ]] ;;
  mountpoint) grep -q '^mount /nix' /stubs/log ;;
  curl)
    out=/dev/stdout
    while (($#)); do
      case $1 in
        --output) out=$2 && shift ;;
        --header)
          if [[ $2 == @- ]]; then
            read -r header
            [[ $header == 'Authorization: Bearer the-token' ]] || exit 22
          elif [[ $2 != 'Metadata-Flavor: Google' ]]; then
            exit 22
          fi
          shift
          ;;
        http*) url=$1 ;;
      esac
      shift
    done
    case $url in
      *'/attributes/?recursive=true') printf 'HTTP/1.1 200 OK\r\nETag: %s\r\n\r\n' "$(</stubs/etag)" && exit ;;
      *'/attributes/?recursive=true&wait_for_change=true&'*) echo "wait ${url##*&}" >>/stubs/log && exit ;;
      http://metadata.google.internal/computeMetadata/v1/instance/attributes/*) file=/stubs/attributes/${url##*/} ;;
      http://metadata.google.internal/computeMetadata/v1/instance/service-accounts/default/token) file=/stubs/token ;;
      https://secretmanager.googleapis.com/v1/projects/demo-project/secrets/*/versions/latest:access)
        file=${url%/versions/latest:access} file=/stubs/secrets/${file##*/}
        ;;
      https://storage.googleapis.com/bundles/*) file=/stubs/objects/${url##*/} ;;
      *) exit 6 ;;
    esac
    [[ -e $file ]] || exit 22
    cat "$file" >"$out"
    ;;
esac
