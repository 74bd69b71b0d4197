//! The local store: units come out of it as they come out of sccache, and no sccache is needed.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::process::Stdio;

use rstest::rstest;
use serde_json::Value;

use super::command::sccfg;
use super::crashes::{self, killing_in};
use super::project::{Checkout, Layout, Project, Store, succeeds};
use super::races;
use super::registry;
use crate::support::{Ran, Sandbox, wait_until};

const ALL: [&str; 3] = ["build", "--workspace", "--all-targets"];

/// A library and a program.
fn small() -> Project {
    let uses = "[dependencies]\nlow = { path = \"../low\" }\n";
    let main = "fn main() { println!(\"{}\", low::place()); }\n";
    let low = "pub fn place() -> &'static str { file!() }\n";
    Project::new()
        .with_store()
        .package("low", "", &[("src/lib.rs", low)])
        .package("app", uses, &[("src/main.rs", main)])
        .committed()
}

fn is_right(checkout: &Checkout<'_>) {
    assert_eq!(checkout.says("app"), "crates/low/src/lib.rs\n");
}

/// The checkout with an sccache that fails, and a back end that others may share.
fn with_failing_sccache<'a>(checkout: &Checkout<'a>) -> Checkout<'a> {
    checkout
        .with("SCCACHE_REDIS_ENDPOINT", "redis://127.0.0.1:1")
        .with("SCCFG_SCCACHE", "/bin/false")
}

/// Files have the modes that the umask of this build gives, not that of the build that compiled them, or of sccache's server.
#[requires(sccache)]
#[rstest]
fn files_have_the_modes_of_this_build(#[values(Store::On, Store::Off)] store: Store) {
    let project = small().with(store);
    let (main, second) = (project.main(), project.linked("second"));
    let third = project.linked("third");
    for (checkout, umask, wanted) in [
        (&main, "077", 0o700),
        (&second, "022", 0o755),
        (&third, "007", 0o770),
    ] {
        let command = format!("umask {umask}; exec cargo build --offline");
        let output = checkout
            .command("sh")
            .args(["-c", &command])
            .output()
            .unwrap();
        let built = checkout.outcome(&["build"], &output).ok();
        if umask != "077" {
            built.all_hit();
        }
        let mode_of = |path: &str| {
            let metadata = fs::metadata(checkout.path(path)).unwrap();
            metadata.permissions().mode() & 0o777
        };
        assert_eq!(mode_of("target/debug/app"), wanted, "{umask}");
        for name in checkout.left_in_deps("debug") {
            let is_library = [".rlib", ".rmeta"].iter().any(|end| name.ends_with(end));
            if is_library {
                let mode = mode_of(&format!("target/debug/deps/{name}"));
                assert_eq!(mode, wanted & 0o666, "{name}, {umask}");
            }
        }
    }
}

/// What `sccfg store status` says.
fn status(project: &Project) -> Value {
    let ran = project
        .sandbox
        .sccfg(&["store", "status", "--json"])
        .status(0);
    serde_json::from_str(&ran.stdout).unwrap()
}

/// Runs `sccfg` in a shell that has sccache, and parses what it prints.
fn json(project: &Project, args: &[&str]) -> Value {
    let path = std::env::var("PATH").unwrap();
    let path = format!("{}:{path}", project.sccache().parent().unwrap().display());
    let mut sccfg = project.sandbox.command(env!("CARGO_BIN_EXE_sccfg"));
    let output = sccfg.args(args).env("PATH", path).output().unwrap();
    let ran = Ran::new(args.join(" "), &output).status(0);
    serde_json::from_str(&ran.stdout).unwrap()
}

/// The hits and misses that an object has.
fn counts(of: &Value) -> (u64, u64) {
    let number = |name: &str| of[name].as_u64().unwrap_or_else(|| panic!("{of}"));
    (number("hits"), number("misses"))
}

fn directory(project: &Project) -> PathBuf {
    status(project)["directory"].as_str().unwrap().into()
}

fn settings(project: &Project, text: &str) {
    let path = project.sandbox.path("home/.config/sccfg/config.toml");
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}

