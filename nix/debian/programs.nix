# Programs that people ask for, and the data that every image gets.
{ pkgs, deb, ... }:

with pkgs;
let
  # Debian's ncurses looks for terminals in /lib/terminfo: an image's links put it there.
  terminfo = "mkdir -p $out/lib; ln -s ${ncurses}/lib/terminfo $out/lib/terminfo";
in
{
  bashInteractive = deb "bash-interactive" {
    debs = [ "bash" ];
    inputs = [ ncurses ];
    install = "ln -s bash $out/bin/sh; rm $out/bin/bashbug; ${terminfo}";
    program = "bash";
  };
  bash = deb "bash" {
    inputs = [ ncurses ];
    install = ''
      ln -s bash $out/bin/sh
      rm -r $out/bin/bashbug $out/etc
    '';
    program = "bash";
  };
  cacert = deb "nss-cacert" {
    debs = [ "ca-certificates" ];
    patch = false;
    # As in nixpkgs, under this name only. What else programs look for is for an image to add.
    install = ''
      mkdir -p $out/etc/ssl/certs
      cat $out/share/ca-certificates/mozilla/*.crt >$out/etc/ssl/certs/ca-bundle.crt
      rm -r $out/sbin $out/share $out/etc/ca-certificates
    '';
  };
  iana-etc = deb "iana-etc" {
    debs = [ "netbase" ];
    patch = false;
  };
  mailcap = deb "mailcap" {
    debs = [ "media-types" ];
    patch = false;
  };

  coreutils = deb "coreutils" {
    inputs = [
      acl
      gmp
      libselinux
      openssl
    ];
  };
  curl = deb "curl" {
    debs = [
      "curl"
      "libcurl4"
    ];
    inputs = [
      brotli
      krb5
      libidn2
      libpsl
      libssh2
      nghttp2
      openldap
      openssl
      rtmpdump
      zlib
      zstd
    ];
    program = "curl";
  };
  file = deb "file" {
    debs = [
      "file"
      "libmagic1"
      "libmagic-mgc"
    ];
    inputs = [
      bash
      bzip2
      xz
      zlib
    ];
    install = "wrap file MAGIC=$out/lib/file/magic.mgc";
    program = "file";
  };
  git = deb "git" {
    debs = [
      "git"
      "libcurl3-gnutls"
    ];
    inputs = [
      bash
      coreutils
      expat
      gnugrep
      gnused
      pcre2
      perlMinimal
    ]
    ++ curl.closure;
    install = ''
      rm -r $out/lib/git-core/git-{cvs,svn,p4}* $out/share/gitweb
      wrap git GIT_EXEC_PATH=$out/lib/git-core GIT_TEMPLATE_DIR=$out/share/git-core/templates \
        "PATH=\''${PATH:+\$PATH:}${coreutils}/bin:${gnugrep}/bin:${gnused}/bin"
    '';
    program = "git";
  };
  hello = deb "hello" { program = "hello"; };
  jq = deb "jq" {
    debs = [
      "jq"
      "libjq1"
    ];
    inputs = [ oniguruma ];
    program = "jq";
  };
  less = deb "less" {
    inputs = [
      bash
      ncurses
    ];
    program = "less";
  };
  moreutils = deb "moreutils" {
    debs = [
      "moreutils"
      "libipc-run-perl"
    ];
    inputs = [ perl ];
    install = "wrap chronic PERL5LIB=$out/share/perl5";
  };
  nano = deb "nano" {
    inputs = [ ncurses ];
    install = ''
      sed -i "s,/usr/share/nano,$out/share/nano," $out/etc/nanorc
      ${terminfo}
    '';
    program = "nano";
  };
  openssl = deb "openssl" {
    debs = [
      "openssl"
      "libssl3"
      "libssl-dev"
    ];
    outputs = [
      "bin"
      "dev"
      "out"
    ];
    install = ''
      rm -r $out/bin/c_rehash $out/lib/ssl/misc
      split_dev
      mkdir $bin
      mv $out/bin $bin
    '';
    program = "openssl";
  };
  perl = deb "perl" {
    debs = [
      "perl"
      "perl-base"
      "perl-modules-5.36"
      "libperl5.36"
    ];
    inputs = [
      bash
      bzip2
      db
      gdbm
      libxcrypt
      zlib
    ];
    install = ''
      keep_programs perl prove cpan
      find $out -name '*.pod' -delete
      rm -r $out/lib/perl/5.36/CORE
      wrap perl "PERL5LIB=$out/lib/perl/5.36:$out/share/perl/5.36:$out/lib/perl-base\''${PERL5LIB:+:\$PERL5LIB}"
    '';
    program = "perl";
  };
  # What git needs, without perl's 40 MB of modules.
  perlMinimal = deb "perl-minimal" {
    debs = [ "perl-base" ];
    inputs = [
      bash
      libxcrypt
    ];
    install = ''
      wrap perl "PERL5LIB=$out/lib/perl-base\''${PERL5LIB:+:\$PERL5LIB}"
    '';
    program = "perl";
  };
  python3 = deb "python3" {
    debs = [
      "python3.11-minimal"
      "libpython3.11-minimal"
      "libpython3.11-stdlib"
    ];
    inputs = [
      bzip2
      db
      expat
      krb5
      libffi
      libtirpc
      libuuid
      libxcrypt
      ncurses
      openssl
      readline
      sqlite
      xz
      zlib
    ];
    install = "ln -s python3.11 $out/bin/python3; ${terminfo}";
    program = "python3";
  };
  ripgrep = deb "ripgrep" {
    inputs = [
      libgcc
      pcre2
    ];
    program = "rg";
  };
  rsync = deb "rsync" {
    inputs = [
      acl
      lz4
      openssl
      popt
      xxHash
      zlib
      zstd
    ];
    install = "keep_programs rsync";
    program = "rsync";
  };
  sqlite = deb "sqlite" {
    debs = [
      "sqlite3"
      "libsqlite3-0"
      "libsqlite3-dev"
    ];
    inputs = [
      readline
      zlib
    ];
    outputs = [
      "bin"
      "dev"
      "out"
    ];
    install = ''
      split_dev
      mkdir $bin
      mv $out/bin $bin
    '';
    program = "sqlite3";
  };
  tree = deb "tree" { program = "tree"; };
  which = deb "which" {
    debs = [ "debianutils" ];
    inputs = [ bash ];
    install = ''
      mv $out/bin/which.debianutils $out/bin/which
      keep_programs which
      rm -r $out/sbin
    '';
    program = "which";
  };
  # In an image's name a digit may lead: 7zz.
  _7zz = deb "7zz" {
    debs = [ "7zip" ];
    inputs = [ libgcc ];
    program = "7zz";
  };
}
