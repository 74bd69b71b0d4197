//! Build scripts that search for a file in their directory and those above it, as the shims of pyenv search for
//! `.python-version`.

use rstest::rstest;

use super::build_scripts::{app, saying, take_runs};
use super::out_dir::says_the_same_uncached;
use super::project::{Checkout, Project};
use super::seed::seed;

/// A program that prints the content of the nearest file with this name in a directory above `OUT_DIR`.
fn searching_for(name: &str) -> Project {
    searching(name, "find_map(read)")
}

/// A program that prints what this method of an iterator makes of the directories above `OUT_DIR`.
fn searching(name: &str, method: &str) -> Project {
    let value = format!(
        "{{ println!(\"cargo::rerun-if-changed=build.rs\"); \
         let read = |directory: &std::path::Path| fs::read_to_string(directory.join({name:?})).ok(); \
         std::path::Path::new(&out).ancestors().{method}.unwrap_or_default() }}"
    );
    app(&saying(&value)).committed()
}

/// Builds after `seed` if the store is on, and compares with a build without a cache. Returns how often a script ran.
#[track_caller]
fn runs(project: &Project, checkout: &Checkout<'_>, is_seeded: bool) -> usize {
    if is_seeded {
        seed(checkout);
    }
    checkout.cargo(&["build"]).ok();
    let runs = take_runs(project);
    says_the_same_uncached(checkout);
    take_runs(project);
    runs
}

#[rstest]
#[requires(sccache)]
fn a_search_that_finds_nothing_is_shared_with_checkouts_at_another_depth(
    #[values(".setting", ".config/setting")] name: &str,
    #[values(true, false)] is_seeded: bool,
) {
    let project = searching_for(name);
    assert_eq!(runs(&project, &project.main(), false), 1);
    assert_eq!(
        runs(&project, &project.linked("a/deeper/second"), is_seeded),
        0
    );
    // It appears in a directory that the first run did not look into.
    project.sandbox.write(&format!("a/{name}"), "it appeared");
    let third = project.linked("a/deeper/third");
    assert_eq!(runs(&project, &third, is_seeded), 1);
    assert_eq!(third.says("app"), "it appeared\n");
    assert_eq!(runs(&project, &project.linked("fourth"), is_seeded), 0);
}

#[rstest]
#[requires(sccache)]
fn a_search_that_ends_in_the_checkout_is_shared_with_those_at_another_depth(
    #[values(true, false)] is_seeded: bool,
) {
    let project = searching_for(".setting");
    project.main().write(".setting", "of the checkout");
    project.commit(&project.sandbox.path("main"));
    assert_eq!(runs(&project, &project.main(), false), 1);
    project.sandbox.write("a/.setting", "above it");
    let second = project.linked("a/deeper/second");
    assert_eq!(runs(&project, &second, is_seeded), 0);
    assert_eq!(second.says("app"), "of the checkout\n");
    let third = project.linked("a/deeper/third");
    third.write(".setting", "of the third");
    assert_eq!(runs(&project, &third, is_seeded), 1);
    assert_eq!(third.says("app"), "of the third\n");
}

/// It reads the settings of all directories, as git does.
#[rstest]
#[requires(sccache)]
fn a_search_that_goes_on_above_the_file_that_it_finds_counts_the_directories(
    #[values(true, false)] is_seeded: bool,
) {
    let project = searching(".setting", "filter_map(read).last()");
    project.main().write(".setting", "of the checkout");
    project.commit(&project.sandbox.path("main"));
    assert_eq!(runs(&project, &project.main(), false), 1);
    project.sandbox.write("a/.setting", "above it");
    let second = project.linked("a/deeper/second");
    assert_eq!(runs(&project, &second, is_seeded), 1);
    assert_eq!(second.says("app"), "above it\n");
}
