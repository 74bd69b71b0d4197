//! Runs of build scripts that another machine made, found through a cache that sccache shares.

use std::fs;

use rstest::rstest;

use super::build_scripts::{app, script, take_runs, with_runs};
use super::out_dir::says_the_same_uncached;
use super::project::{Checkout, Project, succeeds};
use super::registry::{package, publish, unpacked, with_home};

/// A back end that others use, as far as the wrapper knows.
const REMOTE: &str = "redis://127.0.0.1:1";

/// Lines of a script that take long enough to be shared.
const SLOW: &str =
    "assert!(std::process::Command::new(\"sleep\").arg(\"0.4\").status().unwrap().success());";

fn says_out_dir() -> String {
    script(&format!(
        "{SLOW}\nfs::write(format!(\"{{out}}/g.rs\"), format!(\"pub const SAID: &str = {{out:?}};\")).unwrap();"
    ))
}

/// Builds as on a machine whose sccache has a back end that others use. The server of the test has its cache on the disk:
/// what counts is that the wrapper cannot know.
fn build(checkout: &Checkout<'_>) {
    checkout
        .with("SCCACHE_REDIS_ENDPOINT", REMOTE)
        .cargo(&["build"])
        .ok();
}

/// Makes this machine one that has not built anything.
fn another_machine(project: &Project) {
    project
        .sandbox
        .sccfg(&["store", "clear", "--yes"])
        .status(0);
}

#[requires(sccache)]
#[test]
fn a_run_of_another_machine_is_delivered_with_the_paths_of_this_one() {
    let project = app(&says_out_dir()).committed();
    build(&project.main());
    assert_eq!(take_runs(&project), 1);
    another_machine(&project);
    let second = project.linked("elsewhere/second");
    build(&second);
    assert_eq!(take_runs(&project), 0);
    let said = second.says("app");
    assert!(
        said.starts_with(second.path("target").to_str().unwrap()),
        "{said}"
    );
    second.cargo(&["build"]).ok().nothing_to_do();
    // It is in this machine's store now.
    project
        .linked("third")
        .with("SCCACHE_REDIS_ENDPOINT", REMOTE)
        .with("SCCFG_SCCACHE", "/nonexistent")
        .cargo(&["build"])
        .ok();
    assert_eq!(take_runs(&project), 0);
}

const SOURCES: &str =
    "pub fn data() -> &'static str { concat!(env!(\"CARGO_MANIFEST_DIR\"), \"/data\") }\n";
const MAIN: &str = "fn main() { println!(\"{}\", published::SAID); }\n";

/// The packages `published`, which has a build script of these lines, and `sources`, which the script uses: a library with the
/// path of its own sources, as openssl-src is.
fn project_of_sources(lines: &str) -> Project {
    let project = with_runs(Project::new().with_store());
    let sources = [("src/lib.rs", SOURCES), ("data", "what the sources say")];
    package(&project, "sources", "", &sources);
    let script = script(&format!("{SLOW}\n{lines}"));
    let published = [
        ("build.rs", script.as_str()),
        (
            "src/lib.rs",
            "include!(concat!(env!(\"OUT_DIR\"), \"/g.rs\"));\n",
        ),
    ];
    let uses = "[build-dependencies]\nsources = \"0.1\"\n";
    package(&project, "published", uses, &published);
    project
}

/// An app above these.
fn app_of_sources(lines: &str) -> Project {
    let project = project_of_sources(lines);
    publish(&project, &["sources", "published"]);
    let uses = "[dependencies]\npublished = \"0.1\"\n";
    project
        .package("app", uses, &[("src/main.rs", MAIN)])
        .committed()
}

#[rstest]
#[case::content("fs::read_to_string(sources::data()).unwrap()")]
#[case::path_in_text("sources::data()")]
#[requires(sccache)]
fn a_program_with_the_path_of_its_sources_runs_once_for_all_homes(#[case] said: &str) {
    let said = format!("let said = {said};");
    let writes = "fs::write(format!(\"{out}/g.rs\"), format!(\"pub const SAID: &str = {said:?};\")).unwrap();";
    let project = app_of_sources(&(said + writes));
    let main = with_home(&project, &project.main(), "cargo-home");
    build(&main);
    assert_eq!(take_runs(&project), 1);
    another_machine(&project);
    let second = project.linked("elsewhere/second");
    let second = with_home(&project, &second, "of/somebody/else/home");
    build(&second);
    assert_eq!(take_runs(&project), 0);
    says_the_same_uncached(&second.with("SCCACHE_REDIS_ENDPOINT", REMOTE));
}

