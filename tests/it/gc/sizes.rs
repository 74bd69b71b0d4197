//! What a removal frees: files with several names, and the local store.

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::{Repo, all_below, occupied};
use crate::support::Ran;
use crate::wrapper::project::Project;

#[test]
fn a_file_with_other_names_frees_nothing() {
    let repo = Repo::new();
    repo.build("repo");
    for place in ["one", "two", "three"] {
        repo.linked(place);
        repo.build_into(place, &format!("caches/{place}"));
    }
    // As seeding does it: one file of 1 MiB with three names.
    let file = |place: &str| repo.path(&format!("caches/{place}/debug/deps/liblarge.rlib"));
    fs::write(file("one"), vec![1; 1 << 20]).unwrap();
    for place in ["two", "three"] {
        fs::hard_link(file("one"), file(place)).unwrap();
    }
    let caches = repo.path("caches");
    let caches = caches.to_str().unwrap();
    let would_free = || repo.json(&[caches, "--dry-run"])["frees"].as_u64().unwrap();
    fs::remove_dir_all(repo.path("one")).unwrap();
    let alone = would_free();
    fs::remove_dir_all(repo.path("two")).unwrap();
    let both = would_free();
    fs::remove_dir_all(repo.path("three")).unwrap();
    let all = would_free();
    assert!(both < 2 * alone + 65536, "{alone} {both} {all}");
    assert!(all > both + (1 << 20), "{alone} {both} {all}");
    let freed = repo.json(&[caches, "--yes"])["freed"].as_u64().unwrap();
    assert_eq!(freed, all);
}

/// What is freed if all of `directory` goes: files that have no other name.
fn own(directory: &Path) -> u64 {
    let files = all_below(directory);
    let inode = |path: &PathBuf| {
        let metadata = fs::symlink_metadata(path).unwrap();
        let is_dir = metadata.is_dir();
        (
            metadata.ino(),
            metadata.nlink(),
            metadata.blocks() * 512,
            is_dir,
        )
    };
    let inodes: Vec<_> = files.iter().map(inode).collect();
    let names = |of: u64| inodes.iter().filter(|(inode, ..)| *inode == of).count() as u64;
    let mut own: Vec<_> = inodes
        .iter()
        .filter(|(inode, links, _, is_dir)| *is_dir || names(*inode) == *links)
        .map(|(inode, _, size, _)| (*inode, *size))
        .collect();
    own.sort_unstable();
    own.dedup();
    own.into_iter().map(|(_, size)| size).sum()
}

#[requires(sccache)]
#[test]
fn a_seeded_worktree_frees_what_it_does_not_share() {
    let project = Project::new()
        .with_store()
        .package(
            "app",
            "[dependencies]\nitoa = \"1\"\n",
            &[(
                "src/main.rs",
                "fn main() { itoa::Buffer::new().format(5); }\n",
            )],
        )
        .committed();
    let main = project.main();
    main.cargo(&["build"]).ok().compiled_some();
    let second = project.linked("second");
    let sccfg = |args: &[&str]| {
        let mut command = second.command(env!("CARGO_BIN_EXE_sccfg"));
        let output = command.args(args).output().unwrap();
        Ran::new(format!("sccfg {args:?}"), &output).status(0)
    };
    sccfg(&["seed"]).stdout_has("seeded");
    second.cargo(&["build"]).ok().nothing_to_do();
    let target = second.path("target");
    let (all, own) = (occupied(&target), own(&target));
    assert!(own < all, "nothing is shared");
    let marks = [".rustc_info.json", "CACHEDIR.TAG", ""].map(|name| {
        let metadata = fs::metadata(target.join(name)).unwrap();
        metadata.blocks() * 512
    });
    let json = sccfg(&["gc", ".", "--unused", "0", "--yes", "--json"]);
    let json: Value = serde_json::from_str(&json.stdout).unwrap();
    assert_eq!(
        json["freed"].as_u64().unwrap(),
        own - marks.iter().sum::<u64>()
    );
    assert!(!target.exists());
    main.cargo(&["build"]).ok().nothing_to_do();
}

#[test]
fn the_store_is_reduced_to_its_limit() {
    let repo = Repo::new();
    let root = repo.path("store");
    let large = local_store::Store::new(&root, 1 << 30);
    for nth in 0..4 {
        let path = repo.path(&format!("output{nth}"));
        fs::write(&path, vec![nth; 4 << 20]).unwrap();
        let digest = format!("{nth}").repeat(64);
        let file = local_store::NewFile {
            name: "output",
            path: &path,
            digest: &digest,
            sharing: local_store::Sharing::Copy,
            is_final: false,
        };
        large.put(&format!("{digest}key"), b"", &[file]).unwrap();
    }
    repo.sandbox
        .write("store/blobs/aa/aab.w", &"x".repeat(1 << 20));
    let config = |size: &str| {
        let text = format!("[store]\ndir = '{}'\nsize = '{size}'\n", root.display());
        repo.sandbox.write("home/.config/sccfg/config.toml", &text);
    };
    config("1GiB");
    let json = repo.json(&["--store", "--dry-run"]);
    assert_eq!(
        json["findings"][0]["reason"], "1 files without an entry",
        "{json}"
    );
    assert_eq!(json["frees"], 1 << 20);
    // A lower limit takes effect at once.
    config("11MiB");
    repo.gc(&["--store", "--dry-run"])
        .status(0)
        .stdout_has("2 entries above its limit of 11MiB, 1 files without an entry");
    let before = occupied(&root);
    let freed = repo.json(&["--store", "--yes"])["freed"].as_u64().unwrap();
    assert_eq!(before - occupied(&root), freed);
    assert!(large.size().unwrap() <= 11 << 20);
    assert!(large.get(&format!("{}key", "3".repeat(64))).is_some());
    assert!(large.get(&format!("{}key", "0".repeat(64))).is_none());
    repo.gc(&["--store", "--yes"])
        .status(0)
        .stdout_has("nothing to remove");
    // The store needs no repository.
    repo.sandbox.sccfg(&["gc", "--store"]).status(0);
}
