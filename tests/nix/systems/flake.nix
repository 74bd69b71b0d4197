{
  description = "A stub of nix-systems/default";
  outputs = _: { };
}
