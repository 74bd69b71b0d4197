//! What `sccfg gc` must not touch.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, chown, symlink};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use rstest::rstest;

use super::{DAY, Repo, all_below, found, names};
use crate::lab::Layout;
use crate::support::{Ran, wait_until};
use crate::wrapper::project::succeeds;

#[test]
fn what_cargo_did_not_make_is_never_touched() {
    let repo = Repo::new();
    repo.build("repo");
    repo.linked("one");
    repo.sandbox
        .write("one/examples/shows.rs", "fn main() {}\n");
    repo.build_into("one", "caches/one");
    for args in [&["doc"][..], &["build", "--timings", "--examples"]] {
        let target = repo.path("caches/one");
        succeeds(repo.cargo("one").args(args).env("CARGO_TARGET_DIR", target));
    }
    fs::remove_dir_all(repo.path("one")).unwrap();
    let tag = "Signature: 8a477f597d28d172789f06886806bc55\n# made by somebody else\n";
    for (path, text) in [
        // No target directories, whatever their names are.
        ("caches/target/notes.txt", "mine"),
        ("caches/target/debug/deps/notes.txt", "mine"),
        ("caches/other/CACHEDIR.TAG", tag),
        ("caches/other/debug/.cargo-lock", ""),
        ("caches/other/debug/deps/notes.txt", "mine"),
        ("caches/text/.rustc_info.json", "{}"),
        ("caches/text/debug/.cargo-lock", ""),
        ("caches/text/debug/deps/notes.txt", "mine"),
        // In one.
        ("caches/one/criterion/base.json", "mine"),
        ("caches/one/notes.txt", "mine"),
        ("caches/one/tmp/of-a-test", "mine"),
        ("caches/one/debug/app.log", "mine"),
        ("caches/one/debug/data/of-app", "mine"),
        ("caches/one/debug/script", "mine"),
        ("caches/one/debug/examples/out.png", "mine"),
        ("caches/one/doc/book.html", "mine"),
        ("caches/one/doc/book/index.html", "mine"),
        ("caches/one/debug/notes.d", "notes.o: notes.c"),
        ("caches/one/debug/examples/mine.d", "mine.o: mine.c"),
        ("caches/one/debug/examples/libmine.a", "mine"),
        ("caches/one/cargo-timings/notes.txt", "mine"),
        ("caches/one/.git-like/x", "mine"),
    ] {
        repo.sandbox.write(path, text);
    }
    // Empty ones of somebody else are not cargo's either.
    for path in ["caches/one/out", "caches/one/debug/out"] {
        fs::create_dir(repo.path(path)).unwrap();
    }
    let caches = repo.path("caches");
    let caches = caches.to_str().unwrap();
    repo.gc(&[
        "--unused",
        "0",
        "--orphans",
        "--incremental",
        "--yes",
        caches,
    ])
    .status(0)
    .stderr_has("one stays, because cargo did not make ")
    .stderr_has(" and 13 more");
    let root = repo.path("caches/one");
    let left: Vec<String> = all_below(&root)
        .iter()
        .filter(|path| path.is_file())
        .map(|path| path.strip_prefix(&root).unwrap().display().to_string())
        .collect();
    let mut left: Vec<&str> = left.iter().map(String::as_str).collect();
    left.sort_unstable();
    // Since cargo 1.96.
    left.retain(|path| *path != "debug/.cargo-artifact-lock");
    assert_eq!(
        left,
        [
            ".git-like/x",
            ".rustc_info.json",
            ".rustdoc_fingerprint.json",
            "CACHEDIR.TAG",
            "cargo-timings/notes.txt",
            "criterion/base.json",
            "debug/.cargo-build-lock",
            "debug/.cargo-lock",
            "debug/app.log",
            "debug/data/of-app",
            "debug/examples/libmine.a",
            "debug/examples/mine.d",
            "debug/examples/out.png",
            "debug/notes.d",
            "debug/script",
            "doc/book.html",
            "doc/book/index.html",
            "notes.txt",
            "tmp/of-a-test",
        ]
    );
    for path in ["caches/one/out", "caches/one/debug/out"] {
        assert!(repo.path(path).is_dir());
    }
    for place in ["target", "other", "text"] {
        let path = format!("caches/{place}/debug/deps/notes.txt");
        assert_eq!(repo.sandbox.read(&path), "mine");
    }
    // Nothing is left to find.
    assert_eq!(repo.finds(&["--orphans", caches]), []);
}

