//! Build scripts that find the path of a checkout in what they read: another worktree that reads the same gets the same path,
//! not its own.

use std::fs;
use std::os::unix::fs::symlink;

use rstest::rstest;

use super::build_scripts::put_together;
use super::project::Project;
use super::run_inputs::{Start, is_right};
use super::workspace_scripts::{app, shell};

/// A project in whose files the path of the first checkout is. `OUTSIDE` in the script is the path of a file that is in none.
fn project(value: &str) -> Project {
    // The name of the directory is not known before.
    let project = app("String::new()");
    let outside = put_together(&project.sandbox.path("outside.txt"));
    let main = project.main();
    let place = main.path("data/dev.db").display().to_string();
    main.edit(
        "crates/app/build.rs",
        "String::new()",
        &value.replace("OUTSIDE", &outside),
    );
    main.write("place.txt", &place);
    main.write("crates/app/place.txt", &place);
    main.write("other.txt", &place.replace('/', "|"));
    main.write("data/dev.db", "data\n");
    project.sandbox.write("outside.txt", &place);
    symlink(&place, main.path("link")).unwrap();
    symlink(main.path("data"), main.path("data-link")).unwrap();
    symlink(main.path("data"), project.sandbox.path("outside")).unwrap();
    project.commit(&main.directory);
    project
}

#[rstest]
#[case::of_the_package("fs::read_to_string(\"place.txt\").unwrap()")]
#[case::of_the_workspace("fs::read_to_string(\"../../place.txt\").unwrap()")]
#[case::declared(
    "{ println!(\"cargo::rerun-if-changed=../../place.txt\"); fs::read_to_string(\"../../place.txt\").unwrap() }"
)]
#[case::declared_with_its_directory(
    "{ println!(\"cargo::rerun-if-changed=../..\"); fs::read_to_string(\"../../place.txt\").unwrap() }"
)]
#[case::elsewhere("fs::read_to_string(OUTSIDE).unwrap()")]
#[case::text_of_a_link("fs::read_link(\"../../link\").unwrap().display().to_string()")]
#[case::end_of_a_link("fs::canonicalize(\"../../link\").unwrap().display().to_string()")]
#[case::behind_a_link(
    "fs::canonicalize(\"../../data-link/dev.db\").unwrap().display().to_string()"
)]
#[case::behind_a_link_elsewhere(
    "fs::canonicalize(OUTSIDE.with_file_name(\"outside\").join(\"dev.db\")).unwrap().display().to_string()"
)]
#[case::in_its_text("include_str!(\"../../place.txt\").to_owned()")]
#[case::of_a_variable("env::var(\"PLACE\").unwrap()")]
#[case::of_a_program("SHELL")]
#[case::in_another_form("fs::read_to_string(\"../../other.txt\").unwrap().replace(\"|\", \"/\")")]
#[case::in_parts(
    "fs::read_to_string(\"../../other.txt\").unwrap().split('|').collect::<Vec<_>>().join(\"/\")"
)]
#[case::of_a_variable_in_another_form("env::var(\"OTHER_PLACE\").unwrap().replace(\"|\", \"/\")")]
#[case::printed(
    "{ println!(\"cargo::warning={}\", fs::read_to_string(\"place.txt\").unwrap()); println!(\"cargo::rustc-env=PRINTED={}\", fs::read_to_string(\"place.txt\").unwrap()); String::new() }"
)]
#[requires(sccache)]
fn the_path_of_another_checkout_stays(
    #[case] value: &str,
    #[values(Start::Empty, Start::Seeded)] start: Start,
) {
    let value = value.replace("SHELL", &shell("cat ../../place.txt"));
    let project = project(&value);
    if value.contains("PRINTED") {
        project
            .main()
            .edit("crates/app/src/main.rs", "SAID", "env!(\"PRINTED\")");
        project.commit(&project.main().directory);
    }
    let place = project.main().path("data/dev.db").display().to_string();
    let main = project.main().with("PLACE", &place);
    let main = main.with("OTHER_PLACE", &place.replace('/', "|"));
    main.cargo(&["build"]).ok();
    let second = project.linked("a/second").with("PLACE", &place);
    let second = second.with("OTHER_PLACE", &place.replace('/', "|"));
    assert_eq!(is_right(&second, start), format!("{place}\n"));
}

