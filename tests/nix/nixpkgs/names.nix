# What dev shells of Rust projects ask of nixpkgs, and the programs a package has where they are
# not one of its own name.
{
  programs = {
    bashInteractive = [ "bash" ];
    bash = [ "bash" "sh" ];
    binutils = [ "ar" "ld" "nm" "objdump" "strip" ];
    cargo = [ "cargo" ];
    clang = [ "clang" "clang++" ];
    clippy = [ "cargo-clippy" "clippy-driver" ];
    coreutils = [ "cat" "cp" "cut" "env" "head" "id" "ln" "ls" "mkdir" "mv" "readlink" "realpath" "rm" "sleep" "sort" "tail" "timeout" "touch" "tr" "wc" ];
    diffutils = [ "diff" "cmp" ];
    findutils = [ "find" "xargs" ];
    gawk = [ "awk" "gawk" ];
    gcc = [ "gcc" "g++" "cc" "c++" ];
    git = [ "git" ];
    gitMinimal = [ "git" ];
    gnugrep = [ "grep" ];
    gnumake = [ "make" ];
    gnused = [ "sed" ];
    gnutar = [ "tar" ];
    lld = [ "ld.lld" ];
    mold = [ "mold" "ld.mold" ];
    mold-wrapped = [ "mold" "ld.mold" ];
    neovim = [ "nvim" ];
    nodejs = [ "node" "npm" ];
    openssl = [ "openssl" ];
    procps = [ "ps" ];
    protobuf = [ "protoc" ];
    python3 = [ "python3" ];
    ripgrep = [ "rg" ];
    rustc = [ "rustc" "rustdoc" ];
    rustfmt = [ "cargo-fmt" "rustfmt" ];
    rustup = [ "rustup" ];
    bubblewrap = [ "bwrap" ];
    sccache = [ "sccache" ];
    util-linux = [ "flock" ];
    wild = [ "wild" "ld.wild" ];
  };

  names = [
    "actionlint" "alejandra" "alsa-lib" "android-tools" "at-spi2-atk" "atk" "autoconf" "automake"
    "autoPatchelfHook" "awscli2" "b3sum" "bacon" "bc" "binaryen" "boost" "bottom" "bun" "bzip2"
    "cacert" "cairo" "cargo-about" "cargo-all-features" "cargo-audit" "cargo-auditable"
    "cargo-binutils" "cargo-bloat" "cargo-bump" "cargo-chef" "cargo-component" "cargo-criterion"
    "cargo-cross" "cargo-deb" "cargo-deny" "cargo-dist" "cargo-edit" "cargo-espflash"
    "cargo-expand" "cargo-features-manager" "cargo-flamegraph" "cargo-fuzz" "cargo-generate"
    "cargo-hack" "cargo-hakari" "cargo-insta" "cargo-kcov" "cargo-leptos" "cargo-license"
    "cargo-limit" "cargo-llvm-cov" "cargo-machete" "cargo-make" "cargo-modules" "cargo-msrv"
    "cargo-mutants" "cargo-ndk" "cargo-nextest" "cargo-outdated" "cargo-public-api"
    "cargo-release" "cargo-semver-checks" "cargo-shear" "cargo-show-asm" "cargo-sort"
    "cargo-spellcheck" "cargo-sweep" "cargo-tarpaulin" "cargo-tauri" "cargo-udeps" "cargo-unused-features"
    "cargo-update" "cargo-vet" "cargo-watch" "cargo-wizard" "cargo-zigbuild" "clang-tools" "cloc"
    "cmake" "cocogitto" "commitlint" "convco" "crate2nix" "cronet" "cue" "curl" "dasel" "dash"
    "dbus" "deadnix" "deno" "diesel-cli" "direnv" "docker" "docker-client" "docker-compose"
    "dprint" "editorconfig-checker" "entr" "espflash" "evcxr" "expat" "eza" "fd" "ffmpeg" "file"
    "fish" "flip-link" "fontconfig" "freetype" "fuse" "fuse3" "fzf" "gcc-arm-embedded" "gdb"
    "gdk-pixbuf" "geckodriver" "gettext" "gh" "git-cliff" "git-lfs" "glib" "glibc" "glow" "gmp"
    "gnupg" "gnuplot" "go" "gobject-introspection" "graphviz" "grcov" "grpcurl" "gsettings-desktop-schemas"
    "gst_all_1" "gtk3" "gtk4" "gzip" "harfbuzz" "hello" "helix" "hidapi" "hyperfine" "icu" "inferno"
    "jdk17" "jemalloc" "jq" "just" "kdash" "kubectl" "kubernetes-helm"
    "lazygit" "lcov" "leptosfmt" "less" "libadwaita" "libarchive" "libGL" "libclang" "libdrm"
    "libelf" "libffi" "libgbm" "libgit2" "libglvnd" "libiconv" "libinput" "libpq" "librsvg"
    "libseccomp" "libsodium" "libsoup_3" "libssh2" "libsecret" "libtool" "libudev-zero" "libunwind"
    "libusb1" "libuv" "libva" "libxkbcommon" "libxml2" "libyaml" "lld" "lldb" "llvm" "lua5_4"
    "m4" "makeBinaryWrapper" "makeWrapper" "markdownlint-cli" "maturin" "mdbook" "mdbook-mermaid"
    "meson" "mesa" "miniserve" "mold" "mold-wrapped" "musl" "nasm" "ncurses" "ncurses6" "netcat" "nil" "ninja"
    "nix" "nix-output-monitor" "nix-prefetch-git" "nixd" "nixfmt" "nixfmt-rfc-style"
    "nixfmt-tree" "nixpkgs-fmt" "nodejs_20" "nodejs_22" "nodejs_24" "nushell" "openapi-generator-cli"
    "oniguruma" "openblas" "openocd" "openssh" "pandoc" "pango" "parallel" "patchelf" "pcre2" "pcsclite" "perf"
    "perl" "pipewire" "pixman" "pkg-config" "pkgconf" "pnpm" "podman" "postgresql" "postgresql_16"
    "pre-commit" "prettier" "process-compose" "probe-rs" "probe-rs-tools" "prek" "protoc-gen-tonic" "pulseaudio" "python"
    "python311" "python312" "python313" "qemu" "rdkafka" "readline" "reuse" "redis" "release-plz"
    "rocksdb" "rsync" "ruby" "rust-analyzer" "rust-analyzer-unwrapped" "rust-bindgen"
    "rust-cbindgen" "rust-jemalloc-sys" "rust-script" "samply" "SDL2" "sea-orm-cli" "seatd"
    "shaderc" "shellcheck" "shfmt" "snappy" "socat" "sqlite" "sqlx-cli" "starship" "statix" "strace"
    "stylua" "surrealdb" "swtpm" "systemd" "systemdLibs" "tailwindcss" "tailwindcss_4" "taplo"
    "texinfo" "time" "tmux" "tokei" "tokio-console" "toml-cli" "tree" "tree-sitter" "treefmt" "trunk" "trunk-io" "typescript"
    "typos" "typst" "udev" "unixODBC" "unzip" "uv" "valgrind" "vhs" "vim" "vulkan-headers"
    "vulkan-loader" "vulkan-tools" "vulkan-validation-layers" "wabt" "wasm-bindgen-cli"
    "wasm-pack" "wasm-tools" "wasmtime" "watchexec" "wayland" "wayland-protocols" "webkitgtk_4_1"
    "websocat" "wget" "which" "wrapGAppsHook" "wrapGAppsHook3" "wrapGAppsHook4" "xdg-utils"
    "xdotool" "xmlsec" "xz" "yamlfmt" "yaml-language-server" "yarn" "yazi" "yq" "yq-go" "z3" "zeromq" "zig" "zip"
    "zizmor" "zlib" "zoxide" "zsh" "zstd"
  ];
}
