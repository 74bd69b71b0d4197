//! What a build script reads without declaring it, in a worktree that is seeded: cargo would not notice that it has
//! another value there.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::Path;

use rstest::rstest;

use super::build_scripts::{
    DECLARES_ITSELF, app, app_of, out_dir, put_together, saying, script, take_runs, with_runs,
};
use super::out_dir::says_the_same_uncached;
use super::project::{Checkout, Layout, Project, Store};
use super::seed::{sccfg, seed};

/// A library whose build script evaluates `value`, and declares these inputs; and a program that prints it.
fn project(value: &str, declares: &[&str]) -> Project {
    let lines = declares
        .iter()
        .map(|what| format!("println!(\"cargo::{what}\");\n"));
    let script = format!(
        "use std::os::unix::fs::MetadataExt as _;\nfn main() {{\n{}let value = {value};\n\
         println!(\"cargo::rustc-env=VALUE={{}}\", value.to_string().trim());\n}}\n",
        lines.collect::<String>()
    );
    let script = if value.contains("mode()") {
        script
    } else {
        script.replace("use std::os::unix::fs::MetadataExt as _;\n", "")
    };
    let low = [
        ("build.rs", script.as_str()),
        (
            "src/lib.rs",
            "pub fn value() -> &'static str { env!(\"VALUE\") }\n",
        ),
        ("data.txt", "data\n"),
    ];
    let main = "fn main() { println!(\"{}\", low::value()); }\n";
    Project::new()
        .with_store()
        .package("low", "", &low)
        .package(
            "app",
            "[dependencies]\nlow = { path = \"../low\" }\n",
            &[("src/main.rs", main)],
        )
        .committed()
}

const READS: &str = "std::fs::read_to_string(\"data.txt\").unwrap()";
const BUILD_RS: &str = "rerun-if-changed=build.rs";
const DATA: &str = "rerun-if-changed=data.txt";

/// Seeds, builds, and compares with a build without a cache.
#[track_caller]
fn is_right(linked: &Checkout<'_>) {
    seed(linked);
    linked.cargo(&["build"]).ok();
    let seeded = linked.says("app");
    linked.clean();
    linked.uncached(&["build"]).ok();
    assert_eq!(seeded, linked.says("app"));
}

#[rstest]
#[case::commit(
    "String::from_utf8(std::process::Command::new(\"git\").args([\"rev-parse\", \"HEAD\"]).output().unwrap().stdout).unwrap()"
)]
#[case::head_of_git("std::fs::read_to_string(\"../../.git\").unwrap_or_default()")]
#[case::length_of_its_place("std::env::var(\"CARGO_MANIFEST_DIR\").unwrap().len()")]
#[case::current_directory("std::env::current_dir().unwrap().as_os_str().len()")]
#[case::absolute_path("std::path::absolute(\"x\").unwrap().as_os_str().len()")]
#[case::ignored_file("std::fs::read_to_string(\"local.txt\").unwrap_or_default()")]
#[case::undeclared_file(READS)]
#[case::file_outside("std::fs::read_to_string(\"../app/extra.txt\").unwrap_or_default()")]
#[case::number_of_files("std::fs::read_dir(\".\").unwrap().count()")]
#[requires(sccache)]
fn what_a_script_reads_is_that_of_this_checkout(#[case] value: &str) {
    let project = project(value, &[BUILD_RS]);
    project
        .sandbox
        .write("main/.gitignore", "/target\nlocal.txt\n");
    project.commit(&project.sandbox.path("main"));
    let main = project.main();
    main.write("crates/low/local.txt", "of main\n");
    main.cargo(&["build"]).ok();
    let linked = project.linked("another/second");
    linked.write("crates/low/data.txt", "of the second\n");
    linked.write("crates/app/extra.txt", "of the second\n");
    project.commit(&linked.path(""));
    is_right(&linked);
}

