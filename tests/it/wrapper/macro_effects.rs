//! What a procedural macro asks for while it runs, however its source says so: the environment,
//! files, programs, the time. What is delivered must be what it would make here and now.

use super::environment::{PROC_MACRO, USES_MACROS};
use super::macro_workspace::{Macro, macro_crate, plain, texts, workspace};
use super::project::Project;
use indoc::indoc;

const PRINTS: &str = "fn main() { println!(\"{}\", mac::it!()); }\n";

/// Macros that ask in a way that says itself what is unusual about it.
fn plain_values(values: &[&'static str]) -> Vec<Macro> {
    values.iter().map(|value| plain(value, value)).collect()
}

/// Builds with one value of the variable, then with another in a second worktree. What is wrong is
/// returned.
fn wrong_values(cases: &[Macro]) -> Vec<String> {
    let project = workspace(cases, "", "").committed();
    let mut wrong = Vec::new();
    let main = project.main();
    let second = project.linked("second");
    for (checkout, value) in [(&main, "one"), (&second, "two")] {
        let said = texts(&checkout.with("SCCFG_TEST_VALUE", value));
        assert_eq!(said.len(), cases.len());
        for (said, case) in said.iter().zip(cases) {
            if said != value {
                wrong.push(format!("{said} instead of {value}: {}", case.what));
            }
        }
    }
    wrong
}

/// Each of these reads the variable without a line that says `env::var("SCCFG_TEST_VALUE")`.
#[requires(sccache)]
#[test]
fn a_variable_counts_however_it_is_read() {
    let cases = plain_values(&[
        // The module under another name, or the function.
        "use std::env as e;\nfn value() -> String { e::var(\"SCCFG_TEST_VALUE\").unwrap() }",
        "use std::{env as e, fmt as _};\nfn value() -> String { e::var(\"SCCFG_TEST_VALUE\").unwrap() }",
        "use std as s;\nfn value() -> String { s::env::var(\"SCCFG_TEST_VALUE\").unwrap() }",
        "extern crate std as s;\nfn value() -> String { s::env::var(\"SCCFG_TEST_VALUE\").unwrap() }",
        "use std::env::var as get;\nfn value() -> String { get(\"SCCFG_TEST_VALUE\").unwrap() }",
        "use std::env::*;\nfn value() -> String { var(\"SCCFG_TEST_VALUE\").unwrap() }",
        "mod a { pub use std::env as e; }\nuse a::e::var_os;\nfn value() -> String { var_os(\"SCCFG_TEST_VALUE\").unwrap().into_string().unwrap() }",
        "mod a { pub(crate) use std::env as e; }\nfn value() -> String { a::e::var(\"SCCFG_TEST_VALUE\").unwrap() }",
        "fn value() -> String { let get = std::env::var::<&str>; get(\"SCCFG_TEST_VALUE\").unwrap() }",
        "fn value() -> String { ::std :: /* here */ env\n::\nvar ( r\"SCCFG_TEST_VALUE\" ).unwrap() }",
        "fn value() -> String { r#std::r#env::r#var(\"SCCFG_TEST_VALUE\").unwrap() }",
        // What looks like a comment, or like code for tests.
        "fn value() -> String { let _u = \"https://example.org\"; std::env::var(\"SCCFG_TEST_VALUE\").unwrap() }",
        "fn value() -> String { let _u = \"/*\"; std::env::var(\"SCCFG_TEST_VALUE\").unwrap() /* \"*/ }",
        "#[cfg(test)]\nmod tests {\n    fn f() {}\n} // mod tests\nfn value() -> String { std::env::var(\"SCCFG_TEST_VALUE\").unwrap() }",
        "#[cfg(test)]\nmod tests {\n} fn value() -> String { std::env::var(\"SCCFG_TEST_VALUE\").unwrap() }",
        "macro_rules! kept { (# $_a:tt $($t:tt)*) => { $($t)* } }\nkept! { #[cfg(test)] fn value() -> String { std::env::var(\"SCCFG_TEST_VALUE\").unwrap() } }",
        // A name that is put together.
        "fn value() -> String { std::env::vars().find(|(name, _)| name.ends_with(\"TEST_VALUE\")).unwrap().1 }",
        "fn value() -> String { std::env::var([\"SCCFG\", \"TEST\", \"VALUE\"].join(\"_\")).unwrap() }",
        "const NAME: &str = concat!(\"SCCFG_\", \"TEST_VALUE\");\nfn value() -> String { std::env::var(NAME).unwrap() }",
        "fn read(name: &str) -> String { let name = format!(\"SCCFG_{name}\"); std::env::var(name).unwrap() }\nfn value() -> String { read(\"TEST_VALUE\") }",
        "fn read(name: &str) -> String { std::env::var(name).unwrap() }\nfn value() -> String { let f = read; f(&[\"SCCFG\", \"_TEST_VALUE\"].concat()) }",
        // Code that a macro by example writes.
        "macro_rules! get { ($f:ident) => { std::env::$f(\"SCCFG_TEST_VALUE\").unwrap() } }\nfn value() -> String { get!(var) }",
        "macro_rules! get { ($($t:tt)*) => { $($t)*(\"SCCFG_TEST_VALUE\").unwrap() } }\nfn value() -> String { get!(std::env::var) }",
        "use std::env;\nmacro_rules! get { ($m:ident $f:ident) => { $m::$f(\"SCCFG_TEST_VALUE\").unwrap() } }\nfn value() -> String { get!(env var) }",
        "macro_rules! get { ($a:ident $b:ident) => { $a::$b::var(\"SCCFG_TEST_VALUE\").unwrap() } }\nfn value() -> String { get!(std env) }",
        "macro_rules! quote { ($($t:tt)*) => { $($t)* } }\nfn value() -> String { quote! { std::env::var(\"SCCFG_TEST_VALUE\").unwrap() } }",
        // Past the standard library.
        "unsafe extern \"C\" { fn getenv(name: *const std::ffi::c_char) -> *const std::ffi::c_char; }\nfn value() -> String { unsafe { std::ffi::CStr::from_ptr(getenv(c\"SCCFG_TEST_VALUE\".as_ptr())) }.to_str().unwrap().to_owned() }",
        "fn value() -> String { let all = std::fs::read(\"/proc/self/environ\").unwrap(); let text = String::from_utf8_lossy(&all).into_owned(); text.split('\\0').find_map(|it| it.strip_prefix(\"SCCFG_TEST_VALUE=\")).unwrap().to_owned() }",
        "use std::process as p;\nfn value() -> String { String::from_utf8(p::Command::new(\"printenv\").arg(\"SCCFG_TEST_VALUE\").output().unwrap().stdout).unwrap().trim().to_owned() }",
    ]);
    assert_eq!(wrong_values(&cases), [""; 0]);
}

/// The macro's crate itself names nothing of the standard library that matters.
#[requires(sccache)]
#[test]
fn a_variable_that_a_dependency_of_the_macro_reads_counts() {
    let cases = [
        (
            "pub use std::env;",
            "fn value() -> String { helper::env::var(\"SCCFG_TEST_VALUE\").unwrap() }",
        ),
        (
            "pub use std as base;",
            "fn value() -> String { helper::base::env::var(\"SCCFG_TEST_VALUE\").unwrap() }",
        ),
        (
            "pub use std::env::*;",
            "fn value() -> String { helper::var(\"SCCFG_TEST_VALUE\").unwrap() }",
        ),
        (
            "pub fn read(name: &str) -> String { std::env::var(name).unwrap() }",
            "fn value() -> String { helper::read(\"SCCFG_TEST_VALUE\") }",
        ),
        (
            "#[macro_export] macro_rules! read { () => { std::env::var(\"SCCFG_TEST_VALUE\").unwrap() } }",
            "fn value() -> String { helper::read!() }",
        ),
        (
            "#[macro_export] macro_rules! quote { ($($t:tt)*) => { $($t)* } }",
            "use helper::quote;\nfn value() -> String { quote! { std::env::var(\"SCCFG_TEST_VALUE\").unwrap() } }",
        ),
    ]
    .map(|(helper, value)| Macro {
        what: helper,
        value,
        helper: Some(helper),
        files: &[],
    });
    assert_eq!(wrong_values(&cases), [""; 0]);
}

/// The macro's crate has its code written by another macro.
#[requires(sccache)]
#[test]
fn a_variable_that_code_of_another_macro_reads_counts() {
    const WRITES: &str = "#[proc_macro] pub fn write(_: proc_macro::TokenStream) -> proc_macro::TokenStream { \"std::env::vars().find(|it| it.0 == \\\"SCCFG_TEST_VALUE\\\").unwrap().1\".parse().unwrap() }\n";
    let case = Macro {
        what: "written",
        value: "fn value() -> String { helper::write!() }",
        helper: Some(WRITES),
        files: &[],
    };
    assert_eq!(wrong_values(&[case]), [""; 0]);
}

/// The code stands in another file, which rustc finds in each of its ways.
#[requires(sccache)]
#[test]
fn a_variable_counts_wherever_the_code_is() {
    const READS: &str =
        "pub(crate) fn value() -> String { std::env::var(\"SCCFG_TEST_VALUE\").unwrap() }\n";
    const READS_ALL: &str = "fn value() -> String { std::env::vars().find(|it| it.0 == \"SCCFG_TEST_VALUE\").unwrap().1 }\n";
    const SCRIPT: &str = indoc! {r#"
        fn main() { println!("cargo::rerun-if-changed=build.rs"); let out = std::env::var("OUT_DIR").unwrap();
        std::fs::write(format!("{out}/made.rs"), "fn value() -> String { std::env::vars().find(|it| it.0 == \"SCCFG_TEST_VALUE\").unwrap().1 }").unwrap(); }
    "#};
    const fn macro_of(
        value: &'static str,
        files: &'static [(&'static str, &'static str)],
    ) -> Macro {
        Macro {
            what: value,
            value,
            helper: None,
            files,
        }
    }
    let cases = [
        macro_of("include!(\"value.in\");", &[("src/value.in", READS_ALL)]),
        macro_of(
            "include!(concat!(env!(\"CARGO_MANIFEST_DIR\"), \"/code/value\"));",
            &[("code/value", READS_ALL)],
        ),
        macro_of(
            "include!(\"one.in\");",
            &[
                ("src/one.in", "include!(\"../tests/two.txt\");"),
                ("tests/two.txt", READS_ALL),
            ],
        ),
        macro_of(
            "#[path = \"../tests/value.rs\"] mod other;\nuse other::value;",
            &[("tests/value.rs", READS)],
        ),
        macro_of(
            "#[cfg_attr(all(), path = \"other/place.inc\")] mod other;\nuse other::value;",
            &[("src/other/place.inc", READS)],
        ),
        macro_of("mod tests;\nuse tests::value;", &[("src/tests.rs", READS)]),
        macro_of(
            "mod a { pub(crate) mod b; }\nuse a::b::value;",
            &[("src/a/b/mod.rs", READS)],
        ),
        macro_of(
            "include!(concat!(env!(\"OUT_DIR\"), \"/made.rs\"));",
            &[("build.rs", SCRIPT)],
        ),
    ];
    assert_eq!(wrong_values(&cases), [""; 0]);
}

/// A file that no source of the program names, outside of the workspace.
#[requires(sccache)]
#[test]
fn a_file_that_only_the_macro_names_counts() {
    let mut wrong = Vec::new();
    for read in [
        "std::fs::read_to_string(FILE).unwrap()",
        "{ use std::fs as f; f::read_to_string(FILE).unwrap() }",
        "{ use std::io::Read as _; let mut text = String::new(); std::fs::File::open(FILE).unwrap().read_to_string(&mut text).unwrap(); text }",
        "std::path::Path::new(FILE).metadata().unwrap().len().to_string()",
    ] {
        let project = Project::new();
        let file = project.sandbox.path("outside.txt");
        let value = format!(
            "const FILE: &str = {:?};\nfn value() -> String {{ {read} }}",
            file.to_str().unwrap()
        );
        let project = project
            .package("mac", PROC_MACRO, &[("src/lib.rs", &macro_crate(&value))])
            .package("app", USES_MACROS, &[("src/main.rs", PRINTS)])
            .committed();
        let mut said = Vec::new();
        for (checkout, text) in [
            (project.main(), "1"),
            (project.linked("second"), "22"),
            (project.linked("third"), "333"),
        ] {
            std::fs::write(&file, text).unwrap();
            checkout.cargo(&["build"]).ok();
            said.push(checkout.says("app"));
        }
        let is_length = read.contains("len()");
        let wanted = if is_length {
            ["1\n", "2\n", "3\n"]
        } else {
            ["1\n", "22\n", "333\n"]
        };
        if said != wanted {
            wrong.push(format!("{read}: {said:?}"));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// What no key can have: the unit above is compiled each time, and `explain` says why.
#[requires(sccache)]
#[test]
fn units_with_unknown_inputs_are_compiled_each_time() {
    let expected = [
        (
            "use std::time as t;\nfn value() -> String { format!(\"{:?}\", t::SystemTime::now()) }",
            "std::time",
        ),
        (
            "use std::time::{Instant as I};\nfn value() -> String { format!(\"{:?}\", I::now()) }",
            "std::time",
        ),
        (
            "fn value() -> String { std::time::UNIX_EPOCH.elapsed().unwrap().as_nanos().to_string() }",
            "std::time",
        ),
        (
            "use std::process as p;\nfn value() -> String { String::from_utf8(p::Command::new(\"true\").output().unwrap().stdout).unwrap() }",
            "runs true",
        ),
        (
            "fn value() -> String { std::process::id().to_string() }",
            "std::process",
        ),
        (
            "use std::net::ToSocketAddrs;\nfn value() -> String { format!(\"{:?}\", \"localhost:1\".to_socket_addrs().is_ok()) }",
            "std::net",
        ),
        (
            "fn value() -> String { std::net::TcpStream::connect(\"127.0.0.1:1\").is_ok().to_string() }",
            "std::net",
        ),
        (
            "fn value() -> String { std::os::unix::net::UnixStream::connect(\"/nowhere\").is_ok().to_string() }",
            "std::os",
        ),
        (
            "use std::fs as files;\nfn value() -> String { let _ = files::create_dir_all(\"target/by-the-macro\"); String::new() }",
            "std::fs",
        ),
        (
            "fn value() -> String { use std::hash::{BuildHasher, RandomState}; RandomState::new().hash_one(1).to_string() }",
            "random",
        ),
    ];
    let cases = plain_values(&expected.map(|(value, _)| value));
    let project = workspace(&cases, "", "").committed();
    let main = project.main();
    main.cargo(&["build"]).ok();
    main.clean();
    project.forget_compiles();
    let built = main.cargo(&["build"]).ok();
    let report = super::command::said(&main, &["report", "--json"]);
    let report: serde_json::Value = serde_json::from_str(&report).unwrap();
    // The program that uses them as well.
    assert_eq!(
        report["counts"]["uncached"],
        expected.len() + 1,
        "{report:#}"
    );
    let mut wrong = Vec::new();
    for (number, (value, said)) in expected.iter().enumerate() {
        if !built.compiled.contains(&format!("use{number} lib")) {
            wrong.push(format!("not compiled: {value}"));
        }
        let mut explain = main.command(env!("CARGO_BIN_EXE_sccfg"));
        let explained = explain
            .args(["wrapper", "explain", &format!("use{number}")])
            .output()
            .unwrap();
        let text = String::from_utf8(explained.stdout).unwrap();
        if !text.contains(said) || !text.contains(&format!("mac{number}")) {
            wrong.push(format!("no `{said}` in {text}: {value}"));
        }
        if text.contains("and stored") || text.contains("shared only between") {
            wrong.push(format!("stored: {text}: {value}"));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// The other side: what is text, comment or a test asks for nothing, and what is named is all.
#[requires(sccache)]
#[test]
fn macros_without_inputs_are_shared() {
    let cases = plain_values(&[
        "// use std::env; std::process::Command::new(\"x\")\n/* std::env::vars() /* std::fs */ */\nfn value() -> String { \"std::env::vars()\".to_owned() }",
        "#[cfg(test)]\nmod tests { use std::{env, fs, process, time::SystemTime}; #[test] fn t() { let _ = (env::vars(), fs::read(\"x\"), process::id(), SystemTime::now()); } }\nfn value() -> String { \"x\".to_owned() }",
        "use std::collections::HashMap;\nuse std::time::Duration;\nuse std::net::{IpAddr, Ipv4Addr};\nfn value() -> String { let _: HashMap<u8, Duration> = HashMap::new(); IpAddr::V4(Ipv4Addr::LOCALHOST).to_string() }",
        "use std::env;\nfn value() -> String { env::var(\"CARGO_PKG_NAME\").unwrap() }",
        "use std::env;\nfn named(at: u8, name: &str) -> String { match env::var(name) { Ok(it) => format!(\"{at}{it}\"), Err(_) => name.to_owned() } }\nfn value() -> String { named(1, \"CARGO_PKG_NAME\") + &named(2, \"CARGO_PKG_VERSION\") }",
        "const NAME: &str = \"CARGO_PKG_NAME\";\nfn value() -> String { std::env::var(NAME).unwrap() }",
        "use std::env;\nfn value() -> String { let env = 1; (env + 1).to_string() }",
    ]);
    let project = workspace(&cases, "", "").committed();
    let main = project.main();
    main.with("SCCFG_TEST_VALUE", "one").cargo(&["build"]).ok();
    let second = project.linked("second");
    second.write("README.md", "Of the second.");
    second
        .with("SCCFG_TEST_VALUE", "two")
        .cargo(&["build"])
        .ok()
        .all_hit();
}