/// The files below a directory, with their sizes.
fn files_below(directory: &Path) -> Vec<(PathBuf, u64)> {
    let mut found = Vec::new();
    for entry in fs::read_dir(directory).into_iter().flatten().flatten() {
        let metadata = entry.metadata().unwrap();
        if metadata.is_dir() {
            found.extend(files_below(&entry.path()));
        } else {
            found.push((entry.path(), metadata.len()));
        }
    }
    found
}

#[rstest]
#[requires(sccache)]
fn a_second_worktree_hits_without_any_sccache(#[values(Layout::V1, Layout::V2)] layout: Layout) {
    let project = small().with_layout(layout);
    let before = project.counts();
    let main = project.main().with("SCCFG_SCCACHE", "/nonexistent");
    main.cargo(&["build"]).ok().compiled_some();
    let second = project
        .linked("a/b/second")
        .with("SCCFG_SCCACHE", "/nonexistent");
    second.cargo(&["build"]).ok().all_hit();
    is_right(&second);
    second.cargo(&["build"]).ok().nothing_to_do();
    assert_eq!(project.counts(), before);
    let said = status(&project);
    assert_eq!(
        (&said["hits"], &said["misses"]),
        (&2.into(), &2.into()),
        "{said}"
    );
}

/// To compare a large store takes long. Builds store what they compile meanwhile, even if the comparison is suspended.
#[requires(sccache)]
#[test]
fn a_verification_does_not_delay_builds() {
    let project = small();
    project.main().cargo(&["build"]).ok();
    let large = directory(&project)
        .join("blobs/00")
        .join("0".repeat(64) + ".w");
    fs::create_dir_all(large.parent().unwrap()).unwrap();
    // It takes no space.
    fs::File::create(&large).unwrap().set_len(8 << 30).unwrap();
    let mut verify = project.sandbox.command(env!("CARGO_BIN_EXE_sccfg"));
    let mut verify = verify.args(["store", "verify"]).spawn().unwrap();
    let files = PathBuf::from(format!("/proc/{}/fd", verify.id()));
    if files.exists() {
        wait_until("it reads the large file", || {
            let open = fs::read_dir(&files).unwrap().flatten();
            open.into_iter()
                .any(|file| fs::read_link(file.path()).is_ok_and(|path| path == large))
        });
    }
    let signal = |name: &str| {
        let mut kill = crate::lab::kill();
        succeeds(kill.args(["-s", name, &verify.id().to_string()]));
    };
    signal("STOP");
    let second = project.linked("second");
    second.write("crates/low/src/lib.rs", "pub fn place() -> i32 { 2 }\n");
    let before = status(&project)["stored"].as_u64().unwrap();
    let mut build = second.started(&["build"]);
    wait_until("the build ends", || build.try_wait().unwrap().is_some());
    assert!(build.wait().unwrap().success());
    assert_eq!(second.says("app"), "2\n");
    assert!(status(&project)["stored"].as_u64().unwrap() > before);
    verify.kill().unwrap();
    verify.wait().unwrap();
}

/// Commands that need the store for themselves say for which process they wait, and go on when it ends.
#[requires(sccache)]
#[rstest]
#[case::verify(&["store", "verify"], "are as they were stored")]
#[case::gc(&["gc", "--dry-run", "--store"], "nothing to remove")]
#[case::clear(&["store", "clear", "--yes"], "cleared ")]
fn commands_print_what_they_wait_for(#[case] args: &[&str], #[case] said: &str) {
    let project = small();
    project.main().cargo(&["build"]).ok();
    let lock = fs::File::open(directory(&project).join("lock")).unwrap();
    lock.lock_shared().unwrap();
    let mut command = project.sandbox.command(env!("CARGO_BIN_EXE_sccfg"));
    let command = command
        .args(args)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut waits = command.spawn().unwrap();
    let mut note = String::new();
    let mut lines = BufReader::new(waits.stderr.take().unwrap());
    lines.read_line(&mut note).unwrap();
    if cfg!(target_os = "linux") {
        let holder = std::process::id();
        let wanted = format!("note: waiting for process {holder}, which uses the local store\n");
        assert_eq!(note, wanted);
    }
    assert!(waits.try_wait().unwrap().is_none());
    drop(lock);
    let output = waits.wait_with_output().unwrap();
    Ran::new(args.join(" "), &output).status(0).stdout_has(said);
}

