{
	inputs.nixpkgs.url = "github:NixOS/nixpkgs/nixos-unstable";
	outputs = { nixpkgs, ... }:
		let
			pkgs = nixpkgs.legacyPackages.x86_64-linux;
		in
		{
			devShells.x86_64-linux.default = pkgs.mkShell {
				# >>> sccfg >>> rendered from sccfg.toml by `sccfg apply`
				# sccfg:was RUSTC_WRAPPER = "sccache";
				RUSTC_WRAPPER = "${pkgs.sccache}/bin/sccache";
				# <<< sccfg <<<
				packages = [ pkgs.cargo ];
				OWN = "1";
				shellHook = ''
					# >>> sccfg >>> rendered from sccfg.toml by `sccfg apply`
					<the hook>
					# <<< sccfg <<<
					echo hello
				'';
				# >>> sccfg >>> rendered from sccfg.toml by `sccfg apply`
				CARGO_INCREMENTAL = "0";
				# <<< sccfg <<<
			};
		};
}
