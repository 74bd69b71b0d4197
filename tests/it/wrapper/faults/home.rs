//! Home directories that are no place for what is saved: a relative one, and one of another user.

use std::fs;

use super::{is_cached_again, is_right, project, said};
use crate::wrapper::project::{Store, succeeds};
use rstest::rstest;

/// Otherwise what is saved would be in the sources of each project.
#[rstest]
#[case(Store::On)]
#[case(Store::Off)]
#[requires(sccache)]
#[test]
fn a_relative_home_is_none(#[case] store: Store) {
    let project = project().with(store);
    let checkout = project.linked("relative").with("HOME", "relhome");
    let built = is_right(&checkout, checkout.cargo(&["build"]));
    assert!(said(&built).is_empty(), "{:?}", built.ran);
    let new = project.git(&checkout.directory, &["status", "--porcelain"]);
    assert_eq!(new, "");
    // A relative path of another directory counts as little.
    let cache = project.sandbox.path("cache");
    let built = checkout
        .with("XDG_CACHE_HOME", cache.to_str().unwrap())
        .cargo(&["build"]);
    is_right(&checkout, built);
    assert!(!checkout.path("relhome").exists());
    is_cached_again(&project);
}

#[requires(sccache)]
#[test]
fn commands_say_that_a_relative_home_is_none() {
    let sandbox = crate::support::Sandbox::new().variable("HOME", "relhome");
    for args in [&["store", "status"], &["wrapper", "install"]] {
        sandbox
            .sccfg(args)
            .status(1)
            .stderr_has("HOME is not set to an absolute path")
            .stderr_has("hint: set HOME");
    }
    assert!(!sandbox.exists("relhome"));
}

/// As with `sudo` that keeps `HOME`: what root creates, that user could never replace.
#[rstest]
#[case(Store::On)]
#[case(Store::Off)]
#[requires(sccache, root)]
#[test]
fn root_leaves_nothing_in_the_directories_of_another_user(#[case] store: Store) {
    let project = project().with(store);
    project.main().cargo(&["build"]).ok();
    let cache = project.sandbox.path("home/.cache");
    let cache = cache.to_str().unwrap();
    succeeds(project.command("chown").args(["-R", "65534", cache]));
    // What has changed is saved, and what has not is counted.
    let checkout = project.linked("as-root");
    checkout.edit("crates/helper/src/lib.rs", "7", "3 + 4");
    let built = is_right(&checkout, checkout.cargo(&["build"]));
    assert!(said(&built).is_empty(), "{:?}", built.ran);
    let of_root = succeeds(project.command("find").args([cache, "-user", "root"]));
    assert_eq!(String::from_utf8_lossy(&of_root.stdout), "");
    // It is saved next to what was built.
    checkout.cargo(&["build"]).ok().nothing_to_do();
    succeeds(project.command("chown").args(["-R", "root", cache]));
    is_cached_again(&project);
}

/// The first build of a user, by `sudo`. In a container, where the home directory may belong to somebody on the host, root saves.
#[requires(sccache, root)]
#[test]
fn root_creates_nothing_for_the_user_of_sudo() {
    let project = project().with(Store::On);
    let home = project.sandbox.path("home");
    fs::remove_dir_all(home.join(".cache")).unwrap();
    succeeds(
        project
            .command("chown")
            .args(["-R", "65534", home.to_str().unwrap()]),
    );
    let checkout = project.linked("by-sudo").with("SUDO_UID", "65534");
    is_right(&checkout, checkout.cargo(&["build"]));
    assert!(!home.join(".cache").exists());
    is_cached_again(&project);
}

/// The hook of a dev shell, by `sudo`. That user could not replace the link after an upgrade.
#[requires(sccache, root)]
#[test]
fn root_does_not_install_the_wrapper_for_the_user_of_sudo() {
    let sandbox = crate::support::Sandbox::new().variable("SUDO_UID", "65534");
    let home = sandbox.path("home");
    succeeds(
        sandbox
            .command("chown")
            .args(["-R", "65534", home.to_str().unwrap()]),
    );
    sandbox
        .sccfg(&["wrapper", "install"])
        .status(1)
        .stderr_has("the directory is of another user, and this is root")
        .stderr_has("hint: run sccfg as that user");
    assert!(!home.join(".local").exists());
}
