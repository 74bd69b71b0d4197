{
  description = "A stub of oxalica/rust-overlay";

  outputs =
    { self }:
    {
      overlays.default = final: _: { inherit (final.standIn) rust-bin; };
      overlays.rust-overlay = self.overlays.default;
      overlay = self.overlays.default;
      lib.mkRustBin = _: pkgs: pkgs.standIn.rust-bin;
    };
}
