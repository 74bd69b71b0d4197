//! `sccfg wrapper`, and the switches.

use std::process::Output;

use serde_json::Value;

use super::project::{Checkout, Project};

const PLACED: &str =
    "pub fn place() -> &'static str { std::convert::identity(env!(\"CARGO_MANIFEST_DIR\")) }\n";

fn project() -> Project {
    Project::new()
        .package("low", "", &[("src/lib.rs", "pub fn f() -> u32 { 1 }\n")])
        .package("placed", "", &[("src/lib.rs", PLACED)])
        .package(
            "app",
            "[dependencies]\nlow = { path = \"../low\" }\n",
            &[("src/main.rs", "fn main() { println!(\"{}\", low::f()); }\n")],
        )
        .committed()
}

pub(super) fn sccfg(checkout: &Checkout<'_>, args: &[&str]) -> Output {
    let mut command = checkout.command(env!("CARGO_BIN_EXE_sccfg"));
    command.current_dir(&checkout.directory).args(args);
    command.output().unwrap()
}

#[track_caller]
pub(super) fn said(checkout: &Checkout<'_>, args: &[&str]) -> String {
    let output = sccfg(checkout, args);
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).unwrap()
}

#[requires(sccache)]
#[test]
fn explain_says_what_is_shared_and_why_not() {
    let project = project();
    let (main, second) = (project.main(), project.linked("second"));
    for checkout in [&main, &second] {
        checkout.cargo(&["build"]).ok();
    }
    let text = said(&second, &["wrapper", "explain", "low"]);
    assert!(text.contains("low (lib), from the cache"), "{text}");
    assert!(
        text.contains("shared between all checkouts with the same sources"),
        "{text}"
    );
    assert!(text.contains("file crates/low/src/lib.rs: "), "{text}");
    let text = said(&second, &["wrapper", "explain", "placed"]);
    assert!(text.contains("placed (lib), compiled"), "{text}");
    assert!(
        text.contains("shared only between checkouts at the same path: "),
        "{text}"
    );
    assert!(text.contains("hint: "), "{text}");

    let json = said(&second, &["wrapper", "explain", "app", "--json"]);
    assert!(!json.contains("\"outputs"), "{json}");
    let json: Value = serde_json::from_str(&json).unwrap();
    let unit = &json["units"][0];
    assert_eq!(unit["name"], "app");
    assert_eq!(unit["is_portable"], true);
    assert_eq!(unit["hit"], true);
}

#[requires(sccache)]
#[test]
fn explain_shows_build_scripts_by_package_and_paths_without_placeholders() {
    let script = "fn main() {\n    println!(\"cargo::rerun-if-changed=build.rs\");\n    \
         let out = std::env::var(\"OUT_DIR\").unwrap();\n    \
         std::fs::write(format!(\"{out}/one.rs\"), \"pub const ONE: u32 = 1;\").unwrap();\n}\n";
    let library = "include!(concat!(env!(\"OUT_DIR\"), \"/one.rs\"));\n";
    let project = Project::new()
        .package("made", "", &[("src/lib.rs", library), ("build.rs", script)])
        .committed();
    let main = project.main();
    main.cargo(&["build"]).ok();
    let text = said(&main, &["explain", "made"]);
    for name in [
        "made (lib), compiled",
        "made: build script, compiled",
        "made: run of the build script, executed",
    ] {
        assert!(text.lines().any(|line| line == name), "{text}");
    }
    assert!(
        text.contains("/out/one.rs in the target directory: "),
        "{text}"
    );
    for internal in ["/sccfg-", "Some(", "None", "mode 0"] {
        assert!(!text.contains(internal), "{text}");
    }
    main.clean();
    main.cargo(&["build"]).ok();
    let again = said(&main, &["explain", "made"]);
    let mut runs = again.split("made: run of the build script, from the cache\n");
    let run = runs.nth(1).expect(&again);
    let took = run.lines().next().unwrap();
    assert!(took.ends_with(" to run"), "{again}");
    let output = sccfg(&main, &["explain", "mdae"]);
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert!(stderr.contains("hint: did you mean `made`?"), "{stderr}");
}

#[requires(sccache)]
#[test]
fn explain_compares_two_checkouts() {
    let project = project();
    let (main, second) = (project.main(), project.linked("second"));
    second.write("crates/low/src/lib.rs", "pub fn f() -> u32 { 2 }\n");
    for checkout in [&main, &second] {
        checkout.cargo(&["build"]).ok();
    }
    let against = |name| {
        said(
            &second,
            &["wrapper", "explain", name, "--against", main.text()],
        )
    };
    let low = against("low");
    let different: Vec<_> = low
        .lines()
        .filter(|line| line.contains(" here, "))
        .collect();
    assert_eq!(different.len(), 1, "{low}");
    assert!(
        different[0].contains("file crates/low/src/lib.rs: "),
        "{low}"
    );
    assert!(
        against("app").contains("--extern low: "),
        "{}",
        against("app")
    );
    let placed = against("placed");
    assert!(
        placed.contains("only the path of the checkout differs"),
        "{placed}"
    );
}

