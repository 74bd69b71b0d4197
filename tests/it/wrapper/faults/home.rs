//! Home directories that are no place for what is saved: a relative one, and one of another user.

use super::{is_cached_again, is_right, project, said};
use crate::wrapper::project::Store;
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
