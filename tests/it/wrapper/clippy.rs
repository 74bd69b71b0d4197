//! `cargo clippy` compiles dependencies as `cargo check` does: whichever comes first, the other one gets them from the cache.

use indoc::indoc;
use rstest::rstest;

use super::build_scripts::{DECLARES_ITSELF, app, saying, take_runs};
use super::command::said;
use super::project::Project;
use super::seed::seed;

#[rstest]
#[requires(sccache)]
fn dependencies_are_shared_with_check(
    #[values(["clippy", "check"], ["check", "clippy"])] commands: [&str; 2],
    #[values(
        "String::new()",
        "String::from_utf8(std::process::Command::new(\"sh\").args([\"-c\", \"echo x\"]).output().unwrap().stdout).unwrap()"
    )]
    value: &str,
    #[values(false, true)] is_seeded: bool,
) {
    let project = app(&saying(&format!("{{ {DECLARES_ITSELF} {value} }}"))).committed();
    let [first, second] = commands;
    project.main().cargo(&[first]).ok();
    assert_eq!(take_runs(&project), 1);
    let other = project.linked("second");
    if is_seeded {
        seed(&other);
    }
    let built = other.cargo(&[second]).ok();
    let listed = said(&other, &["report", "--list"]);
    assert!(
        listed.contains(&format!("  1  cargo {second} --offline in ")),
        "{listed}"
    );
    let main = project.main();
    let text = said(&other, &["explain", "published", "--against", main.text()]);
    assert_eq!(take_runs(&project), 0, "{text}");
    if is_seeded {
        let words = built.ran.stderr;
        assert!(!words.contains("published"), "{words}");
    } else {
        let text = said(&other, &["explain", "published"]);
        assert!(!text.contains(", compiled\n"), "{text}");
    }
}

/// clippy adds the manifest of the workspace to the files of a script, and a feature may have the name of a program.
#[requires(sccache)]
#[test]
fn the_manifest_of_the_workspace_is_no_code_of_a_script() {
    let script = indoc! {r#"
        fn main() {
            println!("cargo::rerun-if-changed=build.rs");
            let out = std::env::var("OUT_DIR").unwrap();
            std::fs::write(out + "/g.rs", "pub const G: u8 = 1;").unwrap();
        }
    "#};
    let main =
        "include!(concat!(env!(\"OUT_DIR\"), \"/g.rs\"));\nfn main() { println!(\"{G}\"); }\n";
    let files = [("build.rs", script), ("src/main.rs", main)];
    let project = Project::new().with_store().package("app", "", &files);
    let manifest = project.main().read("Cargo.toml");
    let metadata = "[workspace.metadata.app]\nprograms = [\"env\", \"git\", \"date\"]\n";
    project
        .main()
        .write("Cargo.toml", &format!("{manifest}\n{metadata}"));
    let project = project.committed();
    project.main().cargo(&["clippy"]).ok();
    let other = project.linked("second");
    other.cargo(&["clippy"]).ok();
    let text = said(&other, &["report"]);
    assert!(
        !text.contains("missed") && !text.contains("not cached"),
        "{text}"
    );
}
