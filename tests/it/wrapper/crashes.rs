//! Something is killed half way: the next build is right.

use std::collections::BTreeSet;
#[cfg(target_os = "linux")]
use std::ffi::OsString;
use std::fs;
use std::ops::RangeInclusive;
#[cfg(target_os = "linux")]
use std::path::Path;
use std::process::Child;
use std::thread;

use rstest::rstest;

use super::project::Project;
#[cfg(target_os = "linux")]
use super::project::{Checkout, Store};
#[cfg(target_os = "linux")]
use crate::support::{Ran, wait_until};

pub(super) fn project() -> Project {
    let low = "#![allow(long_running_const_eval)]\npub const S: u64 = { let mut i = 0; while i < 1_000_000 { i += 1 } i };\npub fn f() -> u64 { S }\n";

    Project::new()
        .without_store()
        .package("low", "", &[("src/lib.rs", low)])
        .package(
            "app",
            "[dependencies]\nlow = { path = \"../low\" }\n",
            &[(
                "src/main.rs",
                "fn main() { println!(\"{} {}\", low::f(), file!()); }\n",
            )],
        )
        .committed()
}

/// The processes below this one, with their names.
fn below(pid: u32) -> Vec<(u32, String)> {
    let entries = fs::read_dir("/proc").unwrap().flatten();
    let all: Vec<(u32, u32, String)> = entries
        .filter_map(|entry| {
            let pid: u32 = entry.file_name().to_str()?.parse().ok()?;
            let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
            let (front, rest) = stat.rsplit_once(')')?;
            let name = front.split_once('(')?.1.to_owned();
            let parent = rest.split_whitespace().nth(1)?.parse().ok()?;
            Some((pid, parent, name))
        })
        .collect();
    let mut found = vec![(pid, String::new())];
    let mut at = 0;
    while let Some((parent, _)) = found.get(at).cloned() {
        let children = all.iter().filter(|(_, of, _)| *of == parent);
        found.extend(children.map(|(pid, _, name)| (*pid, name.clone())));
        at += 1;
    }
    found.remove(0);
    found
}

/// Waits until so many processes of these names have been seen below cargo or the server, and gives
/// those that are still there; none, where cargo ends before.
pub(super) fn running(
    project: &Project,
    cargo: &mut Child,
    names: &[&str],
    wanted: usize,
) -> Vec<u32> {
    let mut seen = BTreeSet::new();
    loop {
        let mut all = below(cargo.id());
        all.extend(below(project.server_pid()));
        all.retain(|(_, name)| names.contains(&name.as_str()));
        seen.extend(all.iter().map(|(pid, _)| *pid));
        if seen.len() >= wanted {
            return all.into_iter().map(|(pid, _)| pid).collect();
        }
        if cargo.try_wait().unwrap().is_some() {
            return Vec::new();
        }
        thread::yield_now();
    }
}

pub(super) fn kill(pid: u32) {
    let _ = crate::lab::kill()
        .args(["-9", &pid.to_string()])
        .stderr(std::process::Stdio::null())
        .status();
}

/// Kills what has this name, below cargo or below the server, when so many of them were seen in a
/// build; after each, a build in another worktree is right.
fn killing(names: &[&str]) {
    killing_in(&project(), names, 1..=5);
}

pub(super) fn killing_in(project: &Project, names: &[&str], counts: RangeInclusive<usize>) {
    let second = project.linked("second");
    let mut killed = 0;
    let wanted = counts.clone().count() / 2;
    for (round, count) in counts.enumerate() {
        let edit = format!("1_000_{round:03}");
        for checkout in [&project.main(), &second] {
            let text = checkout.read("crates/low/src/lib.rs");
            let start = text.find("i < ").unwrap() + 4;
            let end = start + text[start..].find(' ').unwrap();
            let text = format!("{}{edit}{}", &text[..start], &text[end..]);
            checkout.write("crates/low/src/lib.rs", &text);
        }
        let mut cargo = project.main().started(&["build"]);
        for pid in running(project, &mut cargo, names, count) {
            kill(pid);
            killed += 1;
        }
        let _ = cargo.wait_with_output().unwrap();
        let said = format!("{} crates/app/src/main.rs\n", 1_000_000 + round);
        second.cargo(&["build"]).ok();
        assert_eq!(second.says("app"), said, "{names:?}, round {round}");
        project.main().cargo(&["build"]).ok();
        assert_eq!(project.main().says("app"), said, "{names:?}, round {round}");
        second.cargo(&["build"]).ok().nothing_to_do();
    }
    assert!(killed > wanted, "{killed}");
}

