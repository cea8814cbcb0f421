// What people ask for: three thousand packages, the best known first.
import type { PackageGraph, PackageNode } from './package-graph.ts';
import type { Random } from '#test/random.ts';

const NUMBER = 3000;

/** The packages that images are made of, by rank: those that everybody knows, then programs and libraries at random. */
export function rootsOf({ nodes, named }: PackageGraph, random: Random): PackageNode[] {
  const others = nodes.filter(
    ({ dependents, narSize, section }) => dependents <= 3 && narSize > 20_000 && SECTIONS.has(section),
  );
  return [...new Set([...NAMES.map(named), ...random.shuffled(others)])].slice(0, NUMBER);
}

const SECTIONS: ReadonlySet<string> = new Set(
  `admin utils net web editors devel python interpreters database vcs shells text science math video graphics sound httpd
   mail java ruby perl php golang rust haskell lisp news misc games comm embedded electronics education hamradio`.split(
    /\s+/,
  ),
);

const NAMES = `
git curl python3 nodejs vim jq wget openssh-client gcc make postgresql-client ffmpeg htop tmux ripgrep imagemagick
redis-tools nginx golang-go default-jre-headless openssl bash ruby perl php-cli sqlite3 mariadb-client rsync zsh fish
emacs-nox cmake ninja-build clang gdb strace tcpdump nmap iproute2 dnsutils netcat-openbsd socat iputils-ping busybox
gnupg file less tree zip unzip xz-utils zstd pigz parallel python3-pip python3-venv python3-numpy python3-requests npm
rustc cargo default-jdk-headless maven ant docker.io skopeo buildah podman kubernetes-client ansible awscli s3cmd
rclone restic borgbackup graphviz pandoc texlive-latex-base ghostscript poppler-utils qpdf haproxy apache2 squid
varnish memcached rabbitmq-server mosquitto-clients redis-server postgresql mariadb-server etcd-client lua5.4 luajit
r-base-core octave ghc ocaml-nox erlang-base elixir valgrind bison flex autoconf automake libtool pkg-config meson
shellcheck yamllint hugo nano mc moreutils bc bind9-host whois traceroute mtr-tiny iperf3 lsof sysstat procps psmisc
fzf bat fd-find exa hyperfine entr direnv httpie aria2 youtube-dl mkvtoolnix sox optipng gifsicle inkscape gimp
chromium firefox-esr libreoffice-core blender qemu-utils qemu-system-x86 ovmf debootstrap squashfs-tools xorriso
mtools dosfstools parted gdisk lvm2 cryptsetup btrfs-progs xfsprogs e2fsprogs mercurial subversion bzr tig git-lfs
gitolite3 protobuf-compiler swig doxygen sphinx-doc nasm yasm binutils elfutils patchelf ccache distcc weechat irssi
mutt neomutt msmtp isync offlineimap notmuch fetchmail postfix dovecot-core opendkim spamassassin clamav
`
  .trim()
  .split(/\s+/);

/** How many of the first ranks everybody knows. */
export const WELL_KNOWN = NAMES.length;
