{
  inputs.nixify.url = "github:rvolosatovs/nixify";
  inputs.nixlib.url = "github:nix-community/nixpkgs.lib";

  outputs = { nixify, ... }:
    nixify.lib.rust.mkFlake {
      src = ./.;
    };
}
