// Packages of nixpkgs that people put into images, by attribute: what a revision's layers are planned for before anyone has
// asked for anything. What a package set does not have is passed over, so a name may stay here after nixpkgs renamed it.
import { META_PACKAGES } from './meta-packages.ts';

/** Shells, and what one has at hand in them. */
const SHELLS = `
  bash bashInteractive bash-completion busybox dash elvish fish ksh mksh nushell oksh powershell tcsh toybox xonsh zsh
  bat bottom broot btop choose delta direnv du-dust entr eza exa fd fzf glow gum htop hyperfine less lsd man
  mc miller moreutils most ncdu neofetch parallel pv ranger ripgrep ripgrep-all screen sd starship tealdeer tmux tree
  watch watchexec xsv yazi zellij zoxide
`;

/** What a Unix system has. */
const SYSTEM = `
  acl attr bc bzip2 coreutils coreutils-full cpio cron dbus diffutils dosfstools e2fsprogs file findutils
  gawk gettext getent gnugrep gnused gnutar groff gzip hostname inetutils iproute2 iptables iputils kmod killall
  libcap lsb-release lsof ltrace lz4 man-db mount nano ncurses netcat netcat-gnu netcat-openbsd nettools nftables
  p7zip _7zz pam patch pciutils perl pigz procps psmisc rsync shadow socat strace sudo supervisor sysstat systemd
  tcpdump time tini traceroute tzdata umount unixtools.ping unixtools.ps unixtools.top unixtools.netstat unzip usbutils
  util-linux utillinux which xz zip zstd dumb-init s6 runit gosu su-exec fakeroot gdb gcc glibc glibcLocales musl locale
  stdenv.cc.cc.lib pkgsStatic.busybox
`;

/** Editors, version control, and tools for text and data. */
const TOOLS = `
  emacs emacs-nox helix kakoune micro neovim vim vim-full nvi ed
  git gitFull gitMinimal git-lfs git-crypt gh glab hub tig lazygit mercurial subversion fossil jujutsu pre-commit
  jq yq yq-go gojq jless fx dasel jo xmlstarlet libxml2 libxslt htmlq pup pandoc csvkit xlsx2csv
  graphviz imagemagick graphicsmagick ghostscript poppler_utils poppler-utils qpdf ffmpeg ffmpeg-headless sox libwebp
  optipng jpegoptim exiftool tesseract plantuml texliveSmall texliveBasic typst asciidoctor hugo mdbook zola jekyll
`;

/** Networks, certificates and secrets. */
const NETWORK = `
  aria2 axel bind bind.dnsutils dig dnsutils dogdns doggo cacert curl curlFull curlie grpcurl grpc-tools httpie hurl
  iana-etc iperf iperf2 iperf3 k6 ldns lynx mosh mtr ngrep nmap openssh openssl oha wrk wrk2 hey vegeta apacheHttpd
  rclone s3cmd sshpass stunnel telnet wget wget2 whois websocat xh wireguard-tools tailscale openvpn
  age sops gnupg pass pinentry vault vault-bin certbot lego mkcert step-cli cfssl libressl p11-kit
  inadyn lftp ncftp sshfs w3m links2
`;

/** Languages, and what builds programs in them. */
const LANGUAGES = `
  bun clang clojure cargo cargo-nextest rustc rustup rustfmt clippy crystal dart deno dotnet-sdk dotnet-runtime
  dotnet-sdk_8 dotnet-runtime_8 dotnet-sdk_9 dotnet-runtime_9 elixir elm erlang gfortran ghc gleam go go_1_22 go_1_23
  go_1_24 go_1_25 gopls gradle groovy guile haskellPackages.cabal-install stack jdk jdk8 jdk11 jdk17 jdk21 jdk25
  jdk_headless jdk17_headless jdk21_headless jdk25_headless jre jre8 jre_headless jre_minimal openjdk temurin-bin
  temurin-jre-bin graalvm-ce julia julia-bin kotlin leiningen lua lua5_1 lua5_3 lua5_4 luajit luarocks maven nim
  nodejs nodejs-slim nodejs_18 nodejs_20 nodejs_22 nodejs_24 nodejs-slim_20 nodejs-slim_22 nodejs-slim_24
  corepack pnpm yarn yarn-berry typescript nodePackages.typescript ocaml opam octave odin
  php php82 php83 php84 php85 phpPackages.composer php83Packages.composer php84Packages.composer
  poetry pipenv pdm pixi pypy3 python2 python3 python3Full python310 python311 python312 python313 python314
  python3Minimal python3Packages.pip python3Packages.setuptools python3Packages.wheel python3Packages.virtualenv
  python3Packages.requests python3Packages.numpy python3Packages.pandas python3Packages.pyyaml python3Packages.boto3
  python3Packages.flask python3Packages.django python3Packages.fastapi python3Packages.uvicorn
  python3Packages.jupyter python3Packages.ipython python3Packages.pytest black ruff mypy pyright uv
  R racket ruby ruby_3_1 ruby_3_2 ruby_3_3 ruby_3_4 bundler sbcl scala sbt swift tcl vlang zig zls
`;