#[requires(sccache)]
#[test]
fn the_compiler_is_killed() {
    killing(&["rustc"]);
}

#[requires(sccache)]
#[test]
fn the_wrapper_is_killed() {
    killing(&["sccache", "sccfg"]);
}

/// A build that is suspended (Ctrl-Z) while it compiles what another one needs.
#[requires(sccache)]
#[cfg(target_os = "linux")]
#[test]
fn a_suspended_build_does_not_delay_others() {
    let project = project().with(Store::On);
    let checkouts = [project.main(), project.linked("second")];
    for checkout in &checkouts {
        let text = checkout.read("crates/low/src/lib.rs");
        let text = text.replace("1_000_000", "4_000_000");
        checkout.write("crates/low/src/lib.rs", &text);
    }
    let [main, second] = checkouts;
    let mut suspended = main.started(&["build"]);
    running(&project, &mut suspended, &["rustc"], 1);
    let holds = project
        .sandbox
        .path("home/.cache/sccfg/wrapper/store/locks");
    wait_until("a lock is held", || {
        let locks = fs::read_dir(&holds).into_iter().flatten().flatten();
        locks.into_iter().any(|lock| {
            let file = fs::File::open(lock.path()).unwrap();
            file.try_lock_shared().is_err()
        })
    });
    let cargo = suspended.id();
    let signal_all = |name: &str| {
        let all = below(cargo).into_iter().map(|(pid, _)| pid);
        for pid in std::iter::once(cargo).chain(all) {
            let _ = crate::lab::kill()
                .args(["-s", name, &pid.to_string()])
                .status();
        }
    };
    signal_all("STOP");
    let mut other = second.started(&["build"]);
    wait_until("the other build ends", || {
        other.try_wait().unwrap().is_some()
    });
    assert!(other.wait().unwrap().success());
    assert_eq!(second.says("app"), "4000000 crates/app/src/main.rs\n");
    assert!(suspended.try_wait().unwrap().is_none());
    signal_all("CONT");
    assert!(suspended.wait().unwrap().success());
    assert_eq!(main.says("app"), "4000000 crates/app/src/main.rs\n");
}

/// Kills a build with everything below it while it compiles.
#[cfg(target_os = "linux")]
fn interrupt(project: &Project, checkout: &Checkout<'_>, work: &Path) {
    let before = names(work);
    let mut cargo = checkout.started(&["build"]);
    running(project, &mut cargo, &["rustc"], 1);
    wait_until("it compiles", || {
        names(work).iter().any(|name| !before.contains(name))
    });
    let all = below(cargo.id()).into_iter().map(|(pid, _)| pid);
    for pid in std::iter::once(cargo.id()).chain(all) {
        kill(pid);
    }
    cargo.wait_with_output().unwrap();
}

#[cfg(target_os = "linux")]
fn names(directory: &Path) -> BTreeSet<OsString> {
    let entries = fs::read_dir(directory).into_iter().flatten().flatten();
    entries.map(|entry| entry.file_name()).collect()
}

/// Some tools interrupt a build at each edit, so what each one leaves adds up.
#[requires(sccache)]
#[cfg(target_os = "linux")]
#[test]
fn leftovers_of_an_interrupted_compile_are_removed() {
    let project = project().with(Store::On);
    let main = project.main();
    let work = main.path("target/debug/deps/.sccfg/work");
    let source = "crates/low/src/lib.rs";
    main.edit(source, "1_000_000", "100_000_000");
    interrupt(&project, &main, &work);
    assert!(!names(&work).is_empty());

    main.edit(source, "100_000_000", "1_000_001");
    main.cargo(&["build"]).ok();
    assert_eq!(names(&work), BTreeSet::new());
    assert_eq!(main.says("app"), "1000001 crates/app/src/main.rs\n");

    main.edit(source, "1_000_001", "100_000_001");
    interrupt(&project, &main, &work);
    let gc = |option: &str| {
        let mut sccfg = main.command(env!("CARGO_BIN_EXE_sccfg"));
        let output = sccfg.args(["gc", "--orphans", option]).output().unwrap();
        Ran::new(format!("sccfg gc {option}"), &output).status(0)
    };
    gc("--dry-run").stdout_has("left by 1 interrupted compile\n");
    // Such a directory of a run of a build script is next to its `OUT_DIR`.
    let run = main.path("target/debug/build/app-0123456789abcdef");
    let work_of_run = run.join(".sccfg/work");
    fs::create_dir_all(run.join("out")).unwrap();
    fs::create_dir_all(&work_of_run).unwrap();
    for name in names(&work) {
        fs::rename(work.join(&name), work_of_run.join(&name)).unwrap();
    }
    gc("--dry-run").stdout_has("left by 1 interrupted compile or run of a build script\n");
    assert!(!names(&work_of_run).is_empty());
    gc("--yes").stdout_has("cleaned ");
    assert_eq!(names(&work_of_run), BTreeSet::new());
    gc("--dry-run").stdout_has("nothing to remove");
    main.edit(source, "100_000_001", "1_000_001");
    main.cargo(&["build"]).ok();
}

