//! Backtraces: the debug information of a program leads to the sources of its own checkout.

use indoc::indoc;
use rstest::rstest;

use super::out_dir::{made_by, says_the_same_uncached};
use super::project::{Layout, Project};
use super::seed::seed;

/// A program whose functions are in two directories below `OUT_DIR`. It prints where each frame of a backtrace in them is.
fn with_generated_frames() -> Project {
    let script = indoc! {r##"
        fs::create_dir_all(format!("{out}/below")).unwrap();
        fs::write(format!("{out}/g.rs"), "#[inline(never)] pub fn g() -> String { h() }").unwrap();
        fs::write(format!("{out}/below/h.rs"), "#[inline(never)] pub fn h() -> String { std::backtrace::Backtrace::force_capture().to_string() }").unwrap();
    "##};
    let main = indoc! {r#"
        include!(concat!(env!("OUT_DIR"), "/g.rs"));
        include!(concat!(env!("OUT_DIR"), "/below/h.rs"));
        fn main() {
            let text = g();
            for place in text.lines().filter(|line| line.trim_start().starts_with("at ")) {
                println!("{place}");
            }
        }
    "#};
    made_by(script, main)
}

/// The path of this checkout may be longer or shorter than that of the checkout that compiled the program.
#[rstest]
#[requires(sccache)]
#[case("s", "CARGO_PROFILE_DEV_OPT_LEVEL", "0")]
#[case("as/deep/as/can/be", "CARGO_PROFILE_DEV_LTO", "fat")]
#[case("as/deep/as/can/be", "RUSTFLAGS", "-Clink-arg=-fuse-ld=bfd")]
fn backtraces_through_generated_source_are_those_of_an_uncached_build(
    #[case] place: &str,
    #[case] name: &str,
    #[case] value: &str,
) {
    let project = with_generated_frames().committed();
    let main = project.main().with(name, value);
    main.cargo(&["build"]).ok();
    says_the_same_uncached(&main);
    let second = project.linked(place).with(name, value);
    second.cargo(&["build"]).ok().all_hit();
    let said = says_the_same_uncached(&second);
    let inside = format!("{}/target/debug/build/app-", second.text());
    assert_eq!(said.matches(&inside).count(), 2, "{said}");
}

#[rstest]
#[requires(sccache)]
fn backtraces_in_a_seeded_worktree_are_those_of_an_uncached_build(
    #[values("s", "as/deep/as/can/be")] place: &str,
    #[values(Layout::V1, Layout::V2)] layout: Layout,
) {
    let project = with_generated_frames().with_layout(layout).committed();
    project.main().cargo(&["build"]).ok();
    for place in [place.to_owned(), format!("third/{place}/x")] {
        let linked = project.linked(&place);
        seed(&linked);
        linked.cargo(&["build"]).ok().nothing_to_do();
        let said = says_the_same_uncached(&linked);
        let inside = format!("{}/target/", linked.text());
        assert_eq!(said.matches(&inside).count(), 2, "{said}");
    }
}
