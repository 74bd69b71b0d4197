{ config, lib, pkgs, ... }:

{
	# You can import other home-manager modules here
	imports = [
		./git.nix

		# You can also split up your configuration and import pieces of it here:
		# ./nvim.nix
	];

	home.stateVersion = "24.11";
}
