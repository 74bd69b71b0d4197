//! Crates of a registry, which nobody edits: a real registry of cargo's, in a directory.

use std::fs;
use std::path::{Path, PathBuf};

use indoc::indoc;
use rstest::rstest;

use super::command::said;
use super::environment::PROC_MACRO;
use super::file_stamps::script;
use super::out_dir::says_the_same_uncached;
use super::project::{Checkout, Project, Store, copy, succeeds};
use super::seed::seed;

/// Makes a local registry of packages below `registry-sources`, and points cargo at it. A package stands behind those
/// that it depends on.
pub(super) fn publish(project: &Project, names: &[&str]) {
    let sandbox = &project.sandbox;
    let registry = sandbox.path("registry");
    let source = format!(
        "source.local.local-registry={:?}",
        registry.to_str().unwrap()
    );
    let local = ["source.crates-io.replace-with=\"local\"", &source];
    fs::create_dir_all(registry.join("index")).unwrap();
    for name in names {
        let source = sandbox.path(&format!("registry-sources/{name}"));
        let mut cargo = sandbox.command("cargo");
        cargo
            .current_dir(&source)
            .args(local.iter().flat_map(|setting| ["--config", setting]))
            .args([
                "package",
                "--offline",
                "--no-verify",
                "--allow-dirty",
                "--quiet",
            ])
            .env("CARGO_TARGET_DIR", sandbox.path("packaged"))
            .env("CARGO_HOME", sandbox.path("packaging-home"));
        succeeds(&mut cargo);
        let file = format!("{name}-0.1.0.crate");
        fs::copy(
            sandbox.path(&format!("packaged/package/{file}")),
            registry.join(&file),
        )
        .unwrap();
        let mut sum = sandbox.command("sha256sum");
        let said = succeeds(sum.arg(registry.join(&file))).stdout;
        let sum = String::from_utf8(said).unwrap();
        let sum = sum.split_whitespace().next().unwrap();
        let manifest = fs::read_to_string(source.join("Cargo.toml")).unwrap();
        let mut kind = "normal";
        let below = manifest.lines().filter_map(|line| {
            if line.starts_with('[') {
                kind = if line == "[build-dependencies]" { "build" } else { "normal" };
            }
            let name = line.strip_suffix(" = \"0.1\"")?;
            Some(format!("{{\"name\":\"{name}\",\"req\":\"^0.1\",\"features\":[],\"optional\":false,\"default_features\":true,\"target\":null,\"kind\":\"{kind}\"}}"))
        });
        let below: Vec<_> = below.collect();
        let below = below.join(",");
        let line = format!(
            "{{\"name\":\"{name}\",\"vers\":\"0.1.0\",\"deps\":[{below}],\"cksum\":\"{sum}\",\"features\":{{}},\"yanked\":false}}\n"
        );
        let (a, b) = (&name[..2], &name[2..4]);
        sandbox.write(&format!("registry/index/{a}/{b}/{name}"), &line);
    }
    let config = format!(
        "[source.crates-io]\nreplace-with = \"local\"\n[source.local]\nlocal-registry = '{}'\n",
        registry.display()
    );
    sandbox.write("main/.cargo/config.toml", &config);
}

pub(super) fn package(project: &Project, name: &str, manifest: &str, files: &[(&str, &str)]) {
    let sandbox = &project.sandbox;
    let directory = format!("registry-sources/{name}");
    let head = super::project::package(name, "license = \"MIT\"\ndescription = \"d\"\n");
    sandbox.write(
        &format!("{directory}/Cargo.toml"),
        &format!("{head}{manifest}[workspace]\n"),
    );
    for (path, text) in files {
        sandbox.write(&format!("{directory}/{path}"), text);
    }
}

/// A checkout with a `CARGO_HOME` of its own.
pub(super) fn with_home<'a>(
    project: &Project,
    checkout: &Checkout<'a>,
    home: &str,
) -> Checkout<'a> {
    let home = project.sandbox.path(home);
    fs::create_dir_all(&home).unwrap();
    checkout.with("CARGO_HOME", home.to_str().unwrap())
}

/// The directory in which cargo has unpacked the packages of a registry, with this `CARGO_HOME`.
pub(super) fn unpacked(home: &Path) -> PathBuf {
    let mut registries = fs::read_dir(home.join("registry/src")).unwrap();
    registries.next().unwrap().unwrap().path()
}

/// A program above `lowcrate`, which has this library and this build script.
pub(super) fn above(lib: &str, script: &str, main: &str) -> Project {
    above_in(Project::new(), lib, script, main)
}

/// The same in `project`.
fn above_in(project: Project, lib: &str, script: &str, main: &str) -> Project {
    package(
        &project,
        "lowcrate",
        "",
        &[("src/lib.rs", lib), ("build.rs", script)],
    );
    publish(&project, &["lowcrate"]);
    app_above(project, main)
}

/// A program above `lowcrate`, which is published.
fn app_above(project: Project, main: &str) -> Project {
    let uses = "[dependencies]\nlowcrate = \"0.1\"\n";
    let project = project.package("app", uses, &[("src/main.rs", main)]);
    lock(&project);
    project.committed()
}

/// Writes the `Cargo.lock` of a project that uses packages of a registry.
pub(super) fn lock(project: &Project) {
    let main = with_home(project, &project.main(), "cargo-home");
    succeeds(main.command("cargo").arg("generate-lockfile"));
}