#[requires(sccache)]
#[test]
fn what_sccache_may_share_is_asked_of_it_and_stored() {
    let project = small();
    // The server has it on its disk; what counts is that the store cannot know.
    let remote = ("SCCACHE_REDIS_ENDPOINT", "redis://127.0.0.1:1");
    let at = |checkout: Checkout<'_>| checkout.with(remote.0, remote.1).cargo(&["build"]).ok();
    at(project.main()).compiled_some();
    let filled = project.counts();
    assert!(filled.rust_misses > 0);
    at(project.linked("second")).all_hit();
    assert_eq!(project.counts(), filled);
    // It asks, and nobody is there to answer.
    let asks = project.sandbox.sccfg(&["store", "clear"]).status(1);
    asks.stderr_has("could not ask whether to remove ")
        .stderr_has("hint: pass --yes");
    project
        .sandbox
        .sccfg(&["store", "clear", "--yes"])
        .status(0);
    at(project.linked("third")).all_hit();
    assert!(project.counts().rust_hits > filled.rust_hits);
    // What sccache had is in the store now.
    let fourth = project
        .linked("fourth")
        .with("SCCFG_SCCACHE", "/nonexistent");
    fourth.cargo(&["build"]).ok().all_hit();
    is_right(&fourth);
}

/// As `store clear`: it takes the store with it.
#[requires(sccache)]
#[test]
fn the_wrapper_is_not_removed_with_a_full_store_unasked() {
    let project = small();
    project.main().cargo(&["build"]).ok();
    let asks = project.sandbox.sccfg(&["wrapper", "clean"]).status(1);
    asks.stderr_has("could not ask whether to remove ")
        .stderr_has("hint: pass --yes");
    project.linked("second").cargo(&["build"]).ok().all_hit();
    for args in [&["wrapper", "clean", "--yes"][..], &["wrapper", "clean"]] {
        project.sandbox.sccfg(args).status(0);
    }
    assert!(!project.wrapper().exists());
}

/// Of a program with a macro that runs a program, neither the store nor sccache's cache has any use.
#[requires(sccache)]
#[rstest]
fn what_is_compiled_each_time_is_stored_nowhere(#[values(Store::On, Store::Off)] store: Store) {
    let git = "std::process::Command::new(\"git\").arg(\"--version\").output().unwrap()";
    let mac = format!(
        "#[proc_macro] pub fn git(_: proc_macro::TokenStream) -> proc_macro::TokenStream {{ \
             assert!({git}.status.success()); \"1\".parse().unwrap() }}\n"
    );
    let manifest = "[lib]\nproc-macro = true\n";
    let uses = "[dependencies]\nmac = { path = \"../mac\" }\n";
    let main = "fn main() { println!(\"{}\", mac::git!()); }\n";
    let project = Project::new()
        .with(store)
        .package("mac", manifest, &[("src/lib.rs", &mac)])
        .package("app", uses, &[("src/main.rs", main)])
        .committed();
    let stored = || {
        let directories = ["home/.cache/sccfg/wrapper/store/entries", "sv"];
        let below = directories.map(|name| files_below(&project.sandbox.path(name)).len());
        below.iter().sum::<usize>()
    };
    let main = project.main();
    main.cargo(&["build"]).ok();
    let after_first = stored();
    assert!(after_first > 0);
    for _ in 0..2 {
        main.clean();
        main.cargo(&["build"]).ok().compiled(&["app bin"]);
        assert_eq!(main.says("app"), "1\n");
    }
    assert_eq!(stored(), after_first);
}

#[requires(sccache)]
#[test]
fn a_build_that_is_given_up_by_sccache_is_stored() {
    let project = small();
    with_failing_sccache(&project.main())
        .cargo(&["build"])
        .ok()
        .compiled_some();
    let second = with_failing_sccache(&project.linked("second"));
    second.cargo(&["build"]).ok().all_hit();
    is_right(&second);
}

