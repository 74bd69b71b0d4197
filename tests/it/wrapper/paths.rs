//! Where checkouts, dependencies and results may be.

use std::fs;
use std::os::unix::fs::symlink;

use super::project::{Checkout, Project, copy, package, succeeds};
use indoc::indoc;

const PANICS: &str = indoc! {r#"
    pub fn place() -> &'static std::panic::Location<'static> { inner() }
    #[track_caller] fn inner() -> &'static std::panic::Location<'static> { std::panic::Location::caller() }
    pub const FILE: &str = file!();
    include!(concat!(env!("OUT_DIR"), "/g.rs"));
"#};
const SCRIPT: &str = "fn main() { println!(\"cargo::rerun-if-changed=build.rs\"); std::fs::write(format!(\"{}/g.rs\", std::env::var(\"OUT_DIR\").unwrap()), \"pub const G: u32 = 1;\").unwrap(); }\n";
const MAIN: &str =
    "fn main() { println!(\"{} {} {} {}\", low::FILE, low::place(), low::G, file!()); }\n";

fn project_in(directory: &str) -> Project {
    Project::below(directory)
        .package("low", "", &[("src/lib.rs", PANICS), ("build.rs", SCRIPT)])
        .package(
            "app",
            "[dependencies]\nlow = { path = \"../low\" }\n",
            &[("src/main.rs", MAIN)],
        )
}

/// Everything hits here, the program says what an uncached one says, and cargo is content.
#[track_caller]
fn is_shared(checkout: &Checkout<'_>) {
    checkout.cargo(&["build"]).ok().all_hit();
    is_right(checkout);
}

/// What is built here says what an uncached build says, and cargo is content.
#[track_caller]
fn is_right(checkout: &Checkout<'_>) {
    checkout.cargo(&["build"]).ok();
    checkout.cargo(&["build"]).ok().nothing_to_do();
    let cached = checkout.says("app");
    checkout.clean();
    checkout.uncached(&["build"]).ok();
    assert_eq!(cached, checkout.says("app"));
    checkout.clean();
}

#[requires(sccache)]
#[test]
fn at_any_depth_and_with_a_name_of_any_length() {
    let project = project_in("").committed();
    project.main().cargo(&["build"]).ok();
    for place in [
        "s",
        "a/b/c/d/e",
        "a-name-that-is-a-good-deal-longer-than-the-first",
        "main2",
        "mai",
    ] {
        is_shared(&project.linked(place));
    }
}

#[requires(sccache)]
#[test]
fn with_awkward_names() {
    for directory in [
        "with space",
        "naïve – ☃",
        "a=b,c",
        "a:b'c",
        "-a#b%20c",
        "{x}$HOME\\b",
    ] {
        let project = project_in(directory).committed();
        let main = project.main();
        // Not every name is one that rustc and cargo can take.
        if main.cargo(&["build"]).ran.code != Some(0) {
            eprintln!("{directory} is too much for cargo itself");
            assert_ne!(main.uncached(&["build"]).ran.code, Some(0));
            continue;
        }
        eprintln!("in {directory}");
        is_right(&project.linked("second one, =here"));
        is_shared(&project.linked("plain"));
    }
}

#[requires(sccache)]
#[test]
fn in_a_worktree_inside_the_main_checkout() {
    let project = project_in("")
        .file(".gitignore", "/target\n/.worktrees\n")
        .committed();
    project.main().cargo(&["build"]).ok();
    is_shared(&project.linked("main/.worktrees/second"));
    is_shared(&project.linked("main/target/third"));
    // From within to without.
    is_shared(&project.linked("fourth"));
}

#[requires(sccache)]
#[test]
fn in_a_clone_and_in_a_copy_without_git() {
    let project = project_in("").committed();
    let main = project.main();
    main.cargo(&["build"]).ok();
    let clone = project.sandbox.path("elsewhere/clone");
    project.git(
        &main.directory,
        &["clone", "-q", ".", clone.to_str().unwrap()],
    );
    is_shared(&project.checkout(clone));
    let plain = project.sandbox.path("plain/copy");
    copy(&main.directory, &plain);
    fs::remove_dir_all(plain.join(".git")).unwrap();
    is_shared(&project.checkout(plain));
}

/// With all that was built: other files, of the same content.
#[requires(sccache)]
#[test]
fn in_a_copy_with_its_results() {
    let project = Project::new();
    let mac = "#[proc_macro] pub fn one(_: proc_macro::TokenStream) -> proc_macro::TokenStream { \"1\".parse().unwrap() }\n";
    let project = project
        .package("mac", "[lib]\nproc-macro = true\n", &[("src/lib.rs", mac)])
        .package(
            "app",
            "[dependencies]\nmac = { path = \"../mac\" }\n",
            &[(
                "src/main.rs",
                "fn main() { println!(\"{}\", mac::one!()); }\n",
            )],
        )
        .committed();
    let main = project.main();
    main.cargo(&["build"]).ok();
    let copy = project.checkout(project.sandbox.path("copy"));
    let mut cp = project.sandbox.command("cp");
    succeeds(cp.arg("-a").args([&main.directory, &copy.directory]));
    copy.cargo(&["build"]).ok().nothing_to_do();
    main.edit("crates/app/src/main.rs", "{}", "now {}");
    main.cargo(&["build"]).ok();
    copy.edit("crates/app/src/main.rs", "{}", "now {}");
    copy.cargo(&["build"]).ok().all_hit();
    assert_eq!(copy.says("app"), "now 1\n");
}

#[requires(sccache)]
#[test]
fn through_a_symlink() {
    let project = project_in("").committed();
    project.main().cargo(&["build"]).ok();
    let second = project.linked("real/second");
    let link = project.sandbox.path("link");
    symlink(&second.directory, &link).unwrap();
    let linked = project.checkout(link);
    linked.cargo(&["build"]).ok().all_hit();
    assert_eq!(linked.says("app"), second.says("app"));
    linked.cargo(&["build"]).ok().nothing_to_do();
    is_right(&linked);
    is_shared(&second);
}

#[requires(sccache)]
#[test]
fn with_the_results_elsewhere() {
    let project = project_in("").committed();
    let main = project.main();
    main.cargo(&["build"]).ok();
    let said = main.says("app");
    let outside = project.sandbox.path("results/one");
    let second = project.linked("second");
    let by_variable = second.with("CARGO_TARGET_DIR", outside.to_str().unwrap());
    by_variable.cargo(&["build"]).ok().all_hit();
    by_variable.cargo(&["build"]).ok().nothing_to_do();
    assert_eq!(second.says_of(&outside.join("debug/app"), &[]), said);
    let by_flag = project.sandbox.path("results/two");
    let args = ["build", "--target-dir", by_flag.to_str().unwrap()];
    second.cargo(&args).ok().all_hit();
    second.cargo(&args).ok().nothing_to_do();
    assert_eq!(second.says_of(&by_flag.join("debug/app"), &[]), said);
    second.write(".cargo/config.toml", "[build]\ntarget-dir = \"out/here\"\n");
    second.cargo(&["build"]).ok().all_hit();
    assert_eq!(
        second.says_of(&second.path("out/here/debug/app"), &[]),
        said
    );
    let third = project.linked("third");
    let results = project.sandbox.path("results/three");
    fs::create_dir_all(&results).unwrap();
    symlink(&results, third.path("target")).unwrap();
    third.cargo(&["build"]).ok().all_hit();
    third.cargo(&["build"]).ok().nothing_to_do();
    assert_eq!(third.says("app"), said);
}

/// The compiler is given the name of the link, which is shorter than the path of the directory.
#[requires(sccache)]
#[test]
fn with_the_results_behind_a_link_to_a_longer_path() {
    let project = project_in("").committed();
    let main = project.main();
    let results = project.sandbox.path(&format!("results/{}", "x".repeat(40)));
    fs::create_dir_all(&results).unwrap();
    symlink(&results, main.path("target")).unwrap();
    main.cargo(&["build"]).ok();
    main.cargo(&["build"]).ok().nothing_to_do();
    let said = main.says("app");
    fs::remove_dir_all(&results).unwrap();
    fs::create_dir(&results).unwrap();
    main.cargo(&["build"]).ok().all_hit();
    assert_eq!(main.says("app"), said);
    is_shared(&project.linked("second"));
}

/// As editors call cargo.
#[requires(sccache)]
#[test]
fn by_a_manifest_path_through_a_link() {
    const INCLUDES: &str = "include!(concat!(env!(\"CARGO_MANIFEST_DIR\"), \"/src/more.rs\"));\n";
    let project = Project::new().package(
        "low",
        "",
        &[("src/lib.rs", INCLUDES), ("src/more.rs", "pub fn f() {}\n")],
    );
    let project = project.committed();
    let main = project.main();
    let link = project.sandbox.path("link");
    symlink(&main.directory, &link).unwrap();
    let manifest = link.join("Cargo.toml");
    let elsewhere = main.at("..");
    let args = ["build", "--manifest-path", manifest.to_str().unwrap()];
    elsewhere.cargo(&args).ok();
    main.clean();
    elsewhere.cargo(&args).ok().all_hit();
}

#[requires(sccache)]
#[test]
fn from_a_directory_in_the_workspace_and_by_manifest_path() {
    let project = project_in("").committed();
    project.main().cargo(&["build"]).ok();
    let second = project.linked("second");
    second.at("crates/app").cargo(&["build"]).ok().all_hit();
    second.cargo(&["build"]).ok().nothing_to_do();
    let third = project.linked("third");
    let manifest = third.path("Cargo.toml");
    let elsewhere = third.at("..");
    elsewhere
        .cargo(&["build", "--manifest-path", manifest.to_str().unwrap()])
        .ok()
        .all_hit();
    third.cargo(&["build"]).ok().nothing_to_do();
    is_right(&third);
}

/// cargo compiles what lies outside of the workspace by its absolute path, which a panic prints: it
/// stays where it is, and the workspace's own crates below it are shared all the same.
#[requires(sccache)]
#[test]
fn a_workspace_in_a_repository_and_another_in_it() {
    let project = Project::new();
    let project = project
        .file("Cargo.toml", "[workspace]\nresolver = \"2\"\nmembers = [\"crates/*\"]\nexclude = [\"inner\"]\n")
        .package("low", "", &[("src/lib.rs", PANICS), ("build.rs", SCRIPT)])
        .file("inner/Cargo.toml", "[workspace]\nresolver = \"2\"\nmembers = [\"app\", \"part\"]\n")
        .file("inner/app/Cargo.toml", &package("app", "[dependencies]\nlow = { path = \"../../crates/low\" }\npart = { path = \"../part\" }\n"))
        .file("inner/app/src/main.rs", "fn main() { println!(\"{} {} {} {} {}\", low::FILE, low::place(), part::FILE, low::G, file!()); }\n")
        .file("inner/part/Cargo.toml", &package("part", ""))
        .file("inner/part/src/lib.rs", "pub const FILE: &str = file!();\n")
        .file("inner/Cargo.lock", "")
        .committed();
    let main = project.main();
    main.at("inner").cargo(&["build"]).ok();
    main.cargo(&["build"]).ok();
    for place in ["second", "a/b/deep"] {
        let linked = project.linked(place);
        let inner = linked.at("inner");
        let above = ["low lib", "app bin", "build_script_build bin"];
        inner.cargo(&["build"]).ok().compiled_at_most(&above);
        is_right(&inner);
        linked.cargo(&["build"]).ok().all_hit();
    }
}

#[requires(sccache)]
#[test]
fn a_path_dependency_outside_the_repository() {
    let project = Project::new();
    let far = project.sandbox.path("far");
    project
        .sandbox
        .write("far/Cargo.toml", &package("low", "[workspace]\n"));
    project.sandbox.write("far/src/lib.rs", PANICS);
    project.sandbox.write("far/build.rs", SCRIPT);
    let manifest = format!("[dependencies]\nlow = {{ path = '{}' }}\n", far.display());
    let project = project
        .package("app", &manifest, &[("src/main.rs", MAIN)])
        .committed();
    project.main().cargo(&["build"]).ok();
    let second = project.linked("a/second");
    is_shared(&second);
    second.cargo(&["build"]).ok();
    project
        .sandbox
        .write("far/build.rs", &SCRIPT.replace("G: u32 = 1", "G: u32 = 7"));
    second.cargo(&["build"]).ok().rebuilt("low");
    assert!(second.says("app").contains(" 7 "));
}

/// `../sibling`: two checkouts, each with another one of that name next to it.
#[requires(sccache)]
#[test]
fn a_path_dependency_beside_the_checkout() {
    let project = Project::new();
    let manifest = "[dependencies]\nlow = { path = \"../../../low\" }\n";
    for (directory, number) in [("low", "1"), ("a/low", "2"), ("b/c/low", "1")] {
        project.sandbox.write(
            &format!("{directory}/Cargo.toml"),
            &package("low", "[workspace]\n"),
        );
        project
            .sandbox
            .write(&format!("{directory}/src/lib.rs"), PANICS);
        let script = SCRIPT.replace("G: u32 = 1", &format!("G: u32 = {number}"));
        project
            .sandbox
            .write(&format!("{directory}/build.rs"), &script);
    }
    let project = project
        .package("app", manifest, &[("src/main.rs", MAIN)])
        .committed();
    project.main().cargo(&["build"]).ok();
    let second = project.linked("a/second");
    second.cargo(&["build"]).ok();
    assert!(second.says("app").contains(" 2 "), "{}", second.says("app"));
    is_right(&second);
    let third = project.linked("b/c/third");
    is_right(&third);
}

#[requires(sccache)]
#[test]
fn a_git_dependency() {
    let project = Project::new();
    project.sandbox.write("far/Cargo.toml", &package("low", ""));
    project.sandbox.write("far/src/lib.rs", PANICS);
    project.sandbox.write("far/build.rs", SCRIPT);
    let far = project.sandbox.path("far");
    project.git(&far, &["init", "-q", "-b", "main"]);
    project.commit(&far);
    let manifest = format!(
        "[dependencies]\nlow = {{ git = 'file://{}' }}\n",
        far.display()
    );
    let home = project.sandbox.path("cargo-home");
    fs::create_dir(&home).unwrap();
    let project = project.package("app", &manifest, &[("src/main.rs", MAIN)]);
    let main = project.main().with("CARGO_HOME", home.to_str().unwrap());
    let mut fetch = main.command("cargo");
    super::project::succeeds(fetch.arg("fetch"));
    let project = project.committed();
    let home = home.to_str().unwrap();
    let main = project.main().with("CARGO_HOME", home);
    main.cargo(&["build"]).ok();
    let second = project.linked("a/second").with("CARGO_HOME", home);
    is_shared(&second);
    let seeded = project.linked("seeded").with("CARGO_HOME", home);
    let ran = super::seed::sccfg(&seeded, &["seed", "--verbose"]).status(0);
    assert!(!ran.stderr.contains("left out run-build-script"), "{ran:?}");
    is_right(&seeded);
    // The same dependency in another user's home.
    let other = project.sandbox.path("of/another/user");
    copy(std::path::Path::new(home), &other);
    let third = project
        .linked("third")
        .with("CARGO_HOME", other.to_str().unwrap());
    is_right(&third);
}

/// So it does with vendored sources.
#[requires(sccache)]
#[test]
fn vendored_sources_and_patches() {
    let project = Project::new();
    let checksum = "{\"files\":{},\"package\":null}";
    let project = project
        .file("Cargo.toml", "[workspace]\nresolver = \"2\"\nmembers = [\"crates/*\"]\n[patch.crates-io]\nsecond-dep = { path = \"patched/second-dep\" }\n")
        .file(".cargo/config.toml", "[source.crates-io]\nreplace-with = \"vendored\"\n[source.vendored]\ndirectory = \"vendor\"\n")
        .file("vendor/low/Cargo.toml", &package("low", ""))
        .file("vendor/low/.cargo-checksum.json", checksum)
        .file("vendor/low/src/lib.rs", PANICS)
        .file("vendor/low/build.rs", SCRIPT)
        .file("patched/second-dep/Cargo.toml", &package("second-dep", ""))
        .file("patched/second-dep/src/lib.rs", "pub const P: &str = file!();\n")
        .package("app", "[dependencies]\nlow = \"0.1\"\nsecond-dep = \"0.1\"\n", &[("src/main.rs", "fn main() { println!(\"{} {} {} {} {}\", low::FILE, low::place(), low::G, file!(), second_dep::P); }\n")])
        .committed();
    project.main().cargo(&["build"]).ok();
    is_right(&project.linked("second"));
    let deep = project.linked("a/b/deep");
    is_right(&deep);
    deep.edit("patched/second-dep/src/lib.rs", "file!()", "\"edited\"");
    deep.cargo(&["build"]).ok();
    assert!(deep.says("app").contains("edited"));
}

/// Two projects whose crates have the same names, versions and layout.
#[requires(sccache)]
#[test]
fn two_projects_of_the_same_names_keep_apart() {
    let project = project_in("").committed();
    project.main().cargo(&["build"]).ok();
    let other = project.sandbox.path("other");
    copy(&project.main().directory, &other);
    fs::remove_dir_all(other.join(".git")).unwrap();
    let other = project.checkout(other);
    other.edit("crates/low/build.rs", "G: u32 = 1", "G: u32 = 9");
    other.edit(
        "crates/low/src/lib.rs",
        "pub const FILE: &str = file!()",
        "pub const FILE: &str = \"other\"",
    );
    other.cargo(&["build"]).ok();
    assert!(
        other.says("app").starts_with("other "),
        "{}",
        other.says("app")
    );
    is_right(&other);
    is_shared(&project.linked("second"));
}

/// With more than one job, cargo may write one library over the other in the directory of the profile, which has the same name:
/// <https://github.com/rust-lang/cargo/issues/6313>.
#[requires(sccache)]
#[test]
fn names_that_differ_in_case_only() {
    let project = Project::new();
    let project = project
        .file("Cargo.toml", "[workspace]\nresolver = \"2\"\nmembers = [\"one/*\", \"One/*\"]\n")
        .file("one/low/Cargo.toml", &package("low", ""))
        .file("one/low/src/lib.rs", "pub const N: u32 = 1;\n")
        .file("One/low/Cargo.toml", &package("low-two", "[lib]\nname = \"low\"\n"))
        .file("One/low/src/lib.rs", "pub const N: u32 = 2;\n")
        .file("one/app/Cargo.toml", &package("app", "[dependencies]\nlow = { path = \"../low\" }\ntwo = { package = \"low-two\", path = \"../../One/low\" }\n"))
        .file("one/app/src/main.rs", "fn main() { println!(\"{} {}\", low::N, two::N); }\n")
        .committed();
    project.main().cargo(&["build", "--jobs", "1"]).ok();
    let second = project.linked("second");
    second.cargo(&["build", "--jobs", "1"]).ok().all_hit();
    assert_eq!(second.says("app"), "1 2\n");
}

/// A package without a workspace, and a script for which cargo makes the directories.
#[requires(sccache)]
#[test]
fn a_lone_package() {
    let project = Project::new();
    let project = project
        .file(
            "Cargo.toml",
            &package("app", "[dependencies]\nlow = { path = \"low\" }\n"),
        )
        .file("src/main.rs", MAIN)
        .file("low/Cargo.toml", &package("low", ""))
        .file("low/src/lib.rs", PANICS)
        .file("low/build.rs", SCRIPT)
        .committed();
    project.main().cargo(&["build"]).ok();
    is_shared(&project.linked("second"));
    is_shared(&project.linked("a/b/deep"));
}
