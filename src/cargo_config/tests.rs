use super::*;
use proptest::prelude::*;
use rstest::rstest;

const PATH: &str = ".cargo/config.toml";

fn all(text: &str, incremental: Incremental) -> Vec<(String, Severity)> {
    contradictions(text, Path::new(PATH), incremental)
        .unwrap()
        .into_iter()
        .map(|found| (found.key, found.severity))
        .collect()
}

fn fixed(text: &str) -> String {
    fix(text, Path::new(PATH), Incremental::Off, &|_| true).unwrap()
}

#[rstest]
#[case(
    "[build]\nrustc-wrapper = \"/usr/bin/sccache\"\n",
    "build.rustc-wrapper",
    Severity::Breaks
)]
#[case(
    "[build]\nrustc-wrapper = \"cachepot\"\n",
    "build.rustc-wrapper",
    Severity::Costs
)]
#[case(
    "build.rustc-workspace-wrapper = \"sccache\"\n",
    "build.rustc-workspace-wrapper",
    Severity::Breaks
)]
#[case(
    "build = { incremental = true }\n",
    "build.incremental",
    Severity::Mild
)]
#[case(
    "[profile.release]\nincremental = true\n",
    "profile.release.incremental",
    Severity::Mild
)]
#[case(
    "[profile.dev.package.\"*\"]\nincremental = true\n",
    "profile.dev.package.*.incremental",
    Severity::Mild
)]
#[case(
    "[profile.dev.build-override]\nincremental = true\n",
    "profile.dev.build-override.incremental",
    Severity::Mild
)]
#[case(
    "[env]\nCARGO_INCREMENTAL = \"1\"\n",
    "env.CARGO_INCREMENTAL",
    Severity::Mild
)]
#[case(
    "[env]\nCARGO_INCREMENTAL = { value = \"1\", force = true }\n",
    "env.CARGO_INCREMENTAL",
    Severity::Breaks
)]
#[case(
    "[env.CARGO_INCREMENTAL]\nvalue = \"1\"\nforce = true\n",
    "env.CARGO_INCREMENTAL",
    Severity::Breaks
)]
#[case(
    "[env]\nSCCACHE_CACHE_SIZE = \"5G\"\n",
    "env.SCCACHE_CACHE_SIZE",
    Severity::Costs
)]
#[case(
    "[env]\nCARGO_WORKSPACE_DIR = { value = \"\", relative = true }\n",
    "env.CARGO_WORKSPACE_DIR",
    Severity::Costs
)]
#[case("[env]\nRUSTC_WRAPPER = \"x\"\n", "env.RUSTC_WRAPPER", Severity::Mild)]
#[case("[env]\nCARGO_HOME = \"/x\"\n", "env.CARGO_HOME", Severity::Breaks)]
fn against_off(#[case] text: &str, #[case] key: &str, #[case] severity: Severity) {
    assert_eq!(all(text, Incremental::Off), [(key.to_owned(), severity)]);
}

#[rstest]
#[case("[build]\nincremental = false\n", "build.incremental", Severity::Costs)]
#[case(
    "[profile.dev]\nincremental = false\n",
    "profile.dev.incremental",
    Severity::Costs
)]
#[case(
    "[env]\nCARGO_INCREMENTAL = \"1\"\n",
    "env.CARGO_INCREMENTAL",
    Severity::Breaks
)]
#[case(
    "[env]\nCARGO_INCREMENTAL = \"0\"\n",
    "env.CARGO_INCREMENTAL",
    Severity::Costs
)]
fn against_workspace(#[case] text: &str, #[case] key: &str, #[case] severity: Severity) {
    for policy in [Incremental::Workspace, Incremental::Auto] {
        assert_eq!(all(text, policy), [(key.to_owned(), severity)]);
    }
}

#[rstest]
#[case("")]
#[case("[build]\njobs = 4\nincremental = false\nrustc-wrapper = \"\"\n")]
#[case("[env]\nOPENSSL_DIR = \"/x\"\nCARGO_BUILD_JOBS = \"4\"\nCARGO_REGISTRIES_X_TOKEN = \"\"\n")]
#[case("[profile.release]\nincremental = false\n")]
fn no_contradiction(#[case] text: &str) {
    assert_eq!(all(text, Incremental::Off), []);
}

#[test]
fn packages_without_incremental_go_with_every_policy() {
    let text = "[profile.dev.package.\"*\"]\nincremental = false\n\n[profile.release]\nincremental = false\n";
    assert_eq!(all(text, Incremental::Workspace), []);
    assert_eq!(all(text, Incremental::Off), []);
}

#[test]
fn a_manifest_is_reported_and_never_edited() {
    let text = "[package]\nname = \"x\"\n[profile.dev]\nincremental = true\n[build]\nrustc-wrapper = \"sccache\"\n";
    let path = Path::new("/r/Cargo.toml");
    let found = contradictions(text, path, Incremental::Off).unwrap();
    assert_eq!(found.len(), 1);
    assert_eq!((found[0].place.line, found[0].fixable), (4, false));
    assert_eq!(fix(text, path, Incremental::Off, &|_| true).unwrap(), text);
}

