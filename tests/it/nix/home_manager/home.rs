//! What `sccfg home` made, evaluated and built: real sccache reads the size from the file.

use std::path::Path;

use super::{HomeManager, build, nix, nix_path};
use crate::home::Case;
use crate::support::{Ran, project, sccache};

mod stub {
    use super::{HomeManager, outcomes};

    #[requires(nix, sccache)]
    #[test]
    fn sccache_reads_what_was_generated_with_the_stub() {
        outcomes(&HomeManager::Stub);
    }
}

mod real {
    use super::{HomeManager, outcomes};

    #[requires(nix, sccache, SCCFG_NIXPKGS_LIB, SCCFG_HOME_MANAGER)]
    #[test]
    fn sccache_reads_what_was_generated() {
        outcomes(&HomeManager::real());
    }
}

/// The outcomes of `tests/home_cases` that home-manager can read.
#[track_caller]
fn outcomes(home_manager: &HomeManager) {
    let (nix, sccache) = (nix(), sccache());
    let directory = project().join("tests/home_cases");
    let mut read = 0;
    for entry in std::fs::read_dir(directory).unwrap() {
        let file = entry.unwrap().path().join("case.toml");
        if !file.exists() {
            continue;
        }
        let case = Case::load(&file);
        let Some(module) = &case.module else { continue };
        let sandbox = case.sandbox();
        case.run(&sandbox, &[]).status(0);
        let expression = format!(
            "({} {{ configuration = {}; }}).activationPackage",
            home_manager.evaluate(nix, "me", Path::new("/home/me")),
            nix_path(&sandbox.path("home").join(module))
        );
        let generation = build(nix, &sandbox, &expression);
        let config = generation.join("home-files/.config/sccache/config");
        // No server can be at this address, so that sccache says what the file says.
        let mut stats = sandbox.command(&sccache);
        let output = stats
            .arg("--show-stats")
            .env("SCCACHE_CONF", config)
            .env("SCCACHE_SERVER_UDS", "/dev/null/none")
            .output()
            .unwrap();
        let what = format!("{}: sccache --show-stats", case.directory.display());
        let ran = Ran::new(what, &output).status(0);
        let mut lines = ran.stdout.lines();
        let size = lines.find_map(|line| line.strip_prefix("Max cache size"));
        let name = case.directory.display();
        assert_eq!(size.map(str::trim), Some(case.size.as_str()), "{name}");
        read += 1;
    }
    assert!(read > 20, "{read}");
}