#[requires(sccache)]
#[test]
fn the_server_is_killed_and_comes_again() {
    let project = project();
    for round in 0..4 {
        let linked = project.linked(&format!("worktree{round}"));
        linked.edit(
            "crates/low/src/lib.rs",
            "1_000_000",
            &format!("1_000_{round:03}"),
        );
        let mut cargo = linked.started(&["build"]);
        running(
            &project,
            &mut cargo,
            &["sccache", "sccfg", "rustc"],
            2 * round,
        );
        project.replace_server();
        let output = cargo.wait_with_output().unwrap();
        // Whether the build fails is sccache's affair; what is built is ours.
        drop(output);
        linked.cargo(&["build"]).ok();
        assert_eq!(
            linked.says("app"),
            format!("{} crates/app/src/main.rs\n", 1_000_000 + round)
        );
        let other = project.linked(&format!("other{round}"));
        other.edit(
            "crates/low/src/lib.rs",
            "1_000_000",
            &format!("1_000_{round:03}"),
        );
        other.cargo(&["build"]).ok();
        assert_eq!(other.says("app"), linked.says("app"));
    }
}

/// What a damaged disk leaves: entries and notes that are cut short.
#[requires(sccache)]
#[test]
fn damaged_files_of_the_cache_are_no_results() {
    let project = project();
    project.main().cargo(&["build"]).ok();
    let cut = |directory: std::path::PathBuf| {
        let mut all = vec![directory];
        while let Some(path) = all.pop() {
            if path.is_symlink() || path.file_name().is_some_and(|name| name == "no-config") {
                continue;
            }
            if path.is_dir() {
                all.extend(
                    fs::read_dir(&path)
                        .unwrap()
                        .flatten()
                        .map(|entry| entry.path()),
                );
            } else if path.is_file() {
                let length = fs::metadata(&path).unwrap().len();
                if let Ok(file) = fs::OpenOptions::new().write(true).open(&path) {
                    let _ = file.set_len(length / 2);
                }
            }
        }
    };
    let second = project.linked("second");
    cut(project.sandbox.outer().join("sv/cache"));
    project.replace_server();
    second.cargo(&["build"]).ok();
    assert_eq!(second.says("app"), "1000000 crates/app/src/main.rs\n");
    // And what the wrapper keeps for itself.
    for directory in [
        "home/.cache",
        "home/.local/share/sccfg",
        "home/.local/state",
    ] {
        if project.sandbox.path(directory).exists() {
            cut(project.sandbox.path(directory));
        }
    }
    let third = project.linked("third");
    third.cargo(&["build"]).ok();
    assert_eq!(third.says("app"), "1000000 crates/app/src/main.rs\n");
}

