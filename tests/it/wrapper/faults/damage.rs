//! What a disk has damaged is computed again, also where it still parses.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use rstest::rstest;

use super::{SAID, files_below, project, said};
use crate::wrapper::project::Store;
use crate::wrapper::seed;

/// Changes a byte in the middle of each file, links left out.
fn damage(directory: &Path) {
    for path in files_below(directory) {
        let mut bytes = fs::read(&path).unwrap();
        if path.is_symlink() || bytes.is_empty() {
            continue;
        }
        let middle = bytes.len() / 2;
        bytes[middle] = if bytes[middle] == b'Z' { b'Y' } else { b'Z' };
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        fs::write(&path, bytes).unwrap();
    }
}

#[rstest]
#[case("")]
#[case("/store/entries")]
#[requires(sccache)]
#[test]
fn a_damaged_state_directory_is_no_reason_to_fail(
    #[case] part: &str,
    #[values(Store::On, Store::Off)] store: Store,
) {
    let project = project().with(store);
    project.main().cargo(&["build"]).ok();
    let directory = format!("home/.cache/sccfg/wrapper{part}");
    let directory = project.sandbox.path(&directory);
    if !directory.exists() {
        return;
    }
    damage(&directory);
    for name in ["second", "third"] {
        let checkout = project.linked(name);
        let built = checkout.cargo(&["build"]).ok();
        assert!(said(&built).is_empty(), "{:?}", built.ran);
        assert_eq!(checkout.says("app"), SAID);
        if name == "third" {
            built.all_hit();
        }
    }
}

/// A power cut may leave a file without its content.
#[requires(sccache)]
#[test]
fn an_empty_key_of_records_is_replaced() {
    let project = seed::project().committed();
    let key = "home/.cache/sccfg/wrapper/hash_key";
    project.sandbox.write(key, "");
    project.main().cargo(&["build"]).ok();
    let second = project.linked("second");
    seed::seed(&second);
    second.cargo(&["build"]).ok().nothing_to_do();
    assert_eq!(fs::read(project.sandbox.path(key)).unwrap().len(), 32);
}