/// Somebody has converted a program, or keeps one.
#[rstest]
fn what_has_the_name_of_an_artifact_with_another_extension_stays(
    #[values(Layout::V1, Layout::V2)] layout: Layout,
) {
    let repo = Repo::laid_out(layout);
    repo.sandbox.write("repo/src/lib.rs", "pub fn more() {}\n");
    let example = "repo/examples/ex.rs";
    repo.sandbox.write(example, "fn main() {}\n");
    repo.build("repo");
    succeeds(repo.cargo("repo").args(["build", "-q", "--examples"]));
    let mut mine = [
        "debug/app.so",
        "debug/app.wasm",
        "debug/app.dwp",
        "debug/app.exe",
        "debug/app.pdb",
        "debug/app.dSYM/y",
        "debug/libapp.so",
        "debug/libapp.a",
        "debug/examples/ex.wasm",
        "debug/examples/ex-0123456789abcdef",
        "debug/examples/libex-0123456789abcdef.rlib",
        "package/app-1.0.0.crate",
        "package/my.crate",
        "cargo-timings/cargo-timing-mine.txt",
        "cargo-timings/cargo-timing-mine.html",
        "cargo-timings/cargo-timings.html",
    ];
    for path in mine {
        repo.sandbox.write(&format!("repo/target/{path}"), "mine");
    }
    repo.gc(&["--unused", "0", "--yes"]).status(0);
    let root = repo.path("repo/target");
    let all = all_below(&root);
    let files = all.iter().filter(|path| path.is_file());
    let mut left: Vec<_> = files
        .map(|path| path.strip_prefix(&root).unwrap().to_str().unwrap())
        .filter(|path| {
            !path.starts_with('.') && !path.contains("/.cargo") && *path != "CACHEDIR.TAG"
        })
        .collect();
    left.sort_unstable();
    mine.sort_unstable();
    assert_eq!(left, mine);
}

/// A library has several files, of which dep-info names one, and debug information next to them.
#[rstest]
fn all_files_of_a_library_and_their_debug_information_go(
    #[values(Layout::V1, Layout::V2)] layout: Layout,
    #[values("", "built")] build_dir: &str,
) {
    let repo = Repo::laid_out(layout);
    let manifest = "[package]\nname = \"app\"\nversion = \"1.0.0\"\nedition = \"2021\"\n\
                    [lib]\ncrate-type = [\"rlib\", \"cdylib\", \"staticlib\"]\n\
                    [[example]]\nname = \"more\"\ncrate-type = [\"rlib\", \"cdylib\"]\n\
                    [profile.dev]\nsplit-debuginfo = \"packed\"\n";
    for (file, text) in [
        ("Cargo.toml", manifest),
        ("src/lib.rs", "pub fn more() {}\n"),
        ("examples/ex.rs", "fn main() {}\n"),
        ("examples/more.rs", "pub fn more() {}\n"),
    ] {
        repo.sandbox.write(&format!("repo/{file}"), text);
    }
    let mut cargo = repo.cargo("repo");
    cargo.args(["build", "-q", "--all-targets", "--timings"]);
    if !build_dir.is_empty() {
        cargo.env("CARGO_BUILD_BUILD_DIR", repo.path(build_dir));
    }
    succeeds(&mut cargo);
    let debug = repo.path("repo/target/debug");
    // As on macOS.
    symlink("deps/app-0123456789abcdef.dSYM", debug.join("app.dSYM")).unwrap();
    for path in ["notes.txt", "examples/notes.txt"] {
        fs::write(debug.join(path), "mine").unwrap();
    }
    fs::write(repo.path("repo/target/cargo-timings/notes.txt"), "mine").unwrap();
    repo.gc(&["--unused", "0", "--yes", "target"]).status(0);
    assert_eq!(names(&debug.join("examples")), ["notes.txt"]);
    let left = names(&debug);
    let left: Vec<_> = left.iter().filter(|name| !name.starts_with('.')).collect();
    assert_eq!(left, ["examples", "notes.txt"]);
    assert_eq!(
        names(&repo.path("repo/target/cargo-timings")),
        ["notes.txt"]
    );
}