#[requires(sccache)]
#[test]
fn stats_count_the_store_with_sccache_and_without() {
    let project = small();
    let stats = || json(&project, &["stats", "--json"]);
    assert!(stats()["store"].is_null());
    project.main().cargo(&["build"]).ok();
    project.linked("second").cargo(&["build"]).ok();
    let said = stats();
    assert_eq!(counts(&said["store"]), (2, 2), "{said}");
    assert_eq!(counts(&said["sccache"]), (0, 0), "{said}");
    assert_eq!(counts(&said), (2, 2), "{said}");
    assert_eq!(said["rate"], 50.0, "{said}");
    assert!(said["store"]["used"].as_u64().unwrap() > 0, "{said}");

    // What sccache is asked for counts once in all: two misses of the store and of sccache, then two
    // hits of sccache alone.
    let remote = ("SCCACHE_REDIS_ENDPOINT", "redis://127.0.0.1:1");
    json(&project, &["stats", "--json", "--zero"]);
    for place in ["third", "fourth"] {
        project
            .sandbox
            .sccfg(&["store", "clear", "--yes"])
            .status(0);
        let linked = project.linked(place).with(remote.0, remote.1);
        linked.cargo(&["build"]).ok();
    }
    let said = stats();
    assert_eq!(counts(&said["store"]), (0, 2), "{said}");
    assert_eq!(counts(&said["sccache"]), (2, 2), "{said}");
    assert_eq!(counts(&said["languages"]["Rust"]), (2, 2), "{said}");

    let said = json(&project, &["stats", "--json", "--zero"]);
    assert_eq!(counts(&said), (2, 2), "{said}");
    let said = stats();
    assert_eq!(counts(&said["store"]), (0, 0), "{said}");
    assert_eq!(counts(&said), (0, 0), "{said}");
}

#[requires(sccache)]
#[test]
fn clear_empties_the_store_as_well() {
    let project = small();
    project.main().cargo(&["build"]).ok();
    let said = json(&project, &["clear", "--yes", "--json"]);
    assert!(said["store"]["freed"].as_u64().unwrap() > 0, "{said}");
    assert_eq!(files_below(&directory(&project).join("blobs")), []);
    assert!(json(&project, &["clear", "--yes", "--json"])["store"].is_null());
    let second = project.linked("second");
    second.cargo(&["build"]).ok().compiled_some();
}

#[requires(sccache)]
#[test]
fn the_size_that_the_settings_name_holds() {
    let project = Project::matrix();
    let limit = 5 << 20;
    settings(&project, "[store]\nenabled = true\nsize = \"5MiB\"\n");
    let (second, last) = (project.linked("second"), project.linked("third"));
    for linked in [&second, &last] {
        linked.cargo(&ALL).ok();
        linked.says("matrix");
        let directory = directory(&project);
        let size: u64 = files_below(&directory).iter().map(|(_, size)| size).sum();
        assert!(size > 0 && size <= limit, "{size}");
    }
    let said = status(&project);
    assert_eq!(said["limit"], limit);
    assert!(said["evicted"].as_u64().unwrap() > 0, "{said}");
    let hint = "sccfg config set store.size 10MiB";
    for args in [&["report"][..], &["store", "status"], &["doctor"]] {
        let output = sccfg(&last, args);
        let all = [output.stdout, output.stderr].concat();
        let all = String::from_utf8_lossy(&all);
        assert!(all.contains(hint), "{all}");
    }
}

#[requires(sccache)]
#[test]
fn damaged_files_are_no_results() {
    let project = small();
    project.main().cargo(&["build"]).ok();
    for (path, size) in files_below(&directory(&project).join("blobs")) {
        fs::write(&path, vec![0; usize::try_from(size).unwrap()]).unwrap();
    }
    let second = project.linked("second");
    second.cargo(&["build"]).ok().compiled_some();
    is_right(&second);
    // They were replaced.
    let ran = project.sandbox.sccfg(&["store", "verify"]).status(0);
    assert!(!ran.stdout.starts_with("0 entries"), "{ran:?}");
}

#[requires(sccache)]
#[test]
fn verify_removes_damaged_entries_and_lists_them() {
    let project = small();
    project.main().cargo(&["build"]).ok();
    let (path, _) = files_below(&directory(&project).join("blobs")).remove(0);
    fs::write(&path, "damaged").unwrap();
    let ran = project.sandbox.sccfg(&["store", "verify"]).status(1);
    ran.stderr_has("1 entries were removed from the store")
        .stderr_has("hint:")
        .stdout_has(path.to_str().unwrap());
    project.sandbox.sccfg(&["store", "verify"]).status(0);
}

