//! `sccfg gc`: real builds in real worktrees, and what must not be touched.

use std::fs;
use std::io::{Read as _, Write as _};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown, symlink};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, SystemTime};

use rstest::rstest;
use serde_json::Value;

use crate::lab::{Layout, kill};
use crate::support::{Ran, Sandbox, wait_until};
use crate::wrapper::project::{Project, cargo_home, rustup_home, succeeds};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// A package in a git repository, in `repo`.
struct Repo {
    sandbox: Sandbox,
    layout: Layout,
}

impl Repo {
    fn new() -> Self {
        Self::laid_out(Layout::V1)
    }

    fn laid_out(layout: Layout) -> Self {
        let sandbox = Sandbox::new()
            .variable("CARGO_HOME", cargo_home().to_str().unwrap())
            .variable("RUSTUP_HOME", rustup_home().to_str().unwrap())
            .file(
                "repo/Cargo.toml",
                "[package]\nname = \"app\"\nversion = \"1.0.0\"\nedition = \"2021\"\n",
            )
            .file("repo/src/main.rs", "fn main() { println!(\"works\"); }\n")
            .file("repo/.gitignore", "/target\n/.worktrees\n");
        let repo = Self { sandbox, layout };
        repo.git(&["init", "-q", "-b", "main"]);
        repo.commit();
        repo
    }

    fn git(&self, args: &[&str]) {
        let mut git = self.sandbox.command("git");
        git.current_dir(self.sandbox.path("repo"));
        git.args(["-c", "user.name=n", "-c", "user.email=e@x"]);
        succeeds(git.args(args));
    }

    fn commit(&self) {
        self.git(&["add", "."]);
        self.git(&["commit", "-q", "-m", "m"]);
    }

    /// A linked worktree at this path from the sandbox.
    fn linked(&self, place: &str) -> PathBuf {
        let path = self.path(place);
        self.git(&["worktree", "add", "-q", "--detach", path.to_str().unwrap()]);
        path
    }

    fn path(&self, relative: &str) -> PathBuf {
        self.sandbox.path(relative)
    }

    fn cargo(&self, place: &str) -> Command {
        let mut cargo = self.sandbox.command("cargo");
        cargo.current_dir(self.path(place)).arg("--offline");
        for name in ["RUSTFLAGS", "CARGO_TARGET_DIR", "CARGO_TERM_COLOR"] {
            cargo.env_remove(name);
        }
        cargo.envs(self.layout.variables().iter().copied());
        cargo
    }

    fn build(&self, place: &str) {
        succeeds(self.cargo(place).args(["build", "-q"]));
    }

    fn build_into(&self, place: &str, target: &str) {
        let target = self.path(target);
        succeeds(
            self.cargo(place)
                .args(["build", "-q"])
                .env("CARGO_TARGET_DIR", target),
        );
    }

    /// What cargo says to a build.
    fn says(&self, place: &str) -> String {
        let output = succeeds(self.cargo(place).args(["build", "-v"]));
        String::from_utf8(output.stderr).unwrap()
    }

    /// `sccfg gc ARGS` in the repository.
    #[track_caller]
    fn gc(&self, args: &[&str]) -> Ran {
        let all: Vec<&str> = ["-C", "repo", "gc"].iter().chain(args).copied().collect();
        self.sandbox.sccfg(&all)
    }

    /// What `sccfg gc ARGS --dry-run --json` finds: kinds and paths from the sandbox.
    #[track_caller]
    fn finds(&self, args: &[&str]) -> Vec<(String, String)> {
        let json = self.json(&[args, &["--dry-run"]].concat());
        let findings = json["findings"].as_array().unwrap().iter();
        let root = self.path("").canonicalize().unwrap();
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        findings
            .map(|finding| {
                let path = PathBuf::from(text(&finding["path"]));
                let path = path.strip_prefix(&root).unwrap().to_str().unwrap();
                (text(&finding["kind"]), path.to_owned())
            })
            .collect()
    }