#[rstest]
#[case::named("std::env::var(\"FLAVOUR\").unwrap_or_default()")]
#[case::listed("std::env::vars().filter(|(name, _)| name.starts_with(\"FLAV\")).count()")]
#[case::name_put_together("std::env::var(format!(\"FLAV{}\", \"OUR\")).unwrap_or_default()")]
#[requires(sccache)]
fn a_variable_is_that_of_this_shell(#[case] value: &str) {
    let project = project(value, &[BUILD_RS]);
    project.main().with("FLAVOUR", "one").cargo(&["build"]).ok();
    is_right(&project.linked("second"));
    is_right(&project.linked("third").with("FLAVOUR", "three"));
}

#[rstest]
#[case::mode("std::fs::metadata(\"data.txt\").unwrap().mode() & 0o111")]
#[case::kind("std::fs::symlink_metadata(\"data.txt\").unwrap().is_symlink()")]
#[requires(sccache)]
fn what_a_declared_file_is_counts(#[case] value: &str) {
    let project = project(value, &[BUILD_RS, DATA]);
    project.main().cargo(&["build"]).ok();
    let linked = project.linked("second");
    let data = linked.path("crates/low/data.txt");
    if value.contains("mode") {
        fs::set_permissions(&data, fs::Permissions::from_mode(0o755)).unwrap();
    } else {
        fs::rename(&data, linked.path("crates/low/other.txt")).unwrap();
        symlink("other.txt", &data).unwrap();
    }
    is_right(&linked);
}

/// Such a run is taken.
#[rstest]
#[case::file(READS, &[BUILD_RS, DATA])]
#[case::variable("std::env::var(\"FLAVOUR\").unwrap_or_default()", &["rerun-if-env-changed=FLAVOUR"])]
#[case::of_cargo("std::env::var(\"TARGET\").unwrap() + &std::env::var(\"PROFILE\").unwrap()", &[BUILD_RS])]
#[case::path_of_cargo(
    "std::path::Path::new(&std::env::var(\"CARGO\").unwrap()).ends_with(\"bin/cargo\")",
    &[BUILD_RS]
)]
#[requires(sccache)]
fn a_script_that_declares_all_does_not_run_again(#[case] value: &str, #[case] declares: &[&str]) {
    let project = project(value, declares);
    project.main().cargo(&["build"]).ok();
    let linked = project.linked("second");
    seed(&linked);
    linked.uncached(&["build"]).ok().nothing_to_do();
}

/// Of a published package, whose declared inputs never change.
#[rstest]
#[case::named("env::var(\"FLAVOUR\").unwrap_or_default()")]
#[case::listed("env::vars().filter(|(name, _)| name.starts_with(\"FLAV\")).count().to_string()")]
#[case::name_put_together("env::var(format!(\"FLAV{}\", \"OUR\")).unwrap_or_default()")]
#[case::in_a_shell(
    "String::from_utf8(std::process::Command::new(\"sh\").args([\"-c\", \"echo $FLAVOUR\"]).output().unwrap().stdout).unwrap()"
)]
#[case::of_the_c_library(
    "{ extern \"C\" { fn getenv(name: *const u8) -> *const std::ffi::c_char; } let found = unsafe { getenv(\"FLAVOUR\\0\".as_ptr()) }; found.is_null().to_string() }"
)]
#[requires(sccache)]
fn a_variable_that_a_published_script_reads_is_that_of_this_shell(#[case] value: &str) {
    let project = app(&saying(&format!("{{ {DECLARES_ITSELF} {value} }}"))).committed();
    let main = project.main().with("FLAVOUR", "one");
    main.cargo(&["build"]).ok();
    take_runs(&project);
    let same = project.linked("same").with("FLAVOUR", "one");
    seed(&same);
    same.cargo(&["build"]).ok().nothing_to_do();
    is_right(&project.linked("second"));
    is_right(&project.linked("third").with("FLAVOUR", "three"));
}