#[test]
fn a_checkout_that_is_its_own_target_directory_stays() {
    let repo = Repo::new();
    repo.linked("one");
    repo.build_into("one", "one");
    let before = all_below(&repo.path("one"));
    repo.age("one", 40 * DAY);
    repo.gc(&[
        "--unused",
        "1",
        "--orphans",
        "--incremental",
        "--yes",
        "../one",
    ])
    .status(0)
    .stdout_has("nothing to remove");
    assert_eq!(all_below(&repo.path("one")), before);
}

#[rstest]
#[case::as_usual(false)]
#[case::in_a_hook_of_another_repository(true)]
fn a_target_directory_that_was_committed_stays(#[case] is_in_hook: bool) {
    let mut repo = Repo::new();
    repo.linked("one");
    repo.build_into("one", "repo/fixtures/target");
    repo.commit();
    if is_in_hook {
        succeeds(repo.sandbox.command("git").args(["init", "-q", "other"]));
        let git_dir = repo.path("other/.git").display().to_string();
        repo.sandbox = repo.sandbox.variable("GIT_DIR", &git_dir);
    }
    let ran = repo.gc(&["--unused", "0", "--yes"]).status(0);
    ran.stderr_has("repo/fixtures/target: git tracks files in it");
    assert!(repo.path("repo/fixtures/target/debug/app").exists());
}

/// A build script that waits until its standard input is closed holds cargo's lock.
fn slow_build(repo: &Repo, place: &str) -> Child {
    repo.sandbox.write(
        &format!("{place}/build.rs"),
        "fn main() { std::fs::write(std::env::var(\"MARK\").unwrap(), \"\").unwrap(); \
         while std::path::Path::new(&std::env::var(\"MARK\").unwrap()).exists() { \
         std::thread::sleep(std::time::Duration::from_millis(5)); } }",
    );
    let mark = repo.path("mark");
    let child = repo
        .cargo(place)
        .args(["build", "-q"])
        .env("MARK", &mark)
        .spawn()
        .unwrap();
    wait_until("the build script", || mark.exists());
    child
}

#[rstest]
fn a_build_that_is_running_is_not_disturbed(#[values(Layout::V1, Layout::V2)] layout: Layout) {
    let repo = Repo::laid_out(layout);
    repo.build("repo");
    let mut build = slow_build(&repo, "repo");
    for args in [&["--unused", "0"][..], &["--incremental"]] {
        let ran = repo.gc(&[args, &["--yes"]].concat()).status(0);
        ran.stdout_has("nothing to remove")
            .stderr_has("repo/target: a build is running in ");
    }
    fs::remove_file(repo.path("mark")).unwrap();
    assert!(build.wait().unwrap().success());
    assert_eq!(
        repo.finds(&["--unused", "0"]),
        [found("unused", "repo/target")]
    );
}

/// The directory is kept while `program` runs, which ends with its standard input, and `gc` says why.
fn is_kept_by(repo: &Repo, program: &mut Command, why: &str) {
    let mut program = program.stdin(Stdio::piped()).spawn().unwrap();
    repo.gc(&["--unused", "0", "--yes"])
        .status(0)
        .stderr_has(&format!("{why} (process {})", program.id()));
    drop(program.stdin.take());
    program.wait().unwrap();
}

