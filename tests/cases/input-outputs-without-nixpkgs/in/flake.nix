{
  inputs.flakelight.url = "github:nix-community/flakelight";

  outputs = { flakelight, ... }: flakelight ./. { devShell.env.MINE = "kept"; };
}