/// In dev shells of Nix, `out` is a directory below the current one. Scripts that call compilers have options of that name.
#[requires(sccache)]
#[test]
fn a_variable_of_nix_that_is_called_like_an_option_is_not_read() {
    fn in_shell<'p>(checkout: &Checkout<'p>) -> Checkout<'p> {
        let out = checkout.path("outputs/out");
        checkout.with("out", out.to_str().unwrap())
    }
    let value = "[\"--out-dir\", \"--crate-name=app\"].concat()";
    let project = app(&saying(&format!("{{ {DECLARES_ITSELF} {value} }}"))).committed();
    in_shell(&project.main()).cargo(&["build"]).ok();
    let second = in_shell(&project.linked("second"));
    seed(&second);
    second.cargo(&["build"]).ok().nothing_to_do();
    is_right(&in_shell(&project.linked("third")));
}

/// A shell sets the variable `_` to the path of the program that it starts. Many scripts replace characters by that text.
#[rstest]
#[case::a_replacement("\"a-b\".replace('-', \"_\")", true)]
#[case::a_replacement_of_what_is_listed(
    "env::vars().filter(|(name, _)| name.starts_with(\"NONE_\")).map(|(name, _)| name.replace('-', \"_\")).collect::<String>()",
    true
)]
#[case::a_name("env::var(\"_\").unwrap_or_default()", false)]
#[case::one_of_several_names(
    "[\"_\", \"NONE\"].map(|name| env::var(name).unwrap_or_default()).concat()",
    false
)]
#[case::listed(
    "env::vars().find(|(name, _)| name == \"_\").map(|(_, value)| value).unwrap_or_default()",
    false
)]
#[case::asked_of_a_program(
    "String::from_utf8(std::process::Command::new(\"printenv\").arg(\"_\").output().unwrap().stdout).unwrap()",
    false
)]
#[case::of_the_c_library(
    "{ extern \"C\" { fn getenv(name: *const u8) -> *const std::ffi::c_char; } let found = unsafe { getenv(\"_\\0\".as_ptr()) }; unsafe { std::ffi::CStr::from_ptr(found) }.to_string_lossy().into_owned() }",
    false
)]
#[requires(sccache)]
fn the_program_that_a_shell_starts_counts_if_it_is_read(
    #[case] value: &str,
    #[case] is_same: bool,
) {
    let project = app(&saying(&format!("{{ {DECLARES_ITSELF} {value} }}"))).committed();
    project
        .main()
        .with("_", "/bin/cargo")
        .cargo(&["build"])
        .ok();
    let stored = project.linked("stored").with("_", "/bin/just");
    let built = stored.cargo(&["build"]).ok();
    assert_eq!(take_runs(&project), if is_same { 1 } else { 2 });
    if is_same {
        built.all_hit();
    }
    says_the_same_uncached(&stored);
    let linked = project.linked("other").with("_", "/bin/sccfg");
    seed(&linked);
    let built = linked.cargo(&["build"]).ok();
    if is_same {
        built.nothing_to_do();
    }
    is_right(&project.linked("third").with("_", "/bin/make"));
}

/// Other preloaded libraries may replace the functions by which a run is observed.
#[requires(sccache)]
#[test]
fn the_program_that_a_shell_starts_counts_if_nobody_sees_whether_it_is_read() {
    let value = "{ let name = \"_\"; env::var(name).unwrap_or_default() }";
    let project = app(&saying(&format!("{{ {DECLARES_ITSELF} {value} }}"))).committed();
    let preloading = |checkout: Checkout<'_>, program: &str| {
        let library = "/lib/x86_64-linux-gnu/libm.so.6";
        let checkout = checkout.with("_", program).with("LD_PRELOAD", library);
        checkout.cargo(&["build"]).ok();
        says_the_same_uncached(&checkout);
    };
    preloading(project.main(), "/bin/cargo");
    preloading(project.linked("stored"), "/bin/make");
    is_right(&project.linked("seeded").with("_", "/bin/just"));
}