/// The wrapper and the launcher of C compilers are in another directory for each user.
#[requires(sccache)]
#[test]
fn a_user_with_an_own_wrapper_gets_the_runs_of_another_one() {
    let runs = format!(
        "{SLOW}\nlet wrapper = env::var_os(\"RUSTC_WRAPPER\").unwrap();\n\
         let run = |compiler: &str| std::process::Command::new(&wrapper).args([compiler, \"--version\"]).output().unwrap();\n\
         assert!(run(&env::var(\"RUSTC\").unwrap()).status.success());\n\
         let said = String::from_utf8(run(\"cc\").stdout).unwrap();\n\
         fs::write(format!(\"{{out}}/g.rs\"), format!(\"pub const SAID: &str = {{said:?}};\")).unwrap();"
    );
    let project = app(&script(&runs)).committed();
    let store = project.sandbox.path("store");
    let config = project.sandbox.path("config.toml");
    fs::write(&config, format!("[store]\ndir = {store:?}\n")).unwrap();
    for (user, expected) in [("anna", 1), ("bert", 0), ("a/longer/name", 0)] {
        let home = project.sandbox.path(&format!("homes/{user}"));
        fs::create_dir_all(&home).unwrap();
        let sccfg = |args: &[&str]| {
            let mut sccfg = project.sandbox.command(env!("CARGO_BIN_EXE_sccfg"));
            let output = succeeds(sccfg.args(args).env("HOME", &home));
            String::from_utf8(output.stdout).unwrap()
        };
        sccfg(&["wrapper", "install"]);
        let wrapper = sccfg(&["wrapper", "path"]);
        let checkout = project
            .linked(user)
            .with("HOME", home.to_str().unwrap())
            .with("RUSTC_WRAPPER", wrapper.trim())
            .with("SCCFG_CONFIG", config.to_str().unwrap());
        checkout.cargo(&["build"]).ok();
        assert_eq!(take_runs(&project), expected, "{user}");
    }
}

/// Of few files of a package, each counts; of many, the package.
#[rstest]
#[requires(sccache)]
fn what_a_script_reads_in_a_package_that_it_does_not_use_counts(#[values(1, 40)] files: usize) {
    let lines = "let other = std::path::Path::new(sources::data()).parent().unwrap().with_file_name(\"other-0.1.0\");\n\
        let said: Vec<_> = (0..COUNT).map(|nth| fs::read_to_string(other.join(format!(\"data{nth}\"))).unwrap()).collect();\n\
        fs::write(format!(\"{out}/g.rs\"), format!(\"pub const SAID: &str = {:?};\", said.concat())).unwrap();";
    let project = project_of_sources(&lines.replace("COUNT", &files.to_string()));
    let names: Vec<_> = (0..files).map(|nth| format!("data{nth}")).collect();
    let data = names.iter().map(|name| (name.as_str(), "."));
    let all: Vec<_> = [("src/lib.rs", "")].into_iter().chain(data).collect();
    package(&project, "other", "", &all);
    publish(&project, &["other", "sources", "published"]);
    let uses = "[dependencies]\nother = \"0.1\"\npublished = \"0.1\"\n";
    let project = project
        .package("app", uses, &[("src/main.rs", MAIN)])
        .committed();
    let at = |place: &str| with_home(&project, &project.linked(place), "cargo-home");
    build(&at("first"));
    build(&at("same"));
    assert_eq!(take_runs(&project), 1);
    let unpacked = unpacked(&project.sandbox.path("cargo-home"));
    fs::write(unpacked.join("other-0.1.0/data0"), "changed").unwrap();
    let changed = at("changed");
    build(&changed);
    assert!(says_the_same_uncached(&changed).contains("changed"));
}

/// Adds a package in the place of the published `sources`.
fn with_patched_sources(project: Project) -> Project {
    let manifest = "[workspace]\nresolver = \"2\"\nmembers = [\"crates/*\"]\nexclude = [\"patched\"]\n\
        [patch.crates-io]\nsources = { path = \"patched\" }\n";
    project
        .file("Cargo.toml", manifest)
        .file(
            "patched/Cargo.toml",
            &super::project::package("sources", ""),
        )
        .file("patched/src/lib.rs", SOURCES)
        .file("patched/data", "of the first")
}