#[test]
fn a_program_that_is_running_keeps_its_directory() {
    let repo = Repo::new();
    repo.sandbox.write(
        "repo/src/main.rs",
        "fn main() { let _ = std::io::stdin().read_line(&mut String::new()); }",
    );
    repo.build("repo");
    let mut program = Command::new(repo.path("repo/target/debug/app"));
    is_kept_by(&repo, program.current_dir("/"), "app uses it");
    // What runs its tests one after the other.
    let runner = repo.path("cargo-nextest");
    fs::copy(repo.path("repo/target/debug/app"), &runner).unwrap();
    let mut tests = Command::new(&runner);
    is_kept_by(
        &repo,
        tests.current_dir(repo.path("repo/src")),
        "cargo-nextest uses it",
    );
    // A shell in it.
    let mut shell = Command::new("cat");
    is_kept_by(
        &repo,
        shell.current_dir(repo.path("repo/target/debug")),
        "uses it",
    );
    repo.gc(&["--unused", "0", "--yes"]).status(0);
    assert!(!repo.path("repo/target").exists());
}

/// Processes have the canonical paths of their files.
#[test]
fn a_program_that_is_running_keeps_its_directory_behind_a_link() {
    let repo = Repo::new();
    repo.sandbox.write(
        "repo/src/main.rs",
        "fn main() { let _ = std::io::stdin().read_line(&mut String::new()); }",
    );
    fs::create_dir(repo.path("disk")).unwrap();
    symlink("disk", repo.path("link")).unwrap();
    repo.build_into("repo", "link/target");
    let target = repo.path("link/target").display().to_string();
    let repo = Repo {
        sandbox: repo.sandbox.variable("CARGO_TARGET_DIR", &target),
        ..repo
    };
    let mut program = Command::new(repo.path("link/target/debug/app"));
    is_kept_by(&repo, program.current_dir("/"), "app uses it");
    let unused = [found("unused", "disk/target")];
    assert_eq!(repo.finds(&["--unused", "0"]), unused);
}

#[test]
fn a_directory_with_two_names_is_found_once() {
    let repo = Repo::new();
    symlink("repo", repo.path("link")).unwrap();
    repo.build("repo");
    let target = repo.path("link/target").display().to_string();
    let repo = Repo {
        sandbox: repo.sandbox.variable("CARGO_TARGET_DIR", &target),
        ..repo
    };
    let unused = [found("unused", "repo/target")];
    assert_eq!(repo.finds(&["--unused", "0"]), unused);
}

#[test]
fn links_are_not_followed() {
    let repo = Repo::new();
    repo.build("repo");
    repo.sandbox.write("precious/file", "mine");
    // A target directory that is a link, in a worktree that no longer exists.
    repo.linked("one");
    repo.build_into("one", "elsewhere/one");
    fs::remove_dir_all(repo.path("one")).unwrap();
    fs::create_dir(repo.path("links")).unwrap();
    symlink(repo.path("elsewhere/one"), repo.path("links/target")).unwrap();
    let links = repo.path("links");
    assert_eq!(repo.finds(&["--unused", "0", links.to_str().unwrap()]), []);
    // Links in one lead nowhere.
    let deps = repo.path("elsewhere/one/debug/deps");
    symlink(repo.path("precious"), deps.join("link")).unwrap();
    symlink("/", deps.join("root")).unwrap();
    let elsewhere = repo.path("elsewhere");
    repo.gc(&["--yes", elsewhere.to_str().unwrap()]).status(0);
    assert!(!repo.path("elsewhere/one").exists());
    assert_eq!(repo.sandbox.read("precious/file"), "mine");
}