/// What a script of the workspace reads is not compared, so it may not read the variable.
#[requires(sccache)]
#[test]
fn the_program_that_a_shell_starts_counts_for_a_script_of_the_workspace() {
    let value = "{ let name = \"_\"; std::env::var(name).unwrap_or_default() }";
    let project = project(value, &[BUILD_RS]);
    project
        .main()
        .with("_", "/bin/cargo")
        .cargo(&["build"])
        .ok();
    is_right(&project.linked("other").with("_", "/bin/make"));
}

#[rstest]
#[case::at_a_place_put_together("fs::read_to_string(PLACE).unwrap_or_default()")]
#[case::upwards(
    "std::path::Path::new(&out).ancestors().find_map(|directory| fs::read_to_string(directory.join(\"outside\")).ok()).unwrap_or_default()"
)]
#[requires(sccache)]
fn a_file_that_a_published_script_reads_is_the_current_one(#[case] value: &str) {
    let project = app_of(|sandbox| {
        let value = value.replace("PLACE", &put_together(&sandbox.path("outside")));
        saying(&format!("{{ {DECLARES_ITSELF} {value} }}"))
    });
    let project = project.committed();
    project.main().cargo(&["build"]).ok();
    let same = project.linked("same");
    seed(&same);
    same.cargo(&["build"]).ok().nothing_to_do();
    project.sandbox.write("outside", "it appeared");
    is_right(&project.linked("second"));
}

/// `mkdir -p` and `make install` look for the directories around `OUT_DIR`, which cargo creates before it runs the script.
#[requires(sccache)]
#[test]
fn a_published_script_may_look_for_the_directories_around_its_own() {
    let value = "{ let made = format!(\"{out}/install/lib\"); std::process::Command::new(\"mkdir\").args([\"-p\", &made]).status().unwrap().success(); \
         std::path::Path::new(&out).ancestors().skip(1).take(4).all(std::path::Path::is_dir).to_string() }";
    let project = app(&saying(&format!("{{ {DECLARES_ITSELF} {value} }}"))).committed();
    project.main().cargo(&["build"]).ok();
    let second = project.linked("deeper/second");
    seed(&second);
    second.cargo(&["build"]).ok().nothing_to_do();
    says_the_same_uncached(&second);
}

/// What it wrote there belongs to no unit.
#[requires(sccache)]
#[test]
fn a_published_script_that_writes_beside_its_directory_runs() {
    let value = "{ let beside = std::path::Path::new(&out).ancestors().nth(3).unwrap().join(\"beside\"); fs::write(beside, \"text\").unwrap(); String::new() }";
    let project = app(&saying(&format!("{{ {DECLARES_ITSELF} {value} }}"))).committed();
    project.main().cargo(&["build"]).ok();
    let second = project.linked("second");
    seed(&second);
    second.cargo(&["build"]).ok();
    let beside = second.path("target/debug/beside");
    assert_eq!(fs::read_to_string(beside).unwrap(), "text");
}

/// Many scripts copy libraries or data to the directory of the program that reads them.
#[rstest]
#[case::seen("out.split(\"/build/\").next().unwrap()", Store::On)]
#[case::not_seen("std::path::Path::new(&out).ancestors().nth(3).unwrap()", Store::Off)]
#[requires(sccache)]
fn a_script_of_the_workspace_that_writes_beside_its_directory_runs(
    #[case] profile: &str,
    #[case] store: Store,
) {
    let value = format!(
        "{{ let out = std::env::var(\"OUT_DIR\").unwrap(); let profile = std::path::Path::new({profile}); \
         std::fs::copy(\"data.txt\", profile.join(\"beside\")).unwrap() }}"
    );
    let project = project(&value, &[BUILD_RS, DATA]).with(store);
    project.main().cargo(&["build"]).ok();
    let second = project.linked("second");
    seed(&second);
    second.cargo(&["build"]).ok();
    let beside = second.path("target/debug/beside");
    assert_eq!(fs::read_to_string(beside).unwrap(), "data\n");
}

