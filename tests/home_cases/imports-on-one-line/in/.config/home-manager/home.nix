{ ... }: {
  imports = [ ./git.nix ];
}