/// A package of the workspace may take the place of a published one.
#[requires(sccache)]
#[test]
fn a_program_with_a_path_of_the_workspace_is_that_of_this_checkout() {
    let says = "fs::write(format!(\"{out}/g.rs\"), format!(\"pub const SAID: &str = {:?};\", fs::read_to_string(sources::data()).unwrap())).unwrap();";
    let project = app_of_sources(says);
    let project = with_patched_sources(project);
    project.commit(&project.sandbox.path("main"));
    let at = |place: &str| with_home(&project, &project.linked(place), "cargo-home");
    at("first").cargo(&["build"]).ok();
    let second = at("second");
    second.write("patched/data", "of the second");
    second.cargo(&["build"]).ok();
    assert!(says_the_same_uncached(&second).contains("of the second"));
    let third = at("a/much/deeper/third");
    third.cargo(&["build"]).ok();
    says_the_same_uncached(&third);
}

/// The published package uses it through another one.
#[requires(sccache)]
#[test]
fn a_program_far_above_a_path_of_the_workspace_is_that_of_this_checkout() {
    let says = "fs::write(format!(\"{out}/g.rs\"), format!(\"pub const SAID: &str = {:?};\", fs::read_to_string(between::data()).unwrap())).unwrap();";
    let project = project_of_sources(says);
    let between = [(
        "src/lib.rs",
        "pub fn data() -> String { sources::data().to_owned() }\n",
    )];
    package(
        &project,
        "between",
        "[dependencies]\nsources = \"0.1\"\n",
        &between,
    );
    let published = [
        ("build.rs", script(&format!("{SLOW}\n{says}"))),
        (
            "src/lib.rs",
            "include!(concat!(env!(\"OUT_DIR\"), \"/g.rs\"));\n".to_owned(),
        ),
    ];
    let published = published
        .each_ref()
        .map(|(file, text)| (*file, text.as_str()));
    package(
        &project,
        "published",
        "[build-dependencies]\nbetween = \"0.1\"\n",
        &published,
    );
    publish(&project, &["sources", "between", "published"]);
    let uses = "[dependencies]\npublished = \"0.1\"\n";
    let project = project.package("app", uses, &[("src/main.rs", MAIN)]);
    let project = with_patched_sources(project).committed();
    let at = |place: &str| with_home(&project, &project.linked(place), "cargo-home");
    for place in ["first", "a/much/deeper/second"] {
        let checkout = at(place);
        checkout.write("patched/data", place);
        checkout.cargo(&["build"]).ok();
        assert!(says_the_same_uncached(&checkout).contains(place));
    }
}

#[requires(sccache)]
#[test]
fn a_declared_file_that_differs_makes_another_run() {
    let declares = script(&format!(
        "{SLOW}\nlet file = env::var(\"PUBLISHED_DATA\").unwrap();\n\
         println!(\"cargo::rerun-if-env-changed=PUBLISHED_DATA\");\n\
         println!(\"cargo::rerun-if-changed={{file}}\");\n\
         let said = fs::read_to_string(&file).unwrap();\n\
         fs::write(format!(\"{{out}}/g.rs\"), format!(\"pub const SAID: &str = {{said:?}};\")).unwrap();"
    ));
    let project = app(&declares).committed();
    let data = project.sandbox.path("data");
    let at = |place: &str, content: &str| {
        fs::write(&data, content).unwrap();
        another_machine(&project);
        let checkout = project
            .linked(place)
            .with("PUBLISHED_DATA", data.to_str().unwrap());
        build(&checkout);
        assert_eq!(checkout.says("app").trim_end(), content);
        take_runs(&project)
    };
    assert_eq!(at("a", "one"), 1);
    assert_eq!(at("b", "two"), 1);
    assert_eq!(at("c", "one"), 0);
    assert_eq!(at("d", "two"), 0);
}

#[requires(sccache)]
#[test]
fn a_cache_that_fails_does_not_fail_the_build() {
    let project = app(&says_out_dir()).committed();
    let second = project.main().with("SCCFG_SCCACHE", "/bin/false");
    build(&second);
    assert_eq!(take_runs(&project), 1);
    assert!(
        second
            .says("app")
            .starts_with(second.path("target").to_str().unwrap())
    );
}
