//! `SCCFG_WRAPPER=verify` and sampling: what a cache has is compiled as well, and what differs is found, said and
//! replaced.

use std::fs;
use std::path::{Path, PathBuf};

use rstest::rstest;
use serde_json::Value;

use super::environment::{PROC_MACRO, USES_MACROS};
use super::project::{Built, Checkout, Project, Store};
use super::registry::{PRINTS, above, with_home};
use crate::support::{Ran, files_below};

const SWITCH: &str = "SCCFG_WRAPPER";
const SHARE: &str = "SCCFG_WRAPPER_VERIFY";
const BUILD: [&str; 2] = ["build", "--workspace"];

/// A library and a program that prints its text; a poisoned compiler makes another text of it.
fn project(store: Store) -> Project {
    let low = "#[cfg(not(poisoned))] pub const TEXT: &str = \"honest\";\n#[cfg(poisoned)] pub const TEXT: &str = \"forged\";\npub fn text() -> &'static str { TEXT }\n";
    Project::new()
        .with(store)
        .package("low", "", &[("src/lib.rs", low)])
        .package(
            "app",
            "[dependencies]\nlow = { path = \"../low\" }\n",
            &[(
                "src/main.rs",
                "fn main() { println!(\"{}\", low::text()); }\n",
            )],
        )
        .committed()
}

/// What the wrapper said of comparisons.
pub(super) fn said(built: &Built) -> Vec<&str> {
    let lines = built.ran.stderr.lines();
    lines
        .filter(|line| line.starts_with("sccfg: verify: "))
        .collect()
}

fn log_of(project: &Project) -> PathBuf {
    project
        .sandbox
        .path("home/.cache/sccfg/wrapper/differences")
}

#[requires(sccache)]
#[test]
fn the_usual_workspace_is_the_same_in_a_second_worktree() {
    let project = Project::matrix().with_store();
    project.main().cargo(&BUILD).ok();
    let second = project.linked("deeper/second");
    let built = second.with(SWITCH, "verify").cargo(&BUILD).ok();
    assert!(said(&built).is_empty(), "{:?}", built.ran);
    assert!(!log_of(&project).exists());
    // All of it was compiled, and cargo takes it for its own.
    assert!(built.compiled.len() > 10, "{:?}", built.compiled);
    second.cargo(&BUILD).ok().nothing_to_do();
    let plain = project.linked("deeper/unlike");
    plain.uncached(&BUILD).ok();
    let place = |checkout: &Checkout<'_>| checkout.says("placed").replace("second", "unlike");
    assert_eq!(place(&second), plain.says("placed"));
}

/// Changes text in a file that the store has of the crate `name`, and the digests that say what it was.
fn tamper(store: &Path, name: &str, from: &str, to: &str) {
    let mut tampered = 0;
    for entry in files_below(&store.join("entries")) {
        let text = fs::read_to_string(&entry).unwrap();
        let (header, _) = text.split_once('\n').unwrap();
        let header: Value = serde_json::from_str(header).unwrap();
        let mut text = text.clone();
        for file in header["files"].as_array().unwrap() {
            if !file["name"].as_str().unwrap().starts_with(name) {
                continue;
            }
            let digest = file["digest"].as_str().unwrap();
            let blobs = files_below(&store.join("blobs"));
            let is_its = |path: &&PathBuf| {
                let name = path.file_name().unwrap().to_str().unwrap();
                name.starts_with(digest)
            };
            let blob = blobs.iter().find(is_its).unwrap();
            let bytes = replaced(&fs::read(blob).unwrap(), from.as_bytes(), to.as_bytes());
            let forged = blake3::hash(&bytes).to_hex().to_string();
            let place = blob.to_str().unwrap().replace(digest, &forged);
            let place = place.replace(
                &format!("/{}/", &digest[..2]),
                &format!("/{}/", &forged[..2]),
            );
            fs::create_dir_all(Path::new(&place).parent().unwrap()).unwrap();
            fs::copy(blob, &place).unwrap();
            fs::write(&place, bytes).unwrap();
            text = text.replace(digest, &forged);
            tampered += 1;
        }
        // Entries of earlier versions have no checksum of the digests.
        let (header, metadata) = text.split_once('\n').unwrap();
        let mut header: Value = serde_json::from_str(header).unwrap();
        header.as_object_mut().unwrap().remove("crc");
        fs::write(&entry, format!("{header}\n{metadata}")).unwrap();
    }
    assert!(tampered > 0, "nothing of {name}");
}

fn replaced(bytes: &[u8], from: &[u8], to: &[u8]) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    let places: Vec<usize> = memchr::memmem::find_iter(&bytes, from).collect();
    for place in places {
        bytes[place..place + from.len()].copy_from_slice(to);
    }
    bytes
}

