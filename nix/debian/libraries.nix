# Libraries that programs share, each with the inputs that it links to.
{ pkgs, deb, ... }:

with pkgs;
{
  # The loader and the C library; it is not patched, for it needs nothing.
  glibc = deb "glibc" {
    debs = [ "libc6" ];
    inputs = [ ];
    patch = false;
    install = "rm -rf $out/bin $out/sbin $out/etc";
  };
  libgcc = deb "libgcc" {
    debs = [
      "libgcc-s1"
      "libstdc++6"
    ];
  };

  acl = deb "acl" {
    debs = [
      "libacl1"
      "libattr1"
    ];
  };
  brotli = deb "brotli" { debs = [ "libbrotli1" ]; };
  db = deb "db" { debs = [ "libdb5.3" ]; };
  expat = deb "expat" { debs = [ "libexpat1" ]; };
  gmp = deb "gmp" { debs = [ "libgmp10" ]; };
  gnutls = deb "gnutls" {
    debs = [
      "libgnutls30"
      "libnettle8"
      "libhogweed6"
      "libp11-kit0"
      "libtasn1-6"
    ];
    inputs = [
      gmp
      libffi
      libidn2
    ];
  };
  isl = deb "isl" {
    debs = [ "libisl23" ];
    inputs = [ gmp ];
  };
  jansson = deb "jansson" { debs = [ "libjansson4" ]; };
  krb5 = deb "krb5" {
    debs = [
      "libgssapi-krb5-2"
      "libkrb5-3"
      "libk5crypto3"
      "libkrb5support0"
      "libcom-err2"
      "libkeyutils1"
    ];
    inputs = [ openssl ];
  };
  libffi = deb "libffi" { debs = [ "libffi8" ]; };
  libidn2 = deb "libidn2" {
    debs = [
      "libidn2-0"
      "libunistring2"
    ];
  };
  libmpc = deb "libmpc" {
    debs = [ "libmpc3" ];
    inputs = [ mpfr ];
  };
  libpsl = deb "libpsl" {
    debs = [ "libpsl5" ];
    inputs = [ libidn2 ];
  };
  libselinux = deb "libselinux" {
    debs = [ "libselinux1" ];
    inputs = [ pcre2 ];
  };
  libsigsegv = deb "libsigsegv" { debs = [ "libsigsegv2" ]; };
  "libsigc++" = deb "libsigc++" {
    debs = [ "libsigc++-2.0-0v5" ];
    inputs = [ libgcc ];
  };
  libssh2 = deb "libssh2" {
    debs = [ "libssh2-1" ];
    inputs = [
      openssl
      zlib
    ];
  };
  libtirpc = deb "libtirpc" {
    debs = [
      "libtirpc3"
      "libnsl2"
    ];
    inputs = [ krb5 ];
  };
  libuuid = deb "libuuid" { debs = [ "libuuid1" ]; };
  libxcrypt = deb "libxcrypt" { debs = [ "libcrypt1" ]; };
  lz4 = deb "lz4" { debs = [ "liblz4-1" ]; };
  mpfr = deb "mpfr" {
    debs = [ "libmpfr6" ];
    inputs = [ gmp ];
  };
  ncurses = deb "ncurses" {
    debs = [
      "libncursesw6"
      "libtinfo6"
      "ncurses-base"
    ];
  };
  nghttp2 = deb "nghttp2" { debs = [ "libnghttp2-14" ]; };
  oniguruma = deb "oniguruma" { debs = [ "libonig5" ]; };
  openldap = deb "openldap" {
    debs = [
      "libldap-2.5-0"
      "libsasl2-2"
    ];
    inputs = [
      openssl
      gnutls
    ];
  };
  pcre2 = deb "pcre2" { debs = [ "libpcre2-8-0" ]; };
  popt = deb "popt" { debs = [ "libpopt0" ]; };
  readline = deb "readline" {
    debs = [ "libreadline8" ];
    inputs = [ ncurses ];
  };
  rtmpdump = deb "rtmpdump" {
    debs = [ "librtmp1" ];
    inputs = [
      gnutls
      zlib
    ];
  };
  xxHash = deb "xxHash" { debs = [ "libxxhash0" ]; };
  zlib = deb "zlib" { debs = [ "zlib1g" ]; };
}