pub(super) const PRINTS: &str = "fn main() { println!(\"{}\", lowcrate::text()); }\n";
/// Also into a build directory of cmake.
const SCRIPT: &str = "fn main() { println!(\"cargo::rerun-if-env-changed=LOW_TEXT\"); let text = std::env::var(\"LOW_TEXT\").unwrap_or_default(); let out = std::env::var(\"OUT_DIR\").unwrap(); std::fs::create_dir_all(format!(\"{out}/made\")).unwrap(); for name in [\"x.o\", \"x.txt\", \"x.d\", \"x.a\", \"made/CMakeCache.txt\", \"made/x.txt\"] { std::fs::write(format!(\"{out}/{name}\"), format!(\"{name} {text}\")).unwrap(); } }\n";

/// The same, with the text in one of these files only.
fn writing_only(name: &str) -> String {
    SCRIPT.replace(
        "format!(\"{name} {text}\")",
        &format!(
            "if name == {name:?} {{ format!(\"{{name}} {{text}}\") }} else {{ String::new() }}"
        ),
    )
}

#[requires(sccache)]
#[test]
fn whatever_its_script_generated_counts() {
    for name in ["x.o", "x.txt", "x.d", "x.a", "made/x.txt"] {
        for (lib, kind) in [
            (
                format!(
                    "pub fn text() -> &'static str {{ include_str!(concat!(env!(\"OUT_DIR\"), \"/{name}\")) }}\n"
                ),
                "included",
            ),
            (
                format!(
                    "pub fn text() -> String {{ std::fs::read_to_string(concat!(env!(\"OUT_DIR\"), \"/{name}\")).unwrap() }}\n"
                ),
                "opened",
            ),
        ] {
            let project = above(&lib, &writing_only(name), PRINTS);
            let main = with_home(&project, &project.main(), "cargo-home").with("LOW_TEXT", "one");
            main.cargo(&["build"]).ok();
            assert_eq!(main.says("app"), format!("{name} one\n"), "{kind}");
            let second = with_home(&project, &project.linked("second"), "cargo-home")
                .with("LOW_TEXT", "two");
            second.cargo(&["build"]).ok();
            assert_eq!(second.says("app"), format!("{name} two\n"), "{kind}");
        }
    }
}

