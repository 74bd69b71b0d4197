# installShellFiles: the two functions, for what is given by `--cmd` and one file a shell.
installShellCompletion() {
  local name=""
  while [ $# -gt 0 ]; do
    # shellcheck disable=SC2154 # Nix sets `out`
    case $1 in
    --cmd) name=$2 ;;
    --bash) install -Dm644 -T "$2" "$out/share/bash-completion/completions/$name.bash" ;;
    --fish) install -Dm644 -T "$2" "$out/share/fish/vendor_completions.d/$name.fish" ;;
    --zsh) install -Dm644 -T "$2" "$out/share/zsh/site-functions/_$name" ;;
    *) echo "installShellCompletion: $1 is not in this stub" >&2 && return 1 ;;
    esac
    shift 2
  done
}

installManPage() {
  local page
  for page in "$@"; do
    install -Dm644 -t "$out/share/man/man${page##*.}" "$page"
  done
}
