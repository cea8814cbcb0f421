# The tools of nixpkgs' stdenv, from gcc to make.
{
  pkgs,
  deb,
  platform,
  ...
}:

with pkgs;
let
  triple = platform.gnuTriple;
in
{
  binutils = deb "binutils" {
    debs = [
      "binutils"
      "binutils-common"
      platform.binutils
      "libbinutils"
      "libctf0"
      "libctf-nobfd0"
      "libgprofng0"
    ];
    inputs = [
      jansson
      libgcc
      zlib
      zstd
    ];
    # gprofng is a profiler that wants Java and its own libraries.
    install = "rm -rf $out/bin/*gprofng* $out/bin/*gp-* $out/lib/gprofng";
  };
  bzip2 = deb "bzip2" {
    debs = [
      "bzip2"
      "libbz2-1.0"
    ];
    inputs = [ glibc ];
    install = "keep_programs bzip2 bunzip2 bzcat bzip2recover";
    program = "bzip2";
  };
  diffutils = deb "diffutils" { program = "diff"; };
  findutils = deb "findutils" {
    inputs = [ libselinux ];
    program = "find";
  };
  gawk = deb "gawk" {
    inputs = [
      libsigsegv
      mpfr
      readline
    ];
    install = "keep_programs gawk; ln -s gawk $out/bin/awk";
    program = "gawk";
  };
  gdbm = deb "gdbm" {
    debs = [
      "libgdbm6"
      "libgdbm-compat4"
    ];
  };
  gnugrep = deb "gnugrep" {
    debs = [ "grep" ];
    inputs = [
      bash
      pcre2
    ];
    program = "grep";
  };
  gnumake = deb "gnumake" {
    debs = [ "make" ];
    install = "keep_programs make";
    program = "make";
  };
  gnused = deb "gnused" {
    debs = [ "sed" ];
    inputs = [
      acl
      libselinux
    ];
    program = "sed";
  };
  gnutar = deb "gnutar" {
    debs = [ "tar" ];
    inputs = [
      acl
      bash
      libselinux
    ];
    install = "rm -rf $out/sbin $out/etc";
    program = "tar";
  };
  gzip = deb "gzip" {
    inputs = [ bash ];
    program = "gzip";
  };
  patch = deb "patch" { program = "patch"; };
  patchelf = deb "patchelf" {
    inputs = [ libgcc ];
    program = "patchelf";
  };
  xz = deb "xz" {
    debs = [
      "xz-utils"
      "liblzma5"
    ];
    inputs = [ bash ];
    program = "xz";
  };
  zstd = deb "zstd" {
    debs = [
      "zstd"
      "libzstd1"
    ];
    inputs = [
      bash
      libgcc
      lz4
      xz
      zlib
    ];
    program = "zstd";
  };

  # Headers, start files and linker scripts. The scripts name Debian's paths.
  glibcDev = deb "glibc-dev" {
    debs = [
      "libc6-dev"
      "linux-libc-dev"
      "libcrypt-dev"
    ];
    inputs = [
      glibc
      libxcrypt
    ];
    patch = false;
    install = ''
      rm -rf $out/bin $out/share
      ln -sf ${libxcrypt}/lib/libcrypt.so.1 $out/lib/libcrypt.so
      for script in $(grep -lIE '^(GROUP|INPUT) ' $out/lib/*.so $out/lib/*.a); do
        sed -i -E \
          -e 's,(/usr)?/lib/${triple}/([^ ]*\.so\.[0-9]+),${glibc}/lib/\2,g' \
          -e 's,/lib(64)?/(ld-linux[^ ]*),${glibc}/lib/\2,g' \
          -e "s,(/usr)?/lib/${triple}/,$out/lib/,g" $script
      done
    '';
  };
  # Debian's compiler finds its own parts beside itself; the wrapper tells it where everything else is, and
  # makes what it links find the libraries of C and C++ again.
  gcc =
    deb "gcc" {
      debs = [
        "gcc-12"
        "g++-12"
        "cpp-12"
        "libgcc-12-dev"
        "libstdc++-12-dev"
      ];
      inputs = [
        bash
        binutils
        glibcDev
        isl
        libgcc
        libmpc
        zlib
        zstd
      ];
      install = ''
        rm -r $out/bin/*lto-dump* $out/lib/gcc/${triple}/12/plugin
        ln -s ${libgcc}/lib/libstdc++.so.6 $out/lib/gcc/${triple}/12/libstdc++.so
        for tool in gcc g++ cpp; do
          rm -f $out/bin/$tool-12
          {
            echo '#!/bin/sh'
            echo "exec $out/bin/${triple}-$tool-12 -B${binutils}/bin -B${glibcDev}/lib" \
              "-idirafter ${glibcDev}/include -L${glibcDev}/lib -L${libgcc}/lib" \
              "-Wl,-dynamic-linker=${glibc}/lib/${platform.loader} -Wl,-rpath=${glibc}/lib:${libgcc}/lib" '"$@"'
          } >$out/bin/$tool
          chmod +x $out/bin/$tool
        done
        ln -s gcc $out/bin/cc
        ln -s g++ $out/bin/c++
      '';
      program = "gcc";
    }
    // {
      # As nixpkgs' compiler says what it links with.
      bintools = binutils;
    };
}