/// A build script reads what that of another package made.
#[requires(sccache)]
#[test]
fn whatever_the_script_of_a_dependency_generated_counts() {
    const NAMES: [&str; 4] = ["x.o", "x.txt", "x.a", "made/x.txt"];
    let reads = format!(
        "fn main() {{ println!(\"cargo::rerun-if-changed=build.rs\"); let root = std::env::var(\"DEP_LOW_ROOT\").unwrap(); for name in {NAMES:?} {{ let text = std::fs::read_to_string(format!(\"{{root}}/{{name}}\")).unwrap(); println!(\"cargo::rustc-env=TEXT_{{}}={{text}}\", name.replace(['.', '/'], \"_\")); }} }}\n"
    );
    let texts = NAMES.map(|name| format!("env!(\"TEXT_{}\")", name.replace(['.', '/'], "_")));
    let lib = format!(
        "pub fn text() -> String {{ [{}].join(\", \") }}\n",
        texts.join(", ")
    );
    let mut wrong = Vec::new();
    for name in NAMES {
        let project = Project::new();
        let file = project.sandbox.path("text");
        let writes = writing_only(name)
            .replacen(
                "fn main() {",
                "fn main() { println!(\"cargo::metadata=root={}\", std::env::var(\"OUT_DIR\").unwrap());",
                1,
            )
            .replace(
                "let text = std::env::var(\"LOW_TEXT\")",
                &format!("let text = std::fs::read_to_string({file:?})"),
            );
        package(
            &project,
            "lowcrate",
            "links = \"low\"\n",
            &[("src/lib.rs", ""), ("build.rs", &writes)],
        );
        publish(&project, &["lowcrate"]);
        let config = project.sandbox.path("main/.cargo/config.toml");
        let to = project.sandbox.path("registry-sources/.cargo/config.toml");
        copy(&config, &to);
        package(
            &project,
            "highcrate",
            "[dependencies]\nlowcrate = \"0.1\"\n",
            &[("src/lib.rs", &lib), ("build.rs", &reads)],
        );
        publish(&project, &["highcrate"]);
        let project = project.package(
            "app",
            "[dependencies]\nhighcrate = \"0.1\"\n",
            &[(
                "src/main.rs",
                "fn main() { println!(\"{}\", highcrate::text()); }\n",
            )],
        );
        let main = with_home(&project, &project.main(), "cargo-home");
        succeeds(main.command("cargo").arg("generate-lockfile"));
        for value in ["one", "two"] {
            fs::write(&file, value).unwrap();
            main.cargo(&["build"]).ok();
            let said = main.says("app");
            if said.trim().trim_matches([',', ' ']) != format!("{name} {value}") {
                wrong.push(format!("{name}: {said} instead of {value}"));
            }
            main.clean();
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// Code that no source of the package's library has.
#[requires(sccache)]
#[test]
fn a_variable_that_included_code_reads_counts() {
    const READS: &str =
        "pub fn text() -> &'static str { option_env!(\"LOW_VALUE\").unwrap_or(\"none\") }\n";
    let mut wrong = Vec::new();
    for (lib, script) in [
        (
            "include!(concat!(env!(\"OUT_DIR\"), \"/made.rs\"));\n",
            format!(
                "fn main() {{ println!(\"cargo::rerun-if-changed=build.rs\"); std::fs::write(std::env::var(\"OUT_DIR\").unwrap() + \"/made.rs\", {READS:?}).unwrap(); }}\n"
            ),
        ),
        ("include!(\"text.in\");\n", "fn main() {}\n".to_owned()),
    ] {
        let project = Project::new();
        let text = "registry-sources/lowcrate/src/text.in";
        project.sandbox.write(text, READS);
        let project = above_in(project, lib, &script, PRINTS);
        for (checkout, value) in [(project.main(), "one"), (project.linked("second"), "two")] {
            let checkout = with_home(&project, &checkout, "cargo-home").with("LOW_VALUE", value);
            checkout.cargo(&["build"]).ok();
            let said = checkout.says("app");
            if said.trim() != value {
                wrong.push(format!("{said} instead of {value}: {lib}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// The macro of one package reads a variable where it is used, in another package.
#[requires(sccache)]
#[test]
fn a_variable_that_a_macro_of_another_package_reads_counts() {
    let project = Project::new();
    let low = "#[macro_export] macro_rules! value { ($name:literal) => { option_env!($name).unwrap_or(\"none\") } }\n";
    package(&project, "lowcrate", "", &[("src/lib.rs", low)]);
    let high = "pub fn text() -> &'static str { lowcrate::value!(\"LOW_VALUE\") }\n";
    let uses = "[dependencies]\nlowcrate = \"0.1\"\n";
    publish(&project, &["lowcrate"]);
    package(&project, "highcrate", uses, &[("src/lib.rs", high)]);
    let sandbox = &project.sandbox;
    let config = sandbox.path("main/.cargo/config.toml");
    copy(
        &config,
        &sandbox.path("registry-sources/.cargo/config.toml"),
    );
    publish(&project, &["highcrate"]);
    let line = fs::read_to_string(sandbox.path("registry/index/hi/gh/highcrate")).unwrap();
    let dependency = "\"deps\":[{\"name\":\"lowcrate\",\"req\":\"^0.1\",\"features\":[],\"optional\":false,\"default_features\":true,\"target\":null,\"kind\":\"normal\"}]";
    let line = line.replace("\"deps\":[]", dependency);
    sandbox.write("registry/index/hi/gh/highcrate", &line);
    let main = "fn main() { println!(\"{}\", highcrate::text()); }\n";
    let project = project.package(
        "app",
        "[dependencies]\nhighcrate = \"0.1\"\n",
        &[("src/main.rs", main)],
    );
    lock(&project);
    let project = project.committed();
    let checkouts = [
        (project.main(), "one"),
        (project.linked("second"), "two"),
        (project.linked("third"), "one"),
    ];
    for (checkout, value) in checkouts {
        let checkout = with_home(&project, &checkout, "cargo-home").with("LOW_VALUE", value);
        let built = checkout.cargo(&["build"]).ok();
        assert_eq!(checkout.says("app"), format!("{value}\n"));
        match value {
            "two" => drop(built.compiled(&["app bin", "highcrate lib"])),
            _ if checkout.text().ends_with("third") => drop(built.all_hit()),
            _ => {}
        }
    }
}

/// rustc writes the metadata of a library before it generates code, and cargo starts what depends on it.
#[requires(sccache)]
#[test]
fn what_depends_on_it_starts_before_its_code_is_generated_although_it_has_a_script() {
    let project = Project::new().with_store();
    let files = [
        ("src/lib.rs", "pub fn text() -> u8 { 7 }\n"),
        ("build.rs", "fn main() {}\n"),
    ];
    package(&project, "lowcrate", "", &files);
    publish(&project, &["lowcrate"]);
    let files = [("src/lib.rs", "pub fn text() -> u8 { lowcrate::text() }\n")];
    let project = project.package("app", "[dependencies]\nlowcrate = \"0.1\"\n", &files);
    let main = with_home(&project, &project.main(), "cargo-home");
    succeeds(main.command("cargo").arg("generate-lockfile"));
    let project = project.committed();
    // A process that goes on until the dependent is compiled.
    let main = with_home(&project, &project.main(), "cargo-home");
    let (main, scripts) = main.with_compiler_script(indoc! {r#"
        case "$*" in
          *"--crate-name lowcrate "*)
            "$real" "$@" || exit
            for _ in $(seq 300); do
              [ -e "$dir/started" ] && exit
              sleep 0.1
            done
            : > "$dir/late"
            exit ;;
          *"--crate-name app "*) : > "$dir/started" ;;
        esac
        exec "$real" "$@"
    "#});
    main.cargo(&["build", "-j2"]).ok();
    assert!(scripts.join("started").exists() && !scripts.join("late").exists());
}

/// The file of such a location is replaced, or the library is compiled again without that: its metadata is not final.
#[requires(sccache)]
#[test]
fn what_depends_on_generated_code_is_compiled_with_the_metadata_that_is_delivered() {
    let script = "fn main() { std::fs::write(std::env::var(\"OUT_DIR\").unwrap() + \"/made.rs\", \"#[inline(never)] pub fn text() -> String { place() } #[track_caller] fn place() -> String { std::panic::Location::caller().file().to_owned() }\").unwrap(); }\n";
    let lib = "include!(concat!(env!(\"OUT_DIR\"), \"/made.rs\"));\n";
    let files = [("src/lib.rs", lib), ("build.rs", script)];
    let project = Project::new().with_store();
    package(&project, "lowcrate", "", &files);
    publish(&project, &["lowcrate"]);
    let files = [
        (
            "src/lib.rs",
            "pub fn text() -> String { lowcrate::text() }\n",
        ),
        (
            "src/main.rs",
            "fn main() { println!(\"{}\", app::text()); }\n",
        ),
    ];
    let project = project.package("app", "[dependencies]\nlowcrate = \"0.1\"\n", &files);
    let main = with_home(&project, &project.main(), "cargo-home");
    succeeds(main.command("cargo").arg("generate-lockfile"));
    let project = project.committed();
    for checkout in [project.main(), project.linked("second/below")] {
        let checkout = with_home(&project, &checkout, "cargo-home");
        checkout.cargo(&["build", "-j2"]).ok();
        let said = checkout.says("app");
        assert!(said.starts_with(checkout.text()), "{said}");
        assert!(said.ends_with("/out/made.rs\n"), "{said}");
    }
}

/// rustc shows the lines that an error speaks of, whoever compiled the crate that they are in.
#[requires(sccache)]
#[test]
fn an_error_shows_its_sources() {
    let lib =
        "pub trait Low {}\npub fn needs<T: Low>(_: T) {}\npub fn text() -> &'static str { \"\" }\n";
    let project = above(lib, "fn main() {}\n", PRINTS);
    let main = with_home(&project, &project.main(), "cargo-home");
    main.edit(
        "crates/app/src/main.rs",
        "lowcrate::text()",
        "lowcrate::needs(1)",
    );
    main.cargo(&["fetch"]).ok();
    let errors = |built: super::project::Built| -> Vec<String> {
        let text = built.fails().ran.stderr;
        let lines = text.lines().skip_while(|line| !line.starts_with("error"));
        lines.map(str::to_owned).collect()
    };
    let wanted = errors(main.uncached(&["build"]));
    assert!(
        wanted
            .iter()
            .any(|line| line.contains("pub fn needs<T: Low>")),
        "{wanted:#?}"
    );
    for (nth, (home, name, value)) in [
        ("exact", "X", ""),
        ("shared", "X", ""),
        ("shared", "CARGO_INCREMENTAL", "1"),
        ("shared", "SCCFG_WRAPPER_LINKS", "off"),
    ]
    .into_iter()
    .enumerate()
    {
        let checkout = project.linked(&format!("linked-{nth}"));
        let checkout =
            with_home(&project, &checkout, "cargo-home").with("SCCFG_WRAPPER_HOME", home);
        checkout.edit(
            "crates/app/src/main.rs",
            "lowcrate::text()",
            "lowcrate::needs(1)",
        );
        let said = errors(checkout.with(name, value).cargo(&["build"]));
        assert_eq!(said, wanted, "{home} {name}");
    }
}

/// Longer than the placeholder that is used if the length does not matter.
#[requires(sccache)]
#[test]
fn users_with_a_long_path_share_if_theirs_are_equally_long() {
    let panics = "#[track_caller] fn at() -> String { std::panic::Location::caller().file().to_owned() }\npub fn text() -> String { at() }\n";
    let project = above(panics, "fn main() {}\n", PRINTS).with_store();
    for (user, is_hit) in [("one", false), ("two", true), ("longer", false)] {
        let home = format!("a-long-path-{}/of-the-user-{user}", "x".repeat(50));
        let checkout = with_home(&project, &project.linked(user), &home);
        let checkout = checkout.with("SCCFG_WRAPPER_HOME", "shared");
        let built = checkout.cargo(&["build"]).ok();
        if is_hit {
            built.all_hit();
        }
        let said = checkout.says("app");
        assert!(said.contains(&home), "{said}");
    }
}

/// What is linked without the cache is above libraries that are in it.
#[requires(sccache)]
#[test]
fn programs_that_are_not_cached_name_its_sources() {
    let panics = "#[track_caller] fn at() -> String { std::panic::Location::caller().file().to_owned() }\npub fn text() -> String { at() }\n";
    let project = above(panics, "fn main() {}\n", PRINTS);
    let main = with_home(&project, &project.main(), "cargo-home");
    main.uncached(&["build"]).ok();
    let wanted = main.says("app");
    assert!(wanted.contains("cargo-home"), "{wanted}");
    for (nth, (home, name, value)) in [
        ("exact", "CARGO_INCREMENTAL", "1"),
        ("exact", "SCCFG_WRAPPER_LINKS", "off"),
        ("shared", "CARGO_INCREMENTAL", "1"),
        ("shared", "SCCFG_WRAPPER_LINKS", "off"),
        ("shared", "CARGO_PROFILE_DEV_SPLIT_DEBUGINFO", "packed"),
    ]
    .into_iter()
    .enumerate()
    {
        let other = project.linked(&format!("other-{nth}"));
        let other = with_home(&project, &other, "cargo-home").with("SCCFG_WRAPPER_HOME", home);
        other.with(name, value).cargo(&["build"]).ok();
        assert_eq!(
            without_fill(&other.says("app")),
            wanted,
            "{home} {name}={value}"
        );
    }
    // One build without the wrapper, among others with it.
    let last = with_home(&project, &project.linked("last"), "cargo-home");
    let last = last.with("SCCFG_WRAPPER_HOME", "shared");
    last.cargo(&["build"]).ok();
    last.edit("crates/app/src/main.rs", "fn main", "pub fn main");
    last.with("SCCFG_WRAPPER", "off").cargo(&["build"]).ok();
    assert_eq!(without_fill(&last.says("app")), wanted, "switched off");
}

/// A path without the slashes that fill it.
fn without_fill(text: &str) -> String {
    let mut short = text.to_owned();
    while short.contains("//") {
        short = short.replace("//", "/");
    }
    short
}

#[requires(sccache)]
#[test]
fn variables_that_its_source_asks_for_count() {
    let mut wrong = Vec::new();
    for expression in [
        "option_env!(\"LOW_TEXT\").unwrap_or(\"unset\")",
        "core::option_env!(\"LOW_TEXT\").unwrap_or(\"unset\")",
        "{ macro_rules! from { ($m:ident) => { $m!(\"LOW_TEXT\") } } from!(option_env).unwrap_or(\"unset\") }",
        "{ use std::option_env as other; other!(\"LOW_TEXT\").unwrap_or(\"unset\") }",
        "option_env! /* a comment */ (\"LOW_TEXT\").unwrap_or(\"unset\")",
        "option_env!(r\"LOW_TEXT\").unwrap_or(\"unset\")",
        "option_env!(concat!(\"LOW_\", \"TEXT\")).unwrap_or(\"unset\")",
        "option_env!(\"LOW\\u{5f}TEXT\").unwrap_or(\"unset\")",
    ] {
        let lib = format!("pub fn text() -> &'static str {{ {expression} }}\n");
        let project = above(&lib, "fn main() {}\n", PRINTS);
        let main = with_home(&project, &project.main(), "cargo-home").with("LOW_TEXT", "one");
        main.cargo(&["build"]).ok();
        assert_eq!(main.says("app"), "one\n", "{expression}");
        let second =
            with_home(&project, &project.linked("second"), "cargo-home").with("LOW_TEXT", "two");
        second.cargo(&["build"]).ok();
        if second.says("app") != "two\n" {
            wrong.push(expression);
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// A registry crate's source may lie anywhere: another user's home.
#[rstest]
#[requires(sccache)]
fn another_cargo_home_is_right_and_shared(#[values(Store::On, Store::Off)] store: Store) {
    let lib = "pub fn text() -> String { format!(\"{} {} {}\", file!(), place(), env!(\"CARGO_PKG_VERSION\")) }\n#[track_caller] fn caller() -> &'static std::panic::Location<'static> { std::panic::Location::caller() }\nfn place() -> &'static std::panic::Location<'static> { caller() }\n";
    let project = above_in(Project::new().with(store), lib, "fn main() {}\n", PRINTS);
    let main = with_home(&project, &project.main(), "cargo-home");
    main.cargo(&["build"]).ok();
    let same = with_home(&project, &project.linked("same"), "cargo-home");
    same.cargo(&["build"]).ok().all_hit();
    let second = with_home(&project, &project.linked("second"), "of/somebody/else/home");
    second.cargo(&["build"]).ok();
    let cached = second.says("app");
    second.clean();
    second.uncached(&["build"]).ok();
    assert_eq!(cached, second.says("app"));
}

/// A directory can be written over one that is as long, whatever the program says of it.
#[rstest]
#[requires(sccache)]
fn a_home_whose_path_is_as_long_shares_all(#[values(Store::On, Store::Off)] store: Store) {
    let lib = "pub fn text() -> String { format!(\"{} {}\", std::panic::Location::caller(), env!(\"CARGO_MANIFEST_DIR\")) }\n";
    for profile in ["dev", "release"] {
        let project = above_in(Project::new().with(store), lib, "fn main() {}\n", PRINTS);
        let args = ["build", "--profile", profile];
        let main = with_home(&project, &project.main(), "cargo-home");
        main.cargo(&args).ok();
        let second = with_home(&project, &project.linked("second"), "other-home");
        let built = second.cargo(&args).ok();
        // What speaks of its place does so here, too; its own test is another one.
        built.compiled_at_most(&["lowcrate lib", "app bin"]);
        let program = second.path(&format!(
            "target/{}/app",
            if profile == "dev" { "debug" } else { profile }
        ));
        let cached = second.says_of(&program, &[]);
        assert!(
            cached.contains("other-home") && !cached.contains("cargo-home"),
            "{cached}"
        );
        second.clean();
        second.uncached(&args).ok();
        assert_eq!(cached, second.says_of(&program, &[]));
    }
    let lib = "#[track_caller] fn at() -> String { std::panic::Location::caller().to_string() }\npub fn text() -> String { at() }\n";
    let project = above_in(Project::new().with(store), lib, "fn main() {}\n", PRINTS);
    with_home(&project, &project.main(), "cargo-home")
        .cargo(&["build"])
        .ok();
    let second = with_home(&project, &project.linked("second"), "other-home");
    second.cargo(&["build"]).ok().all_hit();
    let cached = second.says("app");
    assert!(cached.contains("other-home"), "{cached}");
    // What is compiled above it there is of use here again.
    second.edit("crates/app/src/main.rs", "fn main", "pub fn main");
    second.cargo(&["build"]).ok().compiled(&["app bin"]);
    let third = with_home(&project, &project.linked("third"), "cargo-home");
    third.edit("crates/app/src/main.rs", "fn main", "pub fn main");
    third.cargo(&["build"]).ok().all_hit();
    let program = std::fs::read(third.path("target/debug/app")).unwrap();
    let speaks = |of: &str| memchr::memmem::find(&program, of.as_bytes()).is_some();
    assert!(speaks("cargo-home/registry") && !speaks("other-home/registry"));
}

/// What only its tests and examples ask for does not count for a library and its build script. A file that is not UTF-8
/// asks for nothing.
#[rstest]
#[requires(sccache)]
fn a_home_whose_path_is_as_long_shares_a_library_whose_tests_ask_for_it(
    #[values(Store::On, Store::Off)] store: Store,
) {
    let lib = "#[cfg(test)] mod place;\nconst TABLE: &[u8] = include_bytes!(\"table.bin\");\npub fn text() -> u8 { TABLE[0] }\n";
    let asks = "pub const PLACE: &str = env!(\"CARGO_MANIFEST_DIR\");\nfn main() {}\n";
    let files = ["tests/place.rs", "examples/place.rs", "src/place.rs"].map(|file| (file, asks));
    let project = Project::new().with(store);
    package(&project, "lowcrate", "", &files);
    let table = project
        .sandbox
        .path("registry-sources/lowcrate/src/table.bin");
    fs::write(table, b"\xff\xfe").unwrap();
    let project = above_in(project, lib, "fn main() {}\n", PRINTS);
    with_home(&project, &project.main(), "cargo-home")
        .cargo(&["build"])
        .ok();
    let second = with_home(&project, &project.linked("second"), "other-home");
    second.cargo(&["build"]).ok().all_hit();
}

/// Its functions may do so. No constant of it does, because tests are not compiled, or `caller` is a function of its own.
#[requires(sccache)]
#[test]
fn a_home_whose_path_is_as_long_shares_a_library_that_asks_for_its_location() {
    let lib = indoc! {"
        enum One { It }
        pub fn text() -> String { text_of(|| One::It as u8 + CALLED) }
        fn text_of<F>(of: F) -> String where F: Fn() -> u8, { format!(\"{} {}\", of(), file!()) }
        const CALLED: u8 = Place::caller();
        struct Place;
        impl Place { const fn caller() -> u8 { 1 } }
        #[cfg(test)] mod tests { const PLACE: &str = file!(); }
    "};
    let project = above(lib, "fn main() {}\n", PRINTS);
    is_shared_with_another_home(&project);
}

/// A macro that was reviewed only stores it.
#[requires(sccache)]
#[test]
fn a_home_whose_path_is_as_long_shares_a_library_with_metadata_of_tracing() {
    let project = Project::new();
    let stores = "#[macro_export] macro_rules! metadata { () => { Metadata { file: file!() } } }\npub struct Metadata { pub file: &'static str }\n";
    package(&project, "tracing-core", "", &[("src/lib.rs", stores)]);
    let lib = "pub use tracing_core::{Metadata, metadata};\n";
    let uses = "[dependencies]\ntracing-core = \"0.1\"\n";
    package(&project, "tracing", uses, &[("src/lib.rs", lib)]);
    let lib = "use tracing::{Metadata, metadata};\nstatic META: Metadata = metadata!();\npub fn text() -> &'static str { META.file }\n";
    let uses = "[dependencies]\ntracing = \"0.1\"\n";
    package(&project, "lowcrate", uses, &[("src/lib.rs", lib)]);
    publish(&project, &["tracing-core", "tracing", "lowcrate"]);
    is_shared_with_another_home(&app_above(project, PRINTS));
}

/// A macro that was reviewed uses the directory of the package only to find a file.
#[rstest]
#[requires(sccache)]
#[case::which_is_not_observed("")]
#[case::which_is_observed(
    "#[allow(dead_code)] fn never() { std::fs::create_dir(\"made\").unwrap(); }\n"
)]
fn a_home_whose_path_is_as_long_shares_a_library_with_a_protocol_of_wayland(#[case] more: &str) {
    let project = Project::new();
    let finds = indoc! {r#"
        use proc_macro::TokenStream;
        #[proc_macro] pub fn generate(input: TokenStream) -> TokenStream {
            let name: String = input.to_string().trim_matches('"').to_owned();
            let mut path = std::path::PathBuf::from(std::env::var_os("CARGO_MANIFEST_DIR").unwrap());
            path.push(name);
            format!("{:?}", std::fs::read_to_string(path).unwrap()).parse().unwrap()
        }
    "#};
    let finds = format!("{finds}{more}");
    let files = [("src/lib.rs", &*finds)];
    package(&project, "wayland-scanner", PROC_MACRO, &files);
    let lib = "pub fn text() -> String { format!(\"{} {}\", wayland_scanner::generate!(\"a.xml\"), file!()) }\n";
    let files = [("src/lib.rs", lib), ("a.xml", "<protocol/>\n")];
    let uses = "[dependencies]\nwayland-scanner = \"0.1\"\n";
    package(&project, "lowcrate", uses, &files);
    publish(&project, &["wayland-scanner", "lowcrate"]);
    is_shared_with_another_home(&app_above(project, PRINTS));
}

/// The program hits in the checkout of another home with a path that is as long, and says what it says without a cache.
fn is_shared_with_another_home(project: &Project) {
    with_home(project, &project.main(), "cargo-home")
        .cargo(&["build"])
        .ok();
    let second = with_home(project, &project.linked("second"), "other-home");
    second.cargo(&["build"]).ok().all_hit();
    let said = says_the_same_uncached(&second);
    assert!(said.contains("other-home"), "{said}");
}

/// As the macros of Rocket.
#[requires(sccache)]
#[test]
fn a_published_macro_may_ask_rustc_for_its_version() {
    let asks = indoc! {r#"
        pub fn version() -> String {
            let rustc = std::env::var("RUSTC").unwrap_or_else(|_| "rustc".to_owned());
            let output = std::process::Command::new(rustc).arg("--verbose").arg("--version").output().unwrap();
            String::from_utf8(output.stdout).unwrap().lines().next().unwrap().to_owned()
        }
    "#};
    let macros = "#[proc_macro] pub fn version(_: proc_macro::TokenStream) -> proc_macro::TokenStream { format!(\"{:?}\", version_check::version()).parse().unwrap() }\n";
    let project = Project::new();
    let manifest = format!("{PROC_MACRO}[dependencies]\nversion_check = \"0.1\"\n");
    package(&project, "version_check", "", &[("src/lib.rs", asks)]);
    package(&project, "lowcrate", &manifest, &[("src/lib.rs", macros)]);
    publish(&project, &["version_check", "lowcrate"]);
    let project = app_above(
        project,
        "fn main() { println!(\"{}\", lowcrate::version!()); }\n",
    );
    let main = with_home(&project, &project.main(), "cargo-home");
    main.cargo(&["build"]).ok();
    assert!(main.says("app").starts_with("rustc 1."));
    let second = with_home(&project, &project.linked("in/second"), "cargo-home");
    second.cargo(&["build"]).ok().all_hit();
    assert_eq!(second.says("app"), main.says("app"));
    let seeded = with_home(&project, &project.linked("in/seeded"), "cargo-home");
    seed(&seeded);
    seeded.cargo(&["build"]).ok().nothing_to_do();
    assert_eq!(seeded.says("app"), main.says("app"));
    // The `rustc` in `PATH` may be a proxy of rustup.
    for directory in ["in/plain", "in/a/plain"] {
        let plain = with_home(&project, &project.linked(directory), "cargo-home").without("RUSTC");
        plain.cargo(&["build"]).ok();
        plain.clean();
        plain.cargo(&["build"]).ok();
        let text = said(&plain, &["wrapper", "explain", "app"]);
        assert!(text.contains("from the cache"), "{text}");
    }
    // cargo uses the same compiler, and the macro finds another one.
    let other = project.sandbox.path("other");
    let text = "#!/bin/sh\necho 'rustc 9.9.9 (other 2030-01-01)'\n";
    script(&project, "other/rustc", text);
    let path = format!("{}:{}", other.display(), std::env::var("PATH").unwrap());
    for directory in ["in/third", "in/fourth"] {
        let third = with_home(&project, &project.linked(directory), "cargo-home");
        let command = third.command("cargo");
        let rustc = command.get_envs().find(|(name, _)| *name == "RUSTC");
        let rustc = rustc.and_then(|(_, value)| value).unwrap();
        third.write(
            ".cargo/config.toml",
            &format!(
                "{}[build]\nrustc = {rustc:?}\n",
                main.read(".cargo/config.toml")
            ),
        );
        let third = third.without("RUSTC").with("PATH", &path);
        seed(&third);
        third.cargo(&["build"]).ok().compiled(&["app bin"]);
        assert_eq!(third.says("app"), "rustc 9.9.9 (other 2030-01-01)\n");
    }
}

/// A value may depend on a path without containing it, in a library that takes the path from another target.
#[rstest]
#[case(
    "exact",
    "const PLACE: &str = match option_env!(\"CARGO_MANIFEST_PATH\") { Some(path) => path, None => \"\" };\n"
)]
#[case("exact", "include!(\"../tests/place.rs\");\n")]
#[case("exact", "const PLACE: &str = file!();\n")]
#[case(
    "shared",
    "const PLACE: &str = std::panic::Location::caller().file();\n"
)]
#[requires(sccache)]
fn what_a_library_computes_from_its_location_counts(#[case] mode: &str, #[case] place: &str) {
    let asks = "pub const PLACE: &str = env!(\"CARGO_MANIFEST_DIR\");\n";
    let sum = "const fn sum() -> u64 { let mut sum = 0; let mut at = 0; while at < PLACE.len() { sum = sum * 31 % 65537 + PLACE.as_bytes()[at] as u64; at += 1; } sum }\npub fn text() -> u64 { const SUM: u64 = sum(); SUM }\n";
    let project = Project::new();
    package(&project, "lowcrate", "", &[("tests/place.rs", asks)]);
    let project = above_in(project, &format!("{place}{sum}"), "fn main() {}\n", PRINTS);
    with_home(&project, &project.main(), "cargo-home")
        .with("SCCFG_WRAPPER_HOME", mode)
        .cargo(&["build"])
        .ok();
    let second = with_home(&project, &project.linked("second"), "other-home");
    let second = second.with("SCCFG_WRAPPER_HOME", mode);
    second.cargo(&["build"]).ok();
    says_the_same_uncached(&second);
}

/// In what is optimised as a whole, no directory can be written over another; but whoever has the
/// other shares it with himself.
#[rstest]
#[case(Store::On, "other-home")]
#[case(Store::Off, "of/somebody/else/home")]
#[requires(sccache)]
fn another_home_shares_what_is_optimised_as_a_whole_between_its_checkouts(
    #[case] store: Store,
    #[case] home: &str,
) {
    let lib = "pub fn text() -> String { std::panic::Location::caller().to_string() }\n";
    let project = above_in(Project::new().with(store), lib, "fn main() {}\n", PRINTS);
    let args = ["build", "--release", "--config", "profile.release.lto=true"];
    with_home(&project, &project.main(), "cargo-home")
        .cargo(&args)
        .ok();
    let first = project.linked("first");
    with_home(&project, &first, home).cargo(&args).ok();
    let second = project.linked("second");
    with_home(&project, &second, home)
        .cargo(&args)
        .ok()
        .all_hit();
}

/// Nothing in it tells that there was a cache.
#[requires(sccache)]
#[test]
fn a_program_is_the_same_bytes_as_without_a_cache() {
    let lib = "pub fn text() -> u8 { let v: Vec<u8> = std::env::args().map(|_| 1).collect(); v[std::hint::black_box(0)] }\n";
    let project = above(lib, "fn main() {}\n", PRINTS);
    let args = ["build", "--release"];
    with_home(&project, &project.main(), "cargo-home")
        .cargo(&args)
        .ok();
    let second = with_home(&project, &project.linked("second"), "cargo-home");
    second.cargo(&args).ok().all_hit();
    let cached = fs::read(second.path("target/release/app")).unwrap();
    second.clean();
    second.uncached(&args).ok();
    assert!(cached == fs::read(second.path("target/release/app")).unwrap());
}

/// Its variable is in the key of the package, and the file is not of the package.
#[rstest]
#[case::observed("")]
#[case::not_observed("unset LD_PRELOAD")]
#[requires(sccache)]
fn a_file_that_a_variable_names_is_included_again(#[case] script: &str) {
    let lib = "pub fn text() -> &'static str { include_str!(env!(\"SCCFG_TEST_FILE\")) }\n";
    let project = above(lib, "fn main() {}\n", PRINTS);
    let file = project.sandbox.path("file");
    for (nth, text) in ["one", "two", "one"].into_iter().enumerate() {
        fs::write(&file, text).unwrap();
        let checkout = project.linked(&format!("checkout{nth}"));
        let (checkout, _) = checkout.with_compiler_script(script);
        let checkout = with_home(&project, &checkout, "cargo-home");
        let checkout = checkout.with("SCCFG_TEST_FILE", file.to_str().unwrap());
        checkout.cargo(&["build"]).ok();
        assert_eq!(checkout.says("app"), format!("{text}\n"));
    }
}

/// Its sources need not be listed for another key.
#[requires(sccache)]
#[test]
fn a_package_that_includes_its_readme_is_compiled_once() {
    let project = Project::new();
    let lib = "#![doc = include_str!(\"../README.md\")]\npub fn text() -> &'static str { \"\" }\n";
    let files = [("src/lib.rs", lib), ("README.md", "Read this.\n")];
    package(&project, "lowcrate", "", &files);
    publish(&project, &["lowcrate"]);
    let uses = "[dependencies]\nlowcrate = \"0.1\"\n";
    let project = project.package("app", uses, &[("src/main.rs", PRINTS)]);
    let project = project.committed();
    let script =
        "case \"$*\" in *crate-name\\ lowcrate\\ *emit=*link*) echo >> \"$dir/compiles\" ;; esac\n";
    let (main, scripts) = project.main().with_compiler_script(script);
    let main = with_home(&project, &main, "cargo-home");
    main.cargo(&["build"]).ok();
    assert_eq!(fs::read_to_string(scripts.join("compiles")).unwrap(), "\n");
}

/// The same name and version from two sources: a registry and a path.
#[requires(sccache)]
#[test]
fn the_same_name_and_version_from_elsewhere_is_another_crate() {
    let project = above(
        "pub fn text() -> &'static str { \"of the registry\" }\n",
        "fn main() {}\n",
        PRINTS,
    );
    let main = with_home(&project, &project.main(), "cargo-home");
    main.cargo(&["build"]).ok();
    let second = with_home(&project, &project.linked("second"), "cargo-home");
    second.write(
        "patched/Cargo.toml",
        &super::project::package("lowcrate", ""),
    );
    second.write(
        "patched/src/lib.rs",
        "pub fn text() -> &'static str { \"patched\" }\n",
    );
    second.append(
        "Cargo.toml",
        "exclude = [\"patched\"]\n[patch.crates-io]\nlowcrate = { path = \"patched\" }\n",
    );
    second.cargo(&["build"]).ok();
    assert_eq!(second.says("app"), "patched\n");
}

/// What is unpacked of a registry may be edited all the same, to look into a defect.
#[requires(sccache)]
#[test]
fn an_edited_source_of_a_registry_is_compiled() {
    let project = above(
        "mod part;\npub fn text() -> &'static str { part::T }\n",
        "fn main() {}\n",
        PRINTS,
    );
    package(
        &project,
        "lowcrate",
        "",
        &[("src/part.rs", "pub const T: &str = \"as published\";\n")],
    );
    publish(&project, &["lowcrate"]);
    let main = with_home(&project, &project.main(), "cargo-home");
    main.remove("Cargo.lock");
    main.cargo(&["build"]).ok();
    assert_eq!(main.says("app"), "as published\n");
    let part = unpacked(&project.sandbox.path("cargo-home")).join("lowcrate-0.1.0/src/part.rs");
    fs::write(&part, "pub const T: &str = \"edited\";\n").unwrap();
    main.clean();
    main.cargo(&["build"]).ok();
    assert_eq!(main.says("app"), "edited\n");
    let other = project.sandbox.path("another-home");
    copy(Path::new(&project.sandbox.path("cargo-home")), &other);
    fs::write(
        other.join(
            part.strip_prefix(project.sandbox.path("cargo-home"))
                .unwrap(),
        ),
        "pub const T: &str = \"as published\";\n",
    )
    .unwrap();
    let second = with_home(&project, &project.linked("second"), "another-home");
    let _ = fs::remove_file(second.path("Cargo.lock"));
    second.write(".cargo/config.toml", &main.read(".cargo/config.toml"));
    second.cargo(&["build"]).ok();
    assert_eq!(second.says("app"), "as published\n");
}