#[requires(sccache)]
#[test]
fn a_read_only_store_does_not_fail_builds() {
    let project = small();
    // Root may write anywhere but below a file.
    project.sandbox.write("home/file", "");
    let dir = project.sandbox.path("home/file/store");
    let text = format!("[store]\ndir = {:?}\n", dir.to_str().unwrap());
    settings(&project, &text);
    project.main().cargo(&["build"]).ok().compiled_some();
    let second = project.linked("second");
    second.cargo(&["build"]).ok().compiled_some();
    is_right(&second);
}

/// `store.dir` may name a directory in which others write.
#[requires(sccache)]
#[test]
fn files_of_others_are_not_changed() {
    let project = small();
    let dir = project.sandbox.path("home/data");
    let all = ["tmp/mine", "entries/ab/mine", "blobs/cd/mine"];
    for path in all {
        project.sandbox.write(&format!("home/data/{path}"), "mine");
    }
    let mode = || fs::metadata(&dir).unwrap().permissions().mode() & 0o777;
    fs::set_permissions(&dir, fs::Permissions::from_mode(0o755)).unwrap();
    let sccfg = |args: &[&str]| project.sandbox.sccfg(args);
    let why = "has files that are not of a local store";
    sccfg(&["config", "set", "store.dir", dir.to_str().unwrap()])
        .status(0)
        .stderr_has(why)
        .stderr_has("hint: name a directory of its own: ");
    // With the least space, something is evicted at once.
    for size in ["1GiB", "3MiB"] {
        sccfg(&["config", "set", "store.size", size]).status(0);
        project.main().clean();
        project.main().cargo(&["build"]).ok();
        is_right(&project.main());
    }
    sccfg(&["store", "status"]).status(1).stderr_has(why);
    sccfg(&["config", "check"]).status(1).stderr_has(why);
    for args in [["store", "clear"], ["store", "verify"]] {
        sccfg(&args).status(1).stderr_has("is not a local store");
    }
    sccfg(&["gc", "--store", "--yes"]).status(0);
    let mut found: Vec<PathBuf> = files_below(&dir)
        .into_iter()
        .map(|(path, _)| path)
        .collect();
    found.sort();
    let mut wanted = all.map(|path| dir.join(path));
    wanted.sort();
    assert_eq!(found, wanted);
    assert_eq!(mode(), 0o755);
}

#[rstest]
#[case::file("home/file", "is not a directory")]
#[case::below_a_file("home/file/store", "file is not a directory")]
#[case::dangling_link("home/dangling", "is a link to something that does not exist")]
#[case::not_on_a_disk("/proc/sccfg-store", "No such file or directory")]
fn a_directory_that_cannot_be_made_is_reported(#[case] dir: &str, #[case] why: &str) {
    let sandbox = Sandbox::new();
    sandbox.write("home/file", "mine");
    std::os::unix::fs::symlink("nowhere", sandbox.path("home/dangling")).unwrap();
    let dir = sandbox.path(dir).display().to_string();
    let set = sandbox.sccfg(&["config", "set", "store.dir", &dir]);
    set.status(0).stderr_has(why);
    for args in [["store", "status"], ["config", "check"], ["store", "clear"]] {
        sandbox
            .sccfg(&args)
            .status(1)
            .stderr_has(why)
            .stderr_has("hint: ")
            .stderr_has("store.dir");
    }
    assert_eq!(sandbox.read("home/file"), "mine");
}

#[rstest]
#[case::link("home/link")]
#[case::missing("home/not/there/yet")]
#[requires(sccache)]
fn the_directory_may_be_a_link_or_missing(#[case] dir: &str) {
    let project = small();
    fs::create_dir_all(project.sandbox.path("home/other-disk")).unwrap();
    std::os::unix::fs::symlink("other-disk", project.sandbox.path("home/link")).unwrap();
    let dir = project.sandbox.path(dir);
    settings(&project, &format!("[store]\ndir = {dir:?}\n"));
    project.main().cargo(&["build"]).ok().compiled_some();
    project.linked("second").cargo(&["build"]).ok().all_hit();
}

