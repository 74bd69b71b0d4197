{
	inputs = {
		nixpkgs.url = "github:NixOS/nixpkgs/nixos-unstable";
		# >>> sccfg >>> rendered from sccfg.toml by `sccfg apply`
		sccfg = {
			url = "github:owner/sccfg";
			inputs.nixpkgs.follows = "nixpkgs";
		};
		# <<< sccfg <<<
	};

	outputs =
		{
			# >>> sccfg >>> rendered from sccfg.toml by `sccfg apply`
			sccfg,
			# <<< sccfg <<<
			self,
			nixpkgs,
			...
		}:
		let
			pkgs = nixpkgs.legacyPackages.x86_64-linux;
		in
		{
			devShells.x86_64-linux.default = pkgs.mkShell {
				packages = [ pkgs.cargo ];
				# >>> sccfg >>> rendered from sccfg.toml by `sccfg apply`
				RUSTC_WRAPPER = "${pkgs.sccache}/bin/sccache";
				CARGO_INCREMENTAL = "0";
				shellHook = ''
					PATH=${sccfg.packages.${pkgs.stdenv.hostPlatform.system}.default}/bin:$PATH
					${sccfg.lib.shellHook { size = "24GiB"; }}
				'';
				# <<< sccfg <<<
			};
		};
}