/// Tests write there, and cargo does not run the script again. A build without a cache has what the script makes.
#[rstest]
#[case::created(|out: &Path| fs::write(out.join("three"), "3").unwrap())]
#[case::changed(|out: &Path| fs::write(out.join("one"), "changed").unwrap())]
#[case::removed(|out: &Path| fs::remove_file(out.join("two")).unwrap())]
#[requires(sccache)]
fn what_was_changed_in_its_directory_after_the_run_is_not_taken(#[case] change: fn(&Path)) {
    let writes = "for (name, text) in [(\"one\", \"1\"), (\"two\", \"2\")] { fs::write(format!(\"{out}/{name}\"), text).unwrap(); }";
    let main = "fn main() {
        let all = std::fs::read_dir(env!(\"OUT_DIR\")).unwrap().map(|entry| entry.unwrap().path());
        let mut all: Vec<_> = all.map(|path| (path.file_name().unwrap().to_owned(), std::fs::read_to_string(path).unwrap())).collect();
        all.sort();
        println!(\"{all:?}\");
    }";
    let build = script(&format!("{DECLARES_ITSELF} {writes}"));
    let files = [("build.rs", build.as_str()), ("src/main.rs", main)];
    let project = with_runs(Project::new().with_store()).package("app", "", &files);
    let project = project.committed();
    let main = project.main();
    main.cargo(&["build"]).ok();
    let second = project.linked("second");
    seed(&second);
    assert!(out_dir(&second).join("one").exists());
    second.cargo(&["build"]).ok();
    // The system's clock goes on in ticks.
    std::thread::sleep(std::time::Duration::from_millis(20));
    change(&out_dir(&main));
    let third = project.linked("third");
    sccfg(&third, &["seed", "--from", main.text()]);
    third.cargo(&["build"]).ok();
    says_the_same_uncached(&third);
    // What was seeded is as good as what the script made.
    let fourth = project.linked("fourth");
    sccfg(&fourth, &["seed", "--from", second.text()]).status(0);
    assert!(out_dir(&fourth).join("one").exists());
}

/// The script expects an empty directory, as cargo creates it.
#[requires(sccache)]
#[test]
fn nothing_is_left_of_a_run_that_cannot_be_seeded() {
    let lines = "for number in 0..30 { fs::create_dir(format!(\"{out}/{number}\")).unwrap(); } \
        fs::write(format!(\"{out}/data\"), format!(\"\\0{out}\\0\")).unwrap();";
    let project = app(&saying(&format!(
        "{{ {DECLARES_ITSELF} {lines} String::new() }}"
    )))
    .committed();
    // Without the store, nothing tells before the delivery that the path cannot be replaced.
    let main = project.main().with("SCCFG_STORE", "off");
    main.cargo(&["build"]).ok();
    let second = project.linked("second");
    let seeded = sccfg(&second, &["seed", "--verbose"]).status(0);
    seeded.stderr_has("contains the path of the other checkout");
    second.cargo(&["build"]).ok();
    says_the_same_uncached(&second);
}

/// The checkout in a shell whose variables name the directory `sdk`.
fn with_sdk<'p>(checkout: &Checkout<'p>, sdk: &Path) -> Checkout<'p> {
    let flags = format!("-include {}/version.txt", sdk.display());
    let named = checkout.with("MY_SDK", sdk.to_str().unwrap());
    named.with("MY_CFLAGS", &flags)
}