#[requires(sccache)]
#[test]
fn an_entry_that_was_tampered_with_is_found_and_replaced() {
    let project = project(Store::On);
    project.main().cargo(&BUILD).ok();
    let store = project.sandbox.path("home/.cache/sccfg/wrapper/store");
    tamper(&store, "app", "honest", "forged");
    tamper(&store, "liblow", "honest", "forged");
    // The store does not see it.
    let deceived = project.linked("deceived");
    deceived.cargo(&BUILD).ok();
    assert_eq!(deceived.says("app"), "forged\n");
    let second = project.linked("second");
    let built = second.with(SWITCH, "verify").cargo(&BUILD).ok();
    assert_eq!(second.says("app"), "honest\n");
    let lines = said(&built);
    assert!(!lines.is_empty(), "{:?}", built.ran);
    for line in lines {
        assert!(line.contains("from the local store differs in "), "{line}");
        assert!(line.contains(" from byte "), "{line}");
        assert!(
            line.contains("two compiles agree, so the entry was replaced"),
            "{line}"
        );
    }
    let log = fs::read_to_string(log_of(&project)).unwrap();
    let logged: Value = serde_json::from_str(log.lines().next().unwrap()).unwrap();
    assert_eq!(logged["unit"], "low");
    assert!(
        logged["differences"][0]["offset"].as_u64().is_some(),
        "{log}"
    );
    let third = project.linked("third");
    third.cargo(&BUILD).ok().all_hit();
    assert_eq!(third.says("app"), "honest\n");
}

/// Compiles as it is told by a file that no key has.
fn compiler_of_two_minds(project: &Project, poison: &Path) -> String {
    use std::os::unix::fs::PermissionsExt as _;
    let text = format!(
        "#!/bin/sh\n[ -e {} ] && set -- \"$@\" --cfg poisoned\nexec {} \"$@\"\n",
        poison.display(),
        crate::lab::CompileLog::command(),
    );
    let directory = project.sandbox.path("compiler");
    fs::create_dir(&directory).unwrap();
    let path = directory.join("rustc");
    fs::write(&path, text).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    path.to_str().unwrap().to_owned()
}

#[rstest]
#[case(Store::On, "the local store")]
#[case(Store::Off, "sccache")]
#[requires(sccache)]
#[test]
fn an_entry_that_differs_is_not_used_again(#[case] store: Store, #[case] from: &str) {
    let project = project(store);
    let poison = project.sandbox.path("poison");
    let rustc = compiler_of_two_minds(&project, &poison);
    fs::write(&poison, "").unwrap();
    project.main().with("RUSTC", &rustc).cargo(&BUILD).ok();
    assert_eq!(project.main().says("app"), "forged\n");
    fs::remove_file(&poison).unwrap();
    let second = project.linked("second").with("RUSTC", &rustc);
    let built = second.with(SWITCH, "verify").cargo(&BUILD).ok();
    assert_eq!(second.says("app"), "honest\n");
    let lines = said(&built);
    assert!(
        lines[0].starts_with(&format!("sccfg: verify: low from {from} differs")),
        "{lines:?}"
    );
    // Said once: cargo has not kept it.
    let again = second.cargo(&BUILD).ok().nothing_to_do();
    assert!(said(&again).is_empty(), "{:?}", again.ran);
    let third = project.linked("third").with("RUSTC", &rustc);
    third.cargo(&BUILD).ok().all_hit();
    assert_eq!(third.says("app"), "honest\n");
}

/// A `CARGO_HOME` whose path is as long.
#[requires(sccache)]
#[test]
fn what_a_user_with_another_home_stored_is_compared() {
    let low = "#[cfg(not(poisoned))] pub const TEXT: &str = \"honest\";\n#[cfg(poisoned)] pub const TEXT: &str = \"forged\";\npub fn text() -> &'static str { assert!(std::env::args().len() > 0, \"no name\"); TEXT }\n";
    let project = above(low, "fn main() {}\n", PRINTS).with_store();
    let poison = project.sandbox.path("poison");
    let rustc = compiler_of_two_minds(&project, &poison);
    let checkout = |name: &str, home: &str| {
        with_home(&project, &project.linked(name), home).with("RUSTC", &rustc)
    };
    checkout("first", "cargo-home").cargo(&BUILD).ok();
    let second = checkout("second", "other-home").with(SWITCH, "verify");
    let built = second.cargo(&BUILD).ok();
    assert!(said(&built).is_empty(), "{:?}", built.ran);
    // What is above it was compared as well.
    built.compiled(&["app bin", "build_script_build bin", "lowcrate lib"]);
    assert!(!log_of(&project).exists());
    checkout("third", "cargo-home").cargo(&BUILD).ok().all_hit();

    fs::write(&poison, "").unwrap();
    fs::remove_dir_all(project.sandbox.path("home/.cache/sccfg/wrapper/store")).unwrap();
    checkout("forged", "cargo-home").cargo(&BUILD).ok();
    fs::remove_file(&poison).unwrap();
    let fourth = checkout("fourth", "other-home").with(SWITCH, "verify");
    let built = fourth.cargo(&BUILD).ok();
    assert!(
        said(&built)[0].starts_with("sccfg: verify: lowcrate from the local store differs"),
        "{:?}",
        built.ran
    );
    assert_eq!(fourth.says("app"), "honest\n");
}