#[requires(sccache)]
#[test]
fn explain_knows_what_is_not_cached() {
    let project = project();
    let main = project.main().without("CARGO_INCREMENTAL");
    main.cargo(&["build"]).ok();
    let text = said(&main, &["wrapper", "explain", "low"]);
    let why = "it is compiled incrementally";
    assert!(text.contains(&format!("  why: {why}\n")), "{text}");
    assert_eq!(text.matches(why).count(), 1, "{text}");
    assert!(text.contains("hint: set CARGO_INCREMENTAL=0"), "{text}");
    let output = sccfg(&main, &["wrapper", "explain", "nobody"]);
    assert_eq!(output.status.code(), Some(1));
    let error = String::from_utf8(output.stderr).unwrap();
    assert!(error.contains("no unit of the crate nobody"), "{error}");
    assert!(error.contains("hint: "), "{error}");
}

#[requires(sccache)]
#[test]
fn what_is_linked_can_be_left_out() {
    let project = project();
    let (name, off) = ("SCCFG_WRAPPER_LINKS", "off");
    project.main().with(name, off).cargo(&["build"]).ok();
    let second = project.linked("second").with(name, off);
    second
        .cargo(&["build"])
        .ok()
        .compiled(&["app bin", "placed lib"]);
    let text = said(&second, &["wrapper", "explain", "app"]);
    assert!(
        text.contains("caching of linked outputs is switched off"),
        "{text}"
    );
}

#[requires(sccache)]
#[test]
fn it_is_installed_and_removed() {
    let project = project().without_store();
    let main = project.main();
    main.cargo(&["build"]).ok();
    let path = said(&main, &["wrapper", "path"]);
    let wrapper = std::path::Path::new(path.trim_end());
    assert_eq!(
        wrapper.canonicalize().unwrap(),
        project.wrapper().canonicalize().unwrap()
    );
    let status = said(&main, &["wrapper", "status", "--json"]);
    let status: Value = serde_json::from_str(&status).unwrap();
    assert_eq!(status["installed"], true);
    assert_eq!(status["sccache"], project.sccache().to_str().unwrap());
    // cargo has other settings for it.
    let by_other = main.without("RUSTC_WRAPPER");
    let active = |checkout: &Checkout<'_>| {
        let text = said(checkout, &["wrapper", "status"]);
        text.lines().last().unwrap().to_owned()
    };
    assert_eq!(active(&by_other), "active   no: RUSTC_WRAPPER is not set");
    let name = "CARGO_BUILD_RUSTC_WRAPPER";
    assert_eq!(
        active(&by_other.with(name, wrapper.to_str().unwrap())),
        format!("active   yes: {name} is the wrapper")
    );
    main.write(
        ".cargo/config.toml",
        "[build]\nrustc-wrapper = \"bin/other\"\n",
    );
    let other = main.path("bin/other");
    assert_eq!(
        active(&by_other),
        format!(
            "active   no: build.rustc-wrapper of cargo is {}",
            other.display()
        )
    );
    main.remove(".cargo/config.toml");
    let memory = status["state"].as_str().unwrap().to_owned();
    assert!(std::path::Path::new(&memory).is_dir());

    // The directory may be one in which others write.
    let of_others = [
        "notes",
        "scripts/mine",
        "sources/ab/mine",
        "shims/mine",
        "store/tmp/mine",
    ];
    let of_others = of_others.map(|path| std::path::Path::new(&memory).join(path));
    for path in &of_others {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, "").unwrap();
    }
    let said_of_all = said(&main, &["wrapper", "clean"]);
    for part in [
        &format!("removed what sccfg saved in {memory}; other files in it were left"),
        &format!("removed {}", wrapper.display()),
        "sccfg wrapper install",
    ] {
        assert!(said_of_all.contains(part), "{said_of_all}");
    }
    let said_again = said(&main, &["wrapper", "clean"]);
    assert_eq!(
        said_again,
        format!("{memory} has nothing of sccfg, and was left as it is\n")
    );
    assert!(!wrapper.exists());
    assert!(!wrapper.with_file_name("c").exists());
    assert_eq!(std::fs::read_dir(&memory).unwrap().count(), 5);
    for path in &of_others {
        std::fs::remove_file(path).unwrap();
        let _ = std::fs::remove_dir(path.parent().unwrap());
    }
    for left in ["sources", "store"] {
        std::fs::remove_dir(std::path::Path::new(&memory).join(left)).unwrap();
    }
    said(&main, &["wrapper", "clean"]);
    let said_again = said(&main, &["wrapper", "clean"]);
    assert_eq!(said_again, "nothing to do\n");
    assert!(!std::path::Path::new(&memory).exists());
    // sccache's cache stays, and the keys are found again.
    said(&main, &["wrapper", "install"]);
    assert!(wrapper.with_file_name("c").join("sccache").exists());
    let second = project.linked("second");
    second
        .cargo(&["build"])
        .ok()
        .compiled_at_most(&["placed lib"]);
}