/// A published script may read a directory that a variable names, such as `OPENSSL_DIR`.
#[rstest]
#[case::of_a_variable(
    "fs::read_to_string(env::var(\"MY_SDK\").unwrap() + \"/version.txt\").unwrap()"
)]
#[case::of_a_text("fs::read_to_string(\"SDK/version.txt\").unwrap()")]
#[case::of_flags(
    "String::from_utf8(std::process::Command::new(\"cc\").args(env::var(\"MY_CFLAGS\").unwrap().split(' ')).args([\"-E\", \"-P\", \"-xc\", \"data\"]).output().unwrap().stdout).unwrap()"
)]
#[requires(sccache)]
fn what_a_published_script_names_counts(#[case] value: &str) {
    let project = app_of(|sandbox| {
        let value = value.replace("SDK/", &format!("{}/", sandbox.path("sdk").display()));
        saying(&format!("{{ {DECLARES_ITSELF} {value} }}"))
    });
    let project = project.committed();
    let sdk = project.sandbox.path("sdk");
    let write = |version: &str| project.sandbox.write("sdk/version.txt", version);
    write("one\n");
    with_sdk(&project.main(), &sdk).cargo(&["build"]).ok();
    let same = with_sdk(&project.linked("same"), &sdk);
    seed(&same);
    same.uncached(&["build"]).ok().nothing_to_do();
    write("another\n");
    let other = with_sdk(&project.linked("other"), &sdk);
    seed(&other);
    other.cargo(&["build"]).ok();
    says_the_same_uncached(&other);
}

/// The wrapper knows only what the script read when the wrapper ran it.
#[rstest]
#[requires(sccache)]
fn a_run_without_the_wrapper_is_not_taken_for_the_run_before(
    #[values(Layout::V1, Layout::V2)] layout: Layout,
) {
    let project = project(READS, &["rerun-if-changed=trigger"]).with_layout(layout);
    let main = project.main();
    main.write("crates/low/trigger", "");
    project.commit(&main.directory);
    main.cargo(&["build"]).ok();
    main.write("crates/low/data.txt", "other\n");
    main.write("crates/low/trigger", "");
    main.uncached(&["build"]).ok();
    assert_eq!(main.says("app"), "other\n");
    main.write("crates/low/data.txt", "data\n");
    is_right(&project.linked("second"));
}

/// A library whose build script evaluates this, in a project without the local store: its runs are not observed.
fn unobserved(value: &str, declares: &[&str]) -> Project {
    project(value, declares).without_store()
}

/// cargo does not run the script again in the first checkout.
#[rstest]
#[case::edited(|main: &Checkout<'_>| main.write("crates/low/data.txt", "other\n"))]
#[case::removed(|main: &Checkout<'_>| main.remove("crates/low/data.txt"))]
#[requires(sccache)]
fn an_undeclared_file_that_has_changed_in_both_checkouts_counts(
    #[case] change: fn(&Checkout<'_>),
    #[values(true, false)] is_observed: bool,
) {
    let value = "std::fs::read_to_string(\"data.txt\").unwrap_or_default()";
    let project = if is_observed {
        project(value, &[BUILD_RS])
    } else {
        unobserved(value, &[BUILD_RS])
    };
    let main = project.main();
    main.cargo(&["build"]).ok();
    change(&main);
    project.commit(&main.directory);
    is_right(&project.linked("second"));
}

#[rstest]
#[case::a_file("std::fs::read_to_string(std::env::var(\"PLACE\").unwrap()).unwrap()")]
#[case::in_a_directory(
    "std::fs::read_to_string(std::env::var(\"PLACE\").unwrap() + \"/../place.txt\").unwrap()"
)]
#[requires(sccache)]
fn a_file_that_a_declared_variable_names_counts(
    #[case] value: &str,
    #[values(true, false)] is_observed: bool,
) {
    let declares = [BUILD_RS, "rerun-if-env-changed=PLACE"];
    let project = if is_observed {
        project(value, &declares)
    } else {
        unobserved(value, &declares)
    };
    let place = project.sandbox.path("place.txt");
    let named = if value.contains("..") {
        fs::create_dir(project.sandbox.path("beside")).unwrap();
        project.sandbox.path("beside")
    } else {
        place.clone()
    };
    let named = named.to_str().unwrap();
    fs::write(&place, "before").unwrap();
    project.main().with("PLACE", named).cargo(&["build"]).ok();
    fs::write(&place, "after").unwrap();
    is_right(&project.linked("second").with("PLACE", named));
}