#[test]
fn directories_that_cannot_be_written() {
    let repo = Repo::new();
    repo.build("repo");
    // A build script may have made them.
    let made = repo.path("repo/target/debug/build/made/out");
    fs::create_dir_all(&made).unwrap();
    fs::write(made.join("file"), "").unwrap();
    let set_mode = |path: &Path, bits: u32| {
        fs::set_permissions(path, fs::Permissions::from_mode(bits)).unwrap();
    };
    set_mode(&made, 0o555);
    let target = repo.path("repo/target");
    set_mode(&target, 0o555);
    if fs::create_dir(target.join("x"))
        .and_then(|()| fs::remove_dir(target.join("x")))
        .is_err()
    {
        // Everybody but root.
        repo.gc(&["--unused", "0", "--yes"])
            .status(1)
            .stderr_has("could not clean")
            .stderr_has("hint: check the owner and the mode");
        assert!(target.join("debug/app").exists());
    }
    set_mode(&target, 0o755);
    repo.gc(&["--unused", "0", "--yes"]).status(0);
    assert!(!target.exists());
}

/// A directory of the same file system, which is mounted in a target directory.
#[requires(root, unshare)]
#[test]
fn what_is_mounted_in_a_target_directory_stays() {
    let repo = Repo::new();
    repo.build("repo");
    repo.sandbox.write("precious/file", "mine");
    fs::create_dir(repo.path("repo/target/debug/deps/mounted")).unwrap();
    let script = "mount --bind ../precious target/debug/deps/mounted && exec \"$@\"";
    let mut unshare = repo.sandbox.command("unshare");
    unshare.current_dir(repo.path("repo"));
    unshare.args(["--mount", "sh", "-c", script, "sh"]);
    unshare.args([env!("CARGO_BIN_EXE_sccfg"), "gc", "--unused", "0", "--yes"]);
    Ran::new("mounted".to_owned(), &unshare.output().unwrap())
        .status(0)
        .stdout_has("nothing to remove")
        .stderr_has("something is mounted on ");
    assert_eq!(repo.sandbox.read("precious/file"), "mine");
    // The target directory itself may be one: it becomes empty.
    let script = "mount --bind target target && exec \"$@\"";
    let mut unshare = repo.sandbox.command("unshare");
    unshare.current_dir(repo.path("repo"));
    unshare.args(["--mount", "sh", "-c", script, "sh"]);
    unshare.args([env!("CARGO_BIN_EXE_sccfg"), "gc", "--unused", "0", "--yes"]);
    Ran::new("mount point".to_owned(), &unshare.output().unwrap()).status(0);
    assert_eq!(names(&repo.path("repo/target")), ["CACHEDIR.TAG"]);
}

#[requires(root, unshare)]
#[test]
fn a_read_only_file_system_stays_as_it_is() {
    let repo = Repo::new();
    repo.build("repo");
    let before = all_below(&repo.path("repo/target"));
    let script = "mount --bind target target && mount -o remount,ro,bind target && exec \"$@\"";
    let mut unshare = repo.sandbox.command("unshare");
    unshare.current_dir(repo.path("repo"));
    unshare.args(["--mount", "sh", "-c", script, "sh"]);
    unshare.args([env!("CARGO_BIN_EXE_sccfg"), "gc", "--unused", "0", "--yes"]);
    Ran::new("read-only".to_owned(), &unshare.output().unwrap())
        .status(1)
        .stderr_has("Read-only file system")
        .stderr_has("hint: check the owner and the mode");
    assert_eq!(all_below(&repo.path("repo/target")), before);
}

#[requires(root)]
#[test]
fn files_of_another_user_stay() {
    let repo = Repo::new();
    repo.build("repo");
    let file = repo.path("repo/target/debug/deps/theirs");
    fs::write(&file, "").unwrap();
    chown(&file, Some(12345), None).unwrap();
    repo.gc(&["--unused", "0", "--yes"])
        .status(0)
        .stdout_has("nothing to remove")
        .stderr_has("deps/theirs belongs to another user");
    assert!(repo.path("repo/target/debug/app").exists());
    chown(repo.path("repo/target"), Some(12345), None).unwrap();
    assert_eq!(repo.finds(&["--unused", "0"]), []);
}