/** What builds, checks and debugs. */
const BUILD = `
  stdenv stdenv.cc stdenv.cc.bintools autoconf automake bazel bear binutils bison boost buf ccache cmake cppcheck
  doxygen flex gnumake just libtool llvm lld llvmPackages.clang m4 meson mold nasm ninja patchelf pkg-config protobuf
  scons shellcheck shfmt swig go-task valgrind yamllint hadolint actionlint golangci-lint eslint prettier
  nodePackages.prettier clang-tools nixpkgs-fmt nixfmt nil alejandra statix rr perf linuxPackages.perf bpftrace
  flamegraph tokei cloc scc hexyl xxd vbindiff diffoscope delve
`;

/** Clouds, clusters and containers. */
const CLOUD = `
  ansible ansible-lint argo argocd awscli awscli2 aws-vault azure-cli buildah buildkit cloud-sql-proxy colima consul
  consul-template containerd cosign cri-tools crane dive docker docker-client docker-compose docker-buildx doctl eksctl
  etcd fluxcd flyctl google-cloud-sdk google-cloud-sdk-gce go-containerregistry hcloud kubernetes-helm helmfile
  istioctl jsonnet k3s k9s kind kubectl kubectx kubelogin kubeseal kubeval kubeconform kustomize linkerd minikube nerdctl
  nomad opentofu oras packer podman pulumi pulumi-bin runc skaffold skopeo slirp4netns ssm-session-manager-plugin stern
  syft grype talosctl terraform terraform-docs terragrunt tflint tilt trivy umoci velero waypoint conftest open-policy-agent
  nix nixVersions.latest nix-prefetch-git cachix devbox attic-client act gitlab-runner github-runner
`;

/** Databases and their clients, queues, servers, and what watches them. */
const SERVICES = `
  cassandra clickhouse cockroachdb couchdb duckdb elasticsearch influxdb2 influxdb libpq mariadb mariadb-client
  mariadb.client memcached minio minio-client mongodb mongodb-tools mongosh mysql mysql80 mysql84 mysql-client mycli
  neo4j percona-toolkit pgbouncer pgcli postgresql postgresql_13 postgresql_14 postgresql_15 postgresql_16
  postgresql_17 postgresql_18 rabbitmq-server redis redis-dump valkey sqlite sqlite-interactive litestream sqlcmd
  usql nats-server natscli mosquitto kafkactl kcat apacheKafka zookeeper opensearch qdrant rqlite surrealdb timescaledb-tune
  caddy dnsmasq envoy h2o haproxy lighttpd nginx nginxMainline nginxStable openresty traefik tomcat unbound
  varnish coredns squid tinyproxy privoxy tor postfix dovecot exim msmtp opensmtpd rspamd openldap samba vsftpd
  alertmanager prometheus prometheus-alertmanager prometheus-node-exporter prometheus-pushgateway grafana
  grafana-loki loki tempo telegraf fluent-bit fluentd vector opentelemetry-collector jaeger statsd_exporter
  gitea forgejo keycloak jenkins matrix-synapse mattermost nextcloud vaultwarden wordpress cowsay figlet fortune hello
  lolcat
  chromium firefox selenium-server-standalone chromedriver playwright-driver xvfb-run xorg.xorgserver fontconfig
  dejavu_fonts liberation_ttf noto-fonts
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
