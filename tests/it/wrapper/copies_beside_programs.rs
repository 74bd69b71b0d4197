//! Build scripts that copy files of `OUT_DIR` to the directory of the programs, as sdl2-sys does with its libraries.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use indoc::formatdoc;
use rstest::rstest;

use super::build_scripts::{DECLARES_ITSELF, publish, script, take_runs, with_runs};
use super::project::{Checkout, Project};
use super::seed::{sccfg, seed};

/// The lines of a script that makes `lib/made.txt` in `OUT_DIR`, and then evaluates `copies`, in which `made` is the path of that
/// file, and `profile` that of the directory of the programs.
fn making(copies: &str) -> String {
    script(&formatdoc! {r#"
        {DECLARES_ITSELF}
        let made = std::path::Path::new(&out).join("lib/made.txt");
        let profile = std::path::Path::new(&out).ancestors().nth(3).unwrap();
        fs::create_dir_all(made.parent().unwrap()).unwrap();
        fs::write(&made, format!("made for {{out}}")).unwrap();
        {copies}
    "#})
}

/// A program above a package with this build script, which is published or in the workspace.
fn app(script: &str, is_published: bool) -> Project {
    let files = [
        ("build.rs", script),
        ("src/lib.rs", "pub fn nothing() {}\n"),
    ];
    let project = with_runs(Project::new().with_store());
    let main = [("src/main.rs", "fn main() { made::nothing(); }\n")];
    if is_published {
        let project = publish(project, "made", &files);
        project.package("app", "[dependencies]\nmade = \"0.1.0\"\n", &main)
    } else {
        let project = project.package("made", "", &files);
        let uses = "[dependencies]\nmade = { path = \"../made\" }\n";
        project.package("app", uses, &main)
    }
    .committed()
}

/// The targets or contents of the links and files called `made…`, and their modes, in the directories of the programs.
fn copies(checkout: &Checkout<'_>) -> BTreeMap<PathBuf, (String, u32)> {
    let mut found = BTreeMap::new();
    for directory in ["debug", "debug/deps", "debug/examples"] {
        let directory = checkout.path("target").join(directory);
        let entries = fs::read_dir(directory).into_iter().flatten().flatten();
        for path in entries.map(|entry| entry.path()) {
            let metadata = path.symlink_metadata().unwrap();
            let name = path.file_name().unwrap().to_string_lossy();
            if !name.starts_with("made") || name.ends_with(".d") {
                continue;
            }
            let content = match fs::read_link(&path) {
                Ok(target) => target.display().to_string(),
                Err(_) => fs::read_to_string(&path).unwrap(),
            };
            let relative = path.strip_prefix(checkout.path("")).unwrap().to_owned();
            found.insert(relative, (content, metadata.mode()));
        }
    }
    found
}

/// The copies here are those of a build without a cache, of which there are `count`.
#[track_caller]
fn are_those_of_an_uncached_build(checkout: &Checkout<'_>, count: usize) {
    let with_cache = copies(checkout);
    checkout.clean();
    checkout.uncached(&["build"]).ok();
    assert_eq!(with_cache, copies(checkout));
    assert_eq!(with_cache.len(), count, "{with_cache:?}");
}

#[rstest]
#[requires(sccache)]
#[case::copies(
    "for to in [\"made.txt\", \"deps/made.txt\", \"examples/made.txt\"] { fs::copy(&made, profile.join(to)).unwrap(); }",
    3
)]
#[case::link_to_the_original(
    "std::os::unix::fs::symlink(&made, profile.join(\"deps/made.txt\")).unwrap();",
    1
)]
#[case::links_to_a_copy(
    "let link = made.with_file_name(\"made.link\"); std::os::unix::fs::symlink(\"made.txt\", &link).unwrap(); \
     fs::copy(&made, profile.join(\"made.txt\")).unwrap(); \
     std::os::unix::fs::symlink(fs::read_link(&link).unwrap(), profile.join(\"made.link\")).unwrap();",
    2
)]
#[case::program(
    "fs::set_permissions(&made, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap(); \
     fs::copy(&made, profile.join(\"made.txt\")).unwrap();",
    1
)]
#[case::only_if_missing(
    "let to = profile.join(\"made.txt\"); if !to.exists() { fs::copy(&made, to).unwrap(); }",
    1
)]
#[case::after_removing_an_older_one(
    "let to = profile.join(\"made.txt\"); let _ = fs::remove_file(&to); fs::copy(&made, to).unwrap();",
    1
)]
fn copies_belong_to_the_result(
    #[case] lines: &str,
    #[case] count: usize,
    #[values(true, false)] is_published: bool,
) {
    let project = app(&making(lines), is_published);
    let main = project.main();
    main.cargo(&["build"]).ok();
    assert_eq!(take_runs(&project), 1);

    // In the same directory, and in a worktree with a longer path.
    main.clean();
    main.cargo(&["build"]).ok();
    let unseeded = project.linked("a/deeper/second");
    unseeded.cargo(&["build"]).ok();
    assert_eq!(take_runs(&project), 0);
    are_those_of_an_uncached_build(&unseeded, count);
    take_runs(&project);

    let seeded = project.linked("another/deeper/third");
    seed(&seeded);
    seeded.cargo(&["build"]).ok().nothing_to_do();
    assert_eq!(take_runs(&project), 0);

    // From one that was seeded itself.
    main.clean();
    unseeded.clean();
    let other = project.linked("fourth");
    seed(&other);
    other.cargo(&["build"]).ok().nothing_to_do();
    are_those_of_an_uncached_build(&other, count);
    are_those_of_an_uncached_build(&seeded, count);
}