#[requires(sccache)]
#[test]
fn a_limit_below_which_nothing_fits_is_reported() {
    let project = small();
    let set = |size: &str| {
        let args = ["config", "set", "store.size", size];
        project.sandbox.sccfg(&args).status(0)
    };
    set("1GiB");
    project.main().cargo(&["build"]).ok();
    let entries = directory(&project).join("entries");
    let stored = files_below(&entries);
    for (size, hint) in [("0", "add a unit"), ("40K", "write a larger size")] {
        let why = "nothing fits into the local store: its limit is ";
        let refused = ["config", "set", "store.size", size];
        let refused = project.sandbox.sccfg(&refused).status(2);
        refused.stderr_has(&format!("hint: {hint}"));
        settings(&project, &format!("[store]\nsize = \"{size}\"\n"));
        let said = project.sandbox.sccfg(&["store", "status"]).status(1);
        said.stderr_has(why);
        project.main().clean();
        project.main().cargo(&["build"]).ok().all_hit();
    }
    assert_eq!(files_below(&entries), stored);
}

#[requires(sccache)]
#[test]
fn unreadable_settings_do_not_fail_builds_and_are_reported() {
    let project = small();
    settings(&project, "[store]\nsize = \"4MiB\"\nlimit = 3\n");
    project.main().cargo(&["build"]).ok();
    let ran = project.sandbox.sccfg(&["store", "status"]).status(1);
    ran.stderr_has("config.toml:3:1")
        .stderr_has("limit")
        .stderr_has("hint:");
}

#[requires(sccache)]
#[test]
fn the_same_build_at_once_compiles_each_unit_once() {
    let project = races::project().with_store();
    let checkouts = [project.main(), project.linked("second")];
    let main = &checkouts[0];
    races::at_once(&checkouts, &["build"]);
    for checkout in &checkouts {
        races::is_right(checkout, "of main");
    }
    let together = project.take_number_of_compiles();
    let alone = Project::take_number_of_compiles;
    project
        .sandbox
        .sccfg(&["store", "clear", "--yes"])
        .status(0);
    main.clean();
    main.cargo_command(&["build"]).output().unwrap();
    // Programs that speak of their place are compiled in each.
    let own = 1;
    // Two of the keys may have the same lock. Then one of them is not waited for.
    let unlocked = 1;
    assert!(together <= alone(&project) + own + unlocked, "{together}");
}

#[requires(sccache)]
#[test]
fn the_compiler_or_the_wrapper_is_killed() {
    killing_in(&crashes::project().with_store(), &["rustc"], 1..=3);
    killing_in(&crashes::project().with_store(), &["sccache"], 1..=3);
}

#[requires(sccache)]
#[test]
fn a_library_that_is_written_in_place_stays_in_one_checkout() {
    let project = Project::new()
        .with_store()
        .package(
            "app",
            "[dependencies]\nitoa = \"1\"\n",
            &[(
                "src/main.rs",
                "fn main() { println!(\"{}\", itoa::Buffer::new().format(5)); }\n",
            )],
        )
        .committed();
    project.main().cargo(&["build"]).ok();
    let second = project.linked("second");
    second.cargo(&["build"]).ok().all_hit();
    // Registry libraries are hard links to the store, and so older than their dependents' sources.
    second.cargo(&["build"]).ok().nothing_to_do();
    let names = second.left_in_deps("debug");
    let library = names
        .iter()
        .find(|name| Path::new(name).extension().is_some_and(|end| end == "rlib"))
        .unwrap();
    let path = second.path(&format!("target/debug/deps/{library}"));
    let bytes = fs::read(&path).unwrap();
    let mut permissions = fs::metadata(&path).unwrap().permissions();
    assert!(permissions.readonly());
    std::os::unix::fs::PermissionsExt::set_mode(&mut permissions, 0o644);
    fs::set_permissions(&path, permissions).unwrap();
    fs::write(&path, b"not a library").unwrap();
    let third = project.linked("third");
    third.cargo(&["build"]).ok();
    assert_eq!(third.says("app"), "5\n");
    assert_eq!(
        fs::read(third.path(&format!("target/debug/deps/{library}"))).unwrap(),
        bytes
    );
}