/// A compile of `itoa` by the wrapper itself, which gives it a directory of its own, ends like this once cargo knows of its
/// metadata. In `$out`, it has its files.
const AFTER_METADATA: &str = r#"
case "$*" in
  *--crate-name\ itoa\ *--emit=*link*)
    echo >>"$dir/compiles"
    for arg do
      case $before in --out-dir) out=$arg ;; esac
      before=$arg
    done
    "$real" "$@" || exit
    case $out in */.sccfg/work/*) @ends@ ;; esac
    exit ;;
esac
"#;

/// A program that uses `itoa` of the registry.
fn with_itoa() -> Project {
    let uses = "[dependencies]\nitoa = \"1\"\n";
    // A library starts once there is metadata.
    let lib = "pub fn five() -> String { itoa::Buffer::new().format(5).to_owned() }\n";
    let main = "fn main() { println!(\"{}\", app::five()); }\n";
    let files = [("src/lib.rs", lib), ("src/main.rs", main)];
    let project = Project::new().with_store();
    project.package("app", uses, &files).committed()
}

/// cargo has started dependents, and must not be told of the metadata again.
#[requires(sccache)]
#[rstest]
#[case::killed("KILL", "(signal: 9, SIGKILL: kill)")]
#[case::crashed("SEGV", "(signal: 11, SIGSEGV: invalid memory reference)")]
fn a_compiler_that_a_signal_ends_after_its_metadata_ends_the_build(
    #[case] signal: &str,
    #[case] said: &str,
) {
    let project = with_itoa();
    let main = project.main();
    let script = AFTER_METADATA.replace("@ends@", &format!("kill -{signal} $$"));
    let (faulty, scripts) = main.with_compiler_script(&script);
    let built = faulty.cargo(&["build"]).fails();
    built.stderr_has(said).never_says("panicked");
    assert_eq!(fs::read_to_string(scripts.join("compiles")).unwrap(), "\n");
    main.cargo(&["build"]).ok();
    assert_eq!(main.says("app"), "5\n");
    // It leaves nothing behind.
    let work = fs::read_dir(main.path("target/debug/deps/.sccfg/work"));
    assert_eq!(work.map_or(0, Iterator::count), 0);
}

#[requires(sccache)]
#[test]
fn a_unit_that_is_compiled_again_after_its_metadata_is_announced_once() {
    let project = with_itoa();
    let script = AFTER_METADATA.replace("@ends@", "rm \"$out\"/*.rlib");
    let (faulty, scripts) = project.main().with_compiler_script(&script);
    faulty.cargo(&["build"]).ok().never_says("panicked");
    assert_eq!(faulty.says("app"), "5\n");
    let compiles = fs::read_to_string(scripts.join("compiles")).unwrap();
    assert_eq!(compiles, "\n\n");
}

/// A crash may be due to what is different below the wrapper. What another process ends is to end, as without a cache.
#[requires(sccache)]
#[rstest]
#[case::crashed("SEGV", true)]
#[case::killed("KILL", false)]
#[case::terminated("TERM", false)]
fn a_compiler_is_run_again_only_if_it_crashed(#[case] signal: &str, #[case] is_run_again: bool) {
    let main = "fn main() { println!(\"{}\", file!()); }\n";
    let project = Project::new().with_store();
    let project = project.package("app", "", &[("src/main.rs", main)]);
    let project = project.committed();
    let script = format!(
        "case \"$*\" in *--crate-name\\ app\\ *--emit=*link*.sccfg/work/*) \"$real\" \"$@\"; kill -{signal} $$ ;; esac\n"
    );
    let (faulty, _) = project.main().with_compiler_script(&script);
    let built = faulty.cargo(&["build"]);
    if is_run_again {
        built.ok();
    } else {
        built.fails().stderr_has(&format!("SIG{signal}"));
        project.main().cargo(&["build"]).ok();
    }
    assert_eq!(project.main().says("app"), "crates/app/src/main.rs\n");
}

/// The compiler is a script in front of rustc, which is started after that.
#[requires(sccache)]
#[test]
fn a_state_directory_that_is_removed_during_a_compile_is_no_reason_to_warn() {
    let main = "fn main() { println!(\"{}\", file!()); }\n";
    let project = Project::new().with_store();
    let project = project.package("app", "", &[("src/main.rs", main)]);
    let project = project.committed();
    let state = project.sandbox.path("home/.cache/sccfg");
    let script = format!(
        "case \"$*\" in *--crate-name\\ app\\ *--emit=*link*) rm -rf '{}' ;; esac\n",
        state.display()
    );
    let (faulty, _) = project.main().with_compiler_script(&script);
    let built = faulty.cargo(&["build"]).ok();
    built.never_says("ld.so").never_says("warning");
    assert_eq!(faulty.says("app"), "crates/app/src/main.rs\n");
    // What was not observed is not stored. It may be from the next compile on.
    let [second, third] = ["second", "third"].map(|name| project.linked(name));
    second.cargo(&["build"]).ok().compiled(&["app bin"]);
    third.cargo(&["build"]).ok().all_hit();
}
