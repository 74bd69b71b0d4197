//! Several at the same moment.

use rstest::rstest;

use super::crashes::running;
use super::project::{Checkout, Project};

pub(super) fn project() -> Project {
    let script = "fn main() { println!(\"cargo::rerun-if-changed=data\"); std::fs::write(format!(\"{}/g.rs\", std::env::var(\"OUT_DIR\").unwrap()), format!(\"pub const G: &str = {:?};\", std::fs::read_to_string(\"data\").unwrap())).unwrap(); }\n";
    let mut project = Project::new().without_store();
    let mut uses = String::from("[dependencies]\n");
    let mut sum = String::from("0");
    for number in 0..6 {
        let name = format!("low{number}");
        let lib = format!(
            "include!(concat!(env!(\"OUT_DIR\"), \"/g.rs\"));\n#[inline(never)] pub fn f() -> usize {{ {number} }}\npub fn place() -> &'static str {{ file!() }}\n"
        );
        project = project.package(
            &name,
            "",
            &[
                ("src/lib.rs", &lib),
                ("build.rs", script),
                ("data", "of main"),
            ],
        );
        uses.push_str(&format!("{name} = {{ path = \"../{name}\" }}\n"));
        sum.push_str(&format!(" + {name}::f()"));
    }
    let main = format!(
        "fn main() {{ println!(\"{{}} {{}} {{}} {{}}\", {sum}, low0::G, low1::place(), env!(\"CARGO_MANIFEST_DIR\")); }}\n"
    );
    project
        .package("app", &uses, &[("src/main.rs", &main)])
        .committed()
}

#[track_caller]
pub(super) fn is_right(checkout: &Checkout<'_>, data: &str) {
    let own = checkout.path("crates/app");
    let wanted = format!("15 {data} crates/low1/src/lib.rs {}\n", own.display());
    assert_eq!(checkout.says("app"), wanted);
}

/// Builds in all of them at once.
#[track_caller]
pub(super) fn at_once(checkouts: &[Checkout<'_>], args: &[&str]) {
    let running: Vec<_> = checkouts
        .iter()
        .map(|checkout| checkout.started(args))
        .collect();
    for (checkout, child) in checkouts.iter().zip(running) {
        let output = child.wait_with_output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "{}: {said}", checkout.text());
        assert!(!said.contains("sccfg:"), "{said}");
    }
}

#[requires(sccache)]
#[test]
fn worktrees_that_build_at_the_same_time_are_right() {
    let project = project();
    let checkouts: Vec<_> = (0..4)
        .map(|number| project.linked(&format!("at/{number}")))
        .collect();
    // One of them is another state of the source.
    checkouts[3].write("crates/low0/data", "of the fourth");
    for _ in 0..2 {
        at_once(&checkouts, &["build"]);
        project.forget_compiles();
        for (number, checkout) in checkouts.iter().enumerate() {
            is_right(
                checkout,
                if number == 3 {
                    "of the fourth"
                } else {
                    "of main"
                },
            );
            checkout.cargo(&["build"]).ok().nothing_to_do();
            checkout.clean();
        }
    }
}

/// cargo's lock is by profile's directory: two builds of one checkout run side by side.
#[requires(sccache)]
#[test]
fn several_builds_of_one_checkout_at_the_same_time() {
    let project = project();
    let second = project.linked("second");
    let other = second.with(
        "CARGO_TARGET_DIR",
        project.sandbox.path("other").to_str().unwrap(),
    );
    for _ in 0..2 {
        let children = [
            second.started(&["build"]),
            second.started(&["build", "--release"]),
            other.started(&["build"]),
            second.started(&["check"]),
        ];
        for child in children {
            let output = child.wait_with_output().unwrap();
            assert!(
                output.status.success(),
                "{}",
                String::from_utf8_lossy(&output.stderr)
            );
        }
        is_right(&second, "of main");
        second.clean();
    }
}

/// A file that changes while it is compiled: what is stored must not be what was there before.
#[rstest]
#[case::sccache(|| Project::new().without_store(), [0, 6])]
#[case::store(|| Project::new().with_store(), [3, 9])]
#[requires(sccache)]
fn an_edit_during_the_compile_is_not_lost(
    #[case] project: fn() -> Project,
    #[case] moments: [usize; 2],
) {
    let project = project();
    let source = |word: &str| {
        let slow = "pub const S: u64 = { let mut i = 0; while i < 1_500_000 { i += 1 } i };";
        format!(
            "#![allow(long_running_const_eval)]\n{slow}\nmod part;\npub fn f() -> &'static str {{ part::WORD }}\n// {word}\n"
        )
    };
    let project = project
        .package(
            "low",
            "",
            &[
                ("src/lib.rs", &source("")),
                ("src/part.rs", "pub const WORD: &str = \"before\";\n"),
            ],
        )
        .package(
            "app",
            "[dependencies]\nlow = { path = \"../low\" }\n",
            &[("src/main.rs", "fn main() { println!(\"{}\", low::f()); }\n")],
        )
        .committed();
    for round in moments {
        let racer = project.linked(&format!("racer{round}"));
        racer.write("crates/low/src/lib.rs", &source(&round.to_string()));
        let mut child = racer.started(&["build"]);
        // At one moment and another of the compiles.
        running(&project, &mut child, &["sccache", "sccfg", "rustc"], round);
        racer.write(
            "crates/low/src/part.rs",
            "pub const WORD: &str = \"after\";\n",
        );
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success(), "{output:?}");
        // cargo sees the newer file, or the compiler had it already.
        racer.cargo(&["build"]).ok();
        assert_eq!(racer.says("app"), "after\n", "round {round}");
        for (place, word) in [("before", "before"), ("after", "after")] {
            let other = project.linked(&format!("{place}{round}"));
            other.write("crates/low/src/lib.rs", &source(&round.to_string()));
            other.write(
                "crates/low/src/part.rs",
                &format!("pub const WORD: &str = \"{word}\";\n"),
            );
            other.cargo(&["build"]).ok();
            assert_eq!(
                other.says("app"),
                format!("{word}\n"),
                "{place}, round {round}"
            );
        }
    }
}