/// They are hard links to the store. As the store's libraries, they are compared before somebody gets them.
#[requires(sccache)]
#[test]
fn a_macro_or_build_script_of_a_registry_that_is_written_in_place_stays_in_one_checkout() {
    let project = Project::new().with_store();
    let plain = "#[proc_macro] pub fn five(_: proc_macro::TokenStream) -> proc_macro::TokenStream { \"5\".parse().unwrap() }\n";
    let manifest = "[lib]\nproc-macro = true\n";
    registry::package(&project, "fivemacro", manifest, &[("src/lib.rs", plain)]);
    let script = "fn main() { println!(\"cargo::rustc-env=TEXT=text\"); }\n";
    let lib =
        "pub fn text() -> String { format!(\"{} {}\", env!(\"TEXT\"), fivemacro::five!()) }\n";
    let uses = "[dependencies]\nfivemacro = \"0.1\"\n";
    let files = [("src/lib.rs", lib), ("build.rs", script)];
    registry::package(&project, "lowcrate", uses, &files);
    registry::publish(&project, &["fivemacro", "lowcrate"]);
    let uses = "[dependencies]\nlowcrate = \"0.1\"\n";
    let project = project.package("app", uses, &[("src/main.rs", registry::PRINTS)]);
    let project = project.committed();
    let [main, second] = [project.main(), project.linked("second")]
        .map(|checkout| registry::with_home(&project, &checkout, "cargo-home"));
    main.cargo(&["build"]).ok();
    let in_main = files_below(&main.path("target/debug"));
    let linked: Vec<PathBuf> = in_main
        .into_iter()
        .map(|(path, _)| path)
        .filter(|path| {
            let name = path.file_name().unwrap().to_str().unwrap();
            name.starts_with("libfivemacro-")
                || name.starts_with("build_script_build-") && name.ends_with(".program")
        })
        .collect();
    assert_eq!(linked.len(), 2, "{linked:?}");
    for path in &linked {
        // cargo gives the program a second name.
        let names = if path.extension() == Some("so".as_ref()) {
            1
        } else {
            2
        };
        assert!(fs::metadata(path).unwrap().nlink() > names, "{path:?}");
        fs::write(path, b"neither").unwrap();
    }
    second.cargo(&["build"]).ok();
    assert_eq!(second.says("app"), "text 5\n");
    for path in &linked {
        let path = second.path(path.strip_prefix(main.path("")).unwrap().to_str().unwrap());
        assert_ne!(fs::read(&path).unwrap(), b"neither");
    }
}

/// Compiles of itoa end only once a dependent has started, as if their code took long to generate.
const SLOW_CODEGEN: &str = r#"
case " $* " in
  *" --crate-name itoa "*)
    "$real" "$@" || exit
    tries=0
    until [ -e "$dir/started" ]; do
      tries=$((tries + 1))
      [ "$tries" -lt 600 ] || { echo "no dependent started" >&2; exit 1; }
      sleep 0.05
    done
    exit ;;
  *" --crate-name app "*"--emit"*) : >"$dir/started" ;;
esac
"#;

#[requires(sccache)]
#[test]
fn dependents_start_once_the_metadata_is_written() {
    let uses = "[dependencies]\nitoa = \"1\"\n";
    let lib = "pub fn five() -> String { itoa::Buffer::new().format(5).to_owned() }\n";
    let project = Project::new()
        .with_store()
        .package("app", uses, &[("src/lib.rs", lib)])
        .committed();
    let (main, _) = project.main().with_compiler_script(SLOW_CODEGEN);
    main.cargo(&["build"])
        .ok()
        .compiled(&["app lib", "itoa lib"]);
    main.cargo(&["build"]).ok().nothing_to_do();
    let (second, _) = project.linked("second").with_compiler_script(SLOW_CODEGEN);
    second.cargo(&["build"]).ok().all_hit();
}

/// Where nothing may be executed, programs are built as well.
#[requires(sccache, mount)]
#[test]
fn a_program_from_a_disk_without_execution_is_executable_elsewhere() {
    let project = small();
    let first = project.linked("first");
    fs::create_dir(first.path("target")).unwrap();
    let mounted = "mount -t tmpfs -o noexec none target; exec cargo build --offline";
    let mut build = first.command("unshare");
    build.args(["--map-root-user", "--mount", "sh", "-euc", mounted]);
    succeeds(&mut build);
    // The same compiler, which is not the one of other tests.
    let second = project.linked("second");
    succeeds(second.command("cargo").args(["build", "--offline"]));
    is_right(&second);
}