#[rstest]
#[requires(sccache)]
#[case::other_content("fs::write(profile.join(\"made.txt\"), \"other\").unwrap();")]
#[case::other_name("fs::copy(&made, profile.join(\"made.copy\")).unwrap();")]
#[case::other_mode(
    "let to = profile.join(\"made.txt\"); fs::copy(&made, &to).unwrap(); \
     fs::set_permissions(to, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();"
)]
#[case::other_directory(
    "fs::create_dir_all(profile.join(\"assets\")).unwrap(); fs::copy(&made, profile.join(\"assets/made.txt\")).unwrap();"
)]
#[case::above_the_profile("fs::copy(&made, profile.with_file_name(\"made.txt\")).unwrap();")]
#[case::beside_its_directory("fs::copy(&made, format!(\"{out}/../made.txt\")).unwrap();")]
#[case::link_that_leads_elsewhere(
    "std::os::unix::fs::symlink(\"../lib/made.txt\", profile.join(\"deps/made.txt\")).unwrap();"
)]
#[case::hard_link("fs::hard_link(&made, profile.join(\"made.txt\")).unwrap();")]
#[case::one_of_two(
    "fs::copy(&made, profile.join(\"made.txt\")).unwrap(); fs::write(profile.join(\"made.other\"), \"other\").unwrap();"
)]
fn a_script_that_writes_other_files_runs_each_time(
    #[case] lines: &str,
    #[values(true, false)] is_published: bool,
) {
    let project = app(&making(lines), is_published);
    project.main().cargo(&["build"]).ok();
    let second = project.linked("second");
    second.cargo(&["build"]).ok();
    assert_eq!(take_runs(&project), 2);
    let with_cache = copies(&second);
    second.clean();
    second.uncached(&["build"]).ok();
    assert_eq!(with_cache, copies(&second));
}

/// A link that exists is not made again, and the script does not notice.
#[rstest]
#[requires(sccache)]
fn a_link_that_was_there_before_is_an_input(#[values(true, false)] is_published: bool) {
    let lines = "let _ = std::os::unix::fs::symlink(&made, profile.join(\"made.txt\")); \
                 let _ = std::os::unix::fs::symlink(\"made.txt\", profile.join(\"made.link\"));";
    let project = app(&making(lines), is_published);
    let main = project.main();
    fs::create_dir_all(main.path("target/debug")).unwrap();
    std::os::unix::fs::symlink("made.txt", main.path("target/debug/made.link")).unwrap();
    main.cargo(&["build"]).ok();
    let second = project.linked("second");
    second.cargo(&["build"]).ok();
    are_those_of_an_uncached_build(&second, 2);
}

const COPIES: &str = "fs::copy(&made, profile.join(\"made.txt\")).unwrap();";

/// The script may leave it, replace it, or fail.
#[rstest]
#[requires(sccache)]
#[case::replaced(COPIES)]
#[case::left("let _ = std::os::unix::fs::symlink(&made, profile.join(\"made.txt\"));")]
#[case::left_if_it_exists(
    "let to = profile.join(\"made.txt\"); if !to.exists() { fs::copy(&made, to).unwrap(); }"
)]
fn a_script_runs_where_a_copy_would_replace_something(
    #[case] lines: &str,
    #[values(true, false)] is_published: bool,
) {
    let project = app(&making(lines), is_published);
    project.main().cargo(&["build"]).ok();
    let second = project.linked("second");
    second.write(
        "target/debug/made.txt",
        "older, and longer than the new one, by far\n",
    );
    second.cargo(&["build"]).ok();
    assert_eq!(take_runs(&project), 2);
    let with_cache = copies(&second);
    second.clean();
    second.write(
        "target/debug/made.txt",
        "older, and longer than the new one, by far\n",
    );
    second.uncached(&["build"]).ok();
    assert_eq!(with_cache, copies(&second));
    // What was made there is not stored: the script may have left it as it was.
    take_runs(&project);
    let third = project.linked("third");
    third.cargo(&["build"]).ok();
    assert_eq!(take_runs(&project), 0);
    are_those_of_an_uncached_build(&third, 1);
}

