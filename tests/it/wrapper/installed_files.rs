//! Files in directories of packages that no package manager has put there: a build script of the workspace uses what is there now.

use std::fs;
use std::path::{Path, PathBuf};

use rstest::rstest;

use super::build_scripts::take_runs;
use super::out_dir::says_the_same_uncached;
use super::workspace_scripts::{app, runs};

/// A directory among those of packages, if this user may make one.
fn directory() -> Option<tempfile::TempDir> {
    tempfile::tempdir_in("/usr/lib").ok()
}

fn compile(text: &str, program: &Path) {
    let source = program.with_extension("c");
    fs::write(
        &source,
        format!("#include <stdio.h>\nint main(void) {{ puts(\"{text}\"); }}\n"),
    )
    .unwrap();
    let mut cc = std::process::Command::new("cc");
    assert!(
        cc.arg(&source)
            .arg("-o")
            .arg(program)
            .status()
            .unwrap()
            .success()
    );
}

fn in_directory(value: &str, directory: &Path) -> String {
    value.replace("DIRECTORY", directory.to_str().unwrap())
}

#[rstest]
#[case::run(runs("DIRECTORY/flatc", ""))]
#[case::looked_for("std::path::Path::new(\"DIRECTORY/a.pc\").exists().to_string()".to_owned())]
#[case::by_a_program("String::from_utf8(std::process::Command::new(\"pkg-config\").args([\"--exists\", \"DIRECTORY/a.pc\"])\
    .status().unwrap().success().to_string().into_bytes()).unwrap()".to_owned())]
#[requires(sccache)]
fn files_that_were_installed_by_hand_count(#[case] value: String) {
    let Some(directory) = directory() else {
        return;
    };
    let program: PathBuf = directory.path().join("flatc");
    compile("one", &program);
    let project = app(&in_directory(&value, directory.path()));
    let main = project.main();
    main.cargo(&["build"]).ok();
    main.clean();
    take_runs(&project);
    main.cargo(&["build"]).ok();
    assert_eq!(take_runs(&project), 0);
    compile("two", &program);
    fs::write(
        directory.path().join("a.pc"),
        "Name: a\nDescription: a\nVersion: 1\n",
    )
    .unwrap();
    main.clean();
    main.cargo(&["build"]).ok();
    says_the_same_uncached(&main);
}