    #[track_caller]
    fn json(&self, args: &[&str]) -> Value {
        let ran = self.gc(&[args, &["--json"]].concat()).status(0);
        serde_json::from_str(&ran.stdout).unwrap()
    }

    /// Sets the times of everything below `place` to `age` ago.
    fn age(&self, place: &str, age: Duration) {
        let time = SystemTime::now() - age;
        for path in all_below(&self.path(place)) {
            set_times(&path, time);
        }
    }
}

fn found(kind: &str, path: &str) -> (String, String) {
    (kind.to_owned(), path.to_owned())
}

fn set_times(path: &Path, time: SystemTime) {
    let times = fs::FileTimes::new().set_modified(time).set_accessed(time);
    fs::File::open(path).unwrap().set_times(times).unwrap();
}

/// Everything below `directory`, links not followed, and the directory.
fn all_below(directory: &Path) -> Vec<PathBuf> {
    let mut all = Vec::new();
    for entry in fs::read_dir(directory).unwrap().flatten() {
        if entry.file_type().unwrap().is_dir() {
            all.extend(all_below(&entry.path()));
        } else {
            all.push(entry.path());
        }
    }
    all.push(directory.to_owned());
    all
}

/// The names in a directory.
fn names(directory: &Path) -> Vec<String> {
    let entries = fs::read_dir(directory).unwrap().flatten();
    let mut names: Vec<String> = entries
        .map(|entry| entry.file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

/// What the files take on the disk.
fn occupied(directory: &Path) -> u64 {
    let mut all: Vec<_> = all_below(directory)
        .iter()
        .map(|path| fs::symlink_metadata(path).unwrap())
        .map(|metadata| (metadata.ino(), metadata.blocks() * 512))
        .collect();
    all.sort_unstable();
    all.dedup();
    all.into_iter().map(|(_, size)| size).sum()
}

#[rstest]
fn the_target_directory_of_a_worktree_that_is_gone_is_removed(
    #[values(Layout::V1, Layout::V2)] layout: Layout,
) {
    let repo = Repo::laid_out(layout);
    for (place, target) in [
        ("repo", "cache/repo"),
        ("one", "cache/one"),
        ("two", "cache/two"),
    ] {
        if place != "repo" {
            repo.linked(place);
        }
        repo.build_into(place, target);
    }
    repo.git(&["worktree", "remove", "--force", "../one"]);
    let target = repo.path("cache/repo");
    let in_shell = |args: &[&str]| {
        let mut sccfg = repo.sandbox.command(env!("CARGO_BIN_EXE_sccfg"));
        sccfg.args(["-C", "repo", "gc"]).args(args);
        let output = sccfg.env("CARGO_TARGET_DIR", &target).output().unwrap();
        Ran::new(format!("sccfg gc {args:?}"), &output)
    };
    let one = repo.path("cache/one");
    let size = occupied(&one);
    in_shell(&["--dry-run"])
        .status(0)
        .stdout_has(&format!("{}  ", one.display()))
        .stdout_has("one is gone");
    in_shell(&[])
        .status(1)
        .stderr_has("not a terminal")
        .stderr_has("hint: pass --yes");
    assert_eq!(occupied(&one), size);
    let ran = in_shell(&["--yes", "--json"]).status(0);
    let json: Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!(json["findings"].as_array().unwrap().len(), 1, "{json}");
    assert_eq!(json["findings"][0]["state"], "removed");
    let freed = json["freed"].as_u64().unwrap();
    // All but the directory itself, and cargo's marks in it.
    assert!((size - 16384..=size).contains(&freed), "{freed} of {size}");
    assert_eq!(names(&repo.path("cache")), ["repo", "two"]);
    in_shell(&["--yes"])
        .status(0)
        .stdout_has("nothing to remove");
}

/// Wherever `sccfg gc DIR` starts to search.
#[test]
fn directories_are_searched() {
    let repo = Repo::new();
    repo.linked("a/b/one");
    repo.build_into("a/b/one", "caches/deep/one");
    repo.build("repo");
    fs::remove_dir_all(repo.path("a")).unwrap();
    assert_eq!(repo.finds(&[]), []);
    let caches = repo.path("caches");
    let caches = caches.to_str().unwrap();
    let expected = [found("orphan", "caches/deep/one")];
    assert_eq!(repo.finds(&[caches]), expected);
    assert_eq!(repo.finds(&[&format!("{caches}/deep/one")]), expected);
    repo.gc(&["/no/such/directory"])
        .status(1)
        .stderr_has("could not open /no/such/directory");
    let outside = repo.sandbox.sccfg(&["gc"]);
    outside
        .status(1)
        .stderr_has("is not in a git repository")
        .stderr_has("hint: name directories");
}

#[rstest]
#[case::below_another_one("repo/.worktrees/one")]
#[case::beside_it("one")]
#[case::with_a_blank("a b/one")]
fn a_worktree_may_have_been_anywhere(#[case] place: &str) {
    let repo = Repo::new();
    repo.linked(place);
    repo.build_into(place, "caches/one");
    let caches = repo.path("caches");
    let caches = caches.to_str().unwrap();
    assert_eq!(repo.finds(&[caches]), []);
    fs::remove_dir_all(repo.path(place)).unwrap();
    assert_eq!(repo.finds(&[caches]), [found("orphan", "caches/one")]);
}

#[test]
fn what_cargo_check_leaves_of_a_worktree_that_is_gone_is_removed() {
    let repo = Repo::new();
    repo.linked("one");
    succeeds(repo.cargo("one").args(["check", "-q"]));
    let keep = repo.path("keep");
    fs::rename(repo.path("one/target"), &keep).unwrap();
    fs::remove_dir_all(repo.path("one")).unwrap();
    fs::create_dir(repo.path("one")).unwrap();
    fs::rename(keep, repo.path("one/target")).unwrap();
    assert_eq!(repo.finds(&[]), [found("orphan", "one/target")]);
    repo.gc(&["--dry-run"])
        .status(0)
        .stderr_has("git still lists worktrees that are gone")
        .stderr_has("git worktree prune");
    repo.gc(&["--yes"]).status(0);
    // The directory of the worktree itself is not sccfg's.
    assert_eq!(names(&repo.path("one")), [""; 0]);
}

/// Who says that it may come back, or has it still, keeps it.
#[test]
fn the_target_directory_of_a_worktree_that_is_not_gone_for_good_stays() {
    let repo = Repo::new();
    for place in ["locked", "moved", "restructured"] {
        repo.linked(place);
        repo.build_into(place, &format!("caches/{place}"));
    }
    repo.git(&["worktree", "lock", "../locked"]);
    fs::rename(repo.path("locked"), repo.path("elsewhere")).unwrap();
    // Somebody keeps a copy.
    fs::remove_dir_all(repo.path("moved")).unwrap();
    fs::rename(repo.path("caches/moved"), repo.path("caches/kept")).unwrap();
    fs::rename(
        repo.path("restructured/src/main.rs"),
        repo.path("restructured/program.rs"),
    )
    .unwrap();
    fs::remove_dir(repo.path("restructured/src")).unwrap();
    let caches = repo.path("caches");
    // The repository around a directory says what is locked.
    fs::rename(&caches, repo.path("repo/caches")).unwrap();
    assert_eq!(repo.finds(&["."]), []);
}

#[test]
fn what_cargo_did_not_make_is_never_touched() {
    let repo = Repo::new();
    repo.linked("one");
    repo.build_into("one", "caches/one");
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
        ("caches/one/.git-like/x", "mine"),
    ] {
        repo.sandbox.write(path, text);
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
    .stderr_has(" and 6 more");
    let root = repo.path("caches/one");
    let left: Vec<String> = all_below(&root)
        .iter()
        .filter(|path| path.is_file())
        .map(|path| path.strip_prefix(&root).unwrap().display().to_string())
        .collect();
    let mut left: Vec<&str> = left.iter().map(String::as_str).collect();
    left.sort_unstable();
    assert_eq!(
        left,
        [
            ".git-like/x",
            ".rustc_info.json",
            "CACHEDIR.TAG",
            "criterion/base.json",
            "debug/.cargo-build-lock",
            "debug/.cargo-lock",
            "debug/app.log",
            "debug/data/of-app",
            "debug/examples/out.png",
            "debug/script",
            "doc/book.html",
            "notes.txt",
            "tmp/of-a-test",
        ]
    );
    for place in ["target", "other", "text"] {
        let path = format!("caches/{place}/debug/deps/notes.txt");
        assert_eq!(repo.sandbox.read(&path), "mine");
    }
    // Nothing is left to find.
    assert_eq!(repo.finds(&["--orphans", caches]), []);
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

#[test]
fn a_program_that_is_running_keeps_its_directory() {
    let repo = Repo::new();
    repo.sandbox.write(
        "repo/src/main.rs",
        "fn main() { let _ = std::io::stdin().read_line(&mut String::new()); }",
    );
    repo.build("repo");
    let mut program = Command::new(repo.path("repo/target/debug/app"))
        .current_dir("/")
        .stdin(Stdio::piped())
        .spawn()
        .unwrap();
    repo.gc(&["--unused", "0", "--yes"])
        .status(0)
        .stderr_has(&format!("app uses it (process {})", program.id()));
    drop(program.stdin.take());
    program.wait().unwrap();
    // A shell in it.
    let mut shell = Command::new("cat")
        .current_dir(repo.path("repo/target/debug"))
        .stdin(Stdio::piped())
        .spawn()
        .unwrap();
    repo.gc(&["--unused", "0", "--yes"])
        .status(0)
        .stderr_has(&format!("uses it (process {})", shell.id()));
    drop(shell.stdin.take());
    shell.wait().unwrap();
    repo.gc(&["--unused", "0", "--yes"]).status(0);
    assert!(!repo.path("repo/target").exists());
}

#[test]
fn a_file_with_other_names_frees_nothing() {
    let repo = Repo::new();
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

#[rstest]
fn unused_directories_are_recognised_by_their_fingerprints(
    #[values(Layout::V1, Layout::V2)] layout: Layout,
) {
    let repo = Repo::laid_out(layout);
    repo.build("repo");
    // Sources are older than what was made of them.
    repo.age("repo", 50 * DAY);
    repo.age("repo/target", 40 * DAY);
    assert_eq!(repo.finds(&["--unused", "41"]), []);
    let unused = [found("unused", "repo/target")];
    assert_eq!(repo.finds(&["--unused", "40"]), unused);
    // Without the option, nobody asks.
    assert_eq!(repo.finds(&[]), []);
    // Neither the time of a directory nor that of the build's lock says anything.
    for path in ["", "debug", "debug/build", "debug/.cargo-lock"] {
        set_times(&repo.path("repo/target").join(path), SystemTime::now());
    }
    assert_eq!(repo.finds(&["--unused", "40"]), unused);
    // A build that finds everything fresh writes nothing, but reads the fingerprints.
    assert!(repo.says("repo").contains("Fresh app"));
    let is_recorded = all_below(&repo.path("repo/target")).iter().any(|path| {
        let accessed = fs::symlink_metadata(path).unwrap().accessed().unwrap();
        path.is_file()
            && path.starts_with(repo.path("repo/target/debug"))
            && accessed.elapsed().unwrap_or_default() < DAY
            && !path.ends_with(".cargo-lock")
    });
    if is_recorded {
        assert_eq!(repo.finds(&["--unused", "40"]), []);
    }
    repo.age("repo/target", 40 * DAY);
    repo.gc(&["--unused", "30", "--yes"])
        .status(0)
        .stdout_has("not used for 40 days");
    assert!(!repo.path("repo/target").exists());
    repo.build("repo");
}

#[rstest]
fn incremental_directories_go_where_the_policy_is_off(
    #[values(Layout::V1, Layout::V2)] layout: Layout,
) {
    let repo = Repo::laid_out(layout);
    repo.build("repo");
    let incremental = repo.path("repo/target/debug/incremental");
    assert!(!names(&incremental).is_empty());
    assert_eq!(repo.finds(&[]), []);
    repo.sandbox
        .write("repo/sccfg.toml", "[cargo]\nincremental = \"workspace\"\n");
    assert_eq!(repo.finds(&[]), []);
    let expected = [found("incremental", "repo/target/debug/incremental")];
    assert_eq!(repo.finds(&["--incremental"]), expected);
    repo.sandbox
        .write("repo/sccfg.toml", "[cargo]\nincremental = \"off\"\n");
    assert_eq!(repo.finds(&[]), expected);
    assert_eq!(repo.finds(&["--orphans"]), []);
    repo.gc(&["--yes"])
        .status(0)
        .stdout_has("incremental compilation is off");
    assert!(!incremental.exists());
    // For cargo, nothing has changed.
    assert!(repo.says("repo").contains("Fresh app"));
    // A policy that cannot be read is no policy.
    repo.sandbox.write("repo/target/debug/incremental/x", "");
    repo.sandbox.write("repo/sccfg.toml", "incremental = 1\n");
    repo.gc(&["--yes"]).status(1).stderr_has("sccfg.toml:1");
}

/// Removals of many files, so that there is time to interrupt them.
fn start_removal(repo: &Repo) -> Child {
    repo.build("repo");
    for nth in 0..30_000 {
        fs::write(repo.path(&format!("repo/target/debug/deps/x{nth}.o")), "").unwrap();
    }
    let child = repo
        .sandbox
        .command(env!("CARGO_BIN_EXE_sccfg"))
        .args(["-C", "repo", "gc", "--unused", "0", "--yes"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let target = repo.path("repo/target");
    wait_until("the first part in the bin", || {
        let entries = fs::read_dir(&target).into_iter().flatten().flatten();
        let mut paths = entries.map(|entry| entry.path());
        let is_bin = |path: &PathBuf| path.to_string_lossy().contains(".sccfg-gc-");
        paths.any(|path| is_bin(&path) && path.join("0").exists()) || !target.exists()
    });
    child
}

#[test]
fn a_removal_that_is_killed_leaves_a_directory_in_which_cargo_builds() {
    let repo = Repo::new();
    let mut removal = start_removal(&repo);
    removal.kill().unwrap();
    removal.wait().unwrap();
    let target = repo.path("repo/target");
    let left = names(&target);
    assert!(
        left.iter().any(|name| name.starts_with(".sccfg-gc-")),
        "{left:?}"
    );
    // Backup programs still leave it out, and git ignores it.
    assert!(left.contains(&"CACHEDIR.TAG".to_owned()), "{left:?}");
    assert!(repo.says("repo").contains("Compiling app"));
    let says = Command::new(target.join("debug/app")).output().unwrap();
    assert_eq!(says.stdout, b"works\n");
    let leftover = repo.finds(&[]);
    assert_eq!(leftover.len(), 1, "{leftover:?}");
    assert_eq!(leftover[0].0, "leftover");
    repo.gc(&["--yes"])
        .status(0)
        .stdout_has("left by an interrupted `sccfg gc`");
    assert!(
        !names(&target)
            .iter()
            .any(|name| name.starts_with(".sccfg-gc-"))
    );
    assert!(repo.says("repo").contains("Fresh app"));
}

#[test]
fn ctrl_c_ends_a_removal() {
    let repo = Repo::new();
    let mut removal = start_removal(&repo);
    succeeds(kill().args(["-INT", &removal.id().to_string()]));
    let status = removal.wait().unwrap();
    let mut said = String::new();
    removal
        .stderr
        .take()
        .unwrap()
        .read_to_string(&mut said)
        .unwrap();
    // It may have been done at that moment.
    if repo.path("repo/target").exists() {
        assert_eq!(status.code(), Some(130), "{said}");
        assert!(said.contains("interrupted; run `sccfg gc` again"), "{said}");
        repo.gc(&["--yes"]).status(0);
    }
    repo.build("repo");
    assert_eq!(repo.finds(&[]), []);
}

/// While another process removes it.
#[test]
fn a_leftover_in_use_stays() {
    let repo = Repo::new();
    repo.build("repo");
    repo.sandbox.write("repo/target/.sccfg-gc-abc/0/x", "");
    repo.sandbox.write("repo/target/.sccfg-gc-abc/lock", "");
    let lock = fs::File::open(repo.path("repo/target/.sccfg-gc-abc/lock")).unwrap();
    lock.lock().unwrap();
    assert_eq!(repo.finds(&[]), []);
    lock.unlock().unwrap();
    assert_eq!(
        repo.finds(&[]),
        [found("leftover", "repo/target/.sccfg-gc-abc")]
    );
}

#[test]
fn interrupted_seeding_is_cleaned_up() {
    let repo = Repo::new();
    repo.sandbox.write("repo/.git/sccfg-seed/debug/x", "");
    repo.sandbox.write("repo/.git/sccfg-seed.lock", "");
    let lock = fs::File::open(repo.path("repo/.git/sccfg-seed.lock")).unwrap();
    lock.lock().unwrap();
    assert_eq!(repo.finds(&[]), []);
    lock.unlock().unwrap();
    assert_eq!(repo.finds(&[]), [found("leftover", "repo/.git/sccfg-seed")]);
    repo.gc(&["--yes"]).status(0);
    assert!(!repo.path("repo/.git/sccfg-seed").exists());
}

#[test]
fn links_are_not_followed() {
    let repo = Repo::new();
    repo.sandbox.write("precious/file", "mine");
    // A target directory that is a link, in a worktree that is gone.
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
    if fs::create_dir(target.join("x")).is_err() {
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

#[requires(script)]
#[test]
fn a_terminal_gets_a_question() {
    for (answer, agreed) in [("n\n", false), ("y\n", true)] {
        let repo = Repo::new();
        repo.build("repo");
        let gc = format!("{} -C repo gc --unused 0", env!("CARGO_BIN_EXE_sccfg"));
        let mut running = repo
            .sandbox
            .command("script")
            .args(["--quiet", "--return", "--command", &gc, "/dev/null"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut stdin = running.stdin.take().unwrap();
        stdin.write_all(answer.as_bytes()).unwrap();
        let output = running.wait_with_output().unwrap();
        let ran = Ran::new("sccfg gc on a terminal".to_owned(), &output);
        let ran = ran.status(0).stdout_has("not used for 0 days");
        ran.stdout_has("? [y/N]");
        assert_eq!(repo.path("repo/target").exists(), !agreed);
    }
}

/// What was listed is looked at again after the answer.
#[requires(script)]
#[test]
fn what_is_used_while_the_question_is_open_stays() {
    let repo = Repo::new();
    repo.build("repo");
    repo.age("repo/target", 40 * DAY);
    let gc = format!("{} -C repo gc --unused 30", env!("CARGO_BIN_EXE_sccfg"));
    let mut running = repo
        .sandbox
        .command("script")
        .args(["--quiet", "--return", "--command", &gc, "/dev/null"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdout = running.stdout.take().unwrap();
    let mut said = Vec::new();
    while !said.ends_with(b"[y/N] ") {
        let mut byte = [0];
        stdout.read_exact(&mut byte).unwrap();
        said.push(byte[0]);
    }
    repo.age("repo/src", Duration::ZERO);
    repo.build("repo");
    running.stdin.take().unwrap().write_all(b"y\n").unwrap();
    let mut rest = String::new();
    stdout.read_to_string(&mut rest).unwrap();
    assert!(running.wait().unwrap().success(), "{rest}");
    assert!(rest.contains("it was used meanwhile"), "{rest}");
    assert!(repo.path("repo/target/debug/app").exists());
}

/// The policy of one repository says nothing of another one that builds in the same directory.
#[test]
fn incremental_directories_of_others_stay() {
    let repo = Repo::new();
    repo.sandbox
        .write("repo/sccfg.toml", "[cargo]\nincremental = \"off\"\n");
    let path = repo.path("cache").display().to_string();
    repo.build_into("repo", "cache");
    let repo = Repo {
        sandbox: repo.sandbox.variable("CARGO_TARGET_DIR", &path),
        ..repo
    };
    assert_eq!(repo.finds(&[]).len(), 1);
    for file in ["Cargo.toml", "src/main.rs"] {
        let text = repo.sandbox.read(&format!("repo/{file}"));
        let text = text.replace("\"app\"", "\"other\"");
        repo.sandbox.write(&format!("other/{file}"), &text);
    }
    repo.build_into("other", "cache");
    assert_eq!(repo.finds(&[]), []);
    assert_eq!(repo.finds(&["--incremental"]).len(), 1);
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

/// `--target`, another profile, and a directory of a tool that runs cargo.
#[test]
fn all_profiles_are_found() {
    let repo = Repo::new();
    let host = succeeds(Command::new("rustc").arg("-vV")).stdout;
    let host = String::from_utf8(host).unwrap();
    let host = host.lines().find_map(|line| line.strip_prefix("host: "));
    repo.build("repo");
    for args in [
        &["build", "-q", "--release"][..],
        &["build", "-q", "--target", host.unwrap()],
        &["check", "-q", "--target-dir", "target/rust-analyzer"],
        &["doc", "-q"],
    ] {
        succeeds(repo.cargo("repo").args(args));
    }
    let json = repo.json(&["--unused", "0", "--dry-run"]);
    assert_eq!(
        json["findings"][0]["stays"].as_array().unwrap().len(),
        0,
        "{json}"
    );
    assert_eq!(repo.finds(&["--incremental"]).len(), 1);
    repo.gc(&["--unused", "0", "--yes"]).status(0);
    assert!(!repo.path("repo/target").exists());
}

/// With `build.build-dir`, what is built is elsewhere, under a name that nobody can read.
#[test]
fn a_separate_build_directory_is_found() {
    let repo = Repo::new();
    repo.sandbox.write(
        "repo/.cargo/config.toml",
        &format!(
            "[build]\nbuild-dir = \"{}/{{workspace-path-hash}}\"\n",
            repo.path("built").display()
        ),
    );
    repo.sandbox.write(
        "repo/src/main.rs",
        "fn main() { println!(env!(\"CARGO_MANIFEST_DIR\")); }\n",
    );
    repo.commit();
    repo.linked("one");
    repo.build("repo");
    repo.build("one");
    assert_eq!(repo.finds(&[]), []);
    assert_eq!(repo.finds(&["--unused", "0"]).len(), 4);
    repo.git(&["worktree", "remove", "--force", "../one"]);
    let orphans = repo.finds(&[]);
    assert_eq!(orphans.len(), 1, "{orphans:?}");
    assert!(orphans[0].1.starts_with("built/"), "{orphans:?}");
    repo.gc(&["--yes"]).status(0);
    assert_eq!(repo.finds(&[]), []);
    assert!(repo.says("repo").contains("Fresh app"));
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