/// Such a script is not observed, so nobody knows that it looked for the file.
#[requires(sccache)]
#[test]
fn an_unobserved_run_that_may_have_left_a_copy_is_not_stored() {
    let lines = "let _ = \"env\"; let to = profile.join(\"made.txt\"); if !to.exists() { fs::copy(&made, to).unwrap(); }";
    let project = app(&making(lines), true);
    let main = project.main();
    main.write("target/debug/made.txt", "made before\n");
    main.cargo(&["build"]).ok();
    let second = project.linked("second");
    second.cargo(&["build"]).ok();
    assert_eq!(take_runs(&project), 2);
    are_those_of_an_uncached_build(&second, 1);
}

/// A path that does not begin with that of the target directory leads there in some checkouts only.
#[requires(sccache)]
#[test]
fn a_relative_path_leads_to_the_target_directory_of_the_workspace_only() {
    let lines = format!(
        "let made = std::path::Path::new(&out).join(\"made.txt\"); fs::write(&made, \"made\").unwrap(); \
         fs::create_dir_all(\"../../target/debug\").unwrap(); fs::copy(&made, \"../../target/debug/made.txt\").unwrap(); {DECLARES_ITSELF}"
    );
    let project = app(&script(&lines), false);
    project.main().cargo(&["build"]).ok();
    let second = project.linked("second");
    let elsewhere = second.path("elsewhere");
    let second = second.with("CARGO_TARGET_DIR", elsewhere.to_str().unwrap());
    second.cargo(&["build"]).ok();
    assert!(second.path("target/debug/made.txt").exists());
    assert!(!elsewhere.join("debug/made.txt").exists());
}

/// A run that is not stored for another reason may have made copies as well.
#[rstest]
#[requires(sccache)]
#[case::clock("let _ = std::time::SystemTime::now();")]
#[case::shell("std::process::Command::new(\"sh\").args([\"-c\", \"true\"]).status().unwrap();")]
#[case::asked_first("let _ = fs::metadata(\"/tmp/sccfg-none\");")]
fn a_run_that_is_not_stored_is_not_seeded_without_its_copies(
    #[case] lines: &str,
    #[values(true, false)] is_published: bool,
) {
    let project = app(&making(&[lines, COPIES].concat()), is_published);
    project.main().cargo(&["build"]).ok();
    let second = project.linked("second");
    seed(&second);
    second.cargo(&["build"]).ok();
    are_those_of_an_uncached_build(&second, 1);
}

/// Its script fails if a link exists already.
#[requires(sccache)]
#[test]
fn copies_of_an_outdated_run_are_removed_with_it() {
    let lines = "std::os::unix::fs::symlink(&made, profile.join(\"made.txt\")).unwrap(); \
                 println!(\"cargo::rustc-env=READ={}\", fs::read_to_string(\"../app/read.txt\").unwrap_or_default());";
    let project = app(&making(lines), false);
    project.main().cargo(&["build"]).ok();
    let second = project.linked("second").without("SCCFG_SEED");
    seed(&second);
    second.write("crates/app/read.txt", "other");
    second.cargo(&["build"]).ok();
    are_those_of_an_uncached_build(&second, 1);
}

#[rstest]
#[case::changed(|copy: &Path| fs::write(copy, "changed").unwrap())]
#[case::removed(|copy: &Path| fs::remove_file(copy).unwrap())]
#[requires(sccache)]
fn a_copy_that_was_changed_is_not_seeded(
    #[case] change: fn(&Path),
    #[values(true, false)] is_published: bool,
) {
    let project = app(&making(COPIES), is_published);
    let main = project.main();
    main.cargo(&["build"]).ok();
    change(&main.path("target/debug/made.txt"));
    let second = project.linked("second");
    let seeded = sccfg(&second, &["seed", "--verbose"]).status(0);
    seeded.stderr_has("a copy that its build script made was changed");
    second.cargo(&["build"]).ok();
    are_those_of_an_uncached_build(&second, 1);
}

/// A directory is where the copy belongs: the script fails, as it does without a cache.
#[requires(sccache)]
#[test]
fn a_copy_that_cannot_be_made_is_left_to_the_script() {
    let project = app(&making(COPIES), true);
    project.main().cargo(&["build"]).ok();
    let second = project.linked("second");
    second.write("target/debug/made.txt/file", "");
    second.cargo(&["build"]).fails();
    assert_eq!(take_runs(&project), 2);
}
