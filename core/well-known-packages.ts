// Packages of nixpkgs that people put into images, by attribute: what a revision's layers are planned for before anyone has
// asked for anything. What a package set does not have is passed over, so a name may stay here after nixpkgs renamed it.
import { META_PACKAGES } from './meta-packages.ts';

/** Shells, and what one has at hand in them. */
const SHELLS = `
  bash bashInteractive bash-completion busybox dash fish zsh bat btop delta entr exa fd fzf htop less lsd man mc
  moreutils ncdu parallel pv ripgrep screen starship tmux tree watch
`;

/** What a Unix system has. */
const SYSTEM = `
  acl attr bc bzip2 coreutils coreutils-full cpio cron dbus diffutils e2fsprogs file findutils gawk gettext getent
  gnugrep gnused gnutar groff gzip inetutils iproute2 iptables iputils kmod killall libcap lsof lz4 man-db nano
  ncurses netcat netcat-gnu netcat-openbsd nettools p7zip _7zz pam patch perl pigz procps psmisc rsync shadow socat
  strace sudo supervisor systemd tcpdump time tini traceroute tzdata unixtools.ping unixtools.ps unixtools.top
  unixtools.netstat unzip util-linux utillinux which xz zip zstd dumb-init gosu fakeroot gdb gcc glibc glibcLocales
  musl stdenv.cc.cc.lib pkgsStatic.busybox
`;

/** Editors, version control, and tools for text and data. */
const TOOLS = `
  helix neovim vim vim-full git gitFull gitMinimal git-lfs git-crypt gh hub tig subversion pre-commit jq yq yq-go gojq
  fx jo xmlstarlet libxml2 libxslt htmlq pandoc graphviz imagemagick graphicsmagick ghostscript poppler-utils qpdf
  ffmpeg ffmpeg-headless libwebp exiftool hugo mdbook
`;

/** Networks, certificates and secrets. */
const NETWORK = `
  aria2 bind bind.dnsutils dig dnsutils cacert curl grpcurl grpc-tools httpie iana-etc iperf3 mtr nmap openssh openssl
  wrk hey apacheHttpd rclone s3cmd sshpass stunnel telnet wget whois wireguard-tools openvpn age sops gnupg pass
  pinentry vault vault-bin certbot mkcert step-cli lftp
`;

/** Languages, and what builds programs in them. */
const LANGUAGES = `
  bun clang cargo cargo-nextest rustc rustfmt clippy deno dotnet-sdk_8 dotnet-runtime_8 elixir elm erlang ghc go
  go_1_22 go_1_23 go_1_24 go_1_25 gopls gradle jdk jdk11 jdk17 jdk21 jdk25 jdk_headless jdk17_headless jdk21_headless
  jdk25_headless jre jre_headless jre_minimal openjdk kotlin lua lua5_4 luajit maven nodejs nodejs-slim nodejs_18
  nodejs_20 nodejs_22 nodejs_24 nodejs-slim_20 nodejs-slim_22 nodejs-slim_24 corepack pnpm yarn yarn-berry typescript
  nodePackages.typescript ocaml php php82 php83 php84 php85 phpPackages.composer php83Packages.composer
  php84Packages.composer poetry pipenv python3 python311 python312 python313 python314 python3Minimal
  python3Packages.pip python3Packages.setuptools python3Packages.wheel python3Packages.virtualenv
  python3Packages.requests python3Packages.numpy python3Packages.pyyaml python3Packages.boto3 python3Packages.flask
  python3Packages.django python3Packages.fastapi python3Packages.uvicorn python3Packages.pytest black ruff mypy
  pyright uv ruby ruby_3_2 ruby_3_3 ruby_3_4 bundler scala sbt zig
`;

/** What builds, checks and debugs. */
const BUILD = `
  stdenv stdenv.cc stdenv.cc.bintools autoconf automake binutils bison boost ccache cmake flex gnumake just libtool
  llvmPackages.clang m4 meson ninja patchelf pkg-config protobuf shellcheck shfmt swig go-task valgrind yamllint
  golangci-lint prettier nodePackages.prettier clang-tools nixpkgs-fmt nixfmt nil perf cloc xxd delve
`;

/** Clouds, clusters and containers. */
const CLOUD = `
  ansible awscli awscli2 azure-cli buildah buildkit cloud-sql-proxy consul containerd cosign crane docker
  docker-client docker-compose docker-buildx etcd google-cloud-sdk kubernetes-helm helmfile k9s kubectl kubectx
  kubeconform kustomize opentofu oras podman runc skaffold skopeo stern grype terraform terraform-docs trivy
  open-policy-agent nix nixVersions.latest nix-prefetch-git act
`;

/** Databases and their clients, queues, servers, and what watches them. */
const SERVICES = `
  duckdb libpq mariadb mariadb-client mariadb.client memcached minio minio-client mongodb-tools mongosh mysql84
  pgbouncer postgresql postgresql_13 postgresql_14 postgresql_15 postgresql_16 postgresql_17 postgresql_18
  rabbitmq-server redis valkey sqlite sqlite-interactive usql nats-server mosquitto kcat apacheKafka caddy dnsmasq
  envoy haproxy lighttpd nginx nginxMainline traefik unbound varnish coredns msmtp alertmanager prometheus
  prometheus-alertmanager prometheus-node-exporter grafana loki fluent-bit opentelemetry-collector cowsay hello
  fontconfig dejavu_fonts
`;

/** Each once, those of meta-packages among them. */
export const WELL_KNOWN_PACKAGES: readonly string[] = [
  ...new Set([
    ...[SHELLS, SYSTEM, TOOLS, NETWORK, LANGUAGES, BUILD, CLOUD, SERVICES].flatMap(names =>
      names.trim().split(/\s+/),
    ),
    ...Object.values(META_PACKAGES).flatMap(meta => ('adds' in meta ? meta.adds : [])),
  ]),
];