/// A map has another order in each process.
const ORDER: &str = "use proc_macro::TokenStream;\n#[proc_macro] pub fn order(_: TokenStream) -> TokenStream {\n    let all: std::collections::HashSet<u32> = (0..64).collect();\n    format!(\"{:?}\", all.into_iter().collect::<Vec<_>>()).parse().unwrap()\n}\n";

#[requires(sccache)]
#[test]
fn outputs_that_are_not_reproducible_are_distinguished() {
    let project = Project::new()
        .with_store()
        .package("mac", PROC_MACRO, &[("src/lib.rs", ORDER)])
        .package(
            "app",
            USES_MACROS,
            &[(
                "src/main.rs",
                "fn main() { println!(\"{:?}\", mac::order!()); }\n",
            )],
        )
        .committed();
    project.main().cargo(&BUILD).ok();
    let second = project.linked("second");
    let built = second.with(SWITCH, "verify").cargo(&BUILD).ok();
    let lines = said(&built);
    assert_eq!(lines.len(), 1, "{:?}", built.ran);
    assert!(
        lines[0].contains("app from the local store differs in app-"),
        "{lines:?}"
    );
    assert!(
        lines[0].ends_with("two compiles differ as well: it is not reproducible"),
        "{lines:?}"
    );
    // The build has what was compiled, and the entry is as good as before.
    assert_ne!(second.says("app"), project.main().says("app"));
    let third = project.linked("third");
    third.cargo(&BUILD).ok().all_hit();
    assert_eq!(third.says("app"), project.main().says("app"));
}

#[requires(sccache)]
#[test]
fn a_share_of_the_hits_is_compared() {
    let project = project(Store::On);
    project.main().cargo(&BUILD).ok();
    let all = project.linked("all").with(SHARE, "100%");
    all.cargo(&BUILD).ok().compiled(&["app bin", "low lib"]);
    for (name, share) in [("none", "0%"), ("nonsense", "many")] {
        let none = project.linked(name).with(SHARE, share);
        none.cargo(&BUILD).ok().all_hit();
    }
}

#[requires(sccache)]
#[test]
fn an_error_in_a_source_is_no_difference() {
    let project = project(Store::On);
    project.main().cargo(&BUILD).ok();
    let second = project.linked("second").with(SWITCH, "verify");
    second.edit("crates/low/src/lib.rs", "text()", "text(");
    let built = second.cargo(&BUILD).fails();
    assert!(said(&built).is_empty(), "{:?}", built.ran);
    assert_eq!(
        built
            .ran
            .stderr
            .matches("this file contains an unclosed delimiter")
            .count()
            + built
                .ran
                .stderr
                .matches("mismatched closing delimiter")
                .count(),
        1,
        "{:?}",
        built.ran
    );
}

fn sccfg(checkout: &Checkout<'_>, args: &[&str]) -> Ran {
    let mut command = checkout.command(env!("CARGO_BIN_EXE_sccfg"));
    let output = command.args(args).env("CARGO_NET_OFFLINE", "true").output();
    Ran::new(args.join(" "), &output.unwrap())
}

#[requires(sccache)]
#[test]
fn a_whole_workspace_is_compared_by_a_command() {
    let project = project(Store::On);
    let poison = project.sandbox.path("poison");
    let rustc = compiler_of_two_minds(&project, &poison);
    let main = project.main().with("RUSTC", &rustc);
    let command = ["verify", "--differential", "--", "build", "--workspace"];
    let plain = main.with("RUSTC_WRAPPER", project.sccache().to_str().unwrap());
    let refused = sccfg(&plain, &command).status(1);
    assert!(
        refused.stderr.contains("hint: set wrapper = \"portable\""),
        "{refused:?}"
    );
    main.write("sccfg.toml", "[cargo]\nwrapper = \"portable\"\n");
    fs::write(&poison, "").unwrap();
    let first = sccfg(&main, &command).status(0);
    assert!(
        first
            .stdout
            .contains("    2  not in the cache, compiled once\n"),
        "{first:?}"
    );
    assert!(first.stderr.contains("nothing was compared"), "{first:?}");
    let second = sccfg(&main, &command).status(0);
    assert!(second.stdout.contains("    2  same\n"), "{second:?}");
    fs::remove_file(&poison).unwrap();
    let json = [
        "verify",
        "--differential",
        "--json",
        "--",
        "build",
        "--workspace",
    ];
    let third = sccfg(&main, &json).status(1);
    let found: Value = serde_json::from_str(&third.stdout).unwrap();
    assert_eq!(found["passed"], false);
    assert_eq!(found["units"][0]["name"], "low");
    assert_eq!(found["units"][0]["result"], "differs");
    assert!(
        found["messages"][0]
            .as_str()
            .unwrap()
            .contains("low from the local store")
    );
    sccfg(&main, &command).status(0);
    assert!(!main.path("target").exists());
}
