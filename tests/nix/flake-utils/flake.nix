{
  description = "A stub of numtide/flake-utils";

  outputs =
    { self }:
    {
      lib = rec {
        system = builtins.listToAttrs (
          map (name: {
            inherit name;
            value = name;
          }) allSystems
        );
        allSystems = defaultSystems;
        defaultSystems = [
          "aarch64-darwin"
          "aarch64-linux"
          "x86_64-darwin"
          "x86_64-linux"
        ];
        # { <system> = f system; }
        eachSystemMap =
          systems: f:
          builtins.listToAttrs (
            map (name: {
              inherit name;
              value = f name;
            }) systems
          );
        eachDefaultSystemMap = eachSystemMap defaultSystems;
        # f system = { packages = …; } becomes { packages.<system> = …; }
        eachSystem =
          systems: f:
          builtins.foldl' (
            all: system:
            let
              one = f system;
            in
            builtins.foldl' (
              all: name:
              all
              // {
                ${name} = (all.${name} or { }) // {
                  ${system} = one.${name};
                };
              }
            ) all (builtins.attrNames one)
          ) { } systems;
        eachDefaultSystem = eachSystem defaultSystems;
        eachSystemPassThrough =
          systems: f: builtins.foldl' (all: system: all // f system) { } systems;
        eachDefaultSystemPassThrough = eachSystemPassThrough defaultSystems;
        simpleFlake =
          {
            self,
            nixpkgs,
            name,
            overlay ? null,
            preOverlays ? [ ],
            shell ? null,
            config ? { },
            systems ? defaultSystems,
          }:
          eachSystem systems (
            system:
            let
              overlays = preOverlays ++ (if overlay == null then [ ] else [ overlay ]);
              pkgs = import nixpkgs { inherit system config overlays; };
              packages = pkgs.${name} or { };
              called = if builtins.isFunction shell then shell else import shell;
            in
            {
              inherit packages;
            }
            // (if shell == null then { } else { devShell = called { inherit pkgs; }; })
          );
        mkApp =
          {
            drv,
            name ? drv.pname or drv.name,
            exePath ? "/bin/${name}",
          }:
          {
            type = "app";
            program = "${drv}${exePath}";
          };
        filterPackages = _: packages: packages;
        flattenTree = tree: tree;
        meld = inputs: builtins.foldl' (all: file: all // import file inputs) { };
      };
    };
}