/// Without a store, no run is observed.
#[requires(sccache)]
#[test]
fn the_path_of_another_checkout_stays_without_a_store() {
    let script = "fn main() { println!(\"cargo::rerun-if-changed=place.txt\"); \
        println!(\"cargo::rustc-env=PLACE={}\", std::fs::read_to_string(\"place.txt\").unwrap()); }\n";
    let says = "fn main() { println!(\"{}\", env!(\"PLACE\")); }\n";
    let files = [("build.rs", script), ("src/main.rs", says)];
    let project = Project::new().without_store().package("app", "", &files);
    let main = project.main();
    let place = main.path("data/dev.db").display().to_string();
    main.write("crates/app/place.txt", &place);
    let project = project.committed();
    project.main().cargo(&["build"]).ok();
    let second = project.linked("a/second");
    assert_eq!(is_right(&second, Start::Seeded), format!("{place}\n"));
}

/// A path of its own does not keep a run from being shared: what is not read names none.
#[rstest]
#[case::in_no_input("fs::read_to_string(\"data.txt\").unwrap()")]
#[case::in_a_file_that_is_looked_up("OUTSIDE.exists().to_string()")]
#[case::in_a_directory_that_a_variable_names(
    "fs::read_dir(env::var(\"NAMED\").unwrap()).unwrap().count().to_string()"
)]
#[requires(sccache)]
fn what_is_not_read_does_not_matter(#[case] value: &str) {
    let project = project(&format!(
        "{{ println!(\"cargo::rustc-link-search={{out}}\"); {value} }}"
    ));
    let place = project.main().directory.display().to_string();
    project.sandbox.write("named/place.txt", &place);
    let named = project.sandbox.path("named").display().to_string();
    project.main().with("NAMED", &named).cargo(&["build"]).ok();
    let second = project.linked("second").with("NAMED", &named);
    super::workspace_scripts::builds(&project, &second, false);
}

/// A crate may have it in its text, or in what it includes.
#[rstest]
#[case::included("include_str!(\"../../../place.txt\")")]
#[case::in_its_text("\"PLACE\"")]
#[requires(sccache)]
fn the_path_of_another_checkout_stays_in_a_crate(
    #[case] value: &str,
    #[values(Start::Empty, Start::Seeded)] start: Start,
) {
    let project = project("String::new()");
    let main = project.main();
    let place = main.path("data/dev.db").display().to_string();
    let value = value.replace("PLACE", &place);
    main.edit("crates/app/src/main.rs", "SAID", &value);
    project.commit(&main.directory);
    main.cargo(&["build"]).ok();
    let second = project.linked("a/second");
    assert_eq!(is_right(&second, start), format!("{place}\n"));
}

/// A relative link leads to the same in each checkout, unless it leaves that.
#[rstest]
#[case::in_it("linked.txt", false)]
#[case::out_of_it("outside.txt", true)]
#[requires(sccache)]
fn relative_links_within_a_checkout_lead_to_the_same(#[case] name: &str, #[case] runs: bool) {
    let value = "{ println!(\"cargo::rustc-link-search={out}\"); fs::read_to_string(\"../../NAME\").unwrap() }";
    let project = project(&value.replace("NAME", name));
    let main = project.main();
    main.write("beside/data.txt", "data\n");
    symlink("beside/../beside/data.txt", main.path("linked.txt")).unwrap();
    symlink("../main/beside/data.txt", main.path("outside.txt")).unwrap();
    project.commit(&main.directory);
    main.cargo(&["build"]).ok();
    let second = project.linked("second");
    super::workspace_scripts::builds(&project, &second, runs);
}

/// Debug information of the script says where it was compiled, and the script does not read that.
#[requires(sccache)]
#[test]
fn debug_information_of_the_script_does_not_matter() {
    let value = "{ println!(\"cargo::rustc-link-search={out}\"); fs::read_to_string(\"data.txt\").unwrap() }";
    let project = project(value);
    let main = project.main();
    let profile = "\n[profile.dev.build-override]\ndebug = true\n";
    main.write("Cargo.toml", &(main.read("Cargo.toml") + profile));
    project.commit(&main.directory);
    main.cargo(&["build"]).ok();
    let second = project.linked("second");
    super::workspace_scripts::builds(&project, &second, false);
}

/// What each checkout says of itself is another input in each.
#[rstest]
#[requires(sccache)]
fn each_checkout_names_itself(#[values(Start::Empty, Start::Seeded)] start: Start) {
    let project = project("fs::read_to_string(\"../../place.txt\").unwrap()");
    project.main().cargo(&["build"]).ok();
    let second = project.linked("second");
    let place = second.path("data/dev.db").display().to_string();
    fs::write(second.path("place.txt"), &place).unwrap();
    assert_eq!(is_right(&second, start), format!("{place}\n"));
}