#[rstest]
#[case::only_key(
    "[build]\nrustc-wrapper = \"sccache\" # fast\n",
    "[build]\n# sccfg:was rustc-wrapper = \"sccache\" # fast\n"
)]
#[case::crlf_open(
    "[build]\r\njobs = 2\r\n  incremental = true",
    "[build]\r\njobs = 2\r\n# sccfg:was   incremental = true"
)]
#[case::dotted("build.incremental = true\n", "# sccfg:was build.incremental = true\n")]
#[case::braces(
    "build = { incremental = true, jobs = 4, rustc-wrapper = \"sccache\" }",
    "# sccfg:was+1 build = { incremental = true, jobs = 4, rustc-wrapper = \"sccache\" }\nbuild = { jobs = 4 } # sccfg:now"
)]
#[case::braces_emptied(
    "env = { CARGO_INCREMENTAL = \"1\", RUSTC_WRAPPER = \"x\" } # e\n",
    "# sccfg:was env = { CARGO_INCREMENTAL = \"1\", RUSTC_WRAPPER = \"x\" } # e\n"
)]
#[case::braces_of_an_entry(
    "[env]\nCARGO_INCREMENTAL = { value = \"1\", force = true }\n",
    "[env]\n# sccfg:was CARGO_INCREMENTAL = { value = \"1\", force = true }\n"
)]
#[case::table(
    "[env.CARGO_INCREMENTAL]\nvalue = \"1\"\n\nforce = true\n[term]\n",
    "# sccfg:was [env.CARGO_INCREMENTAL]\n# sccfg:was value = \"1\"\n# sccfg:was\n# sccfg:was force = true\n[term]\n"
)]
#[case::lines_in_braces(
    "build = { rustflags = [\n  \"-a\",\n], incremental = true } # b\nx = 1\n",
    "# sccfg:was+3 build = { rustflags = [\n# sccfg:was+3   \"-a\",\n# sccfg:was+3 ], incremental = true } # b\nbuild = { rustflags = [\n  \"-a\",\n] } # b # sccfg:now\nx = 1\n"
)]
#[case::nested_braces(
    "profile = { dev = { incremental = true, debug = 1 }, test = { incremental = true } }\n",
    "# sccfg:was+1 profile = { dev = { incremental = true, debug = 1 }, test = { incremental = true } }\nprofile = { dev = { debug = 1 }, test = {  } } # sccfg:now\n"
)]
#[case::mark(
    "\u{feff}build.incremental = true\n",
    "\u{feff}# sccfg:was build.incremental = true\n"
)]
fn fix_comments_out_and_restore_brings_back(#[case] before: &str, #[case] after: &str) {
    assert_eq!(fixed(before), after);
    assert_eq!(restore(after), before);
    assert_eq!(fixed(after), after);
    assert!(is_fixed(after) && !is_fixed(before));
    assert_eq!(all(after, Incremental::Off), []);
}

#[test]
fn a_line_that_the_user_changed_stays() {
    let text = "# sccfg:was+1 build = { incremental = true, jobs = 4 }\n[term]\n";
    assert_eq!(restore(text), text);
}

/// Pieces of a cargo config in every form, to be put together at random.
fn config() -> impl Strategy<Value = String> {
    let build = prop::sample::subsequence(
        vec![
            "incremental = true",
            "rustc-wrapper = \"sccache\"",
            "rustc-workspace-wrapper = 'sccache'",
            "jobs = 4",
            "rustflags = [\n  \"-a\", # a\n  \"-b\",\n]",
        ],
        0..=5,
    );
    let env = prop::sample::subsequence(
        vec![
            "CARGO_INCREMENTAL = \"1\"",
            "RUSTC_WRAPPER = { value = \"x\", force = true }",
            "SCCACHE_DIR.value = \"/x\"",
            "SCCACHE_CACHE_SIZE = '''5\n# not a comment\nG'''",
            "FOO = \"x\"",
        ],
        0..=5,
    );
    let profile = prop::sample::subsequence(vec!["incremental = true", "debug = 1"], 0..=2);
    let form = prop::sample::select(vec!["header", "dotted", "braces"]);
    let tables = (
        (build, form.clone()),
        (env, form.clone()),
        (profile, form),
        prop::bool::ANY,
        prop::bool::ANY,
        prop::bool::ANY,
    );
    tables.prop_map(|(build, env, profile, crlf, open, mark)| {
        let mut top = String::from("# a config\n\n");
        let mut rest = String::new();
        for (name, (lines, form)) in [("build", build), ("env", env), ("profile.dev", profile)] {
            match form {
                "header" => {
                    rest.push_str(&format!("\n[{name}] # {name}\n"));
                    for line in lines {
                        rest.push_str(&format!("  {line} # c\n"));
                    }
                }
                "dotted" => lines
                    .iter()
                    .for_each(|line| top.push_str(&format!("{name}.{line}\n"))),
                _ => top.push_str(&format!("{name} = {{ {} }} # b\n", lines.join(" , "))),
            }
        }
        let mut text = top + &rest;
        if open {
            text.pop();
        }
        if crlf {
            text = text.replace('\n', "\r\n");
        }
        if mark {
            format!("\u{feff}{text}")
        } else {
            text
        }
    })
}

proptest! {
    #[test]
    fn restore_undoes_fix(text in config()) {
        let path = Path::new(PATH);
        let fixed = fix(&text, path, Incremental::Off, &|_| true).unwrap();
        prop_assert_eq!(restore(&fixed), text.as_str());
        let left = contradictions(&fixed, path, Incremental::Off).unwrap();
        prop_assert!(left.iter().all(|found| !found.fixable), "{:?} in {}", left, fixed);
        prop_assert_eq!(restore(&text), text);
    }
}
